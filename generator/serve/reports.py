"""Pictures that a friend reported: the owner sees them, and hides them or leaves them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.serve.friends import Friend
from generator.serve.line import queue
from generator.serve.line.admission import Refused
from generator.serve.line.queue import QueuedJob

if TYPE_CHECKING:
    from generator.serve.service import Service

MOST_SHOWN = 20


@dataclass(frozen=True)
class Reported:
    """A picture that waits for the owner's word, and who reported it."""

    job: QueuedJob
    by: tuple[str, ...]


async def report(service: Service, friend: Friend, key: str) -> None:
    """Tell the owner about somebody else's picture; telling twice is telling once."""
    job, now = await service.seen(friend, key), service.clock.now_ms()
    if job.friend == friend.id:
        raise Refused(409, "own_picture", "That is a picture of your own: hide it or delete it.")
    await service.write(
        lambda db: db.execute("INSERT OR IGNORE INTO report (job, friend, at) VALUES (?,?,?)", (job.id, friend.id, now))
    )


def judge(db: sqlite3.Connection, job: int, owner: int, hidden: bool, now: int) -> None:
    """The owner's word on a picture: hidden, with its links ended, until the owner shows it; or left as it is."""
    db.execute("INSERT OR IGNORE INTO report (job, friend, at) VALUES (?,?,?)", (job, owner, now))
    db.execute("UPDATE report SET verdict=? WHERE job=?", ("hidden" if hidden else "left", job))
    if hidden:
        db.execute("UPDATE share SET revoked_at=? WHERE job=? AND revoked_at IS NULL", (now, job))


def require_free(db: sqlite3.Connection, job: int) -> None:
    """Refused where the owner hid that picture: its friend does not show it again."""
    if db.execute("SELECT 1 FROM report WHERE job=? AND verdict='hidden'", (job,)).fetchone() is not None:
        raise Refused(403, "hidden_by_owner", "The owner of this server hid it: ask them.")


def was_reported_by(db: sqlite3.Connection, job: int, friend: int) -> bool:
    """Whether this friend told the owner about it."""
    return db.execute("SELECT 1 FROM report WHERE job=? AND friend=?", (job, friend)).fetchone() is not None


def waiting(db: sqlite3.Connection) -> list[Reported]:
    """What waits for the owner's word, what was reported first at the top."""
    rows = db.execute(
        "SELECT report.job, friend.name FROM report JOIN friend ON friend.id = report.friend JOIN job"
        " ON job.id = report.job WHERE report.verdict IS NULL AND job.deleted_at IS NULL AND NOT job.is_hidden"
        " ORDER BY report.at LIMIT ?",
        (MOST_SHOWN * 5,),
    ).fetchall()
    names: dict[int, list[str]] = {}
    for row in rows:
        names.setdefault(row["job"], []).append(row["name"])
    found = [(queue.by_id(db, number), tuple(by)) for number, by in list(names.items())[:MOST_SHOWN]]
    return [Reported(job, by) for job, by in found if job is not None]
