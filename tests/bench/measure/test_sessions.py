"""Several fresh processes as one result."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.cli.run import BenchDoor, run
from bench.measure.sessions import join, require_count, run_sessions
from bench.result import store
from bench.result.result import BenchResult, Energy
from bench.result.verdict import summarise
from dreamrig.errors import FailedError, InterruptedByUser, UsageError

Make = Callable[..., BenchResult]


class Processes:
    """Answers as `dreamrig bench run --json` does, each time a little slower; writes down what was asked."""

    def __init__(self, make_result: Make, pair: bool = False, code: int = 0) -> None:
        self.make, self.pair, self.code = make_result, pair, code
        self.asked: list[list[str]] = []
        self.homes: list[str] = []

    def __call__(self, argv: list[str], environ: dict[str, str]) -> tuple[int, bytes]:
        self.asked.append(argv)
        self.homes.append(environ["DREAMRIG_HOME"])
        number = len(self.asked)
        results = [self.make(number=number, step_seconds=[0.1 + 0.001 * number] * 8)]
        if self.pair:
            results.append(self.make(number=50 + number, step_seconds=[0.2 + 0.002 * number] * 8))
        data = {"results": [{"result": result.to_dict()} for result in results]}
        errors = [{"message": "No CUDA."}] if self.code else []
        return self.code, json.dumps({"data": data, "errors": errors}).encode()


def test_medians_of_sessions_make_pace_and_interval(make_result: Make) -> None:
    sessions = [make_result(number=n, step_seconds=[0.1 * n] * 8) for n in (1, 2, 3)]
    joined = join(sessions)
    assert joined.samples == pytest.approx((0.1, 0.2, 0.3))
    assert joined.timing.session_blocks == (8, 8, 8)
    assert BenchResult.from_dict(joined.to_dict()) == joined
    summary = summarise(joined)
    assert summary.step_seconds == pytest.approx(0.2)
    assert summary.interval is not None
    assert summary.interval.high > 0.3
    assert joined.energy == Energy(joules=36000.0, steps=1200, source="counter")
    assert joined.telemetry is not None
    assert len(joined.telemetry.seconds) == 24
    assert list(joined.telemetry.seconds) == sorted(joined.telemetry.seconds)


def test_other_work_is_no_session_of_this(make_result: Make) -> None:
    with pytest.raises(ValueError, match="different"):
        join([make_result(), make_result(workload="crowson-480")])


def test_a_count_that_does_not_fit_is_refused(make_result: Make) -> None:
    joined = join([make_result(number=n) for n in (1, 2, 3)])
    wrong = replace(joined, timing=replace(joined.timing, session_blocks=(8, 8)))
    with pytest.raises(UsageError, match="session_blocks"):
        BenchResult.from_dict(wrong.to_dict())


@pytest.mark.parametrize("count", [0, 2, 31])
def test_too_few_sessions_make_no_interval(count: int) -> None:
    with pytest.raises(UsageError, match="--sessions"):
        require_count(count)


@pytest.mark.parametrize(("code", "kind"), [(1, FailedError), (130, InterruptedByUser)])
def test_a_session_that_failed_ends_all(make_result: Make, code: int, kind: Any) -> None:
    with pytest.raises(kind, match="No CUDA"):
        run_sessions(["starter-128"], 3, lambda _: None, Processes(make_result, code=code))


@pytest.mark.parametrize(
    "counts", [(1,) * 40, (1, 1, 38), (2, 19, 19)], ids=["more than may be asked for", "of one block", "of two"]
)
def test_blocks_do_not_pass_as_sessions(make_result: Make, counts: tuple[int, ...]) -> None:
    """Forty sessions of one block would be allowed no chance of their own."""
    result = make_result(step_seconds=[0.1] * 40)
    result = replace(result, timing=replace(result.timing, session_blocks=counts))
    with pytest.raises(UsageError, match="session_blocks"):
        BenchResult.from_dict(result.to_dict())


class Interrupted(Processes):
    """Somebody ends it while a session runs: that one ends early, or before anything was measured."""

    def __init__(self, make_result: Make, during: int, code: int) -> None:
        super().__init__(make_result)
        self.during, self.last_code = during, code

    def __call__(self, argv: list[str], environ: dict[str, str]) -> tuple[int, bytes]:
        code, answer = super().__call__(argv, environ)
        return (self.last_code, b"" if self.last_code else answer) if self.is_pressed() else (code, answer)

    def is_pressed(self) -> bool:
        return len(self.asked) >= self.during


@pytest.mark.parametrize(("during", "code", "left"), [(2, 130, 1), (2, 0, 2), (4, 130, 3)])
def test_what_is_done_when_somebody_ends_it_is_the_answer(make_result: Make, during: int, code: int, left: int) -> None:
    processes = Interrupted(make_result, during, code)
    (result,) = run_sessions(["starter-128"], 5, lambda _: None, processes, processes.is_pressed)
    assert len(processes.asked) == during
    assert len(result.timing.session_blocks) == left
    assert "ended early" in [verdict.word for verdict in summarise(result).verdicts]
    assert summarise(result).interval is not None
    assert result.has_sessions is (left >= 3)


def test_nothing_done_is_no_answer(make_result: Make) -> None:
    processes = Interrupted(make_result, 1, 130)
    with pytest.raises(InterruptedByUser, match="before a session was done"):
        run_sessions(["starter-128"], 5, lambda _: None, processes, processes.is_pressed)


def test_ctrl_c_under_sessions_keeps_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_result: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """The signal reaches this process and the one that measures, which ends with 130."""
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))
    processes = Processes(make_result)

    def start(argv: list[str], environ: dict[str, str]) -> tuple[int, bytes]:
        if len(processes.asked) == 1:
            signal.raise_signal(signal.SIGINT)
            return 130, b""
        return processes(argv, environ)

    door = BenchDoor(start=start, stderr=lambda: Console(stderr=True))
    assert run(["starter-128", "--sessions", "3", "--device", "cpu", "--json"], door) == 0
    verdicts = json.loads(capsys.readouterr().out)["data"]["results"][0]["derived"]["verdicts"]
    assert "ended early" in [verdict["word"] for verdict in verdicts]
    assert len(store.known()) == 1


def test_the_command_asks_for_sessions_and_keeps_one_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_result: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))
    processes, out = Processes(make_result), tmp_path / "out.json"
    door = BenchDoor(start=processes, stderr=lambda: Console(stderr=True))
    words = ["--quick", "--sessions", "5", "--json", "--threads=2", "--out", str(out), "--device", "cpu"]
    assert run(words, door) == 0
    assert len(processes.asked) == 5
    assert processes.asked[0][3:] == [
        "bench",
        "run",
        "starter-128",
        "--quick",
        "--threads=2",
        "--device",
        "cpu",
        "--json",
    ]
    assert str(tmp_path / "home") not in processes.homes
    (kept,) = store.known()
    assert len(kept.timing.session_blocks) == 5
    assert json.loads(capsys.readouterr().out)["data"]["results"][0]["derived"]["interval"] is not None
    assert BenchResult.from_dict(json.loads(out.read_text())) == kept


def test_two_in_turn_are_compared_session_by_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_result: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))
    door = BenchDoor(start=Processes(make_result, pair=True), stderr=lambda: Console(stderr=True))
    assert (
        run(["starter-128", "--vs", "starter-128@as-shipped", "--sessions=3", "--device", "cpu", "--json"], door) == 0
    )
    race = json.loads(capsys.readouterr().out)["data"]["race"]
    assert race["ratios"] == pytest.approx([2.0, 2.0, 2.0])
