from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def unbroken() -> Callable[..., Any]:
    """Runs a siege with these words; its report, which tells of nothing that broke."""

    def run(*words: str) -> Any:
        command = [sys.executable, str(Path(__file__).parent), *words, "--patience", "600"]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        assert found.stdout, found.stderr
        report = json.loads(found.stdout)
        assert report["broken"] == []
        assert found.returncode == 0
        return report

    return run
