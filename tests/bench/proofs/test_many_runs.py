"""The runs that are counted are runs as the history reads them."""

from pathlib import Path

from bench.proofs.many_runs import make_home, measure
from generator.runs.folder import list_runs, look


def test_made_runs_are_whole(tmp_path: Path) -> None:
    ids = make_home(tmp_path, 3)
    assert [run.id for run in list_runs(tmp_path / "runs")] == ids[::-1]
    assert len(look(tmp_path / "runs")) == 3


def test_every_question_is_answered(tmp_path: Path) -> None:
    found = measure(tmp_path, 3, 1)
    assert found["an exact id"] < found["dreamrig history"]
    assert len(list_runs(tmp_path / "runs")) == 2  # one was removed
