"""Block times lean to one side: what a formula says of such samples, against one that looks the other way."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from bench.result.result import BenchResult, Telemetry
from bench.result.verdict import judge
from generator import stats

Make = Callable[..., BenchResult]

STEADY = [1.0 + 0.0001 * (number % 7) for number in range(60)]


def leaning(seed: int = 3, count: int = 60) -> list[float]:
    """Block times with a long tail to the slow side."""
    return list(1.0 + np.random.default_rng(seed).exponential(0.2, count))


def reaches(interval: stats.Interval) -> tuple[float, float]:
    """How far it reaches down and up, in logarithms."""
    return math.log(interval.median / interval.low), math.log(interval.high / interval.median)


def test_a_ratio_reaches_where_its_numerator_does() -> None:
    """Beside a steady denominator nearly all of the doubt is the numerator's, and as lopsided as that."""
    own = stats.median_interval(leaning())
    ratio = stats.ratio_interval(leaning(), STEADY)
    assert own is not None
    assert ratio is not None
    down, up = reaches(own)
    assert abs(up - down) > 0.1 * (up + down)  # else this sample proves nothing
    assert reaches(ratio) == pytest.approx((down, up), rel=0.05)


def test_a_ratio_reaches_the_other_way_from_its_denominator() -> None:
    own = stats.median_interval(leaning())
    ratio = stats.ratio_interval(STEADY, leaning())
    assert own is not None
    assert ratio is not None
    assert reaches(ratio) == pytest.approx(reaches(own)[::-1], rel=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_a_ratio_turned_round_is_its_reciprocal(seed: int) -> None:
    a, b = leaning(seed), leaning(seed + 100, 40)
    there, back = stats.ratio_interval(a, b), stats.ratio_interval(b, a)
    assert there is not None
    assert back is not None
    assert (there.low, there.high) == pytest.approx((1 / back.high, 1 / back.low))


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([1.0, 2.0, 10.0], 1.5, 6.0), ([1.0, 2.0, 4.0, 100.0], 1.75, 28.0), ([5.0], 5.0, 5.0)],
)
def test_quartiles_lie_between_neighbours(values: list[float], low: float, high: float) -> None:
    assert stats.quartiles(values) == pytest.approx((low, high))
    assert stats.iqr(values) == pytest.approx(high - low)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_there_is_no_spread_of_fewer_than_four(count: int) -> None:
    assert stats.spread([1.0, 5.0, 9.0][:count]) is None


def test_the_spread_is_over_the_median_not_the_mean() -> None:
    assert stats.spread([1.0, 1.0, 2.0, 100.0]) == pytest.approx((26.5 - 1.0) / 1.5)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1, 2, 3, 4, 5, 6, 7, 11.5], 0), ([1, 2, 3, 4, 5, 6, 7, 11.6], 1), ([1, 2, 3, 4, 5, 6, 7, -3.5], 0),
     ([1, 2, 3, 4, 5, 6, 7, -3.6], 1)],
)  # fmt: skip
def test_an_outlier_lies_beyond_either_fence(values: list[float], expected: int) -> None:
    """Tukey's fences, 1.5 interquartile ranges outside the quartiles."""
    assert stats.outliers(values) == expected


# ---- NVML's reasons, bit by bit: nvmlClocksThrottleReasons of nvml.h


@pytest.mark.parametrize(
    ("bit", "slows"),
    [
        (0x001, False),  # idle
        (0x002, False),  # application clocks
        (0x004, False),  # software power cap: usual
        (0x008, True),  # hardware slowdown
        (0x010, False),  # sync boost
        (0x020, True),  # software thermal slowdown
        (0x040, True),  # hardware thermal slowdown
        (0x080, True),  # hardware power brake
        (0x100, False),  # display clocks
    ],
)
def test_heat_and_the_power_brake_are_told(bit: int, slows: bool, make_result: Make) -> None:
    samples = {"throttle_reasons": (float(bit),) * 8}
    seconds = tuple(0.2 * index for index in range(8))
    telemetry = Telemetry(source="nvml", interval_seconds=0.2, seconds=seconds, samples=samples)
    assert ["throttled" for verdict in judge(make_result(telemetry=telemetry)) if verdict.word == "throttled"] == (
        ["throttled"] * slows
    )
