"""How long it will take, as a range out of this machine's own history. Pure arithmetic over seconds.

The range is for the next picture, not for those that are known: between the 10th and the 90th percentile of three known
ones the next one falls two times in five, and in no more than four in five however many there are.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

FEWEST = 3
MOST_REMEMBERED = 50
MANY = 40
"""From so many on their ranks say enough, and one that took ten times as long says nothing."""
LOW, HIGH = 0.05, 0.95
NORMAL_95 = 1.6449
SHORTEST_SECONDS = 1e-3
UNKNOWN = "unknown yet"
Kind = tuple[str, str, int, int]
"""Model, preset, pixels, steps: jobs of one kind take alike."""


@dataclass(frozen=True)
class Range:
    """Within which it will come out nine times in ten, in seconds."""

    low: float
    high: float

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def times(self, share: float) -> Range:
        """The same for a share of the work."""
        return Range(self.low * share, self.high * share)

    def holds(self, seconds: float) -> bool:
        """Whether it came out inside."""
        return self.low <= seconds <= self.high


NOTHING = Range(0.0, 0.0)


def kind_of(config: Mapping[str, Any], preset: str) -> Kind:
    """What decides how long a job takes here."""
    return str(config["model"]), preset, int(config["width"]) * int(config["height"]), int(config["steps"])


def percentile(values: Iterable[float], share: float) -> float:
    """Linear between the two nearest ranks; values must not be empty."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def next_below(known: Sequence[float], share: float) -> float:
    """The value that the next one stays below with this probability: rank share x (n + 1), linear between two."""
    place = share * (len(known) + 1) - 1
    return percentile(known, place / (len(known) - 1))


def student_95(freedom: int) -> float:
    """The 95th percentile of Student's t, by Fisher's expansion around the normal law; 1.2 % low at 2, else closer.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5.
    """
    x = NORMAL_95
    return (
        x
        + (x**3 + x) / (4 * freedom)
        + (5 * x**5 + 16 * x**3 + 3 * x) / (96 * freedom**2)
        + (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / (384 * freedom**3)
    )


def predicted(known: Sequence[float]) -> Range:
    """Within which the next one falls nine times in ten; of FEWEST or more known ones, in seconds.

    The prediction interval of a lognormal law (Student's t, Hahn and Meeker, Statistical Intervals, 1991), which widens
    what few known ones say by how little they say.
    """
    if len(known) >= MANY:
        return Range(next_below(known, LOW), next_below(known, HIGH))
    logs = [math.log(max(seconds, SHORTEST_SECONDS)) for seconds in known]
    centre, width = fmean(logs), student_95(len(known) - 1) * stdev(logs) * math.sqrt(1 + 1 / len(known))
    return Range(math.exp(centre - width), math.exp(centre + width))


class History:
    """What jobs took, the newest of each kind."""

    def __init__(self) -> None:
        self._seconds: dict[Kind, deque[float]] = {}
        self._ranges: dict[Kind, Range] = {}

    def add(self, kind: Kind, seconds: float) -> None:
        """A job of this kind is done."""
        known = self._seconds.setdefault(kind, deque(maxlen=MOST_REMEMBERED))
        known.append(seconds)
        if len(known) >= FEWEST:
            self._ranges[kind] = predicted(known)

    def range_of(self, kind: Kind) -> Range | None:
        """What a whole job of this kind takes; None = fewer than three are known."""
        return self._ranges.get(kind)

    def waiting(self, ahead: Iterable[tuple[Kind, float]], load_seconds: float = 0.0) -> Range | None:
        """Until all of `ahead` are drawn: kinds, each with the share that is still to do. None = one is unknown."""
        total = Range(load_seconds, load_seconds)
        for kind, share in ahead:
            one = self.range_of(kind)
            if one is None:
                return None
            total += one.times(share)
        return total


def hit_rate(promises: Iterable[tuple[float, float, float]]) -> float | None:
    """Share of (low, high, came out) that held; None without any."""
    held = [Range(low, high).holds(seconds) for low, high, seconds in promises]
    return sum(held) / len(held) if held else None


def words(range_: Range | None) -> str:
    """For people: "about 4 s", "4-6 min", "unknown yet"."""
    if range_ is None:
        return UNKNOWN
    if range_.high < 1:
        return "about 1 s"
    unit, seconds = ("s", 1) if range_.high < 90 else ("min", 60) if range_.high < 5400 else ("h", 3600)
    low, high = max(1, round(range_.low / seconds)), max(1, math.ceil(range_.high / seconds))
    return f"about {high} {unit}" if low >= high else f"{low}-{high} {unit}"
