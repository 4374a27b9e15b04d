"""Numbers as people read them, once for every folder: three digits that count, with the unit."""

import math

MIB = 2**20
GIGA, TERA = 1e9, 1e12
SURE = 1.1
"""Upper over lower end of an interval below which a third digit counts."""
NOISY_SPREAD = 0.10
"""Interquartile range over median above which a measurement is called noisy."""


def short(value: float) -> str:
    """Three digits that count: "1,230", "31.4", "0.0421"; far out "1.2e+09"."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    rounded = float(f"{value:.3g}")
    digits = 2 - math.floor(math.log10(abs(rounded)))
    if abs(rounded) >= 1e7 or abs(rounded) < 1e-5:
        return f"{value:.2g}"
    return f"{rounded:,.{max(0, digits)}f}"


def rough(value: float) -> str:
    """Two digits that count, for what is not known better: "2.3", "1,200", "0.041"; far out "1.2e+09"."""
    rounded = float(f"{value:.2g}")
    if rounded == 0 or not math.isfinite(rounded) or abs(rounded) >= 1e7 or abs(rounded) < 1e-5:
        return f"{value:.2g}"
    return f"{rounded:,.{max(0, 1 - math.floor(math.log10(abs(rounded))))}f}"


def known_digits(value: float, low: float | None = None, high: float | None = None) -> str:
    """A value, or an end of its interval, with as many digits as the interval leaves: "2.3" for 1.5 to 8.0.

    Three for a sure one, and where no interval is known.
    """
    if low is None or high is None or not low > 0:
        return short(value)
    return short(value) if high < SURE * low else rough(value)


def known_range(low: float, high: float, between: str = " to ") -> str:
    """The ends of an interval with as many digits as it leaves: "1.5 to 8.0"."""
    return between.join(known_digits(end, low, high) for end in (low, high))


def duration(seconds: float) -> str:
    """A span of time: "42.6 ms", "5.18 s", "1 min 35 s", "2 h 5 min"."""
    rounded = float(f"{seconds:.3g}")
    if 0 < rounded < 1:
        return f"{short(seconds * 1000)} ms"
    if rounded < 60:
        return f"{short(seconds)} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def clock_face(seconds: float) -> str:
    """The time left beside a bar, which must not jump in width: "0:07", "12:30", "1:02:03"."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def pace(steps_per_second: float, low: float | None = None, high: float | None = None) -> str:
    """Steps per second: "4.31 it/s", with as many digits as its interval leaves where there is one."""
    return f"{known_digits(steps_per_second, low, high)} it/s"


def memory(mib: float) -> str:
    """Memory or a file, in mebibytes: "0.4 MiB", "940 MiB", "23.5 GiB"."""
    if round(mib) < 10:
        return f"{mib:.1f} MiB"
    return f"{mib:,.0f} MiB" if mib < 10_000 else f"{mib / 1024:.1f} GiB"


def rate(mib_per_second: float) -> str:
    """How fast bytes come: "12.3 MiB/s"."""
    return f"{mib_per_second:.1f} MiB/s"


def ratio(low: float, middle: float, high: float, first: str, second: str) -> str:
    """How many times as fast the first is, of a 95 % interval: "A is 3.1x (3.0 to 3.2) as fast as B"."""
    if low <= 1 <= high:
        return f"no difference shown ({times(middle)}x, 95 % interval {times(low)} to {times(high)})"
    if middle < 1:
        return ratio(1 / high, 1 / middle, 1 / low, second, first)
    return f"{first} is {times(middle)}x ({times(low)} to {times(high)}) as fast as {second}"


def times(value: float) -> str:
    """A factor with digits enough to tell it from 1: "3.1", "1.042"."""
    return f"{value:.3f}" if abs(value - 1) < 0.1 else short(value)


def percent(share: float) -> str:
    """A share: "38%"; below one percent with a digit more."""
    return f"{share:.0%}" if share >= 0.01 or share <= 0 else f"{share:.1%}"


def plural(number: int, noun: str) -> str:
    """A number of things: "1 block", "3 blocks"."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"
