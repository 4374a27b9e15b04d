"""The database: what is acknowledged is on the disk, what is damaged is refused, one commit carries many."""

from __future__ import annotations

import asyncio
import contextlib
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
from generator.serve.migrations import MIGRATIONS
from generator.serve.store import Store, StoreFullError, StoreRefusedError, journal_mode, require_its_database


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


def test_a_request_that_was_given_up_takes_the_store_with_it_no_more(store: Store) -> None:
    gate, began = threading.Event(), threading.Event()
    running = store.write(lambda db: began.set() or gate.wait(10))
    began.wait(10)
    waiting = [store.write(note("a")), store.read(lambda db: 1)]
    assert not running.cancel()
    assert all(future.cancel() for future in waiting)
    gate.set()
    running.result(10)
    store.write(note("b")).result(10)
    assert names(store) == ["b"]


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


def test_what_lies_beside_a_damaged_database_does_not_damage_the_backup(tmp_path: Path) -> None:
    """A write-ahead log of the damaged file would be taken for the backup's: pages of one, rows of the other."""
    home = Home(tmp_path)
    home.prepare()
    store = Store(home.database)
    store.write(note("a", "x" * 50_000)).result()
    (home.backups / "2026-01-01").mkdir(parents=True)
    store.backup(home.backups / "2026-01-01" / "serve.db")
    store.close()
    script = (
        "import os, sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('PRAGMA journal_mode = WAL');"
        " db.execute('DELETE FROM meta'); db.commit(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, str(home.database)], check=True)
    assert home.database.with_name("serve.db-wal").stat().st_size > 0
    home.database.write_bytes(b"no database" * 1000)
    with pytest.raises(NotReadyError) as caught:
        Store(home.database)
    subprocess.run(caught.value.hint.partition(": ")[2], shell=True, check=True)
    restored = Store(home.database)
    assert names(restored) == ["a"]
    restored.close()


def test_who_goes_away_in_mid_question_stops_nobody_elses(store: Store) -> None:
    """A browser that closes a stream cancels what its request waits for."""
    gate = threading.Event()
    store.write(lambda db: gate.wait(10))

    async def ask_and_go() -> None:
        for put in (store.read, store.write):
            asking = asyncio.ensure_future(asyncio.wrap_future(put(lambda db: None)))
            await asyncio.sleep(0)
            asking.cancel()

    asyncio.run(ask_and_go())
    gate.set()
    store.write(note("after")).result(10)
    assert names(store) == ["after"]


def test_a_database_held_by_another_program_is_refused_and_not_called_damaged(tmp_path: Path) -> None:
    store = Store(tmp_path / "serve.db", busy_seconds=0.05)
    with contextlib.closing(sqlite3.connect(tmp_path / "serve.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreRefusedError, match="locked"):
            store.write(note("a")).result()
        with pytest.raises(StoreRefusedError, match="locked"):
            store.read(lambda db: db.execute("SELECT * FROM meta").fetchall()).result()
        with pytest.raises(StoreRefusedError, match="locked") as caught:
            Store(tmp_path / "serve.db", busy_seconds=0.05)
        assert caught.value.exit_code == 1, "4 would end the parent, which has to try again"
        other.execute("ROLLBACK")
    store.write(note("b")).result()
    assert names(store) == ["b"]
    store.close()


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


def test_a_database_of_the_first_version_is_brought_forward_with_all_that_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "serve.db"
    with sqlite3.connect(path) as old:
        old.executescript(f"{MIGRATIONS[0]}\nPRAGMA user_version = 1;")
        old.execute("INSERT INTO friend (name, is_owner, made_at) VALUES ('owner', 1, 1)")
        old.execute(
            "INSERT INTO job (key, friend, wish, config, made_by, turn, cost, state, made_at)"
            " VALUES ('k', 1, '{}', '{}', '0', 1, 0, 'queued', 1)"
        )
    old.close()
    store = Store(path)
    try:
        found = store.read(
            lambda db: [
                db.execute(query).fetchone()[0]
                for query in (
                    "PRAGMA user_version",
                    "SELECT count(*) FROM job",
                    "SELECT count(*) FROM discord_post",
                    "SELECT count(*) FROM report",
                )
            ]
        ).result()
    finally:
        store.close()
    assert found == [len(MIGRATIONS), 1, 0, 0]
