"""Figures that others published about programs like ours: quoted with their doubts, never mixed with measurements.

None names its GPU, its settings and its spread together, so that none can stand in a chart. Imports no torch.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from bench.result import reading
from dreamrig.errors import UsageError

SCHEMA, KIND = "bench-published/1", "published"
Positive = Annotated[float, Meta(gt=0)]
Side = Annotated[int, Meta(ge=1)]
FOLDER = Path(__file__).parents[1] / "baselines" / "published"


@dataclass(frozen=True, kw_only=True)
class Published:
    """One statement of one source. None = it does not say."""

    id: Annotated[str, Meta(pattern="^[a-z0-9-]+$")]
    """The name of its file."""
    subject: str
    """Which program, or which kind of it."""
    statement: str
    """What the source says, in short."""
    steps_per_second_low: Positive | None
    steps_per_second_high: Positive | None
    """None beside a low one: at least that."""
    gpu: str | None
    width: Side | None
    """Pixels."""
    height: Side | None
    cutouts: Side | None
    networks: str | None
    memory_mib: Mapping[str, Positive] | None
    """Size of the picture, e.g. "512x512" -> memory."""
    source: str
    doubts: Annotated[tuple[str, ...], Meta(min_length=1)]
    """Why it says less than it seems to."""

    @property
    def pace(self) -> str:
        """it/s in words, "" where the source gives no rate."""
        low, high = self.steps_per_second_low, self.steps_per_second_high
        if low is None:
            return ""
        if high is None:
            return f"at least {low:g}"
        return f"{low:g}" if low == high else f"{low:g} to {high:g}"

    @property
    def conditions(self) -> str:
        """GPU, size, cutouts and networks, as far as they are stated."""
        size = f"{self.width}x{self.height}" if self.width and self.height else None
        cutouts = f"{self.cutouts} cutouts" if self.cutouts else None
        return ", ".join(filter(None, (self.gpu, size, cutouts, self.networks))) or "not stated"


def parse_published(document: Mapping[str, Any], source: str) -> Published:
    """A figure from parsed JSON; UsageError names the file and the field that is wrong."""
    if (document.get("schema"), document.get("kind")) != (SCHEMA, KIND):
        raise UsageError(f"{source}: its schema and kind are not {SCHEMA} and {KIND}.", hint=reading.HINT)
    return reading.build(Published, document, source)


@functools.cache
def load_published() -> tuple[Published, ...]:
    """Every figure that comes with dreamrig: those with a rate first, then by file name."""
    found = [parse_published(reading.read_json(path), path.name) for path in sorted(FOLDER.glob("*.json"))]
    return tuple(sorted(found, key=lambda one: (one.subject != "VQGAN+CLIP", one.pace == "")))
