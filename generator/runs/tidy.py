"""Keeping house among runs: their sizes, stars for those to keep, removing one or many."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dreamrig.errors import UsageError
from dreamrig.locks import sole_holder
from dreamrig.paths import TEMPORARY, explain_write_failure
from generator.runs.folder import Damaged, Run, sole_worker

STAR = "starred"
"""An empty file in the folder of a run to keep: the process at work on a run writes its run.json, and no other."""


def is_starred(folder: Path) -> bool:
    """Whether somebody wants to keep it."""
    return (folder / STAR).exists()


def star(run: Run, *, wanted: bool) -> None:
    """Set or take the star; NotReadyError where the folder cannot be written."""
    try:
        if wanted:
            (run.folder / STAR).touch()
        else:
            (run.folder / STAR).unlink(missing_ok=True)
    except OSError as error:
        raise explain_write_failure(run.folder / STAR, error) from error


def bytes_of(folder: Path) -> int:
    """What a folder takes: the sizes of the files in it and below. Links are not followed."""
    return sum(_sizes(folder))


def _sizes(folder: Path) -> Iterator[int]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _sizes(Path(entry.path))
                else:
                    yield entry.stat(follow_symlinks=False).st_size
    except OSError:  # it was removed meanwhile, or cannot be read
        return


def remove(run: Run, *, force: bool = False) -> int:
    """Remove a run with all its files; the bytes freed. UsageError for one that goes on, or is starred without `force`.

    The folder gets the name of what is not whole first: killed at any moment, no half a run stays in the history, and
    the next run removes the rest.
    """
    if run.folder.is_symlink():
        raise UsageError(f"{run.folder} is a link.", hint=f"remove it yourself: rm {run.folder}")
    if is_starred(run.folder) and not force:
        raise UsageError(f"The run {run.id} is starred.", hint=f"dreamrig history --unstar {run.id}, or: --force")
    with sole_worker(run):
        if run.seen() == "running":
            raise UsageError(f"The run {run.id} is going on.", hint="stop it first")
        return _remove_folder(run.folder)


def remove_damaged(damaged: Damaged) -> int:
    """Remove what is left of a run that cannot be read, whatever it is; the bytes freed. A link's target stays."""
    if damaged.folder.is_dir() and not damaged.folder.is_symlink():
        held = UsageError(f"The run {damaged.folder.name} is going on in another process.", hint="stop it first")
        with sole_holder(damaged.folder, held):
            return _remove_folder(damaged.folder)
    try:
        damaged.folder.unlink()
    except OSError as error:
        raise explain_write_failure(damaged.folder, error) from error
    return 0


def _remove_folder(folder: Path) -> int:
    freed = bytes_of(folder)
    leaving = folder.with_name(f"{TEMPORARY}{secrets.token_hex(6)}.tmp")
    try:
        os.replace(folder, leaving)
        _remove_tree(leaving)
    except OSError as error:
        raise explain_write_failure(folder, error) from error
    return freed


def _remove_tree(leaving: Path) -> None:
    """Remove a folder that another process's sweep may be removing at the same time."""
    while os.path.lexists(leaving):
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(leaving)


def to_prune(
    found: Sequence[Run | Damaged], *, older_than_days: float | None, keep_last: int, now: datetime | None = None
) -> list[Run]:
    """Which runs would go, of all runs, the one made last first.

    Never the `keep_last` made last, a starred one, one that goes on, a link, or a damaged one, which somebody should
    look at.
    older_than_days: None = however old.
    """
    limit = (
        None if older_than_days is None else (datetime.now(UTC) if now is None else now) - timedelta(older_than_days)
    )
    return [
        run
        for run in [one for one in found if isinstance(one, Run)][keep_last:]
        if _is_before(run.created_at, limit) and not is_starred(run.folder)
        if run.seen() != "running" and not run.folder.is_symlink()
    ]


def _is_before(created_at: str, limit: datetime | None) -> bool:
    """Whether a run is that old; one whose time cannot be read is not."""
    if limit is None:
        return True
    try:
        moment = datetime.fromisoformat(created_at)
    except ValueError:
        return False
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) < limit
