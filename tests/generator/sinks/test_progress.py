"""Talk on standard error while a run goes on."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
import torch
from rich.console import Console

from dreamrig.errors import NotReadyError
from dreamrig.screen import Screen
from generator.config import GenerateConfig
from generator.events import Event, Finished, Preview, Started, Step
from generator.sinks import optional
from generator.sinks.progress import ProgressSink, announce


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """Stands still until it is told to move on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def make_screen(file: io.StringIO, width: int = 100) -> Screen:
    return Screen(Console(file=file, width=width, highlight=False, _environ={"TERM": "xterm-256color"}))


def run_steps(sink: Callable[[Event], None], clock: Clock, steps: int, seconds: float) -> list[int]:
    """Feed a run of `steps` steps of `seconds` each; returns the steps whose loss was asked for."""
    asked: list[int] = []

    def loss(index: int) -> Callable[[], float]:
        return lambda: asked.append(index) or 0.5  # type: ignore[func-returns-value]  # append returns None, which is falsy

    sink(Started(config=GenerateConfig(prompt="x", steps=steps), run_id="r", versions={}, device="cpu"))
    for index in range(steps):
        clock.now += seconds
        sink(Step(index, loss(index), seconds, lambda: torch.zeros(3, 8, 8), 123.4))
    sink(Finished(steps, lambda: torch.zeros(3, 8, 8), "done", steps * seconds))
    return asked


def test_off_a_terminal_a_line_every_tenth_without_control_codes() -> None:
    file, clock = io.StringIO(), Clock()
    asked = run_steps(ProgressSink(make_screen(file), clock), clock, 60, 0.5)
    lines = file.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0] == "step 6/60  2.00 it/s  ETA 0:27  loss 0.500  peak 123 MiB"
    assert lines[-1].startswith("step 60/60")
    assert len(asked) == 10
    assert all(character.isprintable() for line in lines for character in line)


@pytest.mark.parametrize("steps", [1, 3, 7])
def test_short_runs_off_a_terminal_end_with_the_last_step(steps: int) -> None:
    file, clock = io.StringIO(), Clock()
    run_steps(ProgressSink(make_screen(file), clock), clock, steps, 0.5)
    lines = file.getvalue().splitlines()
    assert len(lines) == steps
    assert lines[-1].startswith(f"step {steps}/{steps} ")


def test_on_a_terminal_the_loss_is_asked_for_at_most_four_times_a_second() -> None:
    clock = Clock()
    asked = run_steps(ProgressSink(make_screen(Terminal()), clock), clock, 1000, 0.01)
    assert 30 <= len(asked) <= 10 * 4 + 2
    assert asked[-1] == 999


@pytest.mark.parametrize("width", [40, 58, 80, 200])
def test_the_bar_stays_on_one_line_and_shows_pace_and_rest(width: int) -> None:
    file, clock = Terminal(), Clock()
    run_steps(ProgressSink(make_screen(file, width), clock), clock, 20, 1.0)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue())
    redrawn = [line for line in re.split(r"[\r\n]+", shown) if line.strip()]
    assert all(len(line) <= width for line in redrawn)
    assert "\x1b[1A" not in file.getvalue()  # a bar of two lines would be redrawn by going up
    assert "20/20" in redrawn[-1]
    assert "1.00 it/s" in redrawn[-1]
    if width >= 80:
        assert "peak 123 MiB" in redrawn[-1]


def test_the_cursor_is_given_back() -> None:
    file, clock = Terminal(), Clock()
    sink = ProgressSink(make_screen(file), clock)
    run_steps(sink, clock, 3, 1.0)
    assert file.getvalue().rstrip().endswith("\x1b[?25h")
    sink.close()


ANY_WORD = "for any word at all run: dreamrig weights fetch imagenet-f16-16384 ViT-B/32"


def notes_of(prompt: str, unknown: dict[str, list[str]], *, quiet: bool = True) -> list[str]:
    """What is said before the first step of a prompt with these unknown words."""
    config, said = GenerateConfig(prompt=prompt, seed=5, width=24, height=16), io.StringIO()
    announce(make_screen(said), quiet=quiet)(
        Started(
            config=config,
            run_id="r",
            versions={},
            device="cpu (Test)",
            plan_words="a red sun",
            unknown_words=unknown,
        )
    )
    return said.getvalue().splitlines()


def test_unknown_words_make_one_sentence_even_when_quiet() -> None:
    note = "note: the starter cannot draw 'zea' (near: sea, see) or 'qqq'; what it can: dreamrig prompts; " + ANY_WORD
    unknown = {"qqq": [], "zea": ["sea", "see"]}
    start = ["seed 5 · 24x16 · 60 steps · cpu (Test)", "start: a red sun"]
    assert notes_of("a zea with a qqq", unknown) == [note]
    assert notes_of("a zea with a qqq", unknown, quiet=False) == [note, *start]
    assert notes_of("a cat", {}) == []


def test_where_each_word_has_a_near_one_there_is_nothing_to_look_up() -> None:
    assert notes_of("zea", {"zea": ["sea"]}) == [f"note: the starter cannot draw 'zea' (near: sea); {ANY_WORD}"]


def test_what_it_tells_to_type_is_what_the_user_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMRIG_CALLED", "./rig")
    (note,) = notes_of("a qwertz", {"qwertz": []})
    assert "./rig prompts" in note
    assert "./rig weights fetch" in note
    assert "dreamrig" not in note


def test_many_unknown_words_are_counted() -> None:
    (note,) = notes_of("a cat", {f"q{number}": [] for number in range(9)})
    assert "'q4', 'q5' or 3 more; what it can" in note


def test_a_terminal_that_is_gone_does_not_end_the_run() -> None:
    class Closed(Terminal):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    clock = Clock()
    run_steps(ProgressSink(make_screen(Closed()), clock), clock, 20, 1.0)


def test_an_optional_sink_that_fails_is_told_once() -> None:
    said: list[str] = []

    def failing(event: Event) -> None:
        raise NotReadyError("The disk is full.")

    sink = optional(failing, said.append, "no preview is saved")
    for index in range(3):
        sink(Preview(index, lambda: torch.zeros(3, 8, 8)))
    assert said == ["warning: The disk is full. The run goes on; no preview is saved."]
