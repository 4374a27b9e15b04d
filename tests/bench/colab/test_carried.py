"""A notebook that carries dreamrig, run where dreamrig is not, as a person in Colab would."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.colab import carried, form
from bench.colab.hosted import bench_colab
from bench.colab.packing import needed_packages
from bench.proofs import colab_environment
from bench.proofs.colab_environment import HIDE, IN_A_MOMENT
from bench.result.result import BenchResult
from dreamrig.errors import UsageError
from generator.front.notebook.file import Cell, to_notebook

nbformat = pytest.importorskip("nbformat", reason="the notebook tools are not installed")
nbclient = pytest.importorskip("nbclient", reason="the notebook tools are not installed")
ROOT = Path(__file__).resolve().parents[3]


def run(cells: Sequence[Cell], tmp_path: Path, kernel: str = "python3") -> Any:
    """Execute in a folder of its own, in a kernel that knows no dreamrig; the executed notebook."""
    hide = Cell("code", "hide", HIDE)
    made = nbformat.reads(to_notebook([hide, *cells], title="t", outputs={}), as_version=4)
    where = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(made, timeout=600, kernel_name=kernel, resources=where).execute()
    return made


@pytest.fixture
def colab_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a kernel in an environment with Colab's versions, in which nothing of ours is installed."""
    try:
        python = colab_environment.make(tmp_path / "colab")
    except colab_environment.PipFailed as error:
        pytest.skip(f"pip cannot bring Colab's versions here: {error}")
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    folder = tmp_path / "jupyter" / "kernels" / "colab"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Colab", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return "colab"


def starter_beside() -> Cell:
    """The starter's weights, put where the archive would have brought them: 36 MB through a kernel prove no more."""
    weights = ROOT / "generator" / "starter" / "weights"
    put = f"import shutil\nshutil.copytree({str(weights)!r}, folder / 'generator/starter/weights', dirs_exist_ok=True)"
    return Cell("code", "starter", put)


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
    assert "torch" not in needed_packages().values()  # it is never replaced
    assert '"starter-128"' not in outside
    starter = carried.cells("starter-128", with_weights=True)
    assert '"starter-128"' in starter[-1].source
    assert max(map(len, starter[1].source.splitlines())) <= carried.LINE
    with pytest.raises(UsageError, match="ipynb"):
        bench_colab(["--notebook", str(tmp_path / "x.txt")])


@pytest.mark.slow
def test_it_stops_in_words_without_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="sees no GPU here"):
        run(carried.cells("adafruit-480-pure", with_weights=False)[:2], tmp_path)


WHAT_IS_THERE = """
import importlib.metadata
import json

print("there:", json.dumps({name: importlib.metadata.version(name) for name in NAMES}))
"""


@pytest.mark.slow
def test_in_colabs_versions_it_measures_shows_what_goes_on_and_prints_one_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, colab_kernel: str
) -> None:
    """What is there is neither installed nor moved; what is missing is brought."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    pins = colab_environment.pins()
    words, unpack, measure = carried.cells("starter-128", with_weights=False)
    unpack = Cell("code", unpack.name, unpack.source.replace("without_gpu = False", "without_gpu = True"))
    quick = Cell("code", measure.name, measure.source.replace('effort = "default"', 'effort = "quick"'))
    moment = Cell("code", "moment", f"(folder / 'sitecustomize.py').write_text({IN_A_MOMENT!r})")
    after = Cell("code", "after", f"NAMES = {[*pins, 'torch']}" + WHAT_IS_THERE)
    made = run([words, unpack, starter_beside(), moment, quick, after], tmp_path, colab_kernel)
    installed = re.search(r"^installing: (.*)$", printed(made.cells[2]), re.MULTILINE)
    assert installed is not None
    assert not {*pins, "torch"} & {name.strip() for name in installed[1].split(",")}
    there = json.loads(printed(made.cells[-1]).partition("there: ")[2])
    assert {name: there[name] for name in pins} == pins
    shown = printed(made.cells[-2])
    assert "measuring" in shown  # while it goes on, not only at the end
    (line,) = [line for line in shown.splitlines() if line.startswith("{")]
    result = BenchResult.from_dict(json.loads(line))
    assert result.workload.name == "starter-128"
    assert result.device.kind == "cpu"
    assert sys.executable not in line
    assert len(result.timing.session_blocks) == form.SESSIONS == 3


def test_the_form_offers_sessions_and_the_words_above_tell_their_minutes(tmp_path: Path) -> None:
    words, _, measure = carried.cells("adafruit-480-pure", with_weights=False)
    assert 'sessions = "3"  # @param ["1", "3", "5"]' in measure.source
    assert "about 10 minutes for one, 19 for 3" in words.source
    file = tmp_path / "bench.ipynb"
    assert bench_colab(["--notebook", str(file), "--sessions", "4"]) == 0
    code = "".join(json.loads(file.read_text(encoding="utf-8"))["cells"][-1]["source"])
    assert 'sessions = "4"  # @param ["1", "3", "4", "5"]' in code
