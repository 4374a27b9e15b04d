"""Whether a process that wrote its number down still lives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from generator.runs.mark import process_mark

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def test_a_living_process_has_the_same_mark_each_time() -> None:
    mark = process_mark(os.getpid())
    assert mark
    assert process_mark(os.getpid()) == mark


@needs_proc
def test_a_zombie_is_not_alive() -> None:
    """Ended, and its parent has not asked for its exit code yet: it draws nothing any more."""
    child = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()  # until it has ended
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    assert process_mark(child.pid) is None
    child.wait()
    assert process_mark(child.pid) is None


@needs_proc
def test_a_name_with_parentheses_is_read_over(tmp_path: Path) -> None:
    program = tmp_path / "a) Z (b"
    program.symlink_to(sys.executable)
    child = subprocess.Popen([str(program), "-c", "input()"], stdin=subprocess.PIPE, env={"PYTHONHOME": sys.prefix})
    try:
        assert process_mark(child.pid) is not None
    finally:
        child.communicate(b"\n")
