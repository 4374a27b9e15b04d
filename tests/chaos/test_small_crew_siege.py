"""A small chaos run over Ray; `python tests/chaos --crew ray --seed 11 --kills 200` is the long one: docs/scale.md."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="the extra [ray] is not installed")


@pytest.mark.ray
@pytest.mark.slow
def test_nothing_is_lost_over_ray_by_kills_of_workers_machines_and_server() -> None:
    words = ["--crew", "ray", "--seed", "3", "--kills", "4", "--only", "worker,server,node,holder", "--no-troubles"]
    command = [sys.executable, str(Path(__file__).parent), *words, "--patience", "600"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.stdout, found.stderr
    report = json.loads(found.stdout)
    assert report["broken"] == []
    assert found.returncode == 0
    assert sum(report["kills"].values()) >= 3
    assert report["submissions"] > 5
