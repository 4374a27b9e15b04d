"""What only results have to say in numbers and names; every unit is in dreamrig.words."""

from __future__ import annotations

import math

from bench.result.stats import Interval
from dreamrig.words import short


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
    digits = 3 if relative < 0.1 else 2
    return short(value) if digits == 3 else _rounded(value, digits)


def _rounded(value: float, digits: int) -> str:
    """So many digits that count, without an exponent where people do not expect one."""
    rounded = float(f"{value:.{digits}g}")
    if abs(rounded) >= 1e7 or abs(rounded) < 1e-5:
        return f"{value:.{digits}g}"
    after = max(0, digits - 1 - math.floor(math.log10(abs(rounded)))) if rounded else 0
    return f"{rounded:,.{after}f}"


def known_pace(steps_per_second: float, interval: Interval | None) -> str:
    """it/s with the digits that an interval of seconds per step leaves: "2.3 it/s"."""
    return f"{known_digits(steps_per_second, interval)} it/s"


def short_device(name: str) -> str:
    """A device's name without what everybody knows."""
    for word in ("NVIDIA ", "GeForce ", "Tesla ", "(R)", "(TM)", " CPU", " Processor"):
        name = name.replace(word, "")
    return " ".join(name.split())
