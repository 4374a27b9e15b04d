"""The database of one server: one thread, one connection, group commit.

Only this thread touches the file. What is submitted while a commit waits for the disk is committed together by the
next one, so that many small writes cost one sync. A future of `write` is done when its transaction is on the disk.
SQLite before 3.51.3 (3.50.7, 3.44.6) can lose committed transactions of a WAL that several connections write: one
writer, and a rollback journal there.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from shlex import quote
from typing import Any, TypeVar

from dreamrig.errors import FailedError, NotReadyError
from generator.serve.home import Home
from generator.serve.migrations import MIGRATIONS

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
MOST_IN_ONE_COMMIT = 256
BUSY_SECONDS = 10.0
WAL_FIXED_IN = ((3, 51, 3), (3, 50, 7), (3, 44, 6))


class Store:
    """The open database. Use `write` and `read` from any thread; `close` when done."""

    def __init__(self, path: Path, busy_seconds: float = BUSY_SECONDS) -> None:
        """Open or make the file at `path`, bring it to this version's shape; NotReadyError where it is damaged.

        busy_seconds: how long to wait for another program that holds it, before StoreRefusedError.
        """
        self.path, self.busy_seconds = path, busy_seconds
        self._todo: queue.SimpleQueue[tuple[bool, Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._opened: Future[None] = Future()
        self._closing = threading.Lock()
        self._is_closed = False
        self._thread = threading.Thread(target=self._main, name="store", daemon=True)
        self._thread.start()
        self._opened.result()

    def write(self, work: Work[T]) -> Future[T]:
        """Run `work` inside a transaction; the future is done when that is durable, or holds what went wrong."""
        return self._put(True, work)

    def read(self, work: Work[T]) -> Future[T]:
        """Run `work`, which changes nothing, on what is committed."""
        return self._put(False, work)

    def close(self) -> None:
        """Finish what was submitted, then close the file."""
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
            self._todo.put(None)
        self._thread.join()

    def backup(self, target: Path) -> None:
        """A whole copy at `target`, which must not exist."""
        self.read(lambda connection: connection.execute("VACUUM INTO ?", (str(target),))).result()

    def _put(self, writes: bool, work: Work[T]) -> Future[T]:
        future: Future[T] = Future()
        with self._closing:
            if self._is_closed:
                raise NotReadyError("The server is shutting down.", hint="try again in a few seconds")
            self._todo.put((writes, work, future))
        return future

    def _main(self) -> None:
        try:
            connection = open_database(self.path, self.busy_seconds)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever opens
            self._opened.set_exception(error)
            return
        self._opened.set_result(None)
        with contextlib.closing(connection):
            while (batch := self._next_batch()) is not None:
                _serve(connection, batch)

    def _next_batch(self) -> list[tuple[bool, Work[Any], Future[Any]]] | None:
        """Everything that waits, at least one item; None = closed."""
        first = self._todo.get()
        if first is None:
            return None
        batch = [first]
        while len(batch) < MOST_IN_ONE_COMMIT:
            try:
                item = self._todo.get_nowait()
            except queue.Empty:
                break
            if item is None:
                self._todo.put(None)  # after this batch
                break
            batch.append(item)
        return batch


def _serve(connection: sqlite3.Connection, batch: list[tuple[bool, Work[Any], Future[Any]]]) -> None:
    """Reads at once, then all writes in one transaction, each in a savepoint of its own.

    What nobody waits for any more, because its request was cancelled, is left out; from here on it cannot be cancelled.
    """
    batch = [item for item in batch if item[2].set_running_or_notify_cancel()]
    for writes, work, future in batch:
        if not writes:
            _resolve(future, work, connection)
    pending = [(work, future) for writes, work, future in batch if writes]
    if pending:
        _commit(connection, pending)


def _resolve(future: Future[Any], work: Work[Any], connection: sqlite3.Connection) -> None:
    try:
        future.set_result(work(connection))
    except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
        future.set_exception(_explained(error))


def _commit(connection: sqlite3.Connection, pending: list[tuple[Work[Any], Future[Any]]]) -> None:
    results: list[tuple[Future[Any], Any, Exception | None]] = []
    try:
        connection.execute("BEGIN IMMEDIATE")
        for work, future in pending:
            results.append((future, *_in_savepoint(connection, work)))
        connection.execute("COMMIT")
    except Exception as error:  # noqa: BLE001 - nothing of this transaction happened: all of them are told
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        for _, future in pending:
            future.set_exception(_explained(error))
        return
    for future, value, failure in results:
        if failure is None:
            future.set_result(value)
        else:
            future.set_exception(_explained(failure))


def _in_savepoint(connection: sqlite3.Connection, work: Work[Any]) -> tuple[Any, Exception | None]:
    connection.execute("SAVEPOINT one")
    try:
        value = work(connection)
    except Exception as error:
        if not connection.in_transaction:  # SQLite gave the whole transaction up, as it does on a full disk
            raise
        connection.execute("ROLLBACK TO one")
        connection.execute("RELEASE one")
        return None, error
    connection.execute("RELEASE one")
    return value, None


class StoreRefusedError(FailedError):
    """The database takes and gives nothing for now: what was asked for did not happen, and may later."""


class StoreFullError(StoreRefusedError):
    """There is no room for the database."""


FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
REFUSED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
"""Another program holds the file, or its disk was made read-only: neither says that the file is damaged."""


def _explained(error: Exception) -> Exception:
    """A full disk and a file that is held by others in our words; anything else as it is."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF if isinstance(error, sqlite3.OperationalError) else 0
    if code in FULL:
        return StoreFullError("The disk is full: nothing was saved.", hint="make room, then try again: df -h")
    if code in REFUSED:
        return StoreRefusedError(
            f"The database takes nothing now: {error}.",
            hint="see who holds it: fuser serve.db; and whether its disk is writable: touch serve.db",
        )
    return error


def open_database(path: Path, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """The connection, checked and of this version's shape; NotReadyError where the file is damaged or newer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=busy_seconds)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA trusted_schema = off")
        connection.execute("PRAGMA foreign_keys = on")
        connection.execute(f"PRAGMA journal_mode = {journal_mode(sqlite3.sqlite_version_info)}")
        connection.execute("PRAGMA synchronous = FULL")
        found = connection.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        refused = _explained(error)
        raise _damaged(path, str(error)) if refused is error else refused from error
    if found != "ok":
        raise _damaged(path, found)
    migrate(connection, path)
    with contextlib.suppress(OSError):
        path.chmod(0o600)
    return connection


def linked_sqlite() -> tuple[int, ...]:
    """The version of SQLite that this Python uses."""
    return sqlite3.sqlite_version_info


def journal_mode(version: tuple[int, ...]) -> str:
    """WAL where the linked SQLite has the fix for lost transactions, else a rollback journal."""
    fixed = version >= WAL_FIXED_IN[0] or any(version[:2] == good[:2] and version >= good for good in WAL_FIXED_IN)
    return "WAL" if fixed else "TRUNCATE"


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Apply the migrations that this file lacks, each in a transaction of its own."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise NotReadyError(
            f"{path} was written by a newer version of dreamrig.", hint="update dreamrig, or restore an older backup"
        )
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")


def require_its_database(home: Home) -> None:
    """NotReadyError where pictures lie here and their database does not: never a silent new one."""
    if not home.database.exists() and home.pictures.is_dir() and any(home.pictures.iterdir()):
        raise NotReadyError(f"The database {home.database} is missing.", hint=restore_hint(home.database))


def restore_hint(path: Path) -> str:
    """The command that brings the newest backup back, for a shell: the database, and the pictures that are gone.

    A journal beside the damaged file belongs to that file: SQLite would roll it back into the backup.
    """
    backups, name = sorted((path.parent / "serve" / "backups").glob("*/serve.db")), quote(str(path))
    pictures = quote(str(path.parent / "serve" / "pictures"))
    if not backups:
        return (
            f"there is no backup; to begin anew, move it away: mv {name} {name}.damaged;"
            f" mv {pictures} {pictures}.before"
        )
    kept = backups[-1].parent / "pictures"
    also = f"cp -Rn {quote(str(kept))}/. {pictures}; " if kept.is_dir() else ""
    return f"the newest backup: rm -f {name}-journal {name}-wal {name}-shm; {also}cp {quote(str(backups[-1]))} {name}"


def _damaged(path: Path, reason: str) -> NotReadyError:
    return NotReadyError(f"The database {path} is damaged: {reason}.", hint=restore_hint(path))
