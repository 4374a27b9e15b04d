"""`dreamrig bench sweep`: a grid in, a line for each combination out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli.sweep import row_of, sweep, table
from dreamrig.errors import UsageError
from generator.crew.batch import Task
from generator.work.batch_file import WantedPicture

GRID = 'steps = 2\nwidth = 32\nheight = 32\nthreads = 1\n[grid]\nprompt = ["a house"]\ncutouts = [2, 4]\n'


def test_only_what_differs_is_a_column(tmp_path: Path) -> None:
    (tmp_path / "timings.json").write_text('{"median_step_seconds": 0.5, "peak_memory_mib": 100.2, "device": "cpu"}')
    task = Task(1, tmp_path, lambda likes: {})
    rows = [row_of(task, WantedPicture("a", {"steps": 2, "cutouts": count})) for count in (2, 4)]
    rows.append(row_of(Task(2, tmp_path / "none", lambda likes: {}), WantedPicture("a", {"steps": 2, "cutouts": 8})))
    head, one, _, last = table(rows)
    assert head.split() == ["cutouts", "s", "a", "step", "MiB", "device", "prompt"]
    assert one.split() == ["2", "0.5000", "100", "cpu", "a"]
    assert last.split() == ["8", "-", "-", "-", "a"]


@pytest.mark.parametrize(
    ("content", "words", "says"),
    [
        (GRID, ["--crew", "slurm"], "slurm"),
        ('[grid]\nprompt = ["a"]\nmodel = ["starter", "imagenet-f16-1024"]\n', [], "different networks"),
        ("steps = 2\n", [], "names no picture"),
    ],
)
def test_what_cannot_be_swept_is_refused(tmp_path: Path, content: str, words: list[str], says: str) -> None:
    (tmp_path / "grid.toml").write_text(content)
    with pytest.raises(UsageError, match=says):
        sweep([str(tmp_path / "grid.toml"), *words])


@pytest.mark.slow
def test_each_combination_is_drawn_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))
    (tmp_path / "grid.toml").write_text(GRID)
    assert sweep([str(tmp_path / "grid.toml"), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["data"]["rows"]
    assert [row["settings"]["cutouts"] for row in rows] == [2, 4]
    assert all(row["step_seconds"] > 0 and Path(row["picture"]).is_file() for row in rows)
    made = [Path(row["picture"]).stat().st_mtime_ns for row in rows]
    assert sweep([str(tmp_path / "grid.toml"), "--json"]) == 0
    assert [Path(row["picture"]).stat().st_mtime_ns for row in rows] == made
