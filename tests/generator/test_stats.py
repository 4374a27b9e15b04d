"""Intervals against distributions whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.proofs.intervals import machines
from generator import stats

TRIALS = 400
"""The share of 400 trials that hold the truth is off by 0.011 (standard deviation) where 95 % of all do."""
LUCK = 0.02
"""What so few trials may miss."""
positive = st.lists(st.floats(1e-6, 1e6), min_size=3, max_size=40)


def alike(random: np.random.Generator, count: int, correlation: float, trials: int = TRIALS) -> np.ndarray:
    """Standard normal series [trials, count] whose neighbours correlate: AR(1)."""
    return np.log(machines.alike(random, trials, count, correlation, 1.0))


def coverage(series: np.ndarray, truth: float) -> float:
    """How often the interval of the median holds the true median; series: [trials, count]."""
    intervals = [stats.median_interval(list(values)) for values in series]
    return float(np.mean([interval is not None and interval.holds(truth) for interval in intervals]))


@pytest.mark.parametrize("count", [3, 4, 5, 6, 8, 12, 48, 90])
def test_the_interval_holds_the_true_median_about_as_often_as_it_says(count: int) -> None:
    """Independent values: normal, log-normal (median 1), and exponential ones (median ln 2), which are skewed."""
    random, most = np.random.default_rng(7), 1.0 if count < 12 else 0.995
    assert 0.925 <= coverage(1 + 0.05 * random.standard_normal((TRIALS, count)), 1.0) <= most
    assert 0.925 <= coverage(np.exp(0.3 * random.standard_normal((TRIALS, count))), 1.0) <= most
    assert 0.925 <= coverage(random.exponential(size=(TRIALS, count)), math.log(2)) <= most


@pytest.mark.parametrize("count", [3, 5, 6, 8, 12, 20, 30])
def test_sessions_hold_the_true_median_and_grow_no_wider(count: int) -> None:
    """Few values that know nothing of each other: Student's interval, also of skewed ones."""
    random = np.random.default_rng(7)
    for series, truth in (
        (np.exp(0.03 * random.standard_normal((TRIALS, count))), 1.0),
        (np.exp(0.03 * random.exponential(size=(TRIALS, count))), 2**0.03),
    ):
        intervals = [stats.median_interval(list(values), are_sessions=True) for values in series]
        assert np.mean([interval is not None and interval.holds(truth) for interval in intervals]) >= 0.93 - LUCK


def test_a_spell_that_is_cut_off_at_an_end_is_held_where_blocks_are_few() -> None:
    """Seventeen blocks at one speed and one or two at another, first or last; among many they move no median."""
    steady = [float(value) for value in machines.independent(np.random.default_rng(7), 1, 18, 0.005)[0]]
    for values in ([*steady, 1.1], [1.1, 1.11, *steady], [0.9, *steady]):
        interval = stats.median_interval(values)
        assert interval is not None
        assert interval.holds(values[-1])
        assert interval.holds(values[0])
    for values in (steady, [*steady[:9], 1.1, *steady[9:]], [*steady * 3, 1.1]):
        interval = stats.median_interval(values)
        assert interval is not None
        assert interval.high < 1.02


@pytest.mark.parametrize("count", [20, 48, 90])
@pytest.mark.parametrize("correlation", [0.3, 0.5, 0.8])
def test_neighbours_that_are_alike_widen_the_interval(count: int, correlation: float) -> None:
    """48 blocks make a quick run, 90 a default one."""
    assert coverage(np.exp(0.1 * alike(np.random.default_rng(7), count, correlation)), 1.0) >= 0.93 - LUCK


@pytest.mark.parametrize("count", [20, 48, 90])
@pytest.mark.parametrize(("slow_share", "spell"), [(0.2, 4), (0.45, 4)])
def test_a_machine_with_two_speeds_holds_them_apart_from_the_median(
    count: int, slow_share: float, spell: float
) -> None:
    """The median of such a machine is that of its fast blocks, at the share that makes half of all."""
    truth = machines.sticky_median(slow_share)
    series = machines.sticky(np.random.default_rng(11), TRIALS, count, slow_share, spell)
    assert coverage(series, truth) >= 0.93 - LUCK


@pytest.mark.parametrize(("count", "least"), [(20, 0.84), (48, 0.93 - LUCK), (90, 0.93)])
@pytest.mark.parametrize("slow_share", [0.3, 0.45])
def test_longer_spells_need_more_blocks(count: int, least: float, slow_share: float) -> None:
    """Eight blocks at a time: in some runs of twenty blocks the other speed is not seen at all."""
    series = machines.sticky(np.random.default_rng(11), TRIALS, count, slow_share, 8)
    truth = machines.sticky_median(slow_share)
    slow = (series > machines.SLOWER**0.5).sum(axis=1)
    both = series[np.minimum(slow, count - slow) >= 3]
    assert coverage(series, truth) >= least
    assert coverage(both, truth) >= 0.93


def test_a_few_slow_blocks_do_not_widen_it() -> None:
    """A tenth of the blocks, two at a time: the median is nowhere near."""
    series = machines.sticky(np.random.default_rng(11), TRIALS, 48, 0.1, 2)
    intervals = [stats.median_interval(list(values)) for values in series]
    widths = [interval.high / interval.low - 1 for interval in intervals if interval is not None]
    assert float(np.median(widths)) < 0.02


def test_how_long_one_speed_lasts() -> None:
    """Five blocks at each, again and again: leaving 0.2 + 0.2, so (2 - 0.4) / 0.4 blocks tell as much as one."""
    values = ([1.0] * 5 + [1.1] * 5) * 20
    speeds = stats.two_speeds(values)
    assert speeds is not None
    assert stats.staying_time(values, speeds) == pytest.approx(4, rel=0.05)
    assert stats.staying_time([1.0, 1.1] * 100, speeds) == 1


@pytest.mark.parametrize("spread", [0.002, 0.01])
def test_a_trend_is_seen_where_there_is_one_and_only_there(spread: float) -> None:
    random = np.random.default_rng(7)
    slope = np.linspace(0, 0.06, 60)
    rising = [stats.trend(list(np.exp(slope) * values)) for values in machines.alike(random, 100, 60, 0.5, spread)]
    assert sum(change is not None and change > 1 for change in rising) >= 95
    steady = [stats.trend(list(values)) for values in machines.alike(random, TRIALS, 60, 0.5, spread)]
    assert sum(change is not None for change in steady) <= 0.1 * TRIALS
    assert stats.trend([1.0, 2.0, 3.0]) is None
    assert stats.trend([1.0] * 60) is None


def test_what_heats_up_counts_from_where_it_is_warm() -> None:
    """15 % slower in the end, over two minutes: half an hour's truth is missed by less than half as much."""
    series = machines.heating(np.random.default_rng(7), 40, 30 + 2.0 * np.arange(300), 120)
    starts = [stats.steady_from(list(values)) for values in series]
    left = [float(np.median(values[start:])) for values, start in zip(series, starts, strict=True)]
    assert None not in starts
    assert 1 - float(np.median(left)) < 0.5 * (1 - float(np.median(series)))
    steady = machines.alike(np.random.default_rng(7), 100, 300, 0.5, 0.005)
    assert [stats.steady_from(list(values)) for values in steady].count(0) >= 95
    assert stats.steady_from([1.0, 1.1]) == 0
    rising = np.exp(0.02 * np.arange(60)) * machines.alike(np.random.default_rng(7), 1, 60, 0.0, 0.005)[0]
    assert stats.steady_from(list(rising)) is None


def test_two_speeds_are_seen_where_there_are_two_and_only_there() -> None:
    random = np.random.default_rng(7)
    blocks = [0.1] * 12 + [0.11] * 8
    found = stats.two_speeds([float(value) for value in np.array(blocks) * np.exp(0.002 * random.standard_normal(20))])
    assert found is not None
    assert (found.fast, found.slow) == (pytest.approx(0.1, rel=0.01), pytest.approx(0.11, rel=0.01))
    assert found.slow_share == pytest.approx(0.4)
    assert stats.two_speeds([0.1] * 18 + [0.5] * 2) is None  # two outliers are no speed
    for make in (random.standard_normal, random.exponential, random.random):
        seen = [stats.two_speeds(list(np.exp(0.1 * make(size=40)))) for _ in range(TRIALS)]
        assert sum(one is not None for one in seen) <= 0.02 * TRIALS


def test_a_drift_does_not_make_it_too_sure() -> None:
    """A machine that slows by a fifth over the run: its median over the run is that of the middle."""
    slope = np.linspace(-0.1, 0.1, 48)
    assert coverage(np.exp(slope + 0.03 * np.random.default_rng(7).standard_normal((TRIALS, 48))), 1.0) >= 0.95


def test_the_time_that_likeness_lasts() -> None:
    """(1 + r) / (1 - r) of a first-order series: 1 for independent values, 3 for r = 0.5; nothing for equal ones."""
    random = np.random.default_rng(7)
    assert stats.likeness_time(list(random.standard_normal(20_000))) == pytest.approx(1, abs=0.1)
    assert stats.likeness_time(list(alike(random, 20_000, 0.5, trials=1)[0])) == pytest.approx(3, rel=0.1)
    assert stats.likeness_time([0.1] * 40) == 1
    assert stats.likeness_time([1.0, 2.0] * 20) == 1


def test_likeness_that_goes_on_is_seen_although_neighbours_do_not_show_it() -> None:
    """A slow wave under much noise: neighbours correlate by little, and go on doing so for a long time."""
    random = np.random.default_rng(7)
    wave = np.exp(0.1 * (alike(random, 4000, 0.95, trials=1)[0] + 2 * random.standard_normal(4000)))
    assert stats.likeness_time(list(wave)) > 4


def test_equal_values_look_no_more_alike_than_others() -> None:
    """A coarse clock gives the same few values again and again, in no order."""
    values = [float(value) for value in np.random.default_rng(7).integers(1, 4, size=2000)]
    assert stats.likeness_time(values) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(("freedom", "quantile"), [(0.5, 12.706), (1, 12.706), (7, 2.365), (12, 2.179), (40, 2.021)])
def test_students_quantile(freedom: float, quantile: float) -> None:
    assert stats.student(freedom) == pytest.approx(quantile, rel=0.01)


def test_a_file_full_of_blocks_takes_no_memory_to_speak_of() -> None:
    """As many blocks as a file may hold."""
    assert stats.trend([0.1, 0.2] * 50_000) is None
    interval = stats.median_interval([0.1, 0.2] * 50_000)
    assert interval is not None
    assert 0.1 <= interval.low <= 0.15 <= interval.high <= 0.2


def test_numbers_as_far_apart_as_a_file_may_hold_them() -> None:
    """No overflow, and nothing that JSON could not hold."""
    for count in (3, 9):
        values = [1e-18, 1e7] * count
        for interval in (stats.median_interval(values), stats.ratio_interval(values[:3], values)):
            assert interval is not None
            assert 0 < interval.low <= interval.median <= interval.high < math.inf
            assert 0 < interval.inverse().low <= interval.inverse().high < math.inf


def test_a_wrong_value_is_not_held() -> None:
    """The interval is worth something: a median 30 % off falls outside."""
    assert coverage(np.exp(0.1 * np.random.default_rng(7).standard_normal((TRIALS, 40))), 1.3) < 0.01


@settings(max_examples=40, deadline=None)
@given(positive)
def test_an_interval_lies_around_the_median(values: list[float]) -> None:
    interval = stats.median_interval(values)
    assert interval is not None
    assert 0 < interval.low <= interval.median <= interval.high
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


def ratio_coverage(slow: np.ndarray, fast: np.ndarray, truth: float, *, paired: bool = False) -> float:
    """How often the interval of the ratio holds the true one."""
    judge = stats.paired_ratio_interval if paired else stats.ratio_interval
    intervals = [judge(list(one), list(other)) for one, other in zip(slow, fast, strict=True)]
    return float(np.mean([interval is not None and interval.holds(truth) for interval in intervals]))


@pytest.mark.parametrize("correlation", [0.0, 0.5])
@pytest.mark.parametrize("factor", [1.0, 3.1])
def test_the_interval_of_a_ratio_holds_the_true_ratio(factor: float, correlation: float) -> None:
    """30 blocks against 48 of another session, whose spread is another."""
    random = np.random.default_rng(5)
    slow = factor * np.exp(0.1 * alike(random, 30, correlation))
    fast = np.exp(0.05 * alike(random, 48, correlation))
    assert 0.92 <= ratio_coverage(slow, fast, factor) <= 0.999


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_pairs_hold_the_true_ratio_though_the_machine_wanders(correlation: float) -> None:
    """Both of a pair share what the machine does (neighbours correlate by 0.9); what is left correlates less."""
    random = np.random.default_rng(5)
    wander = 0.2 * alike(random, 40, 0.9)
    slow = 1.1 * np.exp(wander + 0.02 * alike(random, 40, correlation))
    fast = np.exp(wander + 0.02 * alike(random, 40, correlation))
    assert 0.92 <= ratio_coverage(slow, fast, 1.1, paired=True) <= 0.999
    assert ratio_coverage(slow, fast, 1.0, paired=True) < 0.03


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
