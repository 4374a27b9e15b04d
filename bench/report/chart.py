"""Charts as values: bars that were measured, bars that bound, and the axes they stand on. Nothing is drawn here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MOST_LINEAR = 30.0
"""Largest over smallest value up to which a linear axis shows both."""


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, linear from zero or logarithmic."""

    low: float
    high: float
    is_log: bool

    def at(self, value: float) -> float:
        """Where a value stands, 0 to 1; what lies outside stands at the end."""
        if self.is_log:
            value = max(value, self.low)
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, share))

    def ticks(self) -> list[float]:
        """Values worth a line: powers of ten, or some five round numbers."""
        if self.is_log:
            first, last = round(math.log10(self.low)), round(math.log10(self.high))
            every = max(1, math.ceil((last - first) / 8))
            return [10.0**power for power in range(first, last + 1, every)]
        step = round_step((self.high - self.low) / 5)
        return [self.low + step * index for index in range(math.floor((self.high - self.low) / step * 1.0001) + 1)]


def round_step(about: float) -> float:
    """1, 2 or 5 times a power of ten, not below `about`."""
    power: float = 10.0 ** math.floor(math.log10(about))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= about * 0.999)


def axis_for(values: Sequence[float]) -> Axis:
    """An axis with room for positive values: linear from zero, logarithmic where the small ones would vanish."""
    high, low = max(values), min(values)
    if high / low > MOST_LINEAR:
        return decades(low / 2, high)
    step = round_step(high / 5)
    return Axis(0.0, step * math.ceil(high / step * 0.999), is_log=False)


def decades(low: float, high: float) -> Axis:
    """A logarithmic axis from the power of ten below to the one above."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    return Axis(10.0**first, 10.0 ** max(last, first + 1), is_log=True)


@dataclass(frozen=True)
class PaceBar:
    """One line of a bar chart, in it/s."""

    label: str
    note: str
    """Small print beside the label."""
    value: float
    low: float | None
    """Of the 95 % interval."""
    high: float | None
    kind: Literal["measured", "expected", "bound"]
    text: str
    """The value, with a sign where it is none that was measured: "5.56 it/s", "≈ 1.1 it/s", "≤ 20.2 it/s"."""
    tip: str
    """Where it comes from."""
    reach: str = ""
    """How far off what is expected may be, to stand beside the value: "0.31 to 3.8"; "" for the rest."""

    doubts: tuple[str, ...] = ()
    """Verdicts that cast doubt on what was measured."""

    @property
    def words(self) -> str:
        """The value with its sign in words, for what may have no such letter, how far off it may be, and a doubt."""
        said = self.text.replace("≤", "at most").replace("≈", "about")
        more = self.reach or ", ".join((*self.doubts[:1], *(["..."] if len(self.doubts) > 1 else [])))
        return f"{said} ({more})" if more else said


@dataclass(frozen=True)
class BarChart:
    """Bars, the fastest first, on one axis."""

    bars: tuple[PaceBar, ...]
    axis: Axis


def bar_chart(bars: Sequence[PaceBar]) -> BarChart:
    """Sort the bars and choose the axis."""
    ordered = sorted(bars, key=lambda bar: -bar.value)
    reach = [value for bar in bars for value in (bar.value, bar.high) if value]
    return BarChart(tuple(ordered), axis_for(reach))
