"""A backup is whole or it is none: on a full disk, killed in the middle, twice in one second."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dreamrig.errors import NotReadyError
from generator.serve.backup import make_backup
from generator.serve.home import Home
from generator.serve.store import Store, restore_hint

MANY = 4000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """One of 4 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=4m", "dreamrig-test", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mounting, check=False, capture_output=True).returncode != 0:
        pytest.skip("needs a user who may mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=False)


def home_with(root: Path, pictures: int) -> Home:
    home = Home(root)
    home.prepare()
    Store(home.database).close()
    for number in range(pictures):
        folder = home.pictures / f"{number:04d}"
        folder.mkdir(parents=True)
        (folder / "picture.png").write_bytes(b"picture")
    return home


def is_whole(database: Path) -> bool:
    with sqlite3.connect(database) as connection:
        answer: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
    return answer == "ok"


def test_two_in_one_second_are_two_and_the_later_one_is_the_newest(tmp_path: Path) -> None:
    home = home_with(tmp_path, 2)
    made = [make_backup(home) for _ in range(3)]
    assert len(set(made)) == 3
    assert sorted(made) == made
    assert f"cp {made[-1]}/serve.db" in restore_hint(home.database)
    for folder in made:
        assert is_whole(folder / "serve.db")
        assert sorted(path.name for path in (folder / "pictures").iterdir()) == ["0000", "0001"]
        assert (folder / "pictures/0001/picture.png").samefile(home.pictures / "0001/picture.png")


def test_a_full_disk_leaves_none_behind_and_the_one_before_is_the_newest(small_disk: Path) -> None:
    home = home_with(small_disk, 1)
    before = make_backup(home)
    fill = small_disk / "fill"
    with fill.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    with pytest.raises(NotReadyError, match=r"full|0 MiB free"):
        make_backup(home)
    assert list(home.backups.iterdir()) == [before]
    assert f"cp {before}/serve.db" in restore_hint(home.database)
    fill.unlink()
    assert is_whole(make_backup(home) / "serve.db")


def test_one_that_was_killed_is_never_named(tmp_path: Path) -> None:
    home = home_with(tmp_path, MANY)
    line = f"from generator.serve.backup import *; make_backup(Home(Path({str(tmp_path)!r})))"
    child = subprocess.Popen([sys.executable, "-c", line])
    while not list(home.backups.glob("*/pictures/0005")):
        assert child.poll() is None
    child.send_signal(signal.SIGKILL)
    child.wait()
    (half,) = home.backups.iterdir()
    assert len(list((half / "pictures").iterdir())) < MANY, "the kill came too late to show anything"
    assert "there is no backup" in restore_hint(home.database)
    assert f"cp {make_backup(home)}/serve.db" in restore_hint(home.database)


def test_the_owners_page_says_why_there_is_none(site: Any) -> None:
    owner = site.owner()
    site.service.home.backups.parent.mkdir(parents=True, exist_ok=True)
    site.service.home.backups.write_text("a file where the folder should be")
    answer = owner.post("/owner/backup")
    assert answer.status_code == 507
    assert "There is no new backup. Cannot write" in answer.text


@pytest.mark.slow
def test_a_restored_backup_shows_its_pictures_again_under_a_server(tmp_path: Path, rigs: Callable[..., Any]) -> None:
    """By the command that the server prints, in a home whose name has a space and a quote."""
    rig = rigs(toy_step_seconds=0.01, home=tmp_path / "ann's home")
    kept = {key: rig.done(key) for key in (rig.submit({"prompt": prompt}) for prompt in ("a house", "a boat"))}
    make_backup(Home(rig.home))
    later = rig.submit({"prompt": "after the backup"})
    rig.done(later)
    rig.halt()
    lost, _ = kept
    shutil.rmtree(rig.picture(lost).parent)
    (rig.home / "serve.db").write_bytes(b"no database" * 1000)
    refused = subprocess.run(rig.command, env=rig.environ, capture_output=True, text=True, check=False)
    assert refused.returncode == NotReadyError.exit_code
    command = next(line for line in refused.stderr.splitlines() if "rm -f" in line).partition("newest backup: ")[2]
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    rig.start_again()
    for key, picture in kept.items():
        assert rig.job(key)["state"] == "done"
        assert rig.picture(key).read_bytes() == picture
        assert rig.fetch(f"/files/{key}/picture") == picture
    shown = {one["key"] for one in rig.until(lambda: rig.ask("GET", "/api/v1/pictures"))["pictures"]}
    assert shown == set(kept)
    assert rig.done(rig.submit({"prompt": "and on it goes"})) != b""
