"""Numbers as people read them: three digits that count, with the unit."""

from __future__ import annotations

import math

from bench.result.stats import Interval


def short(value: float) -> str:
    """ "1,230", "31.4", "0.0421"; far out "1.2e+09"."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    rounded = float(f"{value:.3g}")
    digits = 2 - math.floor(math.log10(abs(rounded)))
    if abs(rounded) >= 1e7 or abs(rounded) < 1e-5:
        return f"{value:.2g}"
    return f"{rounded:,.{max(0, digits)}f}"


def pace(steps_per_second: float) -> str:
    """ "4.31 it/s"."""
    return f"{short(steps_per_second)} it/s"


def pace_range(interval: Interval | None) -> str:
    """Of an interval of seconds per step: "4.29-4.35 it/s"; "" for none."""
    if interval is None:
        return ""
    turned = interval.inverse()
    return f"{short(turned.low)}-{short(turned.high)} it/s"


def duration(seconds: float) -> str:
    """ "0.232 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 60:
        return f"{short(seconds)} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def percent(share: float) -> str:
    """ "38 %"; below one percent with a digit more."""
    return f"{share:.0%}" if share >= 0.01 or share <= 0 else f"{share:.1%}"


def memory(mib: float) -> str:
    """ "940 MiB", "23.5 GiB"."""
    return f"{mib:,.0f} MiB" if mib < 10_000 else f"{mib / 1024:.1f} GiB"


def short_device(name: str) -> str:
    """A device's name without what everybody knows."""
    for word in ("NVIDIA ", "GeForce ", "Tesla ", "(R)", "(TM)", " CPU", " Processor"):
        name = name.replace(word, "")
    return " ".join(name.split())
