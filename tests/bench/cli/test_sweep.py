"""`dreamrig bench sweep`: a grid in, a line for each combination out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.cli.sweep import row_of, sweep, table
from bench.cli.sweep_reuse import Facts, Here, forget_what_is_past
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
    capsys.readouterr()
    assert sweep([str(tmp_path / "grid.toml"), "--json"]) == 0
    assert [Path(row["picture"]).stat().st_mtime_ns for row in rows] == made
    assert capsys.readouterr().err == ""
    (Path(rows[0]["picture"]).parent / "made.json").write_text('{"dreamrig": "0.0.9"}')
    assert sweep([str(tmp_path / "grid.toml"), "--json"]) == 0
    drawn = [Path(row["picture"]).stat().st_mtime_ns for row in rows]
    assert drawn[0] > made[0]
    assert drawn[1] == made[1]
    assert "measuring 1 picture anew: dreamrig was 0.0.9, and is " in capsys.readouterr().err


HERE = {"dreamrig": "0.2.0 at 0123456789", "torch": "2.13.0", "device": "cpu (A CPU)", "threads": 8}


class NowHere(Here):
    """A machine that is known without torch."""

    def facts(self, one: WantedPicture) -> Facts:
        return {name: HERE[name] for name in HERE if self.is_this_machine or name in ("dreamrig", "torch")}


def a_drawn_picture(folder: Path, **changes: Any) -> Task:
    facts = {**HERE, **changes}
    folder.mkdir()
    report = {"device": facts["device"], "threads": facts["threads"], "versions": {"torch": facts["torch"]}}
    (folder / "timings.json").write_text(json.dumps(report))
    if facts["dreamrig"]:
        (folder / "made.json").write_text(json.dumps({"dreamrig": facts["dreamrig"]}))
    return Task(1, folder, lambda likes: {})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, None),
        ({"dreamrig": "0.1.0"}, "dreamrig was 0.1.0, and is 0.2.0 at 0123456789"),
        ({"dreamrig": None}, "dreamrig was not noted, and is 0.2.0 at 0123456789"),
        ({"torch": "2.12.0"}, "torch was 2.12.0, and is 2.13.0"),
        ({"device": "cuda:0 (Tesla T4)"}, r"device was cuda:0 (Tesla T4), and is cpu (A CPU)"),
        ({"threads": 2}, "threads was 2, and is 8"),
    ],
)
def test_timings_of_another_program_or_machine_are_not_told_again(
    changes: dict[str, Any], says: str | None, tmp_path: Path
) -> None:
    tasks = [a_drawn_picture(tmp_path / "a", **changes), Task(2, tmp_path / "none", lambda likes: {})]
    wanted = [WantedPicture("a", {}), WantedPicture("b", {})]
    said = forget_what_is_past(tasks, wanted, NowHere(is_this_machine=True))
    assert said == ([] if says is None else [f"measuring 1 picture anew: {says}"])
    assert (tmp_path / "a").is_dir() == (says is None)


def test_a_crew_may_have_drawn_on_any_device(tmp_path: Path) -> None:
    tasks = [a_drawn_picture(tmp_path / "a", device="cuda:0 (Tesla T4)", threads=2)]
    assert forget_what_is_past(tasks, [WantedPicture("a", {})], NowHere(is_this_machine=False)) == []
