"""Whatever only reads results works where torch cannot be imported, as on a server that draws reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.result.result import BenchResult, write_result

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
from dreamrig.cli import main

for line in sys.stdin:
    words = line.split()
    print(">", *words, main(words))
print("torch" in sys.modules)
"""
COMMANDS = """
bench --help
bench run --help
bench report a.json folder --kwh-price 0.3
bench compare a.json b.json --kwh-price 0.3 --fail-below 0.1
bench compare a.json adafruit-guide-480
bench validate folder
bench merge folder
bench history
bench list
bench baselines
bench colab --help
bench ceiling --help
colab --help
"""


def test_what_reads_results_runs_without_torch(tmp_path: Path, make_result: Callable[..., BenchResult]) -> None:
    (tmp_path / "folder").mkdir()
    for name, number in (("a.json", 1), ("b.json", 2), ("folder/c.json", 3), ("folder/d.json", 4)):
        write_result(make_result(number=number), tmp_path / name)
    ran = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM],
        input=COMMANDS.strip(),
        env={**os.environ, "PYTHONPATH": str(ROOT), "DREAMRIG_HOME": str(tmp_path / "home")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    codes = {line.split()[-1] for line in ran.stdout.splitlines() if line.startswith("> ")}
    assert codes == {"0"}, ran.stdout + ran.stderr
    assert ran.stdout.splitlines()[-1] == "False"
    assert (tmp_path / "dreamrig-bench.html").stat().st_size > 5_000
    assert (tmp_path / "dreamrig-bench.png").read_bytes().startswith(b"\x89PNG")


def test_the_block_blocks() -> None:
    """Otherwise the test above would say nothing."""
    code = PROGRAM.replace("from dreamrig.cli import main", "import torch")
    ran = subprocess.run([sys.executable, "-c", code], input="", capture_output=True, text=True, check=False)
    assert "torch is blocked" in ran.stderr
    assert ran.returncode == 1


@pytest.mark.parametrize("words", [["bench", "list", "--json"], ["bench", "baselines", "--json"]])
def test_one_document_and_nothing_else(words: list[str], tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "dreamrig", *words],
        env={**os.environ, "DREAMRIG_HOME": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert json.loads(ran.stdout)["ok"]
    assert ran.stderr == b""
