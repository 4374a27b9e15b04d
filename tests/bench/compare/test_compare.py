"""Two results side by side, in words, as JSON and as an exit code."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cli.merge import render
from bench.compare.compare import compare
from bench.compare.cost import cost_of
from bench.compare.machines import merge_results
from bench.result import store
from bench.result.pins import hash_of, pins_of
from bench.result.result import BenchResult, Energy, write_result
from dreamrig.cli import main
from dreamrig.errors import UsageError

Make = Callable[..., BenchResult]
Seconds = Callable[..., list[float]]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))


@pytest.fixture
def fast_and_slow(make_result: Make, make_seconds: Seconds) -> tuple[BenchResult, BenchResult]:
    """A T4 at 0.31 s a step, a 3090 at 0.1 s."""
    slow = make_result(step_seconds=make_seconds(0.31, seed=3), device="Tesla T4", number=1, place="colab-hosted")
    return slow, make_result(step_seconds=make_seconds(0.1, seed=4), number=2)


def test_a_ratio_in_words(fast_and_slow: tuple[BenchResult, BenchResult]) -> None:
    slow, fast = fast_and_slow
    found = compare(slow, fast)
    assert found.is_different
    assert found.ratio is not None
    assert found.ratio.holds(3.1)
    expected = r"NVIDIA GeForce RTX 3090 is 3\.(0|1)\dx \(2\.9\d to 3\.2\d\) as fast as Tesla T4; single sessions, .*"
    assert re.fullmatch(expected, found.words)
    assert re.fullmatch(expected, compare(fast, slow).words)
    assert {difference.field for difference in found.differences} == {"place", "device.name"}


def test_no_difference_is_said_so(make_result: Make, make_seconds: Seconds) -> None:
    first, second = (make_result(step_seconds=make_seconds(spread=0.05, seed=seed), number=seed) for seed in (1, 2))
    found = compare(first, second)
    assert not found.is_different
    assert found.words.startswith("no difference shown")


def test_what_two_sessions_differ_by_anyway_is_no_difference(make_result: Make, make_seconds: Seconds) -> None:
    """1 % and certain: nothing between two sessions, nor in turn in one, where each program has its own chance."""
    first = make_result(step_seconds=make_seconds(0.1, spread=0.001, seed=1), number=1)
    second = make_result(step_seconds=make_seconds(0.101, spread=0.001, seed=2), number=2)
    assert not compare(first, second).is_different
    assert "single sessions" in compare(first, second).words
    paired = compare(replace(first, session="one"), replace(second, session="one"))
    assert paired.is_paired
    assert not paired.is_different
    assert "single sessions in turn, for which 1%" in paired.words
    slower = make_result(step_seconds=make_seconds(0.104, spread=0.001, seed=2), number=2, session="one")
    assert compare(replace(first, session="one"), slower).is_different
    assert not compare(first, slower).is_different


def test_other_work_is_not_compared_and_said_how_it_differs(make_result: Make) -> None:
    found = compare(make_result(workload="crowson-480"), make_result(workload="nerdyrodent-512", number=2))
    assert found.ratio is None
    assert found.words.startswith("not comparable: the work differs (")
    assert "augmentations" in found.words
    cutouts = make_result(number=3)
    used, params = cutouts.workload, {**cutouts.workload.params, "cutouts": 32}
    pins = pins_of(version=1, profile=used.profile, params=params, batch=1, step_files=used.step_files)
    other = replace(cutouts, workload=replace(used, name="mine", params=params, hash=hash_of(pins)))
    assert (
        compare(other, cutouts).words == "not comparable: the work differs (cutouts 32 vs 8, name mine vs starter-128)"
    )
    strict, shipped = make_result(), make_result(profile="as-shipped", number=4)
    assert "profile strict vs as-shipped" in compare(strict, shipped).words


def test_random_weights_need_evidence(make_result: Make, make_seconds: Seconds) -> None:
    real = make_result(number=1)
    random = make_result(number=2, random=True, device="Tesla T4", step_seconds=make_seconds(0.3))
    assert "random weights vs real ones" in compare(real, random).words
    same = make_result(number=3, random=True, step_seconds=make_seconds(seed=9))
    assert compare(real, random, [same]).ratio is not None
    slower = make_result(number=3, random=True, step_seconds=make_seconds(0.13, seed=9))
    assert compare(real, random, [slower]).ratio is None


def _kept(folder: Path, *results: BenchResult) -> Path:
    folder.mkdir(exist_ok=True)
    for index, result in enumerate(results):
        write_result(result, folder / f"{index}.json")
    return folder


def test_compare_sets_a_folder_against_its_first_and_tells_of_bad_files(
    tmp_path: Path, fast_and_slow: tuple[BenchResult, BenchResult], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _kept(tmp_path / "results", *fast_and_slow)
    (folder / "bad.json").write_text('{"schema": "bench-result/1"}')
    assert main(["bench", "compare", str(folder)]) == 0
    captured = capsys.readouterr()
    assert "as fast as Tesla T4" in captured.out
    assert "place colab-hosted vs linux" in captured.out
    assert "USD a picture" in captured.out
    assert "bad.json" in captured.err
    assert main(["bench", "compare", str(folder), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (comparison,) = document["data"]["comparisons"]
    assert comparison["is_different"]
    assert comparison["ratio"]["low"] < 3.1 < comparison["ratio"]["high"]
    assert len(document["data"]["unreadable"]) == 1


@pytest.mark.parametrize(
    ("slowdown", "spread", "limit", "code"),
    [(1.0, 0.01, "0.95", 0), (1.3, 0.01, "0.95", 3), (1.3, 0.01, "0.5", 0), (1.06, 0.4, "0.95", 0)],
    ids=["same", "slower", "allowed", "cannot be told"],
)
def test_fail_below(
    slowdown: float, spread: float, limit: str, code: int, tmp_path: Path, make_result: Make, make_seconds: Seconds
) -> None:
    first = make_result(step_seconds=make_seconds(spread=spread, seed=1), number=1)
    second = make_result(step_seconds=make_seconds(0.1 * slowdown, spread, seed=2), number=2)
    folder = _kept(tmp_path / "results", first, second)
    words = ["bench", "compare", str(folder / "0.json"), str(folder / "1.json"), "--fail-below", limit]
    assert main(words) == code


@pytest.mark.parametrize(
    "words",
    [["--fail-below", "1.5"], ["--fail-below", "nan"], ["--kwh-price", "inf"], ["--kwh-price", "nan"]],
)
def test_a_limit_or_price_that_is_none_is_refused(words: list[str], tmp_path: Path, make_result: Make) -> None:
    folder = _kept(tmp_path / "results", make_result(), make_result(number=2))
    assert main(["bench", "compare", str(folder), *words]) == 2


def test_one_result_is_too_few_and_what_was_skipped_is_named(
    tmp_path: Path, make_result: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _kept(tmp_path / "results", make_result())
    (folder / "bad.json").write_text("{")
    assert main(["bench", "compare", str(folder)]) == 2
    assert re.search(r"There is one result to compare\. Skipped: .*bad\.json is not JSON", capsys.readouterr().err)


def test_what_cannot_be_compared_does_not_pass_as_good(tmp_path: Path, make_result: Make) -> None:
    folder = _kept(tmp_path / "results", make_result(), make_result(workload="crowson-480", number=2))
    assert main(["bench", "compare", str(folder)]) == 0
    assert main(["bench", "compare", str(folder), "--fail-below", "0.9"]) == 3


def test_results_are_found_by_name(tmp_path: Path, make_result: Make, capsys: pytest.CaptureFixture[str]) -> None:
    older, newer = make_result(number=0xABCD << 112), make_result(number=2, created="2026-11-21T10:00:00Z")
    for result in (older, newer):
        store.keep(result)
    (only,) = store.find("last")
    assert only.result == newer
    (only,) = store.find("abcd0000")
    assert only.result == older
    for wrong in ("zzzz", "ab", str(tmp_path / "none.json")):
        with pytest.raises(UsageError):
            list(store.find(wrong))
    assert main(["bench", "compare", "last", "abcd0000", "adafruit-guide-480"]) == 0
    out = capsys.readouterr().out
    assert "published by others, not comparable" in out
    assert main(["bench", "compare", "last"]) == 2


def test_the_price_of_a_picture(make_result: Make) -> None:
    """T4: 1.84 units an hour at 9.99 cents, 3.4 s a picture. Own: 900 J at 0.30 a kWh."""
    hosted = make_result(device="Tesla T4", place="colab-hosted")
    cost = cost_of(hosted, None)
    assert cost is not None
    assert cost.per_picture == pytest.approx(1.84 * 0.0999 * 3.4 / 3600)
    assert "2024-04" in cost.basis
    told = cost_of(replace(hosted, price={"units_per_hour": 2.5}), None)
    assert told is not None
    assert told.per_picture == pytest.approx(2.5 * 0.0999 * 3.4 / 3600)
    own = cost_of(make_result(), 0.30)
    assert own is not None
    assert own.per_picture == pytest.approx(900 / 3.6e6 * 0.30)
    assert cost_of(make_result(), None) is None
    assert cost_of(replace(make_result(), energy=Energy()), 0.30) is None
    assert cost_of(make_result(device="Unheard-of GPU", place="colab-hosted"), None) is None


@pytest.mark.parametrize(("told", "counted"), [(0.5, 0.5), (999_999, 999_999), (0, 1.84), (1e6, 1.84), (True, 1.84)])
def test_units_an_hour_that_nobody_can_have_seen_are_those_of_the_table(
    make_result: Make, told: float, counted: float
) -> None:
    hosted = make_result(device="Tesla T4", place="colab-hosted", price={"units_per_hour": told})
    cost = cost_of(hosted, None)
    assert cost is not None
    assert cost.per_picture == pytest.approx(counted * 0.0999 * 3.4 / 3600)


def with_card(result: BenchResult, uuid: str, **changes: Any) -> BenchResult:
    return replace(result, device=replace(result.device, uuid_hash=uuid * 8, **changes))


def test_merge_counts_machines_and_leaves_out_the_impossible(make_result: Make, make_seconds: Seconds) -> None:
    """Nine files of one card are one voice beside those of two others."""
    heavy = functools.partial(make_result, workload="adafruit-480-pure")
    many = [with_card(heavy(number=n, step_seconds=make_seconds(0.1)), "a") for n in range(1, 10)]
    others = [
        with_card(heavy(number=20 + n, step_seconds=make_seconds(0.1 * n)), uuid) for n, uuid in ((2, "b"), (3, "c"))
    ]
    twin = replace(many[0], note="sent twice")
    liar = heavy(number=40, step_seconds=make_seconds(0.001))
    elsewhere = heavy(number=41, device="Tesla T4", step_seconds=make_seconds(0.5))
    merged = merge_results([*many, *others, twin, liar, elsewhere])
    assert merged.duplicates == 1
    (why,) = merged.impossible
    assert re.search(r"impossible: 3\d\.\d times what the datasheet of this device allows", why)
    assert [(row.device, len(row.voices)) for row in merged.rows] == [("NVIDIA GeForce RTX 3090", 3), ("Tesla T4", 1)]
    assert merged.rows[0].median == pytest.approx(5.0, rel=0.02)
    assert "3 machines, 3.3" in render(merged)


def test_the_same_card_set_up_otherwise_is_another_voice(make_result: Make) -> None:
    one = with_card(make_result(number=1), "a")
    throttled = with_card(make_result(number=2), "a", power_limit_watts=200.0, default_power_limit_watts=350.0)
    (row,) = merge_results([one, throttled]).rows
    assert len(row.voices) == 2
    assert row.words == {"power-limited": 1}


def test_a_clean_machine_outweighs_noisy_ones(make_result: Make, make_seconds: Seconds) -> None:
    clean = with_card(make_result(number=1, step_seconds=make_seconds(0.1)), "a")
    noisy = [
        with_card(make_result(number=n, step_seconds=make_seconds(0.3, spread=0.3, seed=n)), uuid)
        for n, uuid in ((2, "b"), (3, "c"))
    ]
    (row,) = merge_results([clean, *noisy]).rows
    assert row.median == pytest.approx(10.0, rel=0.02)
    assert row.words == {"noisy": 2}
    assert "1 machine of 3 (noisy 2)" in render(merge_results([clean, *noisy]))
    (only,) = merge_results(noisy).rows
    assert len(only.counted) == 2


def test_validate_names_what_is_wrong(
    tmp_path: Path, make_result: Make, make_seconds: Seconds, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _kept(tmp_path / "results", make_result())
    assert main(["bench", "validate", str(folder)]) == 0
    liar = make_result(number=9, step_seconds=make_seconds(0.001), workload="adafruit-480-pure")
    _kept(folder, make_result(), liar)
    (folder / "empty.json").write_text("")
    capsys.readouterr()
    assert main(["bench", "validate", str(folder)]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert sum("good" in line for line in lines) == 1
    assert sum("impossible" in line for line in lines) == 1
    assert sum("empty.json" in line and "is empty" in line for line in lines) == 1
    assert main(["bench", "merge", str(folder), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["data"]["unreadable"]) == 1


def test_lists(make_result: Make, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["list"], ["baselines"], ["history"]):
        assert main(["bench", *words]) == 0
        assert capsys.readouterr().out.strip()
    store.keep(make_result())
    (store.results_folder() / "bad.json").write_text("{")
    assert main(["bench", "history", "--json"]) == 0
    data: dict[str, Any] = json.loads(capsys.readouterr().out)["data"]
    assert [row["workload"] for row in data["results"]] == ["starter-128"]
    assert len(data["unreadable"]) == 1
    assert main(["bench", "list", "--json"]) == 0
    assert "starter-128" in json.loads(capsys.readouterr().out)["data"]["workloads"]


def in_sessions(make_result: Make, medians: list[float], seed: int, number: int = 1) -> BenchResult:
    """Sessions of eight blocks, each with a median of its own and blocks that hardly differ."""
    random = np.random.default_rng(seed)
    seconds = [float(median * math.exp(0.002 * random.standard_normal())) for median in medians for _ in range(8)]
    result = make_result(step_seconds=seconds, number=number)
    return replace(result, timing=replace(result.timing, session_blocks=(8,) * len(medians)))


@pytest.mark.parametrize("between", [0.01, 0.03])
def test_identical_programs_are_called_different_in_five_of_a_hundred_at_most(
    make_result: Make, between: float
) -> None:
    """Five sessions each, which differ by chance; blocks alone, which hardly differ, would call most of them so."""
    random, wrong = np.random.default_rng(5), 0
    for trial in range(200):
        one, other = (
            in_sessions(make_result, [0.1 * math.exp(x) for x in between * random.standard_normal(5)], trial, number)
            for number in (1, 2)
        )
        found = compare(one, other)
        assert not found.allows_for_sessions
        wrong += found.is_different
    assert wrong <= 0.05 * 200 + 4  # as many as luck may add


@pytest.mark.parametrize(("sessions", "is_allowed_for"), [(1, True), (3, False)])
def test_three_sessions_show_what_sessions_differ_by(make_result: Make, sessions: int, is_allowed_for: bool) -> None:
    """A single one shows nothing of that, and what others found is added."""
    one, other = (in_sessions(make_result, [0.1] * sessions, number, number) for number in (1, 2))
    assert compare(one, other).allows_for_sessions is is_allowed_for


def test_a_real_difference_shows_over_sessions(make_result: Make) -> None:
    random = np.random.default_rng(5)
    one, other = (
        in_sessions(make_result, [slow * math.exp(x) for x in 0.01 * random.standard_normal(5)], number, number)
        for number, slow in ((1, 0.1), (2, 0.11))
    )
    assert compare(one, other).is_different
    assert "single sessions" not in compare(one, other).words


def test_fail_below_means_certainly_slower(make_result: Make, make_seconds: Seconds) -> None:
    """The second is 0.91 times as fast, give or take 6 %: that is not certainly below 0.95."""
    first = make_result(step_seconds=make_seconds(0.1, spread=0.001), number=1)
    second = make_result(step_seconds=make_seconds(0.1 / 0.91, spread=0.001, seed=2), number=2)
    assert not compare(first, second).is_regression(0.95)
    assert compare(first, make_result(step_seconds=make_seconds(0.12), number=3)).is_regression(0.95)
    assert compare(replace(first, session="x"), replace(second, session="x")).is_regression(0.95)
    short = make_result(step_seconds=[1.0], number=4)
    assert compare(first, short).ratio is None
    assert compare(first, short).is_regression(0.95), "nobody can say"


def test_a_warm_card_and_a_cold_one_are_named_as_different(make_result: Make) -> None:
    quick, thorough = make_result(number=1), make_result(number=2, effort="thorough")
    assert "effort quick vs thorough" in [str(one) for one in compare(quick, thorough).differences]


def test_one_voice_tells_its_spread(make_result: Make) -> None:
    """Five files of one card that lie 1.6 times apart are one voice, and not one figure."""
    files = [make_result(number=n, step_seconds=[0.1 * 1.125**n] * 8) for n in range(1, 6)]
    (row,) = merge_results(files).rows
    (voice,) = row.voices
    assert voice.reach == row.reach
    assert voice.reach[1] / voice.reach[0] == pytest.approx(1.6, rel=0.01)
    assert "1 machine, 5.5 to 8.9 over 5 results" in render(merge_results(files))


def test_only_equal_efforts_stand_in_one_row(make_result: Make) -> None:
    """A quick run is of the first seconds of load, when a card is not warm; a machine speaks with its longest."""
    quick, longer = (make_result(number=n, effort=effort) for n, effort in ((1, "quick"), (2, "default")))
    other = replace(make_result(number=3), device=replace(quick.device, uuid_hash="cd"))
    rows = {row.effort: row for row in merge_results([quick, longer, other]).rows}
    assert [result.id for voice in rows["default"].voices for result in voice.results] == [longer.id]
    assert [result.id for voice in rows["quick"].voices for result in voice.results] == [other.id]
    assert quick.load_seconds == pytest.approx(2 + sum(block.seconds for block in quick.timing.blocks))


def test_random_weights_are_marked(make_result: Make) -> None:
    real = make_result(number=1)
    random = replace(make_result(number=2, random=True), device=replace(real.device, uuid_hash="cd"))
    merged = merge_results([real, random])
    assert merged.rows[0].words == {"random weights": 1}
    assert len(merged.rows[0].counted) == 2
    assert "(random weights 1)" in render(merged)
