"""How long a process has been there."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from dreamrig.started import process_seconds

ASK = "import time; time.sleep(0.3); from dreamrig.started import process_seconds; print(process_seconds())"


def test_a_process_knows_its_age() -> None:
    """What it waits for is in it; what its starter waits for it is not less, but for a hundredth that is rounded."""
    before = time.perf_counter()
    answer = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True).stdout
    assert 0.3 <= float(answer) <= time.perf_counter() - before + 0.02


def test_a_name_with_blanks_and_brackets_moves_no_field(tmp_path: Path) -> None:
    """The name of a process may hold anything; the start is the 22nd field of all."""
    stat = tmp_path / "stat"
    fields = ["S", *map(str, range(4, 22)), "0", "23"]
    stat.write_text(f"12 (a ) (b) {' '.join(fields)}\n")
    found = process_seconds(stat, {})
    assert found is not None
    assert found == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=5)


def test_what_was_waited_for_before_the_command_does_not_count(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("1 (x) " + " ".join(["S", *["1"] * 18, "1"]))  # as old as the machine
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert process_seconds(stat, {"DREAMRIG_BEGAN": str(now - 2)}) == pytest.approx(2, abs=1.5)
    assert process_seconds(stat, {"DREAMRIG_BEGAN": "unknown"}) is None
    older = process_seconds(stat, {"DREAMRIG_BEGAN": str(now - 1e9)})
    assert older == pytest.approx(process_seconds(stat, {}), abs=5), "a start before the process's own is another's"


def test_without_linuxs_file_psutil_is_asked(tmp_path: Path) -> None:
    by_file, by_psutil = process_seconds(environment={}), process_seconds(tmp_path / "none", {})
    assert by_file is not None
    assert by_psutil is not None
    assert by_psutil == pytest.approx(by_file, abs=5)


def test_a_start_that_is_yet_to_come_is_not_known(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("1 (x) " + " ".join(["S", *["1"] * 18, str(10**12)]))
    assert process_seconds(stat, {}) is None
