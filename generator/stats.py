"""Medians, their spread, and how far they may be trusted.

The interval of a median lies between the order statistics at 1/2 -+ t / (2 root m), t being Student's quantile and m
the effective number of values. Neighbouring blocks are alike, because a machine that is slow now is slow a moment
later: m is n over the time that likeness lasts, the longest of four estimates. Two follow a first-order series, (1 +
r) / (1 - r) (Bayley and Hammersley, "The effective number of independent observations in an autocorrelated time
series", 1946), r corrected by (1 + 4 r) / n for what a short series hides (Shaman and Stine, "The bias of
autoregressive coefficient estimators", 1988); two are Geyer's initial monotone sequence ("Practical Markov Chain
Monte Carlo", 1992), which sees likeness that goes on for longer. Each is taken of the ranks, and of which side of the
median a value lies on, because that decides where a median can be. A machine that goes at two speeds, with the median
near the place where one ends, may have its median in either: then the interval holds both. How near that is tells the
number of switches, not of values: such a machine is a Markov chain of two states. Few values whose first or last alone
stand apart are taken for the end of such a spell.

Medians of fresh processes are few and know nothing of each other: theirs is Student's interval, in logarithms.

How often such intervals hold the truth is tested: tests/generator/test_stats.py. Everything here is the same each
time it is computed.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST = 3
"""Values below which no interval is given."""
FEW = 5
"""Values up to which no ranking can make an interval, and none shows how alike neighbours are."""
FURTHEST = 100.0
"""Reach of an interval in logarithms past which it says nothing, and numbers end."""
MOST_ALIKE = 0.95
"""Correlation of neighbours above which nothing is told apart any more."""
BESIDE_THE_MEDIAN = 0.75
"""Part of Student's reach that the interval of few values goes to either side of their median at least."""
NORMAL_95 = 1.960
FEWEST_EFFECTIVE = 2.0
STUDENT_BY_FREEDOM = {
    1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 8: 2.306, 10: 2.228, 15: 2.131, 20: 2.086, 30: 2.042,
    60: 2.000, 120: 1.980,
}  # fmt: skip
"""Student's quantile at 97.5 %; between these degrees of freedom linear in their inverse."""
APART = 5.0
"""Two speeds differ by so many interquartile ranges of each, and by TELLING at least."""
TELLING = 0.02
LEAST_PART = 0.05
"""Of the blocks, at either speed."""
FEWEST_FOR_SPEEDS = 12
MANY = 48
"""Values from which on a spell that is cut off at an end moves no median."""
FEWEST_TO_DRIFT = 5
"""Values in a third of a series, below which nothing is said of a trend."""
MOST_FOR_A_TREND = 400
"""Values whose every pair is looked at; of more, means of neighbours."""
STEADY = 0.01
"""Of the pace, from the first third to the last: less is no trend, even where it is certain."""
TENTHS_TO_LEAVE = 6
"""Of a series, at most, that may be left out as not yet steady."""
NEAR_THE_GAP = 1.5
"""Half widths of an interval within which a change of speed counts as near the median."""
RUN_TO_RUN = 0.02
"""Standard deviation between sessions of one machine that is assumed where it was not measured: memory lies elsewhere,
the room is warmer."""

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


@dataclass(frozen=True)
class TwoSpeeds:
    """A series whose values come in two groups with nothing between them."""

    fast: float
    """Median of the smaller values: seconds per step."""
    slow: float
    slow_share: float


def two_speeds(values: Sequence[float]) -> TwoSpeeds | None:
    """The two groups of a series; None where it has one, or too few values to tell."""
    ordered, count = np.sort(np.asarray(values, float)), len(values)
    least = max(3, math.ceil(LEAST_PART * count))
    if count < FEWEST_FOR_SPEEDS:
        return None
    logs: Floats = np.log(ordered)
    gaps = np.diff(logs)[least - 1 : count - least]
    split = least + int(np.argmax(gaps))
    fast, slow = logs[:split], logs[split:]
    between = float(np.median(slow) - np.median(fast))
    inner = max(iqr(list(map(float, fast))), iqr(list(map(float, slow))))
    if between < max(TELLING, APART * inner) or gaps.max() < between / 2:
        return None
    return TwoSpeeds(float(np.median(ordered[:split])), float(np.median(ordered[split:])), 1 - split / count)


def is_cut_off(values: Sequence[float]) -> bool:
    """Whether the first one or two of a few values, or the last, stand apart: a spell at another speed, cut off."""
    logs: Floats = np.log(np.asarray(values, float))
    if not FEWEST_FOR_SPEEDS <= len(logs) < MANY:
        return False
    return any(_stand_apart(*np.split(end, [part])) for end in (logs, logs[::-1]) for part in (1, 2))


def _stand_apart(part: Floats, rest: Floats) -> bool:
    """Whether some logarithms lie on one side of all others, with a gap as between two speeds."""
    gap = max(float(part.min() - rest.max()), float(rest.min() - part.max()))
    between = abs(float(np.median(part) - np.median(rest)))
    return between >= max(TELLING, APART * iqr(list(map(float, rest)))) and gap >= between / 2


def staying_time(values: Sequence[float], speeds: TwoSpeeds) -> float:
    """How many neighbours tell no more of the shares of two speeds than one would: of a Markov chain of two states.

    (2 - a - b) / (a + b), a and b being how often a block at one speed is followed by one at the other.
    """
    slow = np.asarray(values, float) > math.sqrt(speeds.fast * speeds.slow)
    count = int(np.count_nonzero(slow))
    switches = max(1, int(np.count_nonzero(slow[1:] != slow[:-1])))
    leaving = switches / 2 * (1 / count + 1 / (len(slow) - count))
    return max(1.0, (2 - leaving) / leaving)


def likeness_time(values: Sequence[float] | Floats) -> float:
    """How many neighbours say no more than one independent value would: at least 1, which is for independent ones."""
    ordered = np.asarray(values, float)
    sides: Floats = (ordered <= np.median(ordered)).astype(float)
    sides -= sides.mean()
    return max(time for series in (_normal_scores(values), sides) for time in (_first_order(series), _geyer(series)))


def _first_order(series: Floats) -> float:
    count, power = len(series), float(series @ series)
    if power == 0:
        return 1.0
    seen = float(series[:-1] @ series[1:]) / power
    likeness = min(max(seen + (1 + 4 * seen) / count, 0.0), MOST_ALIKE)
    return (1 + likeness) / (1 - likeness)


def _geyer(series: Floats) -> float:
    """Sums of two neighbouring autocovariances, as long as they are positive, none above the one before."""
    count = len(series)
    spectrum = np.fft.rfft(series, 2 * count)
    covariances = np.fft.irfft(spectrum * np.conj(spectrum))[:count]
    if covariances[0] <= 0:
        return 1.0
    total, limit = 0.0, math.inf
    for pair in covariances[: count // 2 * 2].reshape(-1, 2).sum(axis=1):
        if pair <= 0:
            break
        limit = min(limit, float(pair))
        total += limit
    return max(1.0, (2 * total - float(covariances[0])) / float(covariances[0]))


def _normal_scores(values: Sequence[float] | Floats) -> Floats:
    """Normal quantiles of the ranks (Blom, 1958), so that an outlier counts no more than another; equals share one."""
    _, places, counts = np.unique(np.asarray(values, float), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    sums = np.concatenate(([0.0], np.cumsum(_blom(len(values)))))
    scores: Floats = ((sums[ends] - sums[ends - counts]) / counts)[places]
    return scores


@functools.lru_cache(maxsize=16)
def _blom(count: int) -> Floats:
    """The quantiles of ranks 1 to count."""
    shares = (np.arange(1, count + 1) - 0.375) / (count + 0.25)
    return np.array([statistics.NormalDist().inv_cdf(share) for share in shares])


def median_interval(values: Sequence[float], *, are_sessions: bool = False) -> Interval | None:
    """95 % interval of the median of positive values; None for fewer than FEWEST.

    are_sessions: whether each value is of a fresh process, so that none knows of another.
    """
    if len(values) < FEWEST:
        return None
    return _around(median(values), *_log_reach(values, are_sessions))


def ratio_interval(
    numerator: Sequence[float], denominator: Sequence[float], *, are_sessions: tuple[bool, bool] = (False, False)
) -> Interval | None:
    """95 % interval of the ratio of two medians, measured apart; None for fewer than FEWEST values in either.

    The reaches of both join as the legs of a right angle (Zou and Donner, "Construction of confidence limits about
    effect measures", 2008), in logarithms, where a ratio is a difference.

    are_sessions: as for median_interval, of each.
    """
    if min(len(numerator), len(denominator)) < FEWEST:
        return None
    above, below = _log_reach(numerator, are_sessions[0]), _log_reach(denominator, are_sessions[1])
    middle = median(numerator) / median(denominator)
    return _around(middle, math.hypot(above[0], below[1]), math.hypot(above[1], below[0]))


def paired_ratio_interval(
    numerator: Sequence[float], denominator: Sequence[float], *, are_sessions: bool = False
) -> Interval | None:
    """95 % interval of the median of the ratios pair by pair; what slows both of a pair alike does not count."""
    ratios = [above / below for above, below in zip(numerator, denominator, strict=True)]
    return median_interval(ratios, are_sessions=are_sessions)


def trend(values: Sequence[float]) -> float | None:
    """Median of the last third of a series over that of the first; None where no trend is certain, or too few to tell.

    Mann and Kendall's test, whose variance grows with the likeness of neighbours once the trend, here a parabola, is
    taken out (Hamed and Rao, "A modified Mann-Kendall trend test for autocorrelated data", 1998).
    """
    count, third = len(values), len(values) // 3
    if third < FEWEST_TO_DRIFT:
        return None
    group = -(-count // MOST_FOR_A_TREND)
    logs: Floats = np.log(np.asarray(values[: count // group * group], float)).reshape(-1, group).mean(axis=1)
    count = len(logs)
    places = np.linspace(-1, 1, count)
    alike = likeness_time(logs - np.polynomial.Polynomial.fit(places, logs, 2)(places))
    later, earlier = np.tril_indices(count, -1)
    rises = float(np.sign(logs[later] - logs[earlier]).sum())
    if abs(rises) <= NORMAL_95 * math.sqrt(alike * count * (count - 1) * (2 * count + 5) / 18):
        return None
    return median(values[-third:]) / median(values[:third])


def steady_from(values: Sequence[float]) -> int | None:
    """How many values at the beginning to leave out so that the rest shows no trend, by tenths; None where none does.

    0 also where there are too few to tell.
    """
    for tenth in range(TENTHS_TO_LEAVE + 1):
        start = tenth * len(values) // 10
        change = trend(values[start:])
        if change is None or abs(change - 1) < STEADY:
            return start
    return None


def widened(interval: Interval, log_reach: float) -> Interval:
    """An interval with another source of chance joined to both ends, as the legs of a right angle."""
    down, up = _reach(interval)
    return _around(interval.median, math.hypot(down, log_reach), math.hypot(up, log_reach))


def with_chance(ratio: Interval, deviation: float) -> Interval:
    """A ratio's interval with a standard deviation that each of both gets by chance besides."""
    return widened(ratio, NORMAL_95 * deviation * math.sqrt(2))


def ratio_of(numerator: Interval, denominator: Interval) -> Interval:
    """The ratio of two medians that were measured apart, from their intervals alone: as ratio_interval joins them."""
    down, up = _reach(numerator)
    below = _reach(denominator)
    return _around(numerator.median / denominator.median, math.hypot(down, below[1]), math.hypot(up, below[0]))


def _reach(interval: Interval) -> tuple[float, float]:
    return math.log(interval.median / interval.low), math.log(interval.high / interval.median)


def _around(middle: float, down: float, up: float) -> Interval:
    low, high = math.exp(-min(down, FURTHEST)), math.exp(min(up, FURTHEST))
    return Interval(middle * low, middle, middle * high)


def _log_reach(values: Sequence[float], are_sessions: bool = False) -> tuple[float, float]:
    """How far the interval of the median reaches down and up, in logarithms."""
    return _student_reach(values) if are_sessions or len(values) <= FEW else _rank_reach(values)


def _rank_reach(values: Sequence[float]) -> tuple[float, float]:
    """By order statistics; where they end before the interval does, it goes on in proportion."""
    logs: Floats = np.log(np.sort(np.asarray(values, float)))
    speeds = two_speeds(values)
    alike = likeness_time(values) if speeds is None else max(likeness_time(values), staying_time(values, speeds))
    effective = max(FEWEST_EFFECTIVE, len(logs) / alike)
    half = student(effective - 1) * math.sqrt(effective / (effective - 1)) / (2 * math.sqrt(effective))
    middle, beyond = math.log(median(values)), max(1.0, 2 * half)
    is_near = speeds is not None and abs(0.5 - speeds.slow_share) < NEAR_THE_GAP * half
    if is_near or (speeds is None and is_cut_off(values)):
        return middle - float(logs[0]), float(logs[-1]) - middle
    down, up = beyond * (middle - _at_share(logs, 0.5 - half)), beyond * (_at_share(logs, 0.5 + half) - middle)
    return max(0.0, down), max(0.0, up)


def _at_share(ordered: Floats, share: float) -> float:
    """The value at a share of a ranking, linear between neighbours, the first and the last at the ends."""
    return float(np.interp(share * len(ordered) - 0.5, np.arange(len(ordered)), ordered))


def student(freedom: float) -> float:
    """Student's quantile at 97.5 % for degrees of freedom from 1 on."""
    known = [(1 / degrees, quantile) for degrees, quantile in reversed(STUDENT_BY_FREEDOM.items())]
    places, quantiles = zip((0.0, 1.960), *known, strict=True)
    return float(np.interp(1 / max(1.0, freedom), places, quantiles))


def _student_reach(values: Sequence[float]) -> tuple[float, float]:
    """Student's interval of the mean logarithm, stretched to the median and beyond it, where skewed values have it.

    What is drawn from three values lies between the least and the largest, which hold the median in three of four cases
    only, in general in 1 - 2^(1 - n).
    """
    logs = [math.log(value) for value in values]
    centre, middle = statistics.fmean(logs), math.log(median(values))
    reach = student(len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))
    beyond = BESIDE_THE_MEDIAN * reach
    return max(beyond, middle - centre + reach), max(beyond, centre + reach - middle)
