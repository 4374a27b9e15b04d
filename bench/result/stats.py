"""Medians, their spread, and how far they may be trusted.

The interval of a median takes percentiles of bootstrap medians, a little further out the fewer values there are
(Hesterberg, "What Teachers Should Know about the Bootstrap", 2015: percentiles alone are too narrow as normal quantiles
are beside Student's). Drawing single blocks takes them for independent, and they are not: a machine that is slow now is
slow a moment later. The interval is therefore widened by the root of n over the effective number of values,
(1 + r) / (1 - r) for neighbours that correlate by r (Bayley and Hammersley, "The effective number of independent
observations in an autocorrelated time series", 1946). A short series shows less correlation than there is, by
(1 + 4 r) / n (Shaman and Stine, "The bias of autoregressive coefficient estimators", 1988), which is added.

How often such intervals hold the truth is tested: tests/bench/result/test_stats.py. Everything here is the same each
time it is computed.
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
STUDENT = {3: 4.303, 4: 3.182, 5: 2.776}
"""Number of values too few for a bootstrap -> Student's quantile at 97.5 %, one degree of freedom less."""
FURTHEST = 100.0
"""Reach of an interval in logarithms past which it says nothing, and numbers end."""
MOST_ALIKE = 0.95
"""Correlation of neighbours above which nothing is told apart any more."""

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
    """RESAMPLES medians of as many values drawn with replacement.

    Drawing n of n values is drawing n uniform numbers and looking up the values at those shares of the ranking. Only
    the middle one or two decide, and those have beta distributions (Maritz and Jarrett, "A note on estimating the
    variance of the sample median", 1978), so that nothing else is drawn: exact, and as quick for 100,000 values.
    """
    ordered: Floats = np.sort(np.asarray(values, float))
    count, random = len(ordered), np.random.default_rng(seed)
    below = (count + 1) // 2
    lower = random.beta(below, count + 1 - below, RESAMPLES)
    upper = lower if count % 2 else lower + (1 - lower) * random.beta(1, count - below, RESAMPLES)
    medians: Floats = (_at_shares(ordered, lower) + _at_shares(ordered, upper)) / 2
    return medians


def _at_shares(ordered: Floats, shares: Floats) -> Floats:
    """The values at shares of a ranking, each 1 / n of it wide."""
    ranks = np.ceil(shares * len(ordered)).astype(int) - 1
    found: Floats = ordered[np.clip(ranks, 0, len(ordered) - 1)]
    return found


def widening(values: Sequence[float]) -> float:
    """By how much the likeness of neighbours widens an interval: at least 1, which is for independent values."""
    scores, count = _normal_scores(values), len(values)
    power = float(scores @ scores)
    if count < FEWEST or power == 0:
        return 1.0
    seen = float(scores[:-1] @ scores[1:]) / power
    likeness = min(max(seen + (1 + 4 * seen) / count, 0.0), MOST_ALIKE)
    return math.sqrt((1 + likeness) / (1 - likeness))


def _normal_scores(values: Sequence[float]) -> Floats:
    """Normal quantiles of the ranks (Blom, 1958), so that an outlier counts no more than another; equals share one."""
    _, places, counts = np.unique(np.asarray(values, float), return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    shares = (ranks - 0.375) / (len(values) + 0.25)
    quantiles = np.array([statistics.NormalDist().inv_cdf(share) for share in shares])
    scores: Floats = (quantiles - quantiles[places].mean())[places]
    return scores


def median_interval(values: Sequence[float]) -> Interval | None:
    """95 % interval of the median of positive values; None for fewer than FEWEST."""
    if len(values) < FEWEST:
        return None
    return _around(median(values), *_log_reach(values))


def ratio_interval(numerator: Sequence[float], denominator: Sequence[float]) -> Interval | None:
    """95 % interval of the ratio of two medians, measured apart; None for fewer than FEWEST values in either.

    The reaches of both join as the legs of a right angle (Zou and Donner, "Construction of confidence limits about
    effect measures", 2008), in logarithms, where a ratio is a difference.
    """
    if min(len(numerator), len(denominator)) < FEWEST:
        return None
    above, below = _log_reach(numerator), _log_reach(denominator)
    middle = median(numerator) / median(denominator)
    return _around(middle, math.hypot(above[0], below[1]), math.hypot(above[1], below[0]))


def paired_ratio_interval(numerator: Sequence[float], denominator: Sequence[float]) -> Interval | None:
    """95 % interval of the median of the ratios pair by pair; what slows both of a pair alike does not count."""
    return median_interval([above / below for above, below in zip(numerator, denominator, strict=True)])


def _around(middle: float, down: float, up: float) -> Interval:
    low, high = math.exp(-min(down, FURTHEST)), math.exp(min(up, FURTHEST))
    return Interval(middle * low, middle, middle * high)


def _log_reach(values: Sequence[float]) -> tuple[float, float]:
    """How far the interval of the median reaches down and up, in logarithms."""
    low, high = _few_reach(values) if len(values) in STUDENT else _bootstrap_reach(values)
    wider = widening(values)
    return low * wider, high * wider


def _bootstrap_reach(values: Sequence[float]) -> tuple[float, float]:
    tail, middle = tail_for(len(values)), math.log(median(values))
    low, high = np.quantile(bootstrap_medians(values), (tail, 1 - tail))
    return max(0.0, middle - math.log(low)), max(0.0, math.log(high) - middle)


def _few_reach(values: Sequence[float]) -> tuple[float, float]:
    """Student's interval of the mean logarithm, stretched to the median.

    What is drawn from three values lies between the least and the largest, which hold the median in three of four cases
    only, in general in 1 - 2^(1 - n).
    """
    logs = [math.log(value) for value in values]
    centre, middle = statistics.fmean(logs), math.log(median(values))
    reach = STUDENT[len(values)] * statistics.stdev(logs) / math.sqrt(len(values))
    return max(0.0, middle - centre + reach), max(0.0, centre + reach - middle)


def tail_for(count: int) -> float:
    """The share of resampled medians to leave out at either end, for so many values: below 2.5 %, towards it.

    The tail of a normal distribution beyond sqrt(n / (n - 1)) times Student's quantile with n - 1 degrees of freedom;
    that quantile by the first terms of its expansion around the normal one (Abramowitz and Stegun, 26.7.5).
    """
    normal, freedom = statistics.NormalDist(), count - 1
    z = normal.inv_cdf((1 + LEVEL) / 2)
    student = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    return normal.cdf(-student * math.sqrt(count / freedom))
