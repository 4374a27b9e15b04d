"""`dreamrig notebook`: the picture notebook as one file, run where dreamrig is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.colab import picture
from bench.proofs.colab_environment import HIDE
from dreamrig.errors import UsageError
from generator.front.notebook.file import Cell, to_notebook

nbformat = pytest.importorskip("nbformat", reason="the notebook tools are not installed")
nbclient = pytest.importorskip("nbclient", reason="the notebook tools are not installed")
ROOT = Path(__file__).resolve().parents[3]


def test_the_file_is_valid_and_can_be_uploaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.ipynb"
    assert picture.notebook([str(file)]) == 0
    assert capsys.readouterr().out.strip() == str(file)
    made = json.loads(file.read_text(encoding="utf-8"))
    nbformat.validate(nbformat.from_dict(made))
    assert file.stat().st_size < 5_000_000
    assert [cell["id"] for cell in made["cells"]] == [
        "introduction", "unpack", "weights", "draw", "gallery", "download",
    ]  # fmt: skip
    draw = "".join(made["cells"][3]["source"])
    assert 'kind = "adafruit"' in draw
    assert '# @param ["crowson", "adafruit"' in draw  # what is not carried cannot be chosen
    assert "(cell 2)" in draw
    with pytest.raises(UsageError, match="ipynb"):
        picture.notebook([str(tmp_path / "mine.txt")])


@pytest.mark.slow
def test_it_draws_where_dreamrig_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"CUDA_VISIBLE_DEVICES": "", "DREAMRIG_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))
    _, unpack, _, draw, *_ = picture.cells(with_starter=False)
    weights = ROOT / "generator" / "starter" / "weights"
    there = "folder / 'generator/starter/weights'"
    beside = f"import shutil\nshutil.copytree({str(weights)!r}, {there}, dirs_exist_ok=True)"
    drawn = draw.source.replace('kind = "adafruit"', 'kind = "starter"').replace('size = "480"', 'size = "64"')
    drawn = drawn.replace("steps = 0", "steps = 2") + "\nprint('from', __import__('generator').__file__)"
    cells = [
        Cell("code", "hide", HIDE),
        Cell("code", "unpack", unpack.source.replace("without_gpu = False", "without_gpu = True")),
        Cell("code", "beside", beside),
        Cell("code", "draw", drawn),
    ]
    made = nbformat.reads(to_notebook(cells, title="t", outputs={}), as_version=4)
    where = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(made, timeout=600, kernel_name="python3", resources=where).execute()
    printed = "".join(output.get("text", "") for output in made.cells[-1].outputs)
    assert "/dreamrig-" in printed.partition("from ")[2]
    assert list((tmp_path / "home" / "runs").glob("*/picture.png"))
