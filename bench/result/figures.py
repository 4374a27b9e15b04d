"""What only results have to say in numbers and names; every unit is in dreamrig.words."""

from __future__ import annotations

from dreamrig.words import rough, short
from generator.stats import Interval


def pace_range(interval: Interval | None) -> str:
    """Of an interval of seconds per step: "4.29-4.35 it/s"; "" for none."""
    if interval is None:
        return ""
    turned = interval.inverse()
    return f"{known_digits(turned.low, interval)}-{known_digits(turned.high, interval)} it/s"


def known_digits(value: float, interval: Interval | None) -> str:
    """A value with as many digits as its interval leaves it: "2.3" for 1.5 to 8.0, "31.4" for a sure one."""
    if interval is None or not interval.low > 0:
        return short(value)
    relative = (interval.high - interval.low) / interval.median
    return short(value) if relative < 0.1 else rough(value)


def known_pace(steps_per_second: float, interval: Interval | None) -> str:
    """it/s with the digits that an interval of seconds per step leaves: "2.3 it/s"."""
    return f"{known_digits(steps_per_second, interval)} it/s"


def short_device(name: str) -> str:
    """A device's name without what everybody knows."""
    for word in ("NVIDIA ", "GeForce ", "Tesla ", "(R)", "(TM)", " CPU", " Processor"):
        name = name.replace(word, "")
    return " ".join(name.split())
