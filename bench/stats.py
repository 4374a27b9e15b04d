"""Medians, their spread, and how far they may be trusted.

Blocks of one measurement are no independent draws: a machine that is slow now is slow a moment later. The bootstrap
therefore draws runs of neighbouring blocks (circular block bootstrap: Politis and Romano, 1992) of nearly the cube root
of their number, and takes percentiles of the medians, a little further out the fewer blocks there are (Hesterberg,
"What Teachers Should Know about the Bootstrap", 2015: percentiles alone are too narrow as normal quantiles are beside
Student's). Everything here is the same each time it is computed.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
RESAMPLES = 2000
FEWEST = 3
"""Values below which no interval is given."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """From low to high, with the median of the data between them."""

    low: float
    median: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a value lies inside, the ends included."""
        return self.low <= value <= self.high

    def inverse(self) -> Interval:
        """Of one over the quantity: seconds per step to steps per second."""
        return Interval(1 / self.high, 1 / self.median, 1 / self.low)


def median(values: Sequence[float]) -> float:
    """The middle value; the mean of the middle two of an even number."""
    return statistics.median(values)


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """First and third quartile, linear between neighbours; of one value, that value twice."""
    low, high = np.quantile(np.asarray(values, float), (0.25, 0.75))
    return float(low), float(high)


def iqr(values: Sequence[float]) -> float:
    """Third quartile minus first."""
    low, high = quartiles(values)
    return high - low


def spread(values: Sequence[float]) -> float | None:
    """Interquartile range over median; None for fewer than four values."""
    return iqr(values) / median(values) if len(values) >= 4 else None


def outliers(values: Sequence[float]) -> int:
    """How many values lie beyond Tukey's fences, 1.5 interquartile ranges outside the quartiles."""
    low, high = quartiles(values)
    reach = 1.5 * (high - low)
    return sum(not low - reach <= value <= high + reach for value in values)


def bootstrap_medians(values: Sequence[float], seed: int = 0) -> Floats:
    """RESAMPLES medians of resampled values, by circular block bootstrap."""
    data: Floats = np.asarray(values, float)
    length = max(1, round(len(data) ** (1 / 3)) - 1)
    starts = np.random.default_rng(seed).integers(len(data), size=(RESAMPLES, math.ceil(len(data) / length)))
    picks = (starts[:, :, None] + np.arange(length)).reshape(RESAMPLES, -1)[:, : len(data)] % len(data)
    medians: Floats = np.median(data[picks], axis=1)
    return medians


def median_interval(values: Sequence[float]) -> Interval | None:
    """95 % interval of the median; None for fewer than FEWEST values."""
    if len(values) < FEWEST:
        return None
    return _percentiles(bootstrap_medians(values), median(values), len(values))


def ratio_interval(numerator: Sequence[float], denominator: Sequence[float]) -> Interval | None:
    """95 % interval of the ratio of two medians, measured apart; None for fewer than FEWEST values in either."""
    if min(len(numerator), len(denominator)) < FEWEST:
        return None
    resampled = bootstrap_medians(numerator, seed=1) / bootstrap_medians(denominator, seed=2)
    fewer = min(len(numerator), len(denominator))
    return _percentiles(resampled, median(numerator) / median(denominator), fewer)


def paired_ratio_interval(numerator: Sequence[float], denominator: Sequence[float]) -> Interval | None:
    """95 % interval of the median of the ratios pair by pair; what slows both of a pair alike does not count."""
    return median_interval([above / below for above, below in zip(numerator, denominator, strict=True)])


def _percentiles(resampled: Floats, middle: float, count: int) -> Interval:
    tail = tail_for(count)
    low, high = np.quantile(resampled, (tail, 1 - tail))
    return Interval(min(float(low), middle), middle, max(float(high), middle))


def tail_for(count: int) -> float:
    """The share of resampled medians to leave out at either end, for so many values: below 2.5 %, towards it.

    The tail of a normal distribution beyond sqrt(n / (n - 1)) times Student's quantile with n - 1 degrees of freedom;
    that quantile by the first terms of its expansion around the normal one (Abramowitz and Stegun, 26.7.5).
    """
    normal, freedom = statistics.NormalDist(), count - 1
    z = normal.inv_cdf((1 + LEVEL) / 2)
    student = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    return normal.cdf(-student * math.sqrt(count / freedom))
