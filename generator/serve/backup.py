"""A whole copy of a home: the database as it is, the pictures as hard links."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from dreamrig.errors import UsageError
from dreamrig.paths import ensure_folder
from generator.serve.home import Home


def make_backup(home: Home) -> Path:
    """backups/<time>/ with serve.db, whole, and the pictures as hard links; works beside a running server."""
    if not home.database.is_file():
        raise UsageError(f"There is no database {home.database}.", hint="run: dreamrig serve")
    folder = ensure_folder(home.backups / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    with sqlite3.connect(f"file:{home.database}?mode=ro", uri=True, timeout=30) as connection:
        connection.execute("VACUUM INTO ?", (str(folder / "serve.db"),))
    connection.close()
    for path in sorted(home.pictures.rglob("*")):
        target = folder / "pictures" / path.relative_to(home.pictures)
        if path.is_file() and not path.name.startswith("."):
            ensure_folder(target.parent)
            os.link(path, target)
    return folder
