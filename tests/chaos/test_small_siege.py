"""A small chaos run; `python tests/chaos --seed 7 --kills 1000` is the long one: docs/reliability.md."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_nothing_is_lost_by_kills_a_full_disk_jumping_clocks_and_a_refused_database() -> None:
    command = [sys.executable, str(Path(__file__).parent), "--seed", "3", "--kills", "7", "--patience", "600"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.stdout, found.stderr
    report = json.loads(found.stdout)
    assert report["broken"] == []
    assert found.returncode == 0
    assert sum(report["kills"].values()) >= 7
    assert report["submissions"] > 5
