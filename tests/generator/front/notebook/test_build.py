"""generator/dreamrig.ipynb: current, real, and run from top to bottom as a person would."""

from __future__ import annotations

import base64
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from generator.front.notebook import build as notebook
from generator.front.notebook import cells as notebook_cells
from generator.front.notebook.file import Cell, install_cell, to_notebook

ROOT = Path(__file__).resolve().parents[4]
nbformat = pytest.importorskip("nbformat", reason="the notebook tools are not installed")
nbclient = pytest.importorskip("nbclient", reason="the notebook tools are not installed")


def execute(cells: list[Cell], folder: Path, monkeypatch: pytest.MonkeyPatch, **variables: str) -> Any:
    """The notebook after a run of `cells` in `folder`."""
    for name in ("DREAMRIG_DEVICE", "COLAB_RELEASE_TAG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"OMP_NUM_THREADS": "1", "JUPYTER_PLATFORM_DIRS": "1", **variables}.items():
        monkeypatch.setenv(name, value)
    made = nbformat.reads(to_notebook(cells, title="t", outputs={}), as_version=4)
    nbclient.NotebookClient(
        made, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return made


def shown(notebook_: Any, cell: str) -> list[dict[str, Any]]:
    (found,) = [each for each in notebook_["cells"] if each["id"] == cell]
    return list(found["outputs"])


def pictures(outputs: list[dict[str, Any]]) -> list[Any]:
    from PIL import Image

    data = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    return [Image.open(io.BytesIO(base64.b64decode("".join(text)))) for text in data]


def words_of(outputs: list[dict[str, Any]]) -> str:
    return "".join("".join(output.get("text", "")) for output in outputs)


def test_the_committed_file_is_valid_and_has_the_cells_of_the_code() -> None:
    committed = json.loads(notebook.FILE.read_text(encoding="utf-8"))
    nbformat.validate(nbformat.from_dict(committed))
    fresh = json.loads(to_notebook(notebook.cells(), title=notebook.TITLE, outputs={}))
    for document in (committed, fresh):
        for cell in document["cells"]:
            cell.pop("outputs", None)
    assert committed == fresh, "run: DREAMRIG_DEVICE=cpu python -m generator.front.notebook.build"


def test_the_committed_outputs_come_from_a_run_that_ended_well() -> None:
    committed = json.loads(notebook.FILE.read_text(encoding="utf-8"))
    outputs = [output for cell in committed["cells"] for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output["output_type"] == "error"]
    (picture,) = pictures(shown(committed, "draw"))
    assert picture.size == (512, 512)
    assert len(picture.convert("RGB").getcolors(1 << 20)) > 1000  # no blank square
    assert "30 steps" in str(shown(committed, "draw"))
    assert len(pictures(shown(committed, "gallery"))) == 1


@pytest.mark.slow
def test_every_cell_runs_with_the_starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    variables = {"DREAMRIG_HOME": str(tmp_path / "home"), "DREAMRIG_DEVICE": "cpu"}
    made = execute(notebook.cells(), ROOT / "generator", monkeypatch, **variables)
    assert "Using device: cpu, because you asked for it" in words_of(shown(made, "install"))
    (picture,) = pictures(shown(made, "draw"))
    assert picture.size == (512, 512)
    (saved,) = (tmp_path / "home" / "runs").glob("*/picture.png")
    assert str(saved) in words_of(shown(made, "draw"))
    assert "sunset over the sea" in words_of(shown(made, "gallery"))
    assert str(saved) in str(shown(made, "download"))
    assert "imagenet-f16-16384" in words_of(shown(made, "weights"))


def test_without_a_gpu_the_first_cell_stops_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(nbclient.exceptions.CellExecutionError) as caught:
        execute([install_cell(1)], ROOT, monkeypatch, CUDA_VISIBLE_DEVICES="")
    assert "sees no GPU" in str(caught.value)
    assert "dreamrig doctor" in str(caught.value)


def test_an_installation_that_fails_stops_with_pips_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = install_cell(1)
    wanting = Cell(cell.kind, cell.name, cell.source.replace("'torch'", "'no_such_package_at_all'"))
    assert wanting != cell
    with pytest.raises(nbclient.exceptions.CellExecutionError) as caught:
        execute([wanting], ROOT, monkeypatch, PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull, PIP_FIND_LINKS="/nowhere")
    words = str(caught.value).rpartition("------------------")[2]
    assert "STOPPED" in words
    assert "pip install" in words
    assert "Using device" not in words


def test_without_a_checkout_the_first_cell_asks_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = install_cell(1)
    hidden = Cell(cell.kind, cell.name, cell.source.replace('find_spec("generator")', 'find_spec("no_such_package")'))
    assert hidden != cell
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="address of its Git repository"):
        execute([hidden], tmp_path, monkeypatch)


def test_a_wrong_setting_is_told_in_two_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = "from generator.front.notebook.cells import draw\ndraw('x', size='1x1')"
    cells = [Cell("code", "path", f"import sys; sys.path.insert(0, {str(ROOT)!r})"), Cell("code", "draw", draw)]
    with pytest.raises(nbclient.exceptions.CellExecutionError) as caught:
        execute(cells, tmp_path, monkeypatch, DREAMRIG_HOME=str(tmp_path))
    assert "error: width is 1." in str(caught.value)
    assert "hint:" in str(caught.value)
    assert "File " not in str(caught.value).partition("error:")[2]


def test_what_a_form_leaves_alone_is_left_to_the_model() -> None:
    given = notebook_cells._given({"steps": 0, "seed": -1, "size": "", "preset": None, "pull": 0.0})
    assert given == {"pull": 0.0}
    assert notebook_cells._given({"steps": 5, "seed": 0}) == {"steps": 5, "seed": 0}
