"""Expected, not measured: what the public table carries over, how well, and where it must stay silent."""

from __future__ import annotations

import functools
import json
import math
import statistics
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from bench.claims.claims import claims_for, headline
from bench.claims.expected import FILE, LEAST_FACTOR, expected_ratio, ratio_over
from bench.result.result import BenchResult
from provision.cards.datasheets import datasheet

Make = Callable[..., BenchResult]
TABLE = json.loads(FILE.read_text(encoding="utf-8"))
ROWS = [row["steps_per_second"] for row in TABLE["rows"]]


@pytest.fixture
def make_result(make_result: Make) -> Make:
    """An RTX 3090 in half precision at 10 it/s."""

    def make(**changes: Any) -> BenchResult:
        result = make_result(workload="adafruit-480-pure", profile="as-shipped", **changes)
        return replace(result, software=replace(result.software, flags={"precision": "mixed"}))

    return make


def test_every_row_names_its_source_and_every_card_its_sheet() -> None:
    assert set(TABLE["source"]) == {"repository", "path", "commit", "licence"}
    assert len(TABLE["source"]["commit"]) == 40
    for keys in TABLE["cards"].values():
        for key in keys:
            assert datasheet(key).key == key
    assert all(set(row) == set(TABLE["cards"]) for row in ROWS)


def test_ratios_by_hand() -> None:
    """Batch 4 of the first network: 1.79 on a T4, 6.46 on an RTX 3090."""
    found = expected_ratio("t4", "rtx-3090")
    assert found is not None
    assert found.ratio == pytest.approx(0.28, abs=0.02)
    assert found.rows == 9
    assert found.factor >= LEAST_FACTOR
    turned = expected_ratio("rtx-3090", "t4")
    assert turned is not None
    assert turned.ratio == pytest.approx(1 / found.ratio)
    assert expected_ratio("t4", "t4") is None
    assert expected_ratio("k80", "rtx-3090") is None


def test_a_row_that_is_held_out_lies_within_the_error_that_is_told() -> None:
    """Cross-validation: each row from the others, for each pair of cards; the median error is a few hundredths."""
    errors, inside = [], []
    for target, own in permutations(TABLE["cards"], 2):
        for index, row in enumerate(ROWS):
            if not (row[target] and row[own]):
                continue
            found = ratio_over([*ROWS[:index], *ROWS[index + 1 :]], target, own)
            assert found is not None
            error = abs(math.log(row[target] / row[own] / found.ratio))
            errors.append(error)
            inside.append(error <= math.log(found.factor))
    assert len(errors) > 150
    assert statistics.median(errors) < 0.06
    assert sum(inside) / len(inside) >= 0.95


def test_datasheets_would_not_do() -> None:
    """A T4 is overrated by its sheet: its ratio to a 3090 by peak is far from what was measured."""
    by_sheet = datasheet("t4").peak_tflops("fp16") / datasheet("rtx-3090").peak_tflops("fp16")
    found = expected_ratio("t4", "rtx-3090")
    assert found is not None
    assert by_sheet / found.ratio > LEAST_FACTOR


def test_expected_stands_between_measured_and_bound(make_result: Make) -> None:
    result = make_result(step_seconds=[0.1] * 12)
    claims = {claim.name: claim for claim in claims_for(result)}
    assert {name for name, claim in claims.items() if claim.kind == "expected"} == {
        "T4", "V100 SXM2", "A100 40 GB", "A100 80 GB",
    }  # fmt: skip
    t4 = claims["T4"]
    assert t4.low is not None
    assert t4.high is not None
    assert t4.high / t4.steps_per_second == pytest.approx(t4.steps_per_second / t4.low)
    assert "expected, not measured" in (headline(result) or "")
    measured = make_result(device="Tesla T4", step_seconds=[0.4] * 12, number=2)
    assert next(claim for claim in claims_for(result, [measured]) if claim.name == "T4").kind == "measured"
    assert (headline(result, [measured]) or "").startswith("Against a measured T4")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda result: replace(result, software=replace(result.software, flags={"precision": "fp32"})),
        lambda result: replace(result, device=replace(result.device, name="NVIDIA GeForce RTX 3060")),
        lambda result: replace(
            result, workload=replace(result.workload, params={**result.workload.params, "model": "starter"})
        ),
    ],
    ids=["full precision", "an unknown card", "the starter"],
)
def test_where_the_table_says_nothing_nothing_is_expected(make_result: Make, spoil: Any) -> None:
    result = spoil(make_result(step_seconds=[0.1] * 12))
    assert "expected" not in {claim.kind for claim in claims_for(result)}


def test_a_disturbed_result_expects_nothing_of_others(make_result: Make) -> None:
    noisy = functools.partial(make_result, step_seconds=[0.1, 0.2] * 6)
    assert "expected" not in {claim.kind for claim in claims_for(noisy())}
