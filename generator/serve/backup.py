"""A whole copy of a home: the database as it is, the pictures as hard links."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from dreamrig.errors import NotReadyError, UsageError
from dreamrig.paths import ensure_folder, explain_write_failure, free_mib, whole_file
from generator.serve.home import Home


def make_backup(home: Home) -> Path:
    """backups/<time>/ with serve.db, whole, and the pictures as hard links; works beside a running server.

    serve.db gets its name last: what has none is no backup, and is never named as the newest one. NotReadyError, with
    nothing left behind, where it cannot be written.
    """
    if not home.database.is_file():
        raise UsageError(f"There is no database {home.database}.", hint="run: dreamrig serve")
    folder = _new_folder(home.backups)
    try:
        with whole_file(folder / "serve.db") as database:
            _copy_database(home.database, database)
            _link_pictures(home.pictures, folder / "pictures")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _new_folder(backups: Path) -> Path:
    """Named by the second in UTC; a second one in the same second gets a number that sorts behind it."""
    name, number = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}", 1
    ensure_folder(backups)
    while True:
        folder = backups / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        except OSError as error:
            raise explain_write_failure(folder, error) from error
        else:
            return folder


def _copy_database(database: Path, copy: Path) -> None:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
    except sqlite3.Error as error:
        raise NotReadyError(
            f"The database {database} cannot be copied: {error} ({free_mib(copy.parent)} MiB free).",
            hint="see: dreamrig serve check",
        ) from error


def _link_pictures(pictures: Path, links: Path) -> None:
    """Links where the disk knows them, else copies. What was let go in the meantime is left out."""
    for path in sorted(pictures.rglob("*")):
        target = links / path.relative_to(pictures)
        if path.is_file() and not path.name.startswith("."):
            ensure_folder(target.parent)
            with contextlib.suppress(FileNotFoundError):
                _link(path, target)


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except FileNotFoundError:
        raise
    except OSError:  # exFAT and some network disks have no links
        shutil.copy2(path, target)
