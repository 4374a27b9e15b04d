"""What makers say their GPUs can do at most, each figure with its source. From knowledge/datasheets.json.

Importing this module imports neither torch nor the rest of the tool's knowledge.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from dreamrig.words import TERA
from provision.checked_json import Reader, read_json

SCHEMA = 1
MEGA = 1e6
PRECISIONS = ("fp32", "tf32", "fp16", "bf16")


@dataclass(frozen=True)
class Figure:
    """One number of a datasheet."""

    value: float
    source: str
    """Where it stands."""
    doubt: str = ""
    """Why it may be wrong; "" = no reason known."""


@dataclass(frozen=True, kw_only=True)
class Datasheet:
    """One GPU as its maker describes it. None = it has no such unit, or nobody found the figure."""

    key: str
    name: str
    match: str
    """Regular expression for the names that drivers give it."""
    architecture: str
    colab: str | None
    """When Google Colab has had it; None = never."""
    lanes: int | None
    """fp32 multiply-adds per clock."""
    tensor_lanes: int | None
    """fp16 multiply-adds per clock of the tensor cores, dense, accumulated in fp32; half as many in TF32."""
    boost_mhz: float | None
    boost_is_limit: bool
    """Whether it never clocks above boost_mhz. GeForce cards do, so that their figures limit nothing exactly."""
    fp32_tflops: Figure
    fp16_tflops: Figure | None
    """Without tensor cores."""
    tf32_tensor_tflops: Figure | None
    fp16_tensor_tflops: Figure | None
    """Dense, accumulated in fp32."""
    bf16_tensor_tflops: Figure | None
    bandwidth_gb_per_second: Figure | None
    memory_gib: Figure | None
    power_watts: Figure | None

    def peak_tflops(self, precision: str) -> float:
        """The most its fastest unit for that precision can do; what it has no unit for runs in fp32.

        The larger of the printed figure and of what the lanes do at the boost clock: printed figures are rounded,
        and some are printed for a lower clock than the card reaches.
        """
        units = {
            "tf32": ((self.tf32_tensor_tflops, self._at_boost(self.tensor_lanes) / 2),),
            "fp16": (
                (self.fp16_tensor_tflops, self._at_boost(self.tensor_lanes)),
                (self.fp16_tflops, 0.0),
            ),
            "bf16": ((self.bf16_tensor_tflops, self._at_boost(self.tensor_lanes)),),
        }.get(precision, ())
        found = [max(unit.value, at_boost) for unit, at_boost in units if unit is not None]
        return max([self.fp32_tflops.value, self._at_boost(self.lanes), *found])

    def _at_boost(self, lanes: int | None) -> float:
        """TFLOP/s of so many multiply-adds per clock; 0 where lanes or clock are not known."""
        return 2 * lanes * self.boost_mhz * MEGA / TERA if lanes and self.boost_mhz else 0.0

    def doubts(self) -> dict[str, str]:
        """Field -> why its figure may be wrong."""
        figures = {name: value for name, value in vars(self).items() if isinstance(value, Figure)}
        return {name: figure.doubt for name, figure in figures.items() if figure.doubt}


def with_article(name: str) -> str:
    """ "an RTX 3090", "a T4": many names are letters, read with a vowel first."""
    return f"{'an' if name[:1] in 'AEFHILMNORSX' else 'a'} {name}"


@functools.cache
def datasheets() -> tuple[Datasheet, ...]:
    """All of them, in the order of the file; KnowledgeError where the file is damaged."""
    return parse_datasheets(read_json("datasheets.json"), "datasheets.json")


def parse_datasheets(node: object, source: str) -> tuple[Datasheet, ...]:
    """Datasheets from parsed JSON; KnowledgeError names the first field that is wrong."""
    top = Reader(node, source)  # type: ignore[arg-type]  # the reader refuses what is no object
    if top.get("schema", "a whole number") != SCHEMA:
        raise top.error(f"has schema {top.node['schema']}, and this version reads {SCHEMA}")
    sources: Mapping[str, str] = top.get("sources", "an object")
    return tuple(_parse(item, sources) for item in top.objects("gpus"))


def _parse(item: Reader, sources: Mapping[str, str]) -> Datasheet:
    fp32 = _figure(item, "fp32_tflops", sources)
    if fp32 is None:
        raise item.error("has no 'fp32_tflops'")
    return Datasheet(
        key=item.get("key", "a text"),
        name=item.get("name", "a text"),
        match=_pattern(item),
        architecture=item.get("architecture", "a text"),
        colab=item.get("colab", "a text", optional=True),
        lanes=item.get("lanes", "a whole number", optional=True),
        tensor_lanes=item.get("tensor_lanes", "a whole number", optional=True),
        boost_mhz=item.get("boost_mhz", "a number", optional=True),
        boost_is_limit=item.get("boost_is_limit", "true or false"),
        fp32_tflops=fp32,
        fp16_tflops=_figure(item, "fp16_tflops", sources),
        tf32_tensor_tflops=_figure(item, "tf32_tensor_tflops", sources),
        fp16_tensor_tflops=_figure(item, "fp16_tensor_tflops", sources),
        bf16_tensor_tflops=_figure(item, "bf16_tensor_tflops", sources),
        bandwidth_gb_per_second=_figure(item, "bandwidth_gb_per_second", sources),
        memory_gib=_figure(item, "memory_gib", sources),
        power_watts=_figure(item, "power_watts", sources),
    )


def _pattern(item: Reader) -> str:
    match: str = item.get("match", "a text")
    try:
        re.compile(match)
    except re.error as error:
        raise item.error(f"has a 'match' that is no regular expression: {error}") from error
    return match


def _figure(item: Reader, key: str, sources: Mapping[str, str]) -> Figure | None:
    node = item.get(key, "an object", optional=True)
    if node is None:
        return None
    figure = Reader(node, f"{item.where}.{key}")
    value, source = float(figure.get("value", "a number")), figure.get("source", "a text")
    if not value > 0:
        raise figure.error(f"has 'value' {value}, which is not above 0")
    if source not in sources:
        raise figure.error(f"has 'source' {source!r}, which the file does not explain")
    return Figure(value, sources[source], figure.get("doubt", "a text", optional=True) or "")


def find_datasheet(name: str) -> Datasheet | None:
    """The sheet of the GPU that a driver calls `name`; None where there is none."""
    return next((sheet for sheet in datasheets() if re.search(sheet.match, name, re.IGNORECASE)), None)


def datasheet(key: str) -> Datasheet:
    """The sheet with that key; KeyError where there is none."""
    return {sheet.key: sheet for sheet in datasheets()}[key]


def colab_datasheets() -> tuple[Datasheet, ...]:
    """The GPUs that Google Colab gives or gave, the slowest in fp32 first."""
    return tuple(sorted((sheet for sheet in datasheets() if sheet.colab), key=lambda sheet: sheet.peak_tflops("fp32")))
