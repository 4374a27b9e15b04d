"""bench/colab.ipynb: current, one cell, and run on the starter as a person would."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bench.colab import notebook as colab_notebook
from bench.proofs.colab_environment import IN_A_MOMENT
from bench.result.result import read_result
from generator.front.notebook.file import Cell, to_notebook

nbformat = pytest.importorskip("nbformat", reason="the notebook tools are not installed")
nbclient = pytest.importorskip("nbclient", reason="the notebook tools are not installed")
ROOT = Path(__file__).resolve().parents[3]


def test_the_committed_file_is_what_the_code_builds() -> None:
    committed = colab_notebook.FILE.read_text(encoding="utf-8")
    assert committed == colab_notebook.build(), "run: python -m bench.colab.notebook"
    nbformat.validate(nbformat.from_dict(json.loads(committed)))
    assert [cell["cell_type"] for cell in json.loads(committed)["cells"]] == ["markdown", "code"]


@pytest.mark.slow
def test_the_cell_measures_and_prints_one_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DREAMRIG_DEVICE": "cpu", "OMP_NUM_THREADS": "1", "DREAMRIG_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DREAMRIG_PLACE", "colab-local")
    (tmp_path / "sitecustomize.py").write_text(IN_A_MOMENT, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")
    words, cell = colab_notebook.cells()
    chosen = cell.source.replace('workload = "adafruit-480-pure"', 'workload = "starter-128"')
    chosen = chosen.replace('effort = "default"', 'effort = "quick"').replace('sessions = "3"', 'sessions = "1"')
    assert 'sessions = "1"' in chosen
    assert chosen.count("starter-128") == 2
    text = to_notebook([words, Cell("code", cell.name, chosen)], title="t", outputs={})
    made = nbformat.reads(text, as_version=4)
    where = {"metadata": {"path": str(ROOT / "bench")}}
    nbclient.NotebookClient(made, timeout=300, kernel_name="python3", resources=where).execute()
    printed = "".join(output["text"] for output in made.cells[1].outputs if output.get("name") == "stdout")
    (line,) = [line for line in printed.splitlines() if line.startswith("{")]
    (tmp_path / "result.json").write_text(line, encoding="utf-8")
    result = read_result(tmp_path / "result.json")
    assert result.workload.name == "starter-128"
    assert result.place == "colab-local"
    assert result.effort == "quick"
    assert len(result.timing.blocks) >= 3
    assert str(tmp_path) not in line
