"""Run folders: names, status after any kind of death, finding."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dreamrig.errors import NotReadyError, UsageError
from generator.runs import folder as runs
from generator.runs.folder import Run, find_run, list_runs, load_run, new_run, run_with_id, slug, sole_worker
from generator.runs.mark import process_mark

NOON = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)


def make_run(base: Path, prompt: str = "sunset over the sea", minutes: int = 0, **changes: object) -> Run:
    run = new_run(prompt=prompt, seed=1, steps=10, base=base, now=NOON + timedelta(minutes=minutes))
    return run.record(**changes) if changes else run


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Sunset over the Sea!", "sunset-over-the-sea"),
        ("café crème", "cafe-creme"),
        ("日没の海", "picture"),
        ("../../etc/passwd", "etc-passwd"),
        ("CON", "con"),
        ("a" * 39 + " bc", "a" * 39),
    ],
)
def test_slug_is_short_plain_and_safe(prompt: str, expected: str) -> None:
    assert slug(prompt) == expected


def test_a_run_is_named_after_time_and_prompt_and_reads_back(tmp_path: Path) -> None:
    run = make_run(tmp_path / "not" / "yet")
    assert run.id.startswith("20260504T120000Z-sunset-over-the-sea-")
    assert load_run(run.folder) == run
    assert run.seen() == "running"


def test_runs_of_the_same_second_and_prompt_get_different_folders(tmp_path: Path) -> None:
    assert len({make_run(tmp_path).id for _ in range(40)}) == 40


def test_a_folder_that_cannot_be_made_is_not_ready(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotReadyError):
        make_run(tmp_path / "file" / "runs")


def test_a_killed_process_leaves_a_crashed_run(tmp_path: Path) -> None:
    script = (
        "import os, signal; from pathlib import Path; from generator.runs.folder import new_run;"
        f"new_run(prompt='x', seed=1, steps=9, base=Path({str(tmp_path)!r})); os.kill(os.getpid(), signal.SIGKILL)"
    )
    died = subprocess.run([sys.executable, "-c", script], check=False, cwd=Path(__file__).parents[3])
    assert died.returncode == -9
    (run,) = list_runs(tmp_path)
    assert (run.status, run.seen()) == ("running", "crashed")


def test_a_later_process_with_the_same_number_is_not_taken_for_the_run(tmp_path: Path) -> None:
    run = make_run(tmp_path, process="another boot:1")
    assert run.pid == os.getpid()
    assert run.seen() == "crashed"


def test_a_process_has_one_mark_and_a_dead_one_none() -> None:
    assert process_mark(os.getpid()) == process_mark(os.getpid()) is not None
    child = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.DEVNULL)
    assert process_mark(child.pid) != process_mark(os.getpid())
    child.wait()
    assert process_mark(child.pid) is None


def test_only_one_process_works_on_a_run(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    with sole_worker(run), pytest.raises(UsageError, match="another process"), sole_worker(run):
        pass
    with sole_worker(run):
        pass


def test_listing_is_newest_first_and_passes_over_what_is_no_run(tmp_path: Path) -> None:
    first, second = make_run(tmp_path, minutes=0), make_run(tmp_path, minutes=1)
    (tmp_path / "a file").write_text("")
    damage: list[object] = [
        "",
        "[1]",
        "[" * 10_000,
        json.dumps({"status": "done"}),
        json.dumps({**json.loads((first.folder / runs.RECORD).read_text()), "steps": "many"}),
        json.dumps({**json.loads((first.folder / runs.RECORD).read_text()), "status": "odd"}),
        json.dumps({**json.loads((first.folder / runs.RECORD).read_text()), "pid": "odd"}),
    ]
    for number, text in enumerate(damage):
        (tmp_path / f"damaged{number}").mkdir()
        (tmp_path / f"damaged{number}" / runs.RECORD).write_text(str(text))
    assert list_runs(tmp_path) == [second, first]
    assert list_runs(tmp_path / "nowhere") == []


def test_a_record_of_a_later_version_is_still_read(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    facts = json.loads((run.folder / runs.RECORD).read_text())
    (run.folder / runs.RECORD).write_text(json.dumps({**facts, "something_new": 1}))
    assert load_run(run.folder) == run


def test_finding_by_id_part_path_and_last(tmp_path: Path) -> None:
    sea, fog = make_run(tmp_path), make_run(tmp_path, "fog in town", minutes=1)
    assert find_run(sea.id, tmp_path) == sea
    assert find_run("fog", tmp_path) == fog
    assert find_run("last", tmp_path) == fog
    assert find_run(str(sea.folder), tmp_path) == sea


WATCHED = """
import sys; from pathlib import Path; from generator.runs.folder import find_run
touched = []
EVENTS = ('open', 'os.scandir', 'os.listdir')
sys.addaudithook(lambda event, args: touched.append(str(args[0])) if event in EVENTS else None)
run = find_run(sys.argv[1], Path(sys.argv[2]))
touched = [name for name in touched if name.startswith(sys.argv[2])]
assert touched == [str(run.folder / "run.json")], touched
print(run.id)
"""


def test_an_exact_id_reads_one_file_and_lists_nothing(tmp_path: Path) -> None:
    """At 5,000 runs a listing is most of a second of the processor's time, at every request of a server."""
    first, _ = make_run(tmp_path), make_run(tmp_path, minutes=1)
    words = [sys.executable, "-c", WATCHED, first.id, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[3], check=False)
    assert done.stdout == f"{first.id}\n", done.stderr
    assert run_with_id(first.id, tmp_path) == first
    assert run_with_id(first.id[:-1], tmp_path) is None
    assert run_with_id(f"../{tmp_path.name}/{first.id}", tmp_path) is None
    (first.folder / runs.RECORD).write_text("damaged")
    assert run_with_id(first.id, tmp_path) is None
    with pytest.raises(UsageError, match="is damaged"):
        find_run(first.id, tmp_path)


def test_two_that_fit_are_both_named_unless_only_one_can_be_resumed(tmp_path: Path) -> None:
    done, broken = make_run(tmp_path, status="done"), make_run(tmp_path, status="interrupted")
    with pytest.raises(UsageError) as caught:
        find_run("sunset", tmp_path)
    assert done.id in caught.value.hint
    assert broken.id in caught.value.hint
    assert find_run("sunset", tmp_path, to_resume=True) == broken


@pytest.mark.parametrize(("name", "why"), [("/dev/null", "no folder"), ("empty", "no run[.]json in it")])
def test_what_exists_and_is_no_run_says_why(name: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=f"is no run: .*{why}"):
        find_run(str(tmp_path / name), tmp_path / "runs")


def test_an_unknown_run_names_near_ones(tmp_path: Path) -> None:
    sea, fog = make_run(tmp_path), make_run(tmp_path, "fog in town")
    with pytest.raises(UsageError) as caught:
        find_run("sunset-over-the-see", tmp_path)
    assert sea.id in caught.value.hint
    assert fog.id not in caught.value.hint
    with pytest.raises(UsageError, match="no run"):
        find_run("", tmp_path)
    with pytest.raises(UsageError) as caught:
        find_run("x", tmp_path / "empty")
    assert "no runs yet" in caught.value.hint


@pytest.mark.parametrize(("newer", "is_named"), [(199, True), (200, False)])
def test_near_ones_are_looked_for_among_the_two_hundred_made_last(tmp_path: Path, newer: int, is_named: bool) -> None:
    """Each comparison takes time, and whoever mistypes a name means a run of these days."""
    meant = "20260101T000000Z-sunset-over-the-sea-0001"
    for name in (meant, *(f"20260102T000000Z-fog-in-town-{number:04}" for number in range(newer))):
        (tmp_path / name).mkdir()
    with pytest.raises(UsageError) as caught:
        find_run("sunset-over-the-see", tmp_path)
    assert (meant in caught.value.hint) is is_named


@pytest.mark.parametrize(("fitting", "counted"), [(199, "199"), (200, "200 or more"), (201, "200 or more")])
def test_of_runs_that_share_a_part_two_hundred_are_read(tmp_path: Path, fitting: int, counted: str) -> None:
    record = (make_run(tmp_path).folder / runs.RECORD).read_bytes()
    for number in range(fitting):
        folder = tmp_path / f"20260102T000000Z-fog-in-town-{number:04}"
        folder.mkdir()
        (folder / runs.RECORD).write_bytes(record)
    with pytest.raises(UsageError, match=f"^The ids of {counted} runs have 'fog' in them"):
        find_run("fog", tmp_path)


def test_the_picture_is_the_final_one_else_the_preview(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    assert run.picture is None
    (run.folder / "preview.png").write_bytes(b"")
    assert run.picture == run.folder / "preview.png"
    (run.folder / runs.PREVIEW).write_bytes(b"")
    assert run.picture == run.folder / runs.PREVIEW
    (run.folder / runs.PICTURE).write_bytes(b"")
    assert run.picture == run.folder / runs.PICTURE


def test_discarding_removes_only_what_we_wrote(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    runs.discard(run)
    assert not run.folder.exists()
    kept = make_run(tmp_path)
    (kept.folder / "somebody's file").write_text("")
    runs.discard(kept)
    assert [path.name for path in kept.folder.iterdir()] == ["somebody's file"]
