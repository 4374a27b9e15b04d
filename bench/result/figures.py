"""What only results have to say in numbers and names; every unit is in dreamrig.words."""

from __future__ import annotations

from dreamrig.words import known_digits, known_range
from generator.stats import Interval


def pace_range(interval: Interval | None) -> str:
    """Of an interval of seconds per step: "4.29-4.35 it/s"; "" for none."""
    if interval is None or not interval.low > 0:
        return ""
    return f"{known_range(1 / interval.high, 1 / interval.low, '-')} it/s"


def known_rate(steps_per_second: float, interval: Interval | None) -> str:
    """it/s with the digits that an interval of seconds per step leaves, without its unit: "2.3"."""
    ends = () if interval is None or not interval.low > 0 else (1 / interval.high, 1 / interval.low)
    return known_digits(steps_per_second, *ends)


def known_pace(steps_per_second: float, interval: Interval | None) -> str:
    """The same with its unit: "2.3 it/s"."""
    return f"{known_rate(steps_per_second, interval)} it/s"


def short_device(name: str) -> str:
    """A device's name without what everybody knows."""
    for word in ("NVIDIA ", "GeForce ", "Tesla ", "(R)", "(TM)", " CPU", " Processor"):
        name = name.replace(word, "")
    return " ".join(name.split())
