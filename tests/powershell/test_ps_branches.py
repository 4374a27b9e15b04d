"""Every catch, throw and blocked step of the scripts is reached by a test, or says why none can.

What was reached stands in coverage/branches.json; `python tests/powershell/coverage/statement_coverage.py --record`
writes it after it has run the other tests. This one only compares it with the scripts.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from simulated_pc import ROOT, require_powershell, run_powershell

sys.path.insert(0, str(Path(__file__).parent / "coverage"))

from statement_coverage import REACHED, RECORD, Statement, list_statements, percent, record, render, watched

SCRIPT = """
param([string] $Word)
function Get-It {
    if ($Word -eq 'no') {
        throw 'not that'
    }
    try { [int] $Word } catch { 'no number' }
}
Get-It
"""


@pytest.fixture(scope="module")
def statements() -> list[Statement]:
    require_powershell()
    return list_statements(ROOT / "powershell")


def test_every_place_where_something_goes_wrong_is_recorded(statements: list[Statement]) -> None:
    recorded = json.loads(RECORD.read_text("utf-8"))
    there = {one.key for one in watched(statements)}
    assert len(there) > 80
    assert sorted(there - recorded.keys()) == [], "new: does a test reach it? statement_coverage.py --record"
    assert sorted(recorded.keys() - there) == [], "gone: statement_coverage.py --record"


def test_what_no_test_reaches_has_a_reason() -> None:
    recorded = json.loads(RECORD.read_text("utf-8"))
    assert [key for key, said in recorded.items() if said != REACHED and len(said) < 20] == []
    assert sum(said == REACHED for said in recorded.values()) > 80


def test_a_traced_script_does_the_same_and_tells_what_it_reached(edition: str, tmp_path: Path) -> None:
    for name, word in (("good", "1"), ("catches", "x")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "it.ps1").write_text(SCRIPT, "ascii")
        plain = run_powershell(edition, ["-File", str(folder / "it.ps1"), "-Word", word])
        traced = {one.id: one for one in list_statements(folder, change=True)}
        notes = folder / "notes"
        ran = run_powershell(edition, ["-File", str(folder / "it.ps1"), "-Word", word], _noting(notes))
        assert (ran.code, ran.out, ran.err) == (plain.code, plain.out, plain.err)
        (note,) = folder.glob("notes.*")
        reached = {int(line) for line in note.read_text("ascii").split()}
        kinds = {traced[number].kind for number in reached}
        assert ("catch" in kinds) == (word == "x")
        assert "throw" not in kinds
        assert {traced[number].line for number in reached} >= {4, 7, 9}
        shutil.rmtree(folder)


def test_figures_and_reasons() -> None:
    one = Statement(0, "a.ps1", 1, "Get-A", "1", "", True)
    two = Statement(1, "a.ps1", 2, "Get-A", "throw 'x'", "throw", True)
    three = Statement(2, "a.ps1", 9, "Get-A", "throw 'x'", "throw", True)
    assert percent([one, two, three], {0}) == pytest.approx(100 / 3)
    assert "33.3 %    2 of   3 missed  a.ps1" in render([one, two, three], {0}, listed=False)
    assert record([one, two, three], {1, 2}, {}) == {two.key: REACHED}
    assert record([one, two, three], {1}, {two.key: "a reason"}) == {two.key: "a reason"}, "both have to be reached"
    assert record([two], set(), {two.key: REACHED}) == {two.key: ""}, "it was reached once, and is not any more"


def _noting(notes: Path) -> dict[str, str]:
    return {**os.environ, "DREAMRIG_REACHED": str(notes)}
