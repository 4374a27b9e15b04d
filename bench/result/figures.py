"""What only results have to say in numbers and names; every unit is in dreamrig.words."""

from __future__ import annotations

from bench.result.stats import Interval
from dreamrig.words import short


def pace_range(interval: Interval | None) -> str:
    """Of an interval of seconds per step: "4.29-4.35 it/s"; "" for none."""
    if interval is None:
        return ""
    turned = interval.inverse()
    return f"{short(turned.low)}-{short(turned.high)} it/s"


def short_device(name: str) -> str:
    """A device's name without what everybody knows."""
    for word in ("NVIDIA ", "GeForce ", "Tesla ", "(R)", "(TM)", " CPU", " Processor"):
        name = name.replace(word, "")
    return " ".join(name.split())
