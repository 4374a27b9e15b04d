"""What is claimed of a GPU that was not measured must follow from its datasheet, and nothing more may be claimed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.claims.bounds import bound_for, describe_bound, sure_factor
from bench.claims.claims import headline
from bench.result.pins import least_flops
from bench.result.result import BenchResult, Software
from bench.result.verdict import summarise
from provision.cards.datasheets import colab_datasheets, datasheet
from provision.cards.limits import Bound

Make = Callable[..., BenchResult]
LEAST = 1500258116721
"""FLOPs of adafruit-480-pure."""


@pytest.fixture
def make_result(make_result: Make) -> Make:
    return functools.partial(make_result, workload="adafruit-480-pure")


def bounds_for(result: BenchResult) -> list[Bound]:
    """Of all of Colab's GPUs."""
    return [bound for sheet in colab_datasheets() if (bound := bound_for(result, sheet)) is not None]


def test_a_bound_is_least_arithmetic_over_peak(make_result: Make) -> None:
    bound = bound_for(make_result(), datasheet("t4"))
    assert bound is not None
    assert bound.precision == "fp32"
    assert bound.least_step_seconds == pytest.approx(LEAST / 8.1408e12)
    assert bound.most_steps_per_second == pytest.approx(8.1408e12 / LEAST)


def test_what_a_profile_allows_is_allowed_for(make_result: Make) -> None:
    shipped = make_result(profile="as-shipped")
    t4, k80 = (bound_for(shipped, datasheet(key)) for key in ("t4", "k80"))
    assert t4 is not None
    assert k80 is not None
    assert t4.most_steps_per_second == pytest.approx(65.1e12 / LEAST, rel=0.001)  # its tensor cores
    assert k80.most_steps_per_second == pytest.approx(4.37e12 / LEAST, rel=0.01)  # it has none


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
        bound = bound_for(make_result(profile=profile), datasheet(key))
        assert bound is not None
        assert bound.most_steps_per_second == pytest.approx(peak * 1e12 / LEAST, rel=0.002)


def test_nothing_is_said_of_work_that_is_not_known(make_result: Make) -> None:
    other = make_result()
    other = replace(other, workload=replace(other.workload, hash="0" * 16))
    assert least_flops("0" * 16) is None
    assert bounds_for(other) == []
    assert headline(other) is None


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seconds=st.floats(0.01, 1), noise=st.floats(0, 0.5))
def test_at_least_is_said_only_where_the_slow_end_is_beyond_the_bound(
    make_result: Make, seconds: float, noise: float
) -> None:
    result = make_result(step_seconds=[seconds * (1 + noise * (index % 3)) for index in range(12)])
    interval = summarise(result).interval
    assert interval is not None
    for bound in bounds_for(result):
        claims = "At least" in describe_bound(result, bound)
        assert claims == (bound.is_exact and bound.least_step_seconds / interval.high >= 1.05)
        assert not (claims and bound.most_steps_per_second >= 1 / interval.high)


@pytest.mark.parametrize(("times", "told"), [(1.99, "1.9"), (1.089, "1.08"), (14.27, "14.2")])
def test_the_factor_in_words_is_rounded_down(times: float, told: str, make_result: Make) -> None:
    seconds = LEAST / 8.1408e12 / times
    result = make_result(step_seconds=[seconds] * 10)
    t4 = bound_for(result, datasheet("t4"))
    assert t4 is not None
    assert sure_factor(result, t4) == pytest.approx(times)
    assert describe_bound(result, t4).startswith(f"At least {told}x as fast as any T4: ")


def test_the_headline_takes_the_strongest_claim_that_follows(make_result: Make) -> None:
    """In half precision and of a card that no table has, so that nothing is expected."""
    shipped = Software(python="3.12.3", torch="2.13.0", threads=8, flags={"precision": "mixed"})
    make = functools.partial(make_result, profile="as-shipped", device="NVIDIA GeForce RTX 5090", software=shipped)
    slow = make(step_seconds=[10.0] * 5)
    assert (headline(slow) or "").endswith("a bound cannot tell.")
    assert "No T4" in (headline(slow) or "")
    between = make(step_seconds=[LEAST / 100e12] * 5)  # beyond a T4 and an L4's memory of peaks, not beyond a V100
    assert "any T4" in (headline(between) or "")


def test_a_geforce_bound_is_no_claim(make_result: Make) -> None:
    """It clocks above its datasheet."""
    result = make_result(step_seconds=[LEAST / 40e12] * 5)
    bound = bound_for(result, datasheet("rtx-3090"))
    assert bound is not None
    assert "At least" not in describe_bound(result, bound)
