"""Fifty thousand runs, clocks set back, damaged runs, leftovers, stars, and what goes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dreamrig.errors import NotReadyError, UsageError
from generator.front.cli.lists import fit
from generator.runs import folder as runs
from generator.runs import tidy
from generator.runs.folder import Damaged, Run, find_run, list_runs, look, new_run, sole_worker

ROOT = Path(__file__).parents[3]
NOON = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)


def make(base: Path, prompt: str = "sea", minutes: float = 0, **changes: Any) -> Run:
    run = new_run(prompt=prompt, seed=1, steps=10, base=base, now=NOON + timedelta(minutes=minutes))
    return run.record(status="done", **changes)


def opened(code: str, base: Path) -> int:
    """How many run.json were opened by this code in a process of its own (`runs`, `base` are there)."""
    script = (
        "import sys; from pathlib import Path; from generator.runs import folder as runs\n"
        "base, count = Path(sys.argv[1]), 0\n"
        "def hook(event, args):\n"
        "    global count\n"
        "    count += event == 'open' and str(args[0]).endswith('run.json')\n"
        f"sys.addaudithook(hook)\n{code}\nprint(count)"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(base)], capture_output=True, text=True, check=True)
    return int(ended.stdout)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two thousand runs: what counts is how many are read, which does not grow."""
    base = tmp_path_factory.mktemp("many")
    record = json.dumps(
        {"prompt": "sea", "seed": 1, "steps": 1, "status": "done", "created_at": "2026-05-04T12:00:00Z"}
    )
    for number in range(2000):
        name = f"{NOON + timedelta(minutes=number):%Y%m%dT%H%M%SZ}-sea-{number:04x}"
        (base / name).mkdir()
        (base / name / "run.json").write_text(record)
    return base


@pytest.mark.parametrize(
    ("code", "most"),
    [
        ("assert len(runs.look(base, 20)) == 20", 20),
        ("runs.find_run('20260504T120500Z-sea-0005', base)", 1),
        ("runs.find_run('-07cf', base)", 1),
        ("runs.find_run('last', base)", 2),
    ],
)
def test_only_the_runs_that_are_asked_for_are_read(many: Path, code: str, most: int) -> None:
    assert 1 <= opened(code, many) <= most


def test_the_newest_come_first_whatever_the_clock_says(tmp_path: Path) -> None:
    """Three in a second, then a clock that was set back by an hour: last is what was made last."""
    made = [
        make(tmp_path, prompt, minutes) for prompt, minutes in (("c", 0), ("b", 0), ("a", 0), ("z", -60), ("y", -59))
    ]
    assert [run.id for run in list_runs(tmp_path)] == [run.id for run in reversed(made)]
    assert find_run("last", tmp_path) == made[-1]
    assert made[-1].created_at.startswith("2026-05-04T11:01")  # when it was, as far as the clock knew


@pytest.mark.parametrize(
    "note", ["", "{", "[]", '{"run": 1, "number": "x"}', '{"run": "x", "number": -1, "time": "zzzz"}']
)
def test_a_damaged_note_of_the_last_run_costs_nothing(tmp_path: Path, note: str) -> None:
    run = make(tmp_path)
    (tmp_path / ".latest.json").write_text(note)
    assert find_run("last", tmp_path) == run
    assert find_run("last", tmp_path) != make(tmp_path, "sky", 1) == find_run("last", tmp_path)


def test_after_the_last_one_is_removed_the_one_before_is_last(tmp_path: Path) -> None:
    first, second = make(tmp_path, "one"), make(tmp_path, "two", 1)
    tidy.remove(second)
    assert find_run("last", tmp_path) == first


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b'{"prompt": 1}', b"9" * 5000, None])
def test_a_damaged_run_is_named_and_does_not_vanish(tmp_path: Path, content: bytes | None) -> None:
    whole, broken = make(tmp_path, "whole"), make(tmp_path, "broken", 1)
    (broken.folder / "run.json").unlink()
    if content is None:
        os.mkfifo(broken.folder / "run.json")  # opening it would wait for ever
    else:
        (broken.folder / "run.json").write_bytes(content)
    damaged, seen = look(tmp_path)
    assert seen == whole
    assert isinstance(damaged, Damaged)
    assert damaged.folder == broken.folder
    assert damaged.why


def test_a_run_that_is_known_has_its_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after any of its writings: no folder in the history that cannot be gone on with."""
    known: list[list[str]] = []

    def note(path: Path, document: Any) -> None:
        write_json(path, document)
        if runs.list_runs(tmp_path):
            known.append(sorted(one.name for one in path.parent.iterdir()))

    write_json = runs.write_json
    monkeypatch.setattr(runs, "write_json", note)
    new_run(prompt="sea", seed=1, steps=10, base=tmp_path, recipe={"config": {}})
    assert known == [["config.json", "run.json"]]


def test_what_is_no_run_is_passed_over(tmp_path: Path) -> None:
    run = make(tmp_path)
    (tmp_path / "20260504T120000Z-killed-at-once-0001").mkdir()
    (tmp_path / "20260504T120000Z-killed-at-once-0002").mkdir()
    (tmp_path / "20260504T120000Z-killed-at-once-0002" / ".dreamrig-0123.tmp").write_text("half a recipe")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes.txt").write_text("")
    os.mkfifo(tmp_path / "pipe")
    assert look(tmp_path) == [run]


def test_a_hidden_folder_is_no_run_and_a_file_is_no_name_near_to_one(tmp_path: Path) -> None:
    """A run that is being removed has a hidden name until it is gone."""
    run = make(tmp_path)
    shutil.copytree(run.folder, tmp_path / ".dreamrig-0123456789ab.tmp")
    (tmp_path / "seascape").write_text("", encoding="utf-8")
    assert look(tmp_path) == [run]
    with pytest.raises(UsageError) as caught:
        find_run("seascapes", tmp_path)
    assert "did you mean" not in caught.value.hint


def test_leftovers_of_killed_processes_are_swept_by_the_next_run(tmp_path: Path) -> None:
    dead = make(tmp_path).record(status="running", pid=2**22 + 1, process="gone")
    (dead.folder / ".dreamrig-0123.tmp").write_bytes(b"half a picture")
    (tmp_path / ".dreamrig-4567.tmp" / "frames").mkdir(parents=True)
    for name, hours in ((".dreamrig-old.tmp", 2), (".dreamrig-new.tmp", 0)):  # half a note of the run made last
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - 3600 * hours,) * 2)
    alive = new_run(prompt="b", seed=1, steps=1, base=tmp_path)
    assert [path.name for path in tmp_path.glob("*.tmp")] == [".dreamrig-new.tmp"]
    assert not (dead.folder / ".dreamrig-0123.tmp").exists()
    assert not (tmp_path / ".dreamrig-4567.tmp").exists()
    (alive.folder / ".dreamrig-89ab.tmp").write_bytes(b"being written")
    new_run(prompt="c", seed=1, steps=1, base=tmp_path)
    assert (alive.folder / ".dreamrig-89ab.tmp").exists()
    with sole_worker(alive):  # resumed: nobody else is at work on it
        assert not (alive.folder / ".dreamrig-89ab.tmp").exists()


def test_what_another_process_writes_into_the_run_made_last_is_not_swept(tmp_path: Path) -> None:
    done = make(tmp_path, pid=2**22 + 1, process="gone")
    with sole_worker(done):
        (done.folder / ".dreamrig-0123.tmp").write_bytes(b"half a film")
        new_run(prompt="b", seed=1, steps=1, base=tmp_path)
        assert (done.folder / ".dreamrig-0123.tmp").exists()


def by_somebody_else(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The script in a process that is not root's from become() on, within the folder: those above are root's alone."""
    become = "def become():\n    if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
    return subprocess.run(
        [sys.executable, "-c", f"import os\n{become}{script}"],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_a_run_is_found_by_its_id_from_within_a_folder_that_nobody_may_enter(tmp_path: Path) -> None:
    run = make(tmp_path)
    closed = tmp_path / "closed"
    closed.mkdir()
    tmp_path.chmod(0o755)
    script = (
        "from pathlib import Path; from generator.runs import folder as runs\n"
        "from dreamrig.errors import RigError\n"
        "base = os.open('..', os.O_PATH); Path('.').chmod(0); runs.look(Path('..'))\n"
        "become()\n"
        f"print(runs.find_run({run.id!r}, Path(f'/proc/self/fd/{{base}}')).id)\n"
        "try: runs.find_run('20260504T120000Z-other-0000', Path(f'/proc/self/fd/{base}'))\n"
        "except RigError as error: print(error.message)"
    )
    ended = by_somebody_else(script, closed)
    closed.chmod(0o700)
    told = [run.id, "There is no run '20260504T120000Z-other-0000'."]
    assert ended.stdout.splitlines() == told, ended.stderr


def test_a_folder_that_nobody_may_enter_hides_no_run(tmp_path: Path) -> None:
    """Root may enter any."""
    run = make(tmp_path)
    closed = [tmp_path / "lost+found", tmp_path / "20260504T120000Z-closed-0001"]
    for folder in closed:
        folder.mkdir(mode=0)
    (tmp_path / "link").symlink_to(closed[0] / "beyond")
    script = (
        "import os; from pathlib import Path; from generator.runs import folder as runs\n"
        "runs.look(Path())  # whatever it loads late\n"
        "become()\n"
        "for one in runs.look(Path()): print(type(one).__name__, one.folder.name)"
    )
    tmp_path.chmod(0o755)
    ended = by_somebody_else(script, tmp_path)
    for folder in closed:
        folder.chmod(0o700)
    assert ended.stdout.splitlines() == [f"Run {run.id}", f"Damaged {closed[1].name}"], ended.stderr


# ---- removing


def test_removing_takes_the_whole_folder_and_follows_no_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    run = make(tmp_path / "runs")
    (run.folder / "frames").symlink_to(outside)
    (run.folder / "picture.png").write_bytes(bytes(1000))
    assert tidy.remove(run) >= 1000
    assert not run.folder.exists()
    assert (outside / "precious").exists()
    assert list((tmp_path / "runs").glob(".dreamrig-*")) == []


def test_what_another_removed_meanwhile_is_told_by_its_name_and_nothing_is_made(tmp_path: Path) -> None:
    run = make(tmp_path)
    shutil.rmtree(run.folder)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageError, match=f"The run {run.id} is gone"):
        tidy.remove(run)
    assert sorted(tmp_path.iterdir()) == before


def test_a_run_whose_rest_another_process_sweeps_meanwhile_is_removed(tmp_path: Path) -> None:
    run = make(tmp_path)
    script = (
        "import subprocess, sys; from pathlib import Path; from generator.runs import folder, tidy\n"
        "base = Path(sys.argv[1])\n"
        "def sweep(event, args):\n"
        "    if event == 'os.remove':\n"
        "        subprocess.run(['rm', '-rf', *map(str, base.glob('.dreamrig-*.tmp'))], check=True)\n"
        "run = folder.find_run(sys.argv[2], base)\n"
        "sys.addaudithook(sweep)\n"
        "print(tidy.remove(run))"
    )
    words = [sys.executable, "-c", script, str(tmp_path), run.id]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 0
    assert not run.folder.exists()


def test_what_cannot_be_removed_is_told_with_its_folder(tmp_path: Path) -> None:
    damaged = Damaged(folder=tmp_path / "nowhere", why="it is gone")
    with pytest.raises(NotReadyError, match=r"Cannot write .*nowhere: its folder does not exist"):
        tidy.remove_damaged(damaged)


def test_a_star_that_cannot_be_set_is_told_with_its_file(tmp_path: Path) -> None:
    run = make(tmp_path)
    shutil.rmtree(run.folder)
    with pytest.raises(NotReadyError) as caught:
        tidy.star(run, wanted=True)
    assert caught.value.message == f"Cannot write {run.folder / tidy.STAR}: its folder does not exist."


def test_a_file_in_the_place_of_a_run_frees_no_folder(tmp_path: Path) -> None:
    (tmp_path / "20260504T120000Z-sea-0001").write_bytes(bytes(1000))
    assert tidy.remove_damaged(Damaged(folder=tmp_path / "20260504T120000Z-sea-0001", why="it is no folder")) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_run_among_runs_that_nobody_may_change_is_told_with_its_folder(tmp_path: Path) -> None:
    """Root may change any."""
    run = make(tmp_path)
    run.record(status="done")
    run.folder.chmod(0o777)
    script = (
        "import os; from pathlib import Path; from generator.runs import folder, tidy\n"
        "from dreamrig.errors import RigError\n"
        "(run,) = folder.look(Path())\n"
        "become()\n"
        "try: tidy.remove(run)\n"
        "except RigError as error: print(error.message)"
    )
    tmp_path.chmod(0o555)
    ended = by_somebody_else(script, tmp_path)
    tmp_path.chmod(0o755)
    assert ended.stdout == f"Cannot write {run.id}: Permission denied.\n", ended.stderr
    assert run.folder.is_dir()


def test_what_goes_on_or_is_starred_is_not_removed(tmp_path: Path) -> None:
    going = new_run(prompt="x", seed=1, steps=1, base=tmp_path)
    with pytest.raises(UsageError, match="is going on"):
        tidy.remove(going)
    kept = make(tmp_path)
    tidy.star(kept, wanted=True)
    with pytest.raises(UsageError, match="is starred"):
        tidy.remove(kept)
    tidy.remove(kept, force=True)
    assert going.folder.exists()
    assert not kept.folder.exists()


def test_prune_keeps_the_last_the_starred_the_damaged_and_the_young(tmp_path: Path) -> None:
    old = [make(tmp_path, f"old{number}", number) for number in range(4)]
    tidy.star(old[1], wanted=True)
    (old[0].folder / "run.json").write_text("{")
    young = make(tmp_path, "young", 60 * 24 * 10)
    chosen = lambda **wish: tidy.to_prune(look(tmp_path), **wish)  # noqa: E731
    day_after = young.created_at
    now = datetime.fromisoformat(day_after) + timedelta(days=1)
    assert chosen(older_than_days=None, keep_last=2) == [old[2]]
    assert chosen(older_than_days=None, keep_last=0) == [young, old[3], old[2]]
    assert chosen(older_than_days=5, keep_last=0, now=now) == [old[3], old[2]]
    assert chosen(older_than_days=500, keep_last=0, now=now) == []
    (young.folder / "run.json").write_text("{")  # what cannot be read takes no place among the last to keep
    assert chosen(older_than_days=None, keep_last=1) == [old[2]]


# ---- the commands


Command = Callable[..., Any]


def test_history_names_stars_sizes_and_damage_in_eighty_columns(command: Command, home: Path) -> None:
    long = make(home / "runs", "夕日の海と小さな船 " * 20)
    broken = make(home / "runs", "broken", 1)
    (broken.folder / "run.json").write_text("{")
    assert command("history", "--star", long.id).code == 0
    told = command("history").out.splitlines()
    assert f"{long.id}  *" in told
    assert f"{broken.folder.name}" in told
    assert any("damaged:" in line for line in told)
    prompt = next(line for line in told if "夕日" in line)
    assert sum(2 if ord(character) > 0x2E80 else 1 for character in prompt) <= 80
    data = command("history", "--json").data
    assert [(run["run"], run["starred"], run["bytes"] > 0) for run in data["runs"]] == [(long.id, True, True)]
    assert [one["run"] for one in data["damaged"]] == [broken.id]


def test_prune_says_first_and_removes_when_told(command: Command, home: Path) -> None:
    made = [make(home / "runs", f"sea{number}", number) for number in range(3)]
    said = command("history", "--prune", "--keep-last", "1")
    assert "2 runs" in said.out
    assert all(run.folder.exists() for run in made)
    assert "Removed 2 runs" in command("history", "--prune", "--keep-last", "1", "--yes").out
    assert [run.folder.exists() for run in made] == [False, False, True]
    assert "No run would go" in command("history", "--prune").out
    assert command("history", "--prune", "--older-than", "nan").code == 2


@pytest.mark.parametrize("as_json", [False, True])
def test_a_run_that_cannot_go_keeps_no_other(command: Command, home: Path, as_json: bool) -> None:
    made = [make(home / "runs", f"sea{number}", number) for number in range(3)]
    linked = make(home / "elsewhere", "linked", -1)
    (home / "runs" / linked.id).symlink_to(linked.folder)
    with sole_worker(made[1]):
        words = ["--keep-last", "0", "--yes", *(["--json"] if as_json else [])]
        answer = command("history", "--prune", *words)
    assert answer.code == 1
    assert [run.folder.exists() for run in made] == [False, True, False]
    assert linked.folder.exists()
    if as_json:
        assert set(answer.data["runs"]) == {made[0].id, made[2].id}
        (error,) = json.loads(answer.out)["errors"]
        assert made[1].id in error["message"]
    else:
        assert "Removed 2 runs" in answer.out
        assert answer.err.count("error:") == 1
        assert "going on in another process" in answer.err


@pytest.mark.parametrize(
    "fact", [{"seconds": float("1e300")}, {"created_at": "0001-01-01T00:00:00+00:00"}, {"seconds": "ENDLESS"}]
)
def test_one_odd_record_hides_no_run(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch, fact: dict[str, Any]
) -> None:
    whole, odd = make(home / "runs", "whole"), make(home / "runs", "odd", 1)
    record = json.loads((odd.folder / "run.json").read_text())
    (odd.folder / "run.json").write_text(json.dumps({**record, **fact}).replace('"ENDLESS"', "1e999"))
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        answer = command("history")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert answer.code == 0
    assert whole.id in answer.out
    assert odd.id in answer.out


def test_a_limit_beyond_all_runs_is_refused(command: Command, home: Path) -> None:
    assert command("history", "--limit", "9" * 20).code == 2


def test_rm_removes_one(command: Command, home: Path) -> None:
    run = make(home / "runs")
    assert command("rm", run.id).out.startswith(f"Removed {run.id}")
    assert command("rm", run.id).code == 2


@pytest.mark.parametrize("what", ["folder", "pipe", "link"])
def test_rm_takes_a_damaged_run_by_force_alone(what: str, command: Command, home: Path, tmp_path: Path) -> None:
    broken, outside = make(home / "runs", "broken").folder, tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    (broken / "run.json").write_text("{")
    if what != "folder":
        shutil.rmtree(broken)
        os.mkfifo(broken) if what == "pipe" else broken.symlink_to(outside)
    refused = command("rm", broken.name)
    assert refused.code == 2
    assert "is damaged: " in refused.err
    assert f"dreamrig rm {broken.name} --force" in " ".join(refused.err.split())
    assert command("rm", broken.name, "--force").code == 0
    assert not os.path.lexists(broken)
    assert (outside / "precious").exists()


@pytest.mark.parametrize(("text", "columns", "shown"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("夕日の", 5, "夕日…")])
def test_texts_are_cut_to_columns(text: str, columns: int, shown: str) -> None:
    assert fit(text, columns) == shown
    assert len("20260504T120000Z") == runs.TIME_CHARACTERS
