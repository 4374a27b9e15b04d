"""A result's claims: expected stands between measured and bound, and is silent where the tables say nothing."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bench.claims.claims import claims_for, headline
from bench.result.result import BenchResult
from bench.workloads import find_workload

Make = Callable[..., BenchResult]


@pytest.fixture
def make_strict(make_result: Make) -> Make:
    """An RTX 3090 in full precision."""
    return functools.partial(make_result, workload="adafruit-480-pure")


@pytest.fixture
def make_mixed(make_result: Make) -> Make:
    """An RTX 3090 in half precision at 10 it/s."""

    def make(**changes: Any) -> BenchResult:
        result = make_result(workload="adafruit-480-pure", profile="as-shipped", **changes)
        return replace(result, software=replace(result.software, flags={"precision": "mixed"}))

    return make


def test_expected_stands_between_measured_and_bound(make_mixed: Make) -> None:
    result = make_mixed(step_seconds=[0.1] * 12)
    claims = {claim.name: claim for claim in claims_for(result)}
    assert {name for name, claim in claims.items() if claim.kind == "expected"} == {
        "T4", "V100 SXM2", "A100 40 GB", "A100 80 GB", "H100 SXM",
    }  # fmt: skip
    t4 = claims["T4"]
    assert t4.low is not None
    assert t4.high is not None
    assert t4.high / t4.steps_per_second == pytest.approx(t4.steps_per_second / t4.low)
    assert "expected, not measured" in (headline(result) or "")
    measured = make_mixed(device="Tesla T4", step_seconds=[0.4] * 12, number=2)
    assert next(claim for claim in claims_for(result, [measured]) if claim.name == "T4").kind == "measured"
    assert (headline(result, [measured]) or "").startswith("Against a measured T4")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda result: replace(result, software=replace(result.software, flags={})),
        lambda result: replace(result, device=replace(result.device, name="NVIDIA GeForce RTX 3060")),
        lambda result: replace(result, workload=replace(result.workload, hash=find_workload("starter-128").hash)),
        lambda result: replace(result, workload=replace(result.workload, hash="0" * 16)),
    ],
    ids=["no precision", "an unknown card", "the starter", "work of another version"],
)
def test_where_the_table_says_nothing_nothing_is_expected(make_mixed: Make, spoil: Any) -> None:
    result = spoil(make_mixed(step_seconds=[0.1] * 12))
    assert "expected" not in {claim.kind for claim in claims_for(result)}


def test_few_blocks_of_ones_own_are_no_disturbance(make_mixed: Make) -> None:
    assert "expected" in {claim.kind for claim in claims_for(make_mixed(step_seconds=[0.1] * 12))}


def test_a_disturbed_result_expects_nothing_of_others(make_mixed: Make) -> None:
    noisy = functools.partial(make_mixed, step_seconds=[0.1, 0.2] * 6)
    assert "expected" not in {claim.kind for claim in claims_for(noisy())}


def test_in_full_precision_the_arithmetic_of_the_step_tells_of_four_cards(make_strict: Make) -> None:
    """No page says what an Ampere card does without TF32; a card of the tables is beside oneself."""
    result = make_strict(step_seconds=[0.1] * 12)
    claims = {claim.name: claim for claim in claims_for(result)}
    assert {name: claim.kind for name, claim in claims.items()} == {
        "K80 (one die)": "expected", "P100 PCIe": "expected", "T4": "expected", "V100 SXM2": "expected",
        "A100 40 GB": "bound", "A100 80 GB": "bound", "L4": "bound", "H100 SXM": "bound",
        "G4 (RTX PRO 6000 Blackwell SE)": "bound",
    }  # fmt: skip
    t4 = claims["T4"]
    assert "convolution nets" in t4.basis
    assert t4.high is not None
    assert t4.high <= 8.1408e12 / 1500258116721  # its bound
    assert t4.sentence.endswith("x as fast, 1.8x at least by its datasheet.")
    beside = make_strict(device="Tesla V100-SXM2-16GB", step_seconds=[0.3] * 12)
    assert "how the two cards compare" in {claim.name: claim for claim in claims_for(beside)}["T4"].basis


def test_a_processor_hears_what_a_gpu_may_do(make_strict: Make) -> None:
    slow = make_strict(step_seconds=[30.0] * 12, device="A CPU")
    assert (headline(slow) or "").endswith("x this rig.")


def test_as_shipped_on_a_processor_expects_no_card_in_full_precision(make_result: Make) -> None:
    """A T4 ships with halves, of which the arithmetic alone tells nothing."""
    slow = make_result(workload="adafruit-480-pure", profile="as-shipped", step_seconds=[30.0] * 12, device="A CPU")
    assert {claim.kind for claim in claims_for(slow)} == {"bound"}
    card = make_result(workload="adafruit-480-pure", profile="as-shipped", device="Tesla V100-SXM2-16GB")
    assert "T4" not in {claim.name for claim in claims_for(card) if claim.kind == "expected"}  # it computed in fp32


def test_random_weights_of_colab_are_compared_where_something_shows_that_they_are_as_fast(make_strict: Make) -> None:
    """Real weights here, random ones there, and both here: the ratio; without the last what would make one."""
    mine = make_strict(number=1, step_seconds=[0.1] * 12)
    t4 = make_strict(number=2, device="Tesla T4", random=True, step_seconds=[1.0] * 12)
    said = headline(mine, [mine, t4]) or ""
    assert "not comparable: random weights vs real ones" in said
    assert said.endswith("dreamrig bench run adafruit-480-pure@strict --random-weights.")
    both_here = make_strict(number=3, random=True)
    said = headline(mine, [mine, t4, both_here]) or ""
    assert "is 10.0x (" in said
    assert "as fast as Tesla T4" in said


def test_of_two_measured_the_one_that_can_be_compared_speaks(make_strict: Make) -> None:
    mine = make_strict(number=1)
    random = make_strict(number=2, device="Tesla T4", random=True, step_seconds=[1.0] * 40, place="colab-hosted")
    real = make_strict(number=3, device="Tesla T4", step_seconds=[1.1] * 12)
    assert "is 11.0x" in (headline(mine, [mine, random, real]) or "")
