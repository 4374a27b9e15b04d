"""The table of goals with a made-up machine behind its doors: what is measured, what is not and why, what is shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from bench.cli.run import run
from bench.cli.run_suite import run_suite
from bench.measure.peer.cases import PeerCase, ProcessMemory
from bench.measure.peer.turns import StepPair
from bench.measure.time_to_loss import WAYS, LossRace, Moment
from bench.suite import doors
from bench.suite.figures import Measured, SpeedFigure, SpeedGoal, render
from bench.suite.picture import PictureTimes
from bench.suite.speed import NEEDS_THOROUGH, NO_CUDA, TABLE, THOROUGH, USUAL, SuiteDoor, measure_speed
from dreamrig.errors import NotReadyError, UsageError

FEW = replace(USUAL, pairs=4, starter_pairs=4)


def pairs_of(case: PeerCase, count: int) -> Iterator[StepPair]:
    """Ours takes a second; the peer's half as long again, three times as long as ours in bfloat16."""
    theirs = 3.0 if case.precision == "bf16" else 1.5
    return (StepPair(1.0, theirs + 0.1 * (number % 2)) for number in range(count))


def races(prompts: int, seeds: int, flat_steps: int) -> list[LossRace]:
    reached = {next(iter(WAYS)): Moment(40, 10.0, 0.1, 0.2)}
    return [LossRace("sea", seed, 100.0, 0.1, 0.2, 25.0, reached) for seed in range(prompts * seeds)]


DOOR = SuiteDoor(
    pairs=pairs_of,
    starter_pairs=lambda count: pairs_of(PeerCase(1, 1), count),
    memory=lambda who, case: ProcessMemory(500.0, 600.0 if who == "own" else 1500.0),
    picture=lambda side: PictureTimes(1.0, side / 50),
    races=races,
    has_cuda=lambda: False,
    has_bfloat16_units=lambda: False,
    ceiling_share=lambda: 0.4,
    together=lambda device, count: (4, [StepPair(1.0, 3.5 if device == "cuda" else 1.2)] * count),
)


def figures(extent: Any = FEW, **changes: Any) -> dict[str, SpeedFigure]:
    return {figure.goal.name: figure for figure in measure_speed(extent, replace(DOOR, **changes))}


def test_every_row_has_a_value_or_a_reason() -> None:
    found = figures()
    assert list(found) == [goal.name for goal, _ in TABLE]
    assert all((figure.reached is None) == bool(figure.why_not) for figure in found.values())
    reasons = {name: figure.why_not for name, figure in found.items() if figure.why_not}
    assert set(reasons) == {
        "cpu-step-480", "cpu-bf16-256", "cuda-shipped", "cuda-strict", "ceiling-share", "pictures-an-hour",
        "memory-480",
    }  # fmt: skip
    assert reasons["cpu-step-480"] == reasons["memory-480"] == NEEDS_THOROUGH
    assert reasons["cuda-shipped"] == reasons["ceiling-share"] == NO_CUDA
    assert "AVX512-BF16" in reasons["cpu-bf16-256"]
    assert reasons["pictures-an-hour"] == NO_CUDA


def test_values_are_medians_with_an_interval_and_meet_their_goals_or_not() -> None:
    found = figures(has_cuda=lambda: True, has_bfloat16_units=lambda: True)
    step = found["cpu-step-256"].to_dict()
    assert step["value"] == pytest.approx(1.55)
    assert step["low"] < 1.55 < step["high"]
    assert step["is_met"] is True
    assert step["details"]["own_step_seconds"] == 1.0
    met = {name: figure.to_dict()["is_met"] for name, figure in found.items()}
    assert met["cpu-step-128"] is met["pictures-an-hour-cpu"] is None  # figures without a goal
    assert met["pictures-an-hour"] is True
    assert found["pictures-an-hour-cpu"].to_dict()["value"] == pytest.approx(1.2)
    assert found["pictures-an-hour-cpu"].to_dict()["details"]["pictures_in_a_step"] == 4
    assert met["cpu-bf16-256"] is met["cuda-strict"] is met["time-to-loss"] is met["first-preview"] is True
    assert met["starter-128"] is met["cuda-shipped"] is met["ceiling-share"] is met["picture-128"] is False
    assert found["memory-256"].to_dict()["value"] == pytest.approx(0.4)
    assert found["time-to-loss"].to_dict()["details"]["ratio_to_first_time"] == pytest.approx(0.4)


def test_thorough_measures_the_large_ones_too_and_each_as_often() -> None:
    asked: list[tuple[int, int]] = []

    def counting(case: PeerCase, count: int) -> Iterator[StepPair]:
        asked.append((case.side, count))
        return pairs_of(case, count)

    found = figures(THOROUGH, pairs=counting)
    assert asked == [(128, 7), (256, 7), (480, 7)]
    assert found["cpu-step-480"].reached is not None
    assert found["memory-480"].reached is not None


def test_a_package_that_is_missing_is_a_reason_and_the_rest_goes_on() -> None:
    def absent(case: PeerCase, count: int) -> Iterator[StepPair]:
        raise NotReadyError("kornia cannot be imported.", hint="run: pip install kornia")

    found = figures(pairs=absent)
    assert found["cpu-step-128"].why_not == "kornia cannot be imported (run: pip install kornia)"
    assert found["starter-128"].reached is not None


def test_runs_that_never_come_so_low_are_no_measurement() -> None:
    def lost(prompts: int, seeds: int, flat_steps: int) -> list[LossRace]:
        return [replace(one, reached=dict.fromkeys(one.reached)) for one in races(prompts, seeds, flat_steps)]

    assert "0 of 1 runs" in figures(races=lost)["time-to-loss"].why_not


def test_the_table_says_value_goal_and_reason() -> None:
    goal = SpeedGoal(name="step", about="a step", unit="x", goal=1.5)
    memory = SpeedGoal(name="memory", about="its peak", unit="share", goal=0.6, at_least=False)
    lines = render(
        [
            SpeedFigure(goal=goal, reached=Measured(value=1.24, low=1.03, high=1.27)),
            SpeedFigure(goal=memory, reached=Measured(value=0.5)),
            SpeedFigure(goal=goal, why_not=NO_CUDA),
        ]
    ).splitlines()
    assert lines[0].split() == ["step", "1.24x", "(1.03", "to", "1.27)", "goal", "at", "least", "1.5x:", "missed"]
    assert lines[2].endswith("goal at most 0.6: met")
    assert "cannot be measured here" in lines[4]
    assert lines[6].strip() == f"because {NO_CUDA}"


def test_the_command_prints_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[bool] = []

    def suite(thorough: bool, say: Callable[[str], None]) -> list[SpeedFigure]:
        said.append(thorough)
        return list(measure_speed(FEW, DOOR, say))

    assert run_suite("speed", (), thorough=True, as_json=True, quiet=False, suites={"speed": suite}) == 0
    captured = capsys.readouterr()
    data = json.loads(captured.out)["data"]
    assert said == [True]
    assert data["suite"] == "speed"
    assert [figure["name"] for figure in data["figures"]] == [goal.name for goal, _ in TABLE]
    assert "torch" in data["machine"]["packages"]
    assert "measuring: a step of starter-128" in captured.err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--suite", "spede"], "no suite 'spede'"),
        (["starter-128", "--suite", "speed"], "does not go with WORKLOAD"),
        (["--suite", "speed", "--vs", "adafruit-480", "--threads", "2"], "does not go with --vs, --threads"),
    ],
)
def test_words_that_mean_nothing_to_a_suite_are_refused(words: list[str], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        run(words)


def test_the_pinned_starter_is_stepped_by_both_loops() -> None:
    """For real: with the starter's own networks."""
    (pair,) = doors.starter_pairs(1)
    assert pair.own_seconds > 0
    assert pair.reference_seconds > 0


def test_several_pictures_are_stepped_together_and_alone() -> None:
    """For real: with the starter's own networks."""
    pictures, (pair,) = doors.together_pairs("cpu", 1)
    assert pictures == doors.ON_A_CPU
    assert pair.own_seconds > 0
    assert pair.reference_seconds > 0
