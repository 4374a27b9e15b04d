"""A notebook that carries dreamrig, run where dreamrig is not, as a person in Colab would."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.colab import carried
from bench.colab.hosted import bench_colab
from bench.result.result import BenchResult
from dreamrig.errors import UsageError
from generator.notebook.file import Cell, to_notebook

nbformat = pytest.importorskip("nbformat", reason="the notebook tools are not installed")
nbclient = pytest.importorskip("nbclient", reason="the notebook tools are not installed")
ROOT = Path(__file__).resolve().parents[3]
NOT_HERE = """
import sys

sys.path[:] = [path for path in sys.path if path != {root!r}]
sys.path_hooks[:] = [hook for hook in sys.path_hooks if "editable" not in repr(hook).lower()]
"""
"""Run before the notebook: the checkout that the tests run in is not in Colab."""


IN_A_MOMENT = """
import contextlib

with contextlib.suppress(ImportError):
    from bench.measure.blocks import BUDGETS, Budget

    BUDGETS["quick"] = Budget(warmup=0.1, warmup_most=1.0, measuring=1.0, block=0.1, picture=0.0, ceiling=0.05)
"""
"""What the measuring process runs first: half a minute's budget would prove no more."""


def run(cells: Sequence[Cell], tmp_path: Path) -> Any:
    """Execute in a folder of its own, in a kernel that knows no dreamrig; the executed notebook."""
    hide = Cell(
        "code",
        "hide",
        NOT_HERE.format(root=str(ROOT)) + "\nimport importlib.util\nassert importlib.util.find_spec('bench') is None",
    )
    made = nbformat.reads(to_notebook([hide, *cells], title="t", outputs={}), as_version=4)
    where = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(made, timeout=300, kernel_name="python3", resources=where).execute()
    return made


def printed(cell: Any) -> str:
    return "".join(output["text"] for output in cell.outputs if output.get("name") == "stdout")


def test_the_file_is_small_valid_and_loads_nothing_from_elsewhere(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "bench.ipynb"
    assert bench_colab(["--notebook", str(file)]) == 0
    assert capsys.readouterr().out.strip() == str(file)
    text = file.read_text(encoding="utf-8")
    nbformat.validate(nbformat.from_dict(json.loads(text)))
    assert len(text) < 2_500_000
    code = "".join(cell.source for cell in carried.cells("adafruit-480-pure", with_weights=False))
    outside = re.sub(r'ARCHIVE = """.*?"""', "", code, flags=re.DOTALL)
    assert "http" not in outside
    assert "torch" not in carried._needed().values()  # it is never replaced
    assert '"starter-128"' not in outside
    with pytest.raises(UsageError, match="ipynb"):
        bench_colab(["--notebook", str(tmp_path / "x.txt")])


@pytest.mark.slow
def test_it_stops_in_words_without_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="sees no GPU here"):
        run(carried.cells("adafruit-480-pure", with_weights=False)[:2], tmp_path)


@pytest.mark.slow
def test_it_measures_shows_what_goes_on_and_prints_one_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    words, unpack, measure = carried.cells("starter-128", with_weights=True)
    unpack = Cell("code", unpack.name, unpack.source.replace("without_gpu = False", "without_gpu = True"))
    quick = Cell("code", measure.name, measure.source.replace('effort = "default"', 'effort = "quick"'))
    moment = Cell("code", "moment", f"(folder / 'sitecustomize.py').write_text({IN_A_MOMENT!r})")
    made = run([words, unpack, moment, quick], tmp_path)
    shown = printed(made.cells[-1])
    assert "measuring" in shown  # while it goes on, not only at the end
    (line,) = [line for line in shown.splitlines() if line.startswith("{")]
    result = BenchResult.from_dict(json.loads(line))
    assert result.workload.name == "starter-128"
    assert result.device.kind == "cpu"
    assert sys.executable not in line
