"""What is claimed of a GPU that was not measured must follow from its datasheet, and nothing more may be claimed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.claims.bounds import bound_for, bounds_for, describe_bound, headline, impossible_by, sure_factor
from bench.result.result import BenchResult, Work
from bench.result.verdict import summarise
from provision.cards.datasheets import datasheet, find_datasheet

Make = Callable[..., BenchResult]
WORK = Work(flops_per_step=2e12, least_flops_per_step=1e12, flops_method="counted")


def test_a_bound_is_least_arithmetic_over_peak(make_result: Make) -> None:
    bound = bound_for(make_result(work=WORK), datasheet("t4"))
    assert bound is not None
    assert bound.precision == "fp32"
    assert bound.least_step_seconds == pytest.approx(1e12 / 8.1408e12)
    assert bound.most_steps_per_second == pytest.approx(8.1408)


def test_what_a_profile_allows_is_allowed_for(make_result: Make) -> None:
    shipped = make_result(work=WORK, profile="as-shipped")
    t4, k80 = (bound_for(shipped, datasheet(key)) for key in ("t4", "k80"))
    assert t4 is not None
    assert k80 is not None
    assert t4.most_steps_per_second == pytest.approx(65.1, rel=0.001)  # its tensor cores
    assert k80.most_steps_per_second == pytest.approx(4.37, rel=0.01)  # it has none


@pytest.mark.parametrize(
    ("key", "strict", "shipped"),
    [
        ("p100-pcie", 9.526, 19.05),  # no tensor cores: two halves per lane
        ("v100-sxm2", 15.7, 125.3),  # 80 multiprocessors, 512 multiply-adds, 1.53 GHz
        ("l4", 30.3, 121.2),  # not the 242 that are printed with sparsity
        ("a100-40gb", 19.5, 312),
        ("h100-sxm", 66.9, 1070.5),  # above the printed 989.4, since it reaches 1.98 GHz
    ],
)
def test_bounds_take_the_unit_that_a_profile_allows_at_its_highest_clock(
    make_result: Make, key: str, strict: float, shipped: float
) -> None:
    """Against hand-made figures; TF32 and tensor cores are out of reach of strict."""
    for profile, peak in (("strict", strict), ("as-shipped", shipped)):
        bound = bound_for(make_result(work=WORK, profile=profile), datasheet(key))
        assert bound is not None
        assert bound.most_steps_per_second == pytest.approx(peak, rel=0.002)


def test_nothing_is_bounded_without_a_count(make_result: Make) -> None:
    result = make_result()
    assert bounds_for(result) == []
    assert headline(result) is None
    assert impossible_by(result, datasheet("t4")) is None


def test_bounds_come_the_tightest_first_and_are_of_colab(make_result: Make) -> None:
    bounds = bounds_for(make_result(work=WORK))
    assert [bound.most_steps_per_second for bound in bounds] == sorted(b.most_steps_per_second for b in bounds)
    assert {"T4", "L4", "A100 40 GB"} <= {bound.sheet.name for bound in bounds}
    assert "RTX 3090" not in {bound.sheet.name for bound in bounds}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seconds=st.floats(0.01, 1), noise=st.floats(0, 0.5))
def test_at_least_is_said_only_where_the_slow_end_is_beyond_the_bound(
    make_result: Make, seconds: float, noise: float
) -> None:
    result = make_result(work=WORK, step_seconds=[seconds * (1 + noise * (index % 3)) for index in range(12)])
    interval = summarise(result).interval
    assert interval is not None
    for bound in bounds_for(result):
        claims = "At least" in describe_bound(result, bound)
        assert claims == (bound.least_step_seconds / interval.high >= 1.05)
        assert not (claims and bound.most_steps_per_second >= 1 / interval.high)


@pytest.mark.parametrize(("times", "told"), [(1.99, "1.9"), (1.089, "1.08"), (14.27, "14.2")])
def test_the_factor_in_words_is_rounded_down(times: float, told: str, make_result: Make) -> None:
    seconds = 1e12 / 8.1408e12 / times
    result = make_result(work=WORK, step_seconds=[seconds] * 10)
    t4 = bound_for(result, datasheet("t4"))
    assert t4 is not None
    assert sure_factor(result, t4) == pytest.approx(times)
    assert describe_bound(result, t4).startswith(f"At least {told}x as fast as any T4: ")


def test_the_headline_takes_the_strongest_claim_that_follows(make_result: Make) -> None:
    slow = make_result(work=WORK, step_seconds=[10.0] * 5)
    assert (headline(slow) or "").endswith("a bound cannot tell.")
    assert "No T4" in (headline(slow) or "")
    between = make_result(work=WORK, step_seconds=[1 / 12] * 5)  # beyond a T4 and a P100, not beyond a V100
    assert "any P100 PCIe" in (headline(between) or "")


def test_a_geforce_bound_is_no_claim(make_result: Make) -> None:
    """It clocks above its datasheet."""
    result = make_result(work=WORK, step_seconds=[1 / 400] * 5)
    bound = bound_for(result, datasheet("rtx-3090"))
    assert bound is not None
    assert "At least" not in describe_bound(result, bound)


@pytest.mark.parametrize(
    ("device", "peak", "times", "is_impossible"),
    [
        ("Tesla T4", 8.1408, 0.99, False),
        ("Tesla T4", 8.1408, 1.01, True),
        ("NVIDIA GeForce RTX 3090", 35.6, 1.2, False),  # its boost goes beyond the listed clock
        ("NVIDIA GeForce RTX 3090", 35.6, 1.3, True),
        ("AMD EPYC", 8.0, 100.0, False),  # nobody knows
    ],
)
def test_what_exceeds_its_own_card_is_impossible(
    make_result: Make, device: str, peak: float, times: float, is_impossible: bool
) -> None:
    result: Any = make_result(work=WORK, device=device, step_seconds=[1 / (peak * times)] * 5)
    factor = impossible_by(result, find_datasheet(device))
    assert (factor is not None) == is_impossible
    if factor is not None:
        assert factor == pytest.approx(times, rel=0.01)
