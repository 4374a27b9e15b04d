"""The database: what is acknowledged is on the disk, what is damaged is refused, one commit carries many."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dreamrig.errors import NotReadyError
from generator.serve.home import Home, held, is_windows_disk, new_key, read_address, write_address
from generator.serve.store import Store, StoreFullError, journal_mode, require_its_database


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "serve.db")
    yield opened
    opened.close()


def note(name: str, value: str = "x"):  # type: ignore[no-untyped-def]  # a function from a connection
    return lambda db: db.execute("INSERT INTO meta VALUES (?, ?)", (name, value))


def names(store: Store) -> list[str]:
    return store.read(lambda db: [row[0] for row in db.execute("SELECT name FROM meta ORDER BY name")]).result()


def test_one_failure_leaves_the_others_of_its_commit_alone(store: Store) -> None:
    gate = threading.Event()
    blocked = store.write(lambda db: gate.wait(10))
    one, twice, other = store.write(note("a")), store.write(note("a")), store.write(note("b"))
    gate.set()
    blocked.result()
    one.result()
    other.result()
    with pytest.raises(sqlite3.IntegrityError):
        twice.result()
    assert names(store) == ["a", "b"]


def test_many_writers_share_commits(store: Store) -> None:
    gate = threading.Event()
    store.write(lambda db: gate.wait(10))
    commits: list[str] = []
    store.read(lambda db: db.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None))
    futures = [store.write(note(f"n{number:03}")) for number in range(100)]
    gate.set()
    for future in futures:
        future.result()
    assert len(names(store)) == 100
    assert len(commits) < 10


WRITER = """
import sys
from pathlib import Path
from generator.serve.store import Store
store = Store(Path(sys.argv[1]))
for number in range(100000):
    store.write(lambda db: db.execute("INSERT INTO meta VALUES (?, 'x')", (f"{number:06}",))).result()
    print(f"{number:06}", flush=True)
"""


def test_whatever_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "serve.db"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline().strip() for _ in range(25)]
        process.send_signal(signal.SIGKILL)
        told += [line.strip() for line in process.stdout if len(line.strip()) == 6]
    store = Store(path)
    assert set(told) <= set(names(store))
    store.close()


def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "serve.db")
    store.write(note("before")).result()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = (tmp_path / "serve.db").stat().st_size
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 8192, before[1]))
        with pytest.raises(StoreFullError):
            store.write(note("large", "x" * 1_000_000)).result()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    store.write(note("after")).result()
    assert names(store) == ["after", "before"]
    store.close()
    again = Store(tmp_path / "serve.db")
    assert names(again) == ["after", "before"]
    again.close()


def test_a_damaged_database_is_refused_and_the_newest_backup_named(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    store = Store(home.database)
    store.write(note("a", "x" * 50_000)).result()
    (home.backups / "2026-01-01").mkdir(parents=True)
    store.backup(home.backups / "2026-01-01" / "serve.db")
    store.close()
    data = bytearray(home.database.read_bytes())
    data[4096:12288] = os.urandom(8192)
    home.database.write_bytes(data)
    with pytest.raises(NotReadyError) as caught:
        Store(home.database)
    assert "damaged" in caught.value.message
    assert "2026-01-01/serve.db" in caught.value.hint
    command = caught.value.hint.partition(": ")[2]
    subprocess.run(command, shell=True, check=True)
    restored = Store(home.database)
    assert names(restored) == ["a"]
    restored.close()


def test_pictures_without_their_database_are_no_fresh_start(tmp_path: Path) -> None:
    home = Home(tmp_path)
    require_its_database(home)
    home.prepare()
    require_its_database(home)
    home.picture_folder(new_key()).mkdir(parents=True)
    with pytest.raises(NotReadyError, match="missing"):
        require_its_database(home)


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "serve.db")
    store.close()
    with sqlite3.connect(tmp_path / "serve.db") as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(NotReadyError, match="newer"):
        Store(tmp_path / "serve.db")


@pytest.mark.parametrize(
    ("version", "mode"),
    [((3, 40, 1), "TRUNCATE"), ((3, 44, 5), "TRUNCATE"), ((3, 44, 6), "WAL"), ((3, 50, 6), "TRUNCATE"),
     ((3, 50, 7), "WAL"), ((3, 51, 2), "TRUNCATE"), ((3, 51, 3), "WAL"), ((3, 52, 0), "WAL")],
)  # fmt: skip
def test_wal_only_where_sqlite_keeps_its_promise(version: tuple[int, ...], mode: str) -> None:
    assert journal_mode(version) == mode


def test_commits_are_synced(store: Store) -> None:
    assert store.read(lambda db: db.execute("PRAGMA synchronous").fetchone()[0]).result() == 2


@pytest.mark.parametrize(("path", "windows"), [("/mnt/c/rig", True), ("/mnt/data/rig", False), ("/home/a", False)])
def test_a_windows_disk_is_known(path: str, windows: bool) -> None:
    assert is_windows_disk(Path(path)) == windows


def test_a_second_server_on_one_home_is_told_where_the_first_is(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with held(home):
        write_address(home, "http://127.0.0.1:8700", "token", 1)
        assert home.address_file.stat().st_mode & 0o777 == 0o600
        script = "import sys; from pathlib import Path; from generator.serve.home import Home, held\n"
        script += "with held(Home(Path(sys.argv[1]))): pass"
        found = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
        )
        assert "http://127.0.0.1:8700" in found.stderr
        assert found.returncode != 0
    with held(home):
        assert (read_address(home) or {})["url"] == "http://127.0.0.1:8700"
