"""`dreamrig bench run` from its words to its file, on the real starter with a budget of a moment."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import pytest

from bench.cli.live import LiveDisplay, phase_line, sparkline
from bench.cli.run import BenchDoor, _Command, run
from bench.cli.run_words import default_workload
from bench.measure import environment
from bench.measure.blocks import PhaseProgress, TimeBudget
from bench.measure.vs_command import Rival, compile_pattern, measure_against, split_command
from bench.result import store
from bench.result.result import BenchResult, read_result
from bench.workloads import find_workload
from dreamrig.cli import main
from dreamrig.errors import FailedError, NotReadyError, UsageError
from dreamrig.screen import Screen

MOMENT = TimeBudget(warmup=0.01, warmup_most=0.3, measuring=0.3, block=0.02, picture=30.0, ceiling=0.02)
DOOR = BenchDoor(budgets={"quick": MOMENT})

COUNTING = """
import time
for step in range({steps}):
    time.sleep(0.004)
    print({line})
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))


@pytest.fixture
def counting(tmp_path: Path) -> Callable[..., list[str]]:
    """A program that prints its steps."""

    def make(line: str = 'f"step {step + 1}/{10}"', steps: int = 100_000) -> list[str]:
        path = tmp_path / "counting.py"
        path.write_text(COUNTING.format(steps=steps, line=line))
        return [sys.executable, str(path)]

    return make


PLANTED = {"USER": "planteduser", "LOGNAME": "planteduser", "HOSTNAME": "plantedhost", "HOME": "/home/planteduser"}


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user and a machine with telling names, and gauges that tell them when they fail."""
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)

    def broken() -> float:
        raise OSError("no /home/planteduser/.sensors of planteduser on plantedhost (192.168.7.9, serial number XK7712)")

    monkeypatch.setattr("psutil.sensors_temperatures", broken, raising=False)


@pytest.mark.usefixtures("planted")
def test_a_run_leaves_a_result_that_says_where_it_came_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    assert run(["--quick", "--device", "cpu", "--threads", "1", "--out", str(out), "--place", "colab-local"], DOOR) == 0
    captured = capsys.readouterr()
    result = read_result(out)
    (kept,) = store.find("last")
    assert kept.result == result
    assert result.place == "colab-local"
    assert result.workload.name == "starter-128"
    assert not result.workload.weights.random
    assert len(result.timing.blocks) >= 3
    assert sum(block.seconds for block in result.timing.blocks) >= MOMENT.measuring
    assert result.timing.picture is not None
    assert result.timing.picture.steps == 30
    assert result.work.bytes_per_step
    assert result.ceilings
    assert result.software.threads == 1
    assert f"kept: {kept.path}" in captured.out
    assert "it/s" in captured.out
    assert "No T4 does more than" in captured.out
    assert "warming up" in captured.err
    assert "\x1b" not in captured.err
    assert result.telemetry is not None
    assert "OSError: no /home/<user>" in result.telemetry.missing["temperature_celsius"]
    text = out.read_text()
    for name in ("planted", "192.168.7.9", "XK7712", str(tmp_path), f'"{socket.gethostname()}"'):
        assert name not in text


def test_a_against_itself_in_turn_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--quick", "--device", "cpu", "--threads", "1", "--vs", "starter-128@as-shipped", "--json", "--quiet"]
    assert run(words, DOOR) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    data = json.loads(captured.out)["data"]
    first, second = (BenchResult.from_dict(entry["result"]) for entry in data["results"])
    assert first.session == second.session is not None
    assert (first.workload.profile, second.workload.profile) == ("strict", "as-shipped")
    ratios = data["race"]["ratios"]
    assert ratios == pytest.approx(
        [slow / fast for fast, slow in zip(first.step_seconds, second.step_seconds, strict=True)]
    )
    assert data["race"]["interval"]["low"] <= data["race"]["interval"]["high"]
    assert first.energy.joules is None
    assert len(data["files"]) == 2


class HeatingClock:
    """Says that a block takes a second, 15 % less at first; another thread's questions cost nothing."""

    def __init__(self, thread: int) -> None:
        self.thread, self.now, self.asked = thread, 0.0, 0

    def __call__(self) -> float:
        if threading.get_ident() == self.thread:
            self.asked += 1
            self.now += min(1.0, 0.85 + 0.001 * self.asked) * (1 + 0.001 * (self.asked * 7 % 5 - 2))
        return self.now


@pytest.mark.slow
def test_a_thorough_pair_counts_from_where_neither_shows_a_trend(capsys: pytest.CaptureFixture[str]) -> None:
    budget = TimeBudget(warmup=0.1, warmup_most=1.0, measuring=60.0, block=0.001, picture=0.0, ceiling=0.02)
    clock = HeatingClock(threading.get_ident())
    door = BenchDoor(budgets={"thorough": budget}, clock=clock)
    words = ["--thorough", "--device", "cpu", "--threads", "1", "--vs", "starter-128@as-shipped", "--json", "--quiet"]
    assert run(words, door) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    first, second = (BenchResult.from_dict(entry["result"]) for entry in data["results"])
    left = len(first.timing.blocks)
    assert left == len(second.timing.blocks) == len(data["race"]["ratios"])
    counted = sum(block.seconds for result in (first, second) for block in result.timing.blocks)
    assert counted / 2 < budget.measuring  # what went before belongs to the warm-ups


def test_any_program_that_prints_its_steps(
    counting: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--quick", "--device", "cpu", "--threads", "1", "--vs-command", " ".join(counting())]
    assert run(words, DOOR) == 0
    out = capsys.readouterr().out
    assert "pairs in turn" in out
    assert "pair by pair" in out


def test_a_program_stays_beside_the_blocks_that_count(
    counting: Callable[..., list[str]], make_result: Callable[..., BenchResult]
) -> None:
    """Of nine blocks the last four count, as where a thorough measurement leaves out the heating."""
    theirs: list[float] = []

    def run_nine(workload: object, after_block: Callable[[], float]) -> BenchResult:
        theirs.extend(after_block() for _ in range(9))
        return make_result(step_seconds=[0.1] * 4)

    session: Any = SimpleNamespace(clock=perf_counter, run=run_nine)
    session.sitting = SimpleNamespace(budget=replace(MOMENT, block=0.0))
    _, race = measure_against(session, find_workload("starter-128"), " ".join(counting()), None)
    steps = [seconds / each for seconds, each in zip(theirs[-4:], race.second, strict=True)]
    assert steps == pytest.approx([round(number) for number in steps])


@pytest.mark.parametrize(
    "line",
    [
        'f"step {step}"',
        'f"i: {step}, loss: 0.93"',
        'f" 12%|# | {step}/500 [00:05<00:30,  9.1it/s]", end="\\r"',
        'f"Iteration {step}/500"',
    ],
)
def test_usual_ways_to_print_steps_are_understood(line: str, counting: Callable[..., list[str]]) -> None:
    with Rival(counting(line), silence_seconds=20) as rival:
        before = rival.seconds_of(3)
        steps, seconds = rival.seconds_of(5)
        assert before[0] >= 3
        assert steps >= 5
        assert seconds > 0


def test_the_rival_stands_still_between_its_blocks(counting: Callable[..., list[str]]) -> None:
    import time

    with Rival(counting(), silence_seconds=20) as rival:
        rival.seconds_of(5)
        before = rival.step
        time.sleep(0.3)  # 75 steps, were it running
        rival.seconds_of(1)
        assert rival.step - before < 40
        family = rival._family()
    assert all(not process.is_running() for process in family)


def test_a_rival_that_ends_or_says_nothing_is_told(counting: Callable[..., list[str]]) -> None:
    with Rival(counting(steps=3), silence_seconds=20) as rival, pytest.raises(FailedError, match="ended at step"):
        rival.seconds_of(50)
    with (
        Rival(counting('"hello"'), silence_seconds=0.5) as rival,
        pytest.raises(FailedError, match="printed no step for 0 s; last: 'hello'"),
    ):
        rival.seconds_of(2)
    with pytest.raises(UsageError, match="Cannot start"), Rival(["/no/such/program"]):
        pass


def test_patterns_and_commands_are_checked_before_anything_runs() -> None:
    assert compile_pattern(r"round (\d+)").search("round 7")
    for wrong in ("step (", "step", "(a)(b)"):
        with pytest.raises(UsageError, match="--steps-pattern"):
            compile_pattern(wrong)
    assert split_command('a "b c"') == ["a", "b c"]
    for wrong in ("", "'"):
        with pytest.raises(UsageError, match="--vs-command"):
            split_command(wrong)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["starter-256"], "starter-256"),
        (["--quick", "--thorough"], "--thorough"),
        (["--vs", "nothing"], "nothing"),
        (["--vs", "starter-128", "--vs-command", "x"], "--vs-command"),
        (["--profile", "fast"], "fast"),
        (["--device", "quantum"], "quantum"),
        (["--place", "moon"], "moon"),
        (["--out", "/no/such/folder/x.json"], "/no/such/folder"),
        (["--out", "."], "is a folder"),
        (["--note", "two\nlines"], "--note"),
        (["--nonsense"], "--nonsense"),
        (["--threads", "-1"], "--threads"),
    ],
)
def test_wrong_words_end_in_one_sentence(words: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "run", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert named in captured.err
    assert "Traceback" not in captured.err


def test_the_checkout_tells_its_commit_and_another_folder_none(tmp_path: Path) -> None:
    assert environment.describe_tool(tmp_path).commit is None
    commit = environment.describe_tool().commit
    assert commit is None or len(commit) == 40


@pytest.mark.parametrize("count", [1, 2, 5, 200])
def test_little_bars_for_any_blocks(count: int) -> None:
    line = sparkline([0.1 + 0.001 * (index % 5) for index in range(count)], 30)
    assert len(line) == min(count, 30)
    assert set(line) <= set("▁▂▃▄▅▆▇█")


def test_a_measuring_line_tells_pace_interval_and_spread() -> None:
    progress = PhaseProgress(phase="measuring", seconds=6.0, most_seconds=12.0, step_seconds=(0.1, 0.1, 0.1, 0.1))
    assert phase_line(progress, ("#", ".")) == (
        "measuring      ############............ 6.0 of 12 s  10.0 it/s (10.0 to 10.0)  spread 0%"
    )


def test_the_display_off_a_terminal_says_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    display = LiveDisplay(Screen(Console(stderr=True)), dict)
    for index in range(1, 101):
        display(PhaseProgress(phase="measuring", seconds=0.12 * index, most_seconds=12.0, step_seconds=(0.1,) * index))
    display.close()
    assert 5 <= len(capsys.readouterr().err.splitlines()) <= 7


def test_versions_are_no_addresses_and_names_in_a_kernel_are_names(
    make_result: Callable[..., BenchResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """WSL's kernel has four numbers, like an address; a kernel that somebody built may bear the machine's name."""
    monkeypatch.setenv("HOSTNAME", "plantedhost")
    result = make_result()
    for kernel, left in {
        "5.15.167.4-microsoft-standard-WSL2": "5.15.167.4-microsoft-standard-WSL2",
        "6.8.0-plantedhost+": "6.8.0-<host>+",
    }.items():
        told = environment.without_names(replace(result, host=replace(result.host, kernel=kernel)))
        assert told.host.kernel == left
        assert told == replace(result, host=replace(result.host, kernel=left))


def test_without_a_name_the_work_fits_the_device(tmp_path: Path) -> None:
    """A GPU is measured by what its arithmetic bounds; torch is asked only where there is a sign of one."""
    assert default_workload("cpu") == default_workload("mps") == "starter-128"
    assert default_workload("cuda") == default_workload("cuda:1") == "adafruit-480-pure"
    assert default_workload("auto", (str(tmp_path / "nvidiactl"),)) == "starter-128"


def test_a_home_that_takes_nothing_costs_no_figure(
    tmp_path: Path,
    make_result: Callable[..., BenchResult],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))
    order = SimpleNamespace(out=tmp_path / "out.json", as_json=False)
    result = make_result()
    code = _Command(order, BenchDoor()).show([result], None)  # type: ignore[arg-type]  # what it looks at
    told = capsys.readouterr()
    assert code == NotReadyError.exit_code
    assert read_result(tmp_path / "out.json") == result
    assert "it/s" in told.out
    assert "Cannot" in told.err
