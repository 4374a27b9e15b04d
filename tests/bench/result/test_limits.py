"""The edges of what a published result may hold: the last value that is taken, the first that is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.result import limits, store
from bench.result.figures import known_rate
from bench.result.reading import oddities
from bench.result.result import BenchResult, Telemetry, Timing
from bench.result.trust import reasons
from dreamrig.errors import UsageError
from generator.stats import Interval

Make = Callable[..., BenchResult]
NOW = datetime(2026, 11, 28, tzinfo=UTC)

EDGES: tuple[tuple[Any, Any, Any], ...] = (
    (limits.Text, "x" * 200, "x" * 201),
    (limits.Name, "x" * 60, "x" * 61),
    (limits.Card, "x" * 200, "x" * 201),
    (limits.Remark, "x" * 1000, "x" * 1001),
    (limits.Reason, "x" * 400, "x" * 401),
    (limits.Instant, "2026-11-20T10:00:00." + "0" * 19 + "Z", "2026-11-20T10:00:00." + "0" * 20 + "Z"),
    (limits.Hash, "0" * 64, "0" * 65),
    (limits.Hash, "0" * 8, "0" * 7),
    (limits.Hex, "0" * 64, "0" * 65),
    (limits.Count, 1, 0),
    (limits.Count, 10**9, 10**9 + 1),
    (limits.Whole, 0, -1),
    (limits.Whole, 10**9, 10**9 + 1),
    (limits.Version, 1, 0),
    (limits.Version, 10_000, 10_001),
    (limits.Few, 1, 0),
    (limits.Few, 1024, 1025),
    (limits.Threads, 1, 0),
    (limits.Threads, 100_000, 100_001),
    (limits.Generation, 1, 0),
    (limits.Generation, 20, 21),
    (limits.WslVersion, 1, 0),
    (limits.WslVersion, 2, 3),
    (limits.Seconds, 0.0, -1e-9),
    (limits.Seconds, 1e7, 1.1e7),
    (limits.Span, 1e-9, 0.0),
    (limits.Span, 1e7, 1.1e7),
    (limits.Mib, 0.0, -0.1),
    (limits.Watts, 0.0, -0.1),
    (limits.Watts, 1e5, 1.1e5),
    (limits.Joules, 0.0, -0.1),
    (limits.Flops, 1.0, 0.9),
    (limits.Share, 0.0, -0.1),
    (limits.Reading, -1e18, -1.1e18),
)
"""A kind, its last good value, the first bad one beside it."""


@pytest.mark.parametrize(("kind", "last_good", "first_bad"), EDGES)
def test_a_value_at_the_edge_is_taken_and_the_next_refused(kind: Any, last_good: Any, first_bad: Any) -> None:
    assert msgspec.convert(last_good, kind) == last_good
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(first_bad, kind)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"a": "x" * 2000}, {"a": "x" * 2001}),
        ({"x" * 200: 1}, {"x" * 201: 1}),
        ({str(number): 1 for number in range(200)}, {str(number): 1 for number in range(201)}),
        ({"a": [0] * 100_000}, {"a": [0] * 100_001}),
        ({"a": 1e18}, {"a": 1.1e18}),
        ({"a": -1e18}, {"a": -1.1e18}),
    ],
)
def test_where_anything_may_stand_there_are_edges_too(good: dict[str, Any], bad: dict[str, Any]) -> None:
    assert list(oddities(good)) == []
    assert len(list(oddities(bad))) == 1


@pytest.mark.parametrize("many", ["blocks", "seconds", "power_watts"])
def test_ten_thousand_blocks_and_samples_are_taken_and_no_more(make_result: Make, many: str) -> None:
    document = make_result(step_seconds=[0.1]).to_dict()
    telemetry = {**document["telemetry"], "seconds": [0.0], "samples": {"power_watts": [300.0]}}
    kind, part = (Timing, document["timing"]) if many == "blocks" else (Telemetry, telemetry)
    row = telemetry["samples"][many] if many == "power_watts" else part[many]
    row *= 10_000
    msgspec.convert(part, kind)
    row += row[:1]
    with pytest.raises(msgspec.ValidationError, match="length <= 10000"):
        msgspec.convert(part, kind)


def test_a_folder_with_too_many_files_is_refused_before_one_is_read(tmp_path: Path) -> None:
    first = tmp_path / "0.json"
    first.write_text("{}", encoding="utf-8")
    for number in range(1, 10_001):
        (tmp_path / f"{number}.json").hardlink_to(first)
    with pytest.raises(UsageError, match="has 10001 JSON files"):
        store.read_folder(tmp_path)


@pytest.mark.parametrize(
    ("interval", "digits"),
    [
        (None, "31.4"),
        (Interval(low=0.0, median=1.0, high=2.0), "31.4"),  # nothing can be said of an interval down to nothing
        (Interval(low=0.4, median=1.0, high=2.0), "31"),
        (Interval(low=0.99, median=1.0, high=1.01), "31.4"),
    ],
)
def test_an_interval_leaves_as_many_digits_as_it_is_sure_of(interval: Interval | None, digits: str) -> None:
    assert known_rate(31.41, interval) == digits


def test_of_the_measured_products_only_numbers_above_nothing_count(make_result: Make) -> None:
    """What a stranger put there in place of a number neither makes a pace impossible nor breaks the question."""
    nonsense = {"fp32": True, "tf32": "90", "bf16": 0, "fp16": -5.0}
    result = make_result(profile="as-shipped")
    assert _says_own_products(replace(result, ceilings={"matmul_tflops": {**nonsense, "fp8": 1e-6}}))
    assert not _says_own_products(replace(result, ceilings={"matmul_tflops": nonsense}))


def _says_own_products(result: BenchResult) -> bool:
    return any("products" in reason for reason in reasons(result, NOW))
