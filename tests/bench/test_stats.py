"""Intervals against distributions whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import stats

TRIALS = 200
positive = st.lists(st.floats(1e-6, 1e6), min_size=3, max_size=40)


def coverage(draw: Callable[[np.random.Generator], np.ndarray], truth: float) -> float:
    """How often the interval of the median holds the true median."""
    random = np.random.default_rng(7)
    intervals = [stats.median_interval(list(draw(random))) for _ in range(TRIALS)]
    return float(np.mean([interval is not None and interval.holds(truth) for interval in intervals]))


@pytest.mark.parametrize("count", [8, 12, 40])
def test_the_interval_holds_the_true_median_about_as_often_as_it_says(count: int) -> None:
    """95 % within what 200 trials can tell, for a skewed distribution as well: median of exp(normal) is 1."""
    assert 0.90 <= coverage(lambda random: np.exp(0.3 * random.standard_normal(count)), 1.0) <= 0.995
    assert 0.90 <= coverage(lambda random: random.exponential(size=count), math.log(2)) <= 0.995


def test_a_wrong_value_is_not_held() -> None:
    """The interval is worth something: a median 30 % off falls outside."""
    assert coverage(lambda random: np.exp(0.1 * random.standard_normal(40)), 1.3) < 0.01


def _drifting(random: np.random.Generator) -> np.ndarray:
    """60 blocks, each like the one before it: correlation 0.5, and the same spread of 10 %."""
    noise = [random.standard_normal()]
    for _ in range(59):
        noise.append(0.5 * noise[-1] + math.sqrt(0.75) * random.standard_normal())
    return np.exp(0.1 * np.array(noise))


def test_neighbours_that_are_alike_widen_the_interval() -> None:
    """A bootstrap of single blocks would be far too sure of itself here: it holds the truth in three of four cases."""

    def single(random: np.random.Generator) -> bool:
        data = _drifting(random)
        medians = np.median(data[np.random.default_rng(0).integers(60, size=(1000, 60))], axis=1)
        low, high = np.quantile(medians, (0.025, 0.975))
        return bool(low <= 1.0 <= high)

    random = np.random.default_rng(7)
    naive = np.mean([single(random) for _ in range(TRIALS)])
    assert coverage(_drifting, 1.0) >= max(0.8, naive + 0.04)


@settings(max_examples=40, deadline=None)
@given(positive)
def test_an_interval_lies_around_the_median_and_inside_the_data(values: list[float]) -> None:
    interval = stats.median_interval(values)
    assert interval is not None
    assert min(values) <= interval.low <= interval.median <= interval.high <= max(values)
    assert interval.median == stats.median(values)


@settings(max_examples=40, deadline=None)
@given(positive, st.sampled_from([0.25, 2.0, 1024.0]))
def test_seconds_or_milliseconds_give_the_same_interval(values: list[float], factor: float) -> None:
    one, other = stats.median_interval(values), stats.median_interval([factor * value for value in values])
    assert one is not None
    assert other is not None
    assert other.low == pytest.approx(factor * one.low)
    assert other.high == pytest.approx(factor * one.high)


def test_the_same_data_give_the_same_interval() -> None:
    values = list(np.random.default_rng(1).exponential(size=30))
    assert stats.median_interval(values) == stats.median_interval(values)


@pytest.mark.parametrize("factor", [1.0, 3.1])
def test_the_interval_of_a_ratio_holds_the_true_ratio(factor: float) -> None:
    random = np.random.default_rng(5)

    def trial() -> bool:
        slow = factor * np.exp(0.1 * random.standard_normal(30))
        fast = np.exp(0.05 * random.standard_normal(45))
        interval = stats.ratio_interval(list(slow), list(fast))
        return interval is not None and interval.holds(factor)

    assert 0.90 <= np.mean([trial() for _ in range(TRIALS)]) <= 0.995


def test_pairs_see_through_what_slows_both() -> None:
    """The machine gets slower by half in mid-run: medians apart know little, pairs know the ratio."""
    random = np.random.default_rng(3)
    drift = np.where(np.arange(30) < 15, 1.0, 1.5)
    slow = list(1.1 * drift * np.exp(0.01 * random.standard_normal(30)))
    fast = list(drift * np.exp(0.01 * random.standard_normal(30)))
    paired, apart = stats.paired_ratio_interval(slow, fast), stats.ratio_interval(slow, fast)
    assert paired is not None
    assert apart is not None
    assert paired.holds(1.1)
    assert not paired.holds(1.05)
    assert paired.high - paired.low < 0.1 * (apart.high - apart.low)


def test_too_few_values_give_no_interval() -> None:
    assert stats.median_interval([1.0, 2.0]) is None
    assert stats.ratio_interval([1.0, 2.0], [1.0] * 9) is None
    assert stats.spread([1.0, 2.0, 3.0]) is None


def test_spread_and_outliers_of_a_list_one_can_check_by_hand() -> None:
    """Quartiles of 1..9 are 3 and 7, the median is 5; 20 lies beyond 7 + 1.5 * 4 = 13."""
    values = [float(value) for value in range(1, 10)]
    assert stats.quartiles(values) == (3.0, 7.0)
    assert stats.spread(values) == pytest.approx(0.8)
    assert stats.outliers(values) == 0
    assert stats.outliers([*values[:-1], 20.0]) == 1


def test_the_inverse_of_an_interval_turns_its_ends_round() -> None:
    assert stats.Interval(0.1, 0.2, 0.5).inverse() == stats.Interval(2.0, 5.0, 10.0)
