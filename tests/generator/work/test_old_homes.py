"""What earlier versions left behind opens: history lists it, again repeats it, resume goes on (tests/homes)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generator.runs import folder as runs
from generator.runs.folder import Run
from generator.starter.shipped import starter_of
from generator.work.door import load_configured
from generator.work.recipes import recipe_of

HOMES = Path(__file__).parents[2] / "homes"
NAMES = ("first", "second", "third")
NEAR = 2.0
"""Levels of 255 that another processor's last digits may move a picture by, on average."""
Command = Callable[..., Any]


@pytest.fixture(params=NAMES)
def old(request: pytest.FixtureRequest, home: Path) -> dict[str, Run]:
    """Status -> the run, in a home as that version left it."""
    shutil.copytree(HOMES / request.param / "runs", home / "runs")
    return {run.status: run for run in runs.list_runs(home / "runs")}


def has_its_starter(run: Run) -> bool:
    """Whether the weights that it was drawn with are shipped today, under whichever name."""
    return starter_of(recipe_of(run).weights["sha256"]) is not None


def pixels(path: Path) -> Any:
    return np.asarray(Image.open(path), dtype=float)


def test_history_lists_the_runs_as_they_ended(old: dict[str, Run], command: Command) -> None:
    listed = {one["status"]: one for one in command("history", "--json").data["runs"]}
    assert listed.keys() == {"done", "interrupted"}
    assert (listed["done"]["prompt"], listed["done"]["steps_done"]) == ("sunset over the sea", 2)
    assert (listed["interrupted"]["prompt"], listed["interrupted"]["steps_done"]) == ("a red sun", 4)
    assert Path(listed["done"]["picture"]).is_file()


@pytest.mark.parametrize("source", ["id", "picture"])
def test_again_repeats_the_picture(old: dict[str, Run], command: Command, source: str) -> None:
    run = old["done"]
    before = pixels(run.folder / "picture.png")
    answer = command("again", run.id if source == "id" else str(run.picture), "--json", load_models=load_configured)
    assert answer.data["status"] == "done"
    after = pixels(Path(answer.data["picture"]))
    assert after.shape == before.shape
    if has_its_starter(run):
        assert np.abs(after - before).mean() < NEAR
    else:
        assert f"note: weights sha256 was {recipe_of(run).weights['sha256'][:12]}…" in answer.err
    assert "weights name" not in answer.err


def test_resume_goes_on_where_the_run_ended(old: dict[str, Run], command: Command) -> None:
    run, is_known = old["interrupted"], has_its_starter(old["interrupted"])
    answer = command("generate", "--resume", run.id, "--json", load_models=load_configured)
    assert (answer.data["run"], answer.data["status"], answer.data["steps_done"]) == (run.id, "done", 8)
    assert answer.data["timings"]["first_step"] == (4 if is_known else 0)
    assert ("belongs to other weights. The run starts again" in answer.err) is not is_known


def test_the_starter_of_the_second_home_is_still_shipped() -> None:
    (done,) = (run for run in runs.list_runs(HOMES / "second" / "runs") if run.status == "done")
    assert has_its_starter(done)
