"""The words beside a figure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.proofs.intervals.machines import sticky, sticky_median
from bench.result.result import BenchResult, Energy, Telemetry, Warmup
from bench.result.verdict import judge, summarise
from generator import stats

Make = Callable[..., BenchResult]


def words(result: BenchResult) -> list[str]:
    return [verdict.word for verdict in judge(result)]


def gauges(**columns: Any) -> Telemetry:
    count = len(next(iter(columns.values())))
    return Telemetry(
        source="nvml", interval_seconds=0.2, seconds=tuple(0.2 * index for index in range(count)), samples=columns
    )


def test_a_clean_result_has_no_words(make_result: Make) -> None:
    assert words(make_result()) == []


@pytest.mark.parametrize(("spread", "expected"), [(0.03, []), (0.12, ["noisy"])])
def test_noisy_above_ten_percent(spread: float, expected: list[str], make_result: Make, make_seconds: Any) -> None:
    """The quartiles of exp(s * normal) lie about 1.35 s apart."""
    assert words(make_result(step_seconds=make_seconds(spread=spread))) == expected


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"throttle_reasons": (0.0,) * 8}, []),
        ({"throttle_reasons": (4.0,) * 8}, []),  # the power limit at work, as on most cards
        ({"throttle_reasons": (4.0,) * 7 + (0x40 + 4.0,)}, ["throttled"]),
        ({"throttle_reasons": (0.0,) * 39 + (32.0,)}, []),  # one sample in forty
        ({"throttle_reasons": (None,) * 8}, []),
        ({"sm_clock_mhz": (1800.0,) * 30 + (1700.0,) * 10}, ["throttled"]),
        ({"sm_clock_mhz": (1800.0,) * 30 + (1750.0,) * 10}, []),
        ({"sm_clock_mhz": (1500.0,) * 30 + (1800.0,) * 10}, []),  # got faster
        ({"sm_clock_mhz": (1800.0, 900.0)}, []),  # too few samples
    ],
)
def test_throttled_by_its_own_word_or_by_its_clock(
    columns: dict[str, Any], expected: list[str], make_result: Make
) -> None:
    assert words(make_result(telemetry=gauges(**columns))) == expected


def test_a_lowered_power_limit_is_told(make_result: Make) -> None:
    result = make_result()
    device = replace(result.device, power_limit_watts=200.0, default_power_limit_watts=350.0)
    (verdict,) = judge(replace(result, device=device))
    assert verdict.word == "power-limited"
    assert "200 W" in verdict.why
    assert "350 W" in verdict.why


def test_busy_unsettled_and_short(make_result: Make) -> None:
    assert words(make_result(telemetry=gauges(other_cpu_share=(0.4,) * 8))) == ["busy"]
    assert words(make_result(step_seconds=[0.1, 0.1, 0.1])) == ["short"]
    result = make_result()
    warmup = Warmup(steps=9, seconds=8.0, is_settled=False)
    assert words(replace(result, timing=replace(result.timing, warmup=warmup))) == ["unsettled"]


def test_summary_is_made_of_the_blocks(make_result: Make) -> None:
    summary = summarise(make_result(step_seconds=[0.1, 0.2, 0.3, 0.4, 0.5]))
    assert summary.step_seconds == pytest.approx(0.3)
    assert summary.steps_per_second == pytest.approx(1 / 0.3)
    assert summary.picture_is_measured
    assert summary.joules_per_picture == pytest.approx(12000 / 400 * 30)


def test_a_picture_that_was_not_drawn_is_made_of_its_steps(make_result: Make) -> None:
    result = make_result(step_seconds=[0.1] * 5, energy=Energy())
    summary = summarise(replace(result, timing=replace(result.timing, picture=None)))
    assert not summary.picture_is_measured
    assert summary.picture_seconds == pytest.approx(30 * 0.1)
    assert summary.joules_per_picture is None


def test_a_machine_that_gets_slower_is_told_from_its_blocks_alone(make_result: Make) -> None:
    """WSL often has no gauge of the clock. Heat comes with a time constant of minutes."""
    noise = np.random.default_rng(7).standard_normal(90)
    warm = [0.1 * (1 + 0.15 * (1 - math.exp(-block / 60))) * math.exp(0.01 * x) for block, x in enumerate(noise)]
    result = replace(make_result(step_seconds=warm), telemetry=None)
    (verdict,) = judge(result)
    assert verdict.word == "drifting"
    assert "slower than the first" in verdict.why
    steady = replace(make_result(step_seconds=[0.1 * math.exp(0.01 * x) for x in noise]), telemetry=None)
    assert judge(steady) == []


def test_a_measurement_that_somebody_ended_says_so(make_result: Make) -> None:
    whole = make_result(step_seconds=[0.1] * 48)
    (verdict,) = judge(replace(whole, timing=replace(whole.timing, ended_early=True)))
    assert (verdict.word, verdict.why) == ("ended early", "somebody ended it after 48.0 s of blocks")


@pytest.mark.parametrize(("blocks", "word"), [(3, "short"), (5, "few blocks"), (47, "few blocks"), (48, None)])
def test_few_blocks_say_so(blocks: int, word: str | None, make_result: Make) -> None:
    assert words(make_result(step_seconds=[0.1] * blocks)) == ([word] if word else [])


def test_sessions_are_not_few_blocks(make_result: Make) -> None:
    """Each is a throw of its own, so that one speed does not hide the other."""
    one = make_result(step_seconds=[0.1] * 36)
    assert words(replace(one, timing=replace(one.timing, session_blocks=(12, 12, 12)))) == []


@pytest.mark.parametrize("slow_share", [0.2, 0.45])
def test_an_interval_that_may_be_too_narrow_says_so(slow_share: float, make_result: Make) -> None:
    """A machine that keeps to a speed for eight blocks: 20 of them may hide the other, 48 miss it seldom."""
    truth, random = sticky_median(slow_share), np.random.default_rng(3)
    for values in sticky(random, 100, 20, slow_share, 8):
        assert set(words(make_result(step_seconds=list(values)))) & {"few blocks", "two speeds"}
    intervals = [stats.median_interval(list(values)) for values in sticky(random, 400, 48, slow_share, 8)]
    assert np.mean([interval is not None and interval.holds(truth) for interval in intervals]) >= 0.93


def test_two_speeds_are_told_from_the_blocks_alone(make_result: Make) -> None:
    noise = np.random.default_rng(7).standard_normal(40)
    seconds = [(0.1 if index % 10 < 7 else 0.108) * math.exp(0.003 * x) for index, x in enumerate(noise)]
    (verdict,) = judge(replace(make_result(step_seconds=seconds), telemetry=None))
    assert verdict.word == "two speeds"
    assert re.fullmatch(r"blocks went at 10\.0 it/s and at 9\.2\d it/s, 30% of them at the slower", verdict.why)
