"""The small parent: it passes signals on whenever they come, and nothing of its outlives it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from generator.runs.mark import process_mark

PATIENCE_SECONDS = 60
PARENT = """
import os, sys
from generator.serve import parent
from generator.serve.settings import ServeSettings
from generator.serve.watching import lines
child, waits, own = sys.argv[1], float(sys.argv[2]), ServeSettings(log=sys.argv[3])
lines.begin(own)
sys.exit(parent.supervise({}, os.open(os.devnull, os.O_RDONLY), [sys.executable, "-c", child], [waits], own))
"""
SAY = "import os; print(os.getpid(), flush=True);"


@pytest.fixture
def parent() -> Iterator[Callable[..., Any]]:
    """Starts one over a child that is a line of Python."""
    started: list[subprocess.Popen[str]] = []

    def start(child: str, waits: float = 0.0, log: str = "text") -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PARENT, child, str(waits), log]
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(command, cwd=Path(__file__).parents[3], **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def until_gone(pid: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process_mark(pid) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_child_that_has_not_begun_dies_with_its_parent(parent: Callable[..., Any]) -> None:
    """It is still at its imports, and has asked for nothing yet."""
    process = parent(SAY + "import time; time.sleep(600)")
    child = int(process.stdout.readline())
    process.kill()
    until_gone(child)


def test_a_signal_between_two_children_ends_it_well(parent: Callable[..., Any]) -> None:
    process = parent("import os; os._exit(7)", waits=600)
    assert "ended with 7" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 0


def test_a_signal_goes_on_to_the_child_and_its_end_is_good(parent: Callable[..., Any]) -> None:
    process = parent(SAY + "import time; time.sleep(600)")
    child = int(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_SECONDS) == 0
    until_gone(child)


def test_a_dead_child_is_started_again_and_a_wrong_configuration_is_not(parent: Callable[..., Any]) -> None:
    process = parent(SAY + "import time; time.sleep(0.05); os._exit(70)")
    first, second = int(process.stdout.readline()), int(process.stdout.readline())
    assert first != second
    for code in (2, 4):
        assert parent(f"import os; os._exit({code})").wait(PATIENCE_SECONDS) == code


def test_a_crew_that_is_not_there_is_waited_for_only_where_there_was_one(
    parent: Callable[..., Any], tmp_path: Path
) -> None:
    """After the death of its head a server would end for good, because a first start without a crew does."""
    assert parent("import os; os._exit(75)").wait(PATIENCE_SECONDS) == 4
    starts = f"starts = open({str(tmp_path / 'starts')!r}, 'a+'); starts.write('x'); starts.flush(); starts.seek(0);"
    process = parent(f"import os; {starts} os._exit({{1: 70, 2: 75, 3: 75, 4: 2}}[len(starts.read())])")
    assert process.wait(PATIENCE_SECONDS) == 2
    assert (tmp_path / "starts").read_text() == "xxxx"


@pytest.mark.parametrize("log", ["text", "json"])
def test_a_restart_is_told_as_the_log_is_wanted(parent: Callable[..., Any], log: str) -> None:
    process = parent("import os; os._exit(70)", log=log)
    line = process.stderr.readline()
    if log == "text":
        assert line == "note: the server ended with 70; starting it again\n"
    else:
        told = json.loads(line)
        assert (told["level"], told["exit_code"]) == ("warning", 70)
        assert told["message"] == "the server ended with 70; starting it again"
