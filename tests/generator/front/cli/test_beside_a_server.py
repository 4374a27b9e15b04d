"""A picture drawn while this home's server has its networks on the same device."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.crew.holding import WORKER_FILE, is_held, note_worker
from generator.runs.mark import process_mark

SHORT = ["--size", "16", "--steps", "1", "--seed", "3", "--threads", "1", "--cutouts", "2"]


@pytest.fixture
def served(home: Path) -> Path:
    """A home whose server's worker lives: this very process stands for it."""
    folder = home / "serve"
    folder.mkdir(parents=True)
    note_worker(folder, f"{os.getpid()} {process_mark(os.getpid())}")
    return home


def test_it_says_so_and_offers_the_line_with_the_words_typed(served: Path, command: Callable[..., Any]) -> None:
    answer = command("generate", "it's", "a", "red", "$house", *SHORT)
    assert answer.code == 0, "it is drawn all the same"
    offered = answer.err.split("instead, run: ")[1].splitlines()[0]
    assert shlex.split(offered) == ["dreamrig", "submit", "it's a red $house"]


def test_quiet_and_again_say_nothing(served: Path, command: Callable[..., Any]) -> None:
    assert "submit" not in command("generate", "a house", "-q", *SHORT).err
    assert "submit" not in command("again", "last").err


@pytest.mark.parametrize("left", ["", "no number", "1", "MINE another-mark", "999999999 gone"])
def test_what_a_dead_worker_left_says_nothing(home: Path, command: Callable[..., Any], left: str) -> None:
    (home / "serve").mkdir(parents=True)
    (home / "serve" / WORKER_FILE).write_text(left.replace("MINE", str(os.getpid())))
    assert "submit" not in command("generate", "a house", *SHORT).err


def test_a_worker_that_ended_holds_nothing(home: Path) -> None:
    (home / "serve").mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"]) as process:
        note_worker(home / "serve", f"{process.pid} {process_mark(process.pid)}")
        assert is_held(home)
        process.kill()
    assert not is_held(home)
