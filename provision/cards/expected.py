"""What a card may be expected to do that nobody measured here, with its error: from knowledge/expected.json.

How cards compare on other people's networks carries over, datasheets do not. docs/benchmark-expected.md holds the
facts, the model, its errors, and when nothing is expected.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dreamrig.words import TERA, rough
from provision.cards.datasheets import Datasheet, with_article
from provision.checked_json import Reader, read_json

SCHEMA = 1
LAUNCH_BOUND_FLOPS = 0.2 * TERA
"""A step of less waits for its launches on a GPU, and says little of cards."""
HALF = frozenset(("mixed", "fp16", "bf16"))
"""Precisions, as a config names them, that the tables in half precision speak of."""

Width = Literal["full", "half"]


@dataclass(frozen=True)
class Expectation:
    """One card on some work: expected, not measured."""

    sheet: Datasheet
    steps_per_second: float
    low: float
    high: float
    """95 %."""
    basis: str
    """What it was made from, in words."""

    def describe(self, own_steps_per_second: float, at_least: str = "") -> str:
        """One sentence that says what follows for somebody of that pace.

        at_least: the factor that is certain by the datasheet, "" for none.
        """
        factor = own_steps_per_second / self.steps_per_second
        beside = (
            f"this rig is about {rough(factor)}x as fast" if factor >= 1 else f"about {rough(1 / factor)}x this rig"
        )
        name = with_article(self.sheet.name)
        certain = f", {at_least}x at least by its datasheet" if at_least else ""
        return (
            f"{name[0].upper()}{name[1:]} is expected, not measured, to do about "
            f"{rough(self.steps_per_second)} it/s here ({rough(self.low)} to {rough(self.high)}): {beside}{certain}."
        )


@dataclass(frozen=True)
class _Table:
    """The tables of one precision."""

    paces: Mapping[str, float]
    """Key of a datasheet -> pace; 1 = a V100 SXM2."""
    factor: float
    """How far a ratio of two may be off either way (95 %)."""
    networks: int


@dataclass(frozen=True)
class _Knowledge:
    tables: Mapping[Width, _Table]
    tflops: float
    """Of convolution nets on a V100 SXM2 in full precision, counted directly."""
    factor: float
    networks: int


@functools.cache
def _knowledge() -> _Knowledge:
    top = Reader(read_json("expected.json"), "expected.json")
    if top.get("schema", "a whole number") != SCHEMA:
        raise top.error(f"has schema {top.node['schema']}, and this version reads {SCHEMA}")
    tables = Reader(top.get("precisions", "an object"), "expected.json: precisions")
    rate = Reader(top.get("rate", "an object"), "expected.json: rate")
    return _Knowledge(
        tables={"full": _table(tables, "full"), "half": _table(tables, "half")},
        tflops=float(rate.get("tflops", "a number")),
        factor=float(rate.get("factor", "a number")),
        networks=rate.get("networks", "a whole number"),
    )


def _table(tables: Reader, width: Width) -> _Table:
    node = Reader(tables.get(width, "an object"), f"{tables.where}.{width}")
    paces = Reader(node.get("paces", "an object"), f"{node.where}.paces")
    return _Table(
        paces={key: float(paces.get(key, "a number")) for key in paces.node},
        factor=float(node.get("factor", "a number")),
        networks=node.get("networks", "a whole number"),
    )


def width_of(precision: str) -> Width | None:
    """Which tables speak of a config's precision; None for one that none does."""
    return "half" if precision in HALF else "full" if precision == "fp32" else None


def expect(
    target: Datasheet,
    precision: str,
    step_flops: float | None,
    most_steps_per_second: float,
    own: tuple[Datasheet, float] | None = None,
) -> Expectation | None:
    """What a card may be expected to do; None where nothing can be said.

    precision: as a config names it; fp32 means without TF32.   step_flops: arithmetic of a step, convolutions counted
    as if done directly; None = not known.   most_steps_per_second: its bound.   own: one's own card and its pace,
    None where that is not known or was disturbed.
    """
    width = width_of(precision)
    if width is None or step_flops is None or step_flops < LAUNCH_BOUND_FLOPS:
        return None
    table = _knowledge().tables[width]
    pace = table.paces.get(target.key)
    if pace is None:
        return None
    if own is not None and own[0].key in table.paces and own[0].key != target.key:
        middle, factor = own[1] * pace / table.paces[own[0].key], table.factor
        basis = f"how the two cards compare on {table.networks} other networks"
    elif width == "full":
        rate = _knowledge()
        middle, factor = pace * rate.tflops * TERA / step_flops, rate.factor
        basis = f"what {rate.networks} convolution nets make of the card"
    else:
        return None
    middle = min(middle, most_steps_per_second)
    words = f"{basis} in {width} precision, within {factor:.2g}x; docs/benchmark-expected.md"
    return Expectation(target, middle, middle / factor, min(middle * factor, most_steps_per_second), words)
