"""Where people put their results: checked, shown, handed in; nothing is sent."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import pytest

from bench.cli.board_folder import BoardFolder
from bench.report.board import _link
from bench.result import store
from bench.result.result import BenchResult, read_result, write_result
from dreamrig import paths
from dreamrig.cli import main
from dreamrig.errors import RigError

Make = Callable[..., BenchResult]
Seconds = Callable[..., list[float]]
yaml = pytest.importorskip("yaml")
ROOT = Path(__file__).resolve().parents[3]


class Links(HTMLParser):
    """Notes every address of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_result: Make, make_seconds: Seconds) -> Path:
    """Three machines, a result that is there twice, one that cannot be, and a file that is none."""
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "results"
    made.mkdir()
    heavy = "adafruit-480-pure"
    results = {
        "a": make_result(number=1, workload=heavy),
        "b": make_result(number=2, workload=heavy, device="<script>alert(1)</script>", step_seconds=make_seconds(0.2)),
        "c": make_result(number=3),
        "twice": make_result(number=1, workload=heavy),
        "liar": make_result(number=4, workload=heavy, step_seconds=[1e-4] * 8),
    }
    for name, result in results.items():
        write_result(result, made / f"{name}.json")
    (made / "none.json").write_text("{")
    return made


def test_the_board_is_pages_that_stand_alone(folder: Path, tmp_path: Path) -> None:
    assert main(["bench", "board", str(folder), "--out", "board"]) == 0
    pages = sorted((tmp_path / "board").glob("*.html"))
    assert len(pages) == 3
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text
        links = Links()
        links.feed(text)
        for address in links.addresses:
            assert address == "data:," or (page.parent / address).is_file()
    heavy = next(page for page in pages if page.name.startswith("adafruit")).read_text(encoding="utf-8")
    assert "&lt;script&gt;" in heavy
    measured, _, bounds = heavy.partition("<h2>Not measured yet</h2>")
    assert "RTX 3090" in measured
    assert "at most" not in measured  # measured and bound are never mixed
    assert re.search(r"<td>L4</td><td>at most 20\.2 it/s</td><td>bound</td>", bounds)
    assert re.search(r"<td>T4</td><td>about 1\.1 it/s \(0\.31 to 3\.8\)</td><td>expected</td>", bounds)
    index = (tmp_path / "board" / "index.html").read_text(encoding="utf-8")
    assert "impossible" in index
    assert "none.json" in index


def test_a_row_tells_machines_median_spread_and_verdicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_result: Make
) -> None:
    """What casts doubt on a machine is told beside it and does not count where others measured the same card."""
    monkeypatch.chdir(tmp_path)
    raw = paths.ensure_folder(tmp_path / "raw")
    for number, seconds in enumerate([[0.1] * 48, [0.08] * 48, [0.2, 0.4] * 24], 1):
        host = replace(make_result().host, cpu=f"CPU {number}")
        write_result(make_result(number=number, step_seconds=seconds, host=host), raw / f"{number}.json")
    write_result(make_result(number=4, device="Tesla T4", step_seconds=[0.5] * 48), raw / "4.json")
    assert main(["bench", "board", "raw", "--out", "board"]) == 0
    (page,) = (tmp_path / "board").glob("starter*.html")
    measured, _, others = page.read_text(encoding="utf-8").partition("Not measured yet")
    rows = [re.findall(r"<td>(.*?)</td>", row)[1:5] for row in re.findall(r"<tr>(<td>.*?)</tr>", measured)]
    assert rows == [["11", "10 to 12", "2 of 3", "noisy 1, two speeds 1"], ["2.00", "", "1", ""]]
    assert "<td>L4</td>" in others
    assert "<td>T4</td>" not in others
    index = (tmp_path / "board" / "index.html").read_text(encoding="utf-8")
    assert "<td>4 machines</td><td>RTX 3090, 11 it/s</td>" in index


def test_digits_follow_the_interval_wherever_a_pace_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_result: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """2.57 it/s of a machine that was seen between 1.9 and 3.4 are 2.6; two machines far apart leave two digits too."""
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    unsure, sure = [0.3, 0.389, 0.52] * 3, [0.0802] * 12
    store.keep(make_result(number=1, step_seconds=unsure))
    store.keep(make_result(number=2, step_seconds=sure, device="A card"))
    for number, seconds in ((3, [0.1] * 12), (4, [0.123] * 12)):
        host = replace(make_result().host, cpu=f"CPU {number}")
        store.keep(
            make_result(
                number=number,
                step_seconds=seconds,
                device="B card",
                host=host,
                created=f"2026-11-{number:02}T10:00:00Z",
            )
        )
    for words in (["history"], ["merge", "home/bench"]):
        assert main(["bench", *words]) == 0
        out = capsys.readouterr().out
        assert " 2.6 it/s" in out
        assert " 12.5 it/s" in out
        assert "2.57" not in out
    assert " 9.1 it/s  " in out
    assert "2 machines, 8.1 to 10" in out
    assert main(["bench", "board", "home/bench"]) == 0
    told = "".join(page.read_text() for page in Path("dreamrig-board").glob("*.html"))
    assert "<td>2.6</td>" in told
    assert "<td>9.1</td><td>8.1 to 10</td>" in told
    assert "A card, 12.5 it/s" in told


def test_the_raw_files_lie_beside_the_pages(folder: Path, tmp_path: Path) -> None:
    assert main(["bench", "board", str(folder), "--out", "board"]) == 0
    raw = {read_result(path).id for path in (tmp_path / "board" / "results").glob("*.json")}
    assert raw == {read_result(folder / f"{name}.json").id for name in ("a", "b", "c")}


def uuid_of(number: int) -> str:
    return str(UUID(int=number))


def links_of(page: Path) -> list[str]:
    links = Links()
    links.feed(page.read_text(encoding="utf-8"))
    return [address for address in links.addresses if address.endswith(".json")]


@pytest.mark.parametrize("out", [".", "board", "results/board"])
def test_every_result_has_its_raw_file_linked_wherever_the_pages_go(folder: Path, tmp_path: Path, out: str) -> None:
    """In the folder above the results nothing is copied beside them."""
    (folder / "a.json").rename(folder / "a #1 50%.json")
    before = sorted(folder.glob("*.json"))
    for _ in range(2):
        assert main(["bench", "board", "results", "--out", out]) == 0
        pages = list((tmp_path / out).glob("*.html"))
        found = {tmp_path / out / unquote(address) for page in pages for address in links_of(page)}
        assert {read_result(file).id for file in found} == {uuid_of(number) for number in (1, 2, 3)}
        assert sorted(folder.glob("*.json")) == before


def test_what_was_withdrawn_goes_and_what_others_made_stays(folder: Path, tmp_path: Path) -> None:
    board = tmp_path / "results" / "board"
    assert main(["bench", "board", "results", "--out", "results/board"]) == 0
    made = {path.name for path in board.rglob("*") if path.is_file()}
    (board / "own.html").write_text("mine")
    (board / "results" / "own.json").write_text("mine")
    (kept,) = board.glob("starter-*.html")
    kept.write_text("changed by hand")
    outside = tmp_path / "outside.json"
    outside.write_text("x")
    with (board / ".dreamrig-board").open("a") as stream:
        for name in ("../outside.json", "results/../../../outside.json", "/etc/passwd"):
            stream.write(f"{hashlib.sha256(b'x').hexdigest()}  {name}\n")
    (folder / "b.json").unlink()
    (folder / "c.json").unlink()
    assert main(["bench", "board", "results", "--out", "results/board"]) == 0
    left = {path.name for path in board.rglob("*") if path.is_file()}
    assert {read_result(path).id for path in (board / "results").glob("2*.json")} == {uuid_of(1)}
    assert len(made) == 7
    assert len(made - left) == 2  # the raw files of b and c
    assert left - made == {"own.html", "own.json"}
    assert kept.read_text() == "changed by hand"
    assert outside.exists()
    assert "script" not in next(board.glob("adafruit-*.html")).read_text()


@pytest.mark.parametrize("name", ["index.html", "results/mine"])
def test_what_no_board_made_is_not_replaced(folder: Path, tmp_path: Path, name: str) -> None:
    site = paths.ensure_folder(tmp_path / "site" / "results").parent
    one = read_result(folder / "a.json")
    foreign = site / name.replace("mine", store.file_name(one))
    foreign.write_text("my own page")
    assert main(["bench", "board", "results", "--out", "site"]) == 2
    assert [path for path in site.rglob("*") if path.is_file()] == [foreign]
    assert foreign.read_text() == "my own page"
    foreign.unlink()
    foreign.symlink_to(tmp_path / "elsewhere")
    assert main(["bench", "board", "results", "--out", "site"]) == 2
    foreign.unlink()
    assert main(["bench", "board", "results", "--out", "site"]) == 0
    foreign.write_text("changed by hand")
    assert main(["bench", "board", "results", "--out", "site"]) == 2


def test_a_board_that_was_ended_halfway_is_made_again(folder: Path, tmp_path: Path) -> None:
    """Its list tells of the files of before and of those that it was about to write."""
    assert main(["bench", "board", "results", "--out", "board"]) == 0
    target, was = BoardFolder(tmp_path / "board"), (tmp_path / "board" / "index.html").read_bytes()
    target.add("index.html", b"another")
    target.add("results/1.json", b"{}")
    in_the_way = paths.ensure_folder(tmp_path / "board" / "results" / "1.json")
    with pytest.raises((OSError, RigError)):
        target.finish()
    in_the_way.rmdir()
    assert (tmp_path / "board" / "index.html").read_bytes() == b"another" != was
    assert main(["bench", "board", "results", "--out", "board"]) == 0
    assert (tmp_path / "board" / "index.html").read_bytes() == was


def test_no_page_tells_where_the_folder_lies(folder: Path, tmp_path: Path) -> None:
    assert main(["bench", "board", str(folder), "--out", "board"]) == 0
    assert str(tmp_path) not in (tmp_path / "board" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("address", ["https://example.org", "javascript:alert(1)", "/etc/passwd", "..\\x"])
def test_no_page_links_elsewhere(address: str) -> None:
    assert "<a" not in _link(address, "x")


def test_the_board_does_not_overwrite_what_it_is_made_from(folder: Path) -> None:
    assert main(["bench", "board", str(folder), "--out", str(folder)]) == 2
    assert main(["bench", "board", str(folder / "nowhere")]) == 2


def test_strict_refuses_what_results_must_not_have(
    folder: Path, make_result: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    document = make_result(number=7, note="from Ann").to_dict()
    (folder / "note.json").write_text(json.dumps(document))
    document = {**make_result(number=8).to_dict(), "owner": "Ann"}
    (folder / "strange.json").write_text(json.dumps(document))
    assert main(["bench", "validate", "--strict", "--json", str(folder)]) == 3
    checked = json.loads(capsys.readouterr().out)["data"]["checked"]
    told = {Path(row["file"]).stem: row["problem"] for row in checked}
    assert told["a"] is None
    assert "is the same result as" in told["twice"]
    assert "impossible" in told["liar"]
    assert "carries a note" in told["note"]
    assert told["strange"] == "has a field that nothing reads: owner"
    assert main(["bench", "validate", str(folder / "strange.json")]) == 0  # a newer version may write more


def test_what_is_handed_in_passes_the_strict_check_and_nothing_is_sent(
    folder: Path, tmp_path: Path, make_result: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    write_result(make_result(number=9, note="my living room"), tmp_path / "mine.json")
    assert main(["bench", "submit", "mine.json", "--folder", "handed-in"]) == 0
    out = capsys.readouterr().out
    (file,) = (tmp_path / "handed-in").iterdir()
    assert read_result(file) == replace(make_result(number=9), note=None)
    assert "A CPU, 16 threads" in out  # everything about the machine is shown
    assert "Nothing was sent" in out
    assert out.count("git ") == 4
    assert "  Result: RTX 3090 on starter-128 strict\n" in out
    assert re.search(r"  - pace: (9\.99|10\.0) it/s \(95 % interval [^)]*\), \d+(\.\d)? ms a step\n", out)
    assert f"  The file {file.name} is attached (drag it here)." in out
    address = urlsplit(out.split()[-1])
    filled = parse_qs(address.query)
    assert address.path.endswith("issues/new")
    assert filled["title"] == ["Result: RTX 3090 on starter-128 strict"]
    assert all(f"  {line}".rstrip() in out.splitlines() for line in filled["body"][0].splitlines())
    assert main(["bench", "validate", "--strict", str(file)]) == 0
    assert main(["bench", "submit", str(folder / "liar.json"), "--folder", "handed-in"]) == 2
    assert main(["bench", "submit", str(folder), "--folder", "handed-in"]) == 2
    assert len(list((tmp_path / "handed-in").iterdir())) == 1


def test_handing_in_touches_no_file_that_holds_something_else(tmp_path: Path, make_result: Make) -> None:
    mine, odd = make_result(number=9, note="my living room"), make_result(number=10)
    odd = replace(odd, workload=replace(odd.workload, hash="0" * len(odd.workload.hash)))
    for name, result in (("mine", mine), ("odd", odd)):
        file = paths.ensure_folder(tmp_path / name) / store.file_name(result)
        write_result(result, file)
        before = file.read_bytes()
        assert main(["bench", "submit", str(file), "--folder", str(file.parent)]) == 2
        assert file.read_bytes() == before
    for _ in range(2):
        file = tmp_path / "mine" / store.file_name(mine)
        assert main(["bench", "submit", str(file), "--folder", str(tmp_path / "new")]) == 0


def test_a_board_beside_its_results_is_made_again(
    tmp_path: Path, make_result: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_result(make_result(number=9), tmp_path / "last.json")
    assert main(["bench", "board", "."]) == main(["bench", "board", "."]) == 0


@pytest.mark.parametrize("created", ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00"])
def test_a_date_beyond_all_dates_is_one_bad_file(
    folder: Path, make_result: Make, created: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "old.json").write_text(json.dumps({**make_result(number=7).to_dict(), "created": created}))
    assert main(["bench", "validate", "--json", str(folder)]) == 3
    checked = json.loads(capsys.readouterr().out)["data"]["checked"]
    assert "no date" in {Path(row["file"]).stem: row["problem"] for row in checked}["old"]


@pytest.fixture
def workflow() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((ROOT / ".github/workflows/results.yml").read_text(), yaml.BaseLoader)
    return found


def test_the_workflow_may_only_read_and_its_actions_have_a_version(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert set(workflow["on"]) == {"pull_request"}
    assert workflow["on"]["pull_request"]["paths"] == ["results/**/*.json"]
    (job,) = workflow["jobs"].values()
    assert "permissions" not in job
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", name) for name in used)
    assert "3.11" in {step.get("with", {}).get("python-version") for step in job["steps"]}


def test_what_the_workflow_runs_takes_good_results_and_stops_at_a_bad_one(
    workflow: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_result: Make
) -> None:
    monkeypatch.chdir(tmp_path)
    write_result(make_result(number=1), paths.ensure_folder(tmp_path / "results") / "good.json")
    (job,) = workflow["jobs"].values()
    commands = [shlex.split(step["run"]) for step in job["steps"] if "run" in step]
    assert {words[0] for words in commands} == {"./rig"}
    assert (ROOT / "rig").is_file()
    assert [main(words[1:]) for words in commands] == [0, 0]
    (tmp_path / "results" / "bad.json").write_text("{}")
    assert main(commands[0][1:]) == 3


def test_the_results_of_the_repository_are_good() -> None:
    files = list((ROOT / "results").glob("*.json"))
    assert (ROOT / "results" / "README.md").is_file()
    if files:
        assert main(["bench", "validate", "--strict", str(ROOT / "results")]) == 0
