"""The line of pictures: every change of a job's state, each one statement and one event in the same transaction.

Functions take the connection of the store's thread and the time; nobody else changes a job. The diagram:

    submit -> queued | held     queued -> running (claim) | held | cancelled      held -> queued (release) | cancelled
    running -> done | failed | cancelled | parked | queued (interrupted, crashed)  parked -> queued (unpark) | cancelled

An end names the attempt it belongs to: one that comes too late changes nothing.
"""

from __future__ import annotations

import functools
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Literal

from generator.serve.line.turns import next_turn

State = Literal["queued", "running", "held", "parked", "done", "failed", "cancelled"]
FINAL: frozenset[State] = frozenset({"done", "failed", "cancelled"})
WAITING: tuple[State, ...] = ("queued", "held", "parked")
MOST_CRASHES = 3
REFUSED = "refused"
"""Code of what the owner did not let be drawn."""

# Event -> the states before it, the state after it. None = the job is new.
WALK: Mapping[str, tuple[frozenset[State | None], State]] = {
    "submitted": (frozenset({None}), "queued"),
    "submitted_held": (frozenset({None}), "held"),
    "claimed": (frozenset({"queued"}), "running"),
    "done": (frozenset({"running"}), "done"),
    "failed": (frozenset({"running"}), "failed"),
    "interrupted": (frozenset({"running"}), "queued"),
    "crashed": (frozenset({"running"}), "queued"),
    "parked": (frozenset({"running"}), "parked"),
    "held": (frozenset({"queued"}), "held"),
    "released": (frozenset({"held"}), "queued"),
    "unparked": (frozenset({"parked"}), "queued"),
    "cancelled": (frozenset({"queued", "held", "parked", "running"}), "cancelled"),
}


@dataclass(frozen=True, kw_only=True)
class QueuedJob:
    """A row of the line."""

    id: int
    key: str
    friend: int
    request: str | None
    wish: Mapping[str, Any]
    config: Mapping[str, Any]
    made_by: str
    turn: int
    cost: float
    """Seconds it is expected to take."""
    state: State
    attempt: int
    crashes: int
    worker: str | None
    kept_step: int
    code: str | None
    note: str | None
    made_at: int
    began_at: int | None
    ended_at: int | None
    work_seconds: float
    promised_low: float | None
    promised_high: float | None
    parent: int | None
    bytes: int
    is_hidden: bool
    deleted_at: int | None

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> QueuedJob:
        """The row as a value."""
        return _job_of(row)

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in FINAL

    @property
    def prompt(self) -> str:
        """As the friend wrote it."""
        return str(self.wish["prompt"])

    @property
    def steps(self) -> int:
        """Steps of the whole picture."""
        return int(self.config["steps"])


@functools.lru_cache(maxsize=2048)
def _job_of(row: sqlite3.Row) -> QueuedJob:
    """A row as a value. The line is read at every change, and nearly all of its rows are as they were."""
    values = {field.name: row[field.name] for field in fields(QueuedJob)}
    for name in ("wish", "config"):
        values[name] = MappingProxyType(json.loads(values[name]))
    return QueuedJob(**{**values, "is_hidden": bool(values["is_hidden"])})


@dataclass(frozen=True, kw_only=True)
class New:
    """A submission whose every decision is made."""

    key: str
    friend: int
    wish: Mapping[str, Any]
    config: Mapping[str, Any]
    made_by: str
    cost: float
    request: str | None = None
    parent: int | None = None
    is_held: bool = False
    promised: tuple[float, float] | None = None


def submit(db: sqlite3.Connection, new: New, now: int) -> QueuedJob:
    """Put a picture into the line; the same friend's same request gives the job it made the first time."""
    if new.request is not None and (before := by_request(db, new.friend, new.request)) is not None:
        return before
    state: State = "held" if new.is_held else "queued"
    low, high = new.promised or (None, None)
    row = db.execute(
        "INSERT INTO job (key, friend, request, wish, config, made_by, turn, cost, state, made_at, parent,"
        " promised_low, promised_high) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) RETURNING *",
        (
            new.key,
            new.friend,
            new.request,
            json.dumps(new.wish, ensure_ascii=False),
            json.dumps(new.config, ensure_ascii=False),
            new.made_by,
            turn_for(db, new.friend),
            new.cost,
            state,
            now,
            new.parent,
            low,
            high,
        ),
    ).fetchone()
    job = QueuedJob.from_row(row)
    db.execute("INSERT INTO words (rowid, prompt) VALUES (?, ?)", (job.id, job.prompt))
    _tell(db, job, "submitted_held" if new.is_held else "submitted", now)
    return job


def turn_for(db: sqlite3.Connection, friend: int, rejoins: int = 0) -> int:
    """The turn in which this friend's next picture would join.

    Pictures cancelled before they began cost none, nor do held ones, which join anew when they are released.

    rejoins: a job that gives up its old turn for it.
    """
    serving = db.execute("SELECT coalesce(max(turn), 0) FROM job WHERE began_at IS NOT NULL").fetchone()[0]
    taken = db.execute(
        "SELECT turn FROM job WHERE friend = ? AND turn >= ? AND (began_at IS NOT NULL OR state = 'queued')"
        " AND id != ?",
        (friend, serving, rejoins),
    ).fetchall()
    row = db.execute("SELECT weight FROM friend WHERE id = ?", (friend,)).fetchone()
    return next_turn(serving, [turn for (turn,) in taken], row[0] if row else 1)


def claim(db: sqlite3.Connection, worker: str, now: int) -> QueuedJob | None:
    """The next picture for a worker; None where nothing waits. worker: number and mark of its process."""
    row = db.execute(
        "UPDATE job SET state='running', attempt=attempt+1, worker=?, began_at=coalesce(began_at,?), code=NULL"
        " WHERE id = (SELECT id FROM job WHERE state='queued' ORDER BY turn, id LIMIT 1) RETURNING *",
        (worker, now),
    ).fetchone()
    return None if row is None else _told(db, row, "claimed", now)


def next_up(db: sqlite3.Connection) -> QueuedJob | None:
    """What claim would take now."""
    row = db.execute("SELECT * FROM job WHERE state='queued' ORDER BY turn, id LIMIT 1").fetchone()
    return None if row is None else QueuedJob.from_row(row)


def finish(db: sqlite3.Connection, job: int, attempt: int, now: int, *, seconds: float, size: int) -> QueuedJob | None:
    """running -> done; None = too late. seconds: work of this attempt.   size: bytes of its files."""
    row = db.execute(
        "UPDATE job SET state='done', worker=NULL, ended_at=?, work_seconds=work_seconds+?, bytes=?,"
        " kept_step=json_extract(config,'$.steps') WHERE id=? AND attempt=? AND state='running' RETURNING *",
        (now, seconds, size, job, attempt),
    ).fetchone()
    return None if row is None else _told(db, row, "done", now)


def fail(
    db: sqlite3.Connection, job: int, attempt: int, now: int, *, code: str, note: str = "", size: int = 0
) -> QueuedJob | None:
    """running -> failed, for good; None = too late. size: bytes of the files that it left."""
    row = db.execute(
        "UPDATE job SET state='failed', worker=NULL, ended_at=?, code=?, note=?, bytes=? WHERE id=? AND attempt=? AND"
        " state='running' RETURNING *",
        (now, code, note, size, job, attempt),
    ).fetchone()
    return None if row is None else _told(db, row, "failed", now, code=code)


def interrupt(db: sqlite3.Connection, job: int, attempt: int, now: int, *, seconds: float = 0.0) -> QueuedJob | None:
    """running -> queued in its old turn, without blame: the worker was told to leave; None = too late."""
    row = db.execute(
        "UPDATE job SET state='queued', worker=NULL, work_seconds=work_seconds+? WHERE id=? AND attempt=? AND"
        " state='running' RETURNING *",
        (seconds, job, attempt),
    ).fetchone()
    return None if row is None else _told(db, row, "interrupted", now, step=row["kept_step"])


def crash(db: sqlite3.Connection, job: int, attempt: int, now: int) -> QueuedJob | None:
    """The worker died in mid-work: back to its turn, and parked the third time; None = too late."""
    row = db.execute(
        "UPDATE job SET crashes=crashes+1, worker=NULL, state=iif(crashes+1 >= ?,'parked','queued'),"
        " code=iif(crashes+1 >= ?,'crashed',code) WHERE id=? AND attempt=? AND state='running' RETURNING *",
        (MOST_CRASHES, MOST_CRASHES, job, attempt),
    ).fetchone()
    if row is None:
        return None
    return _told(db, row, "parked" if row["state"] == "parked" else "crashed", now, step=row["kept_step"])


def park(db: sqlite3.Connection, job: int, attempt: int, now: int, *, code: str, note: str = "") -> QueuedJob | None:
    """running -> parked until the owner has done something about `code`; None = too late."""
    row = db.execute(
        "UPDATE job SET state='parked', worker=NULL, code=?, note=? WHERE id=? AND attempt=? AND state='running'"
        " RETURNING *",
        (code, note, job, attempt),
    ).fetchone()
    return None if row is None else _told(db, row, "parked", now, code=code)


def cancel(db: sqlite3.Connection, job: int, now: int) -> QueuedJob | None:
    """Any unfinished state -> cancelled, for good; None = it had ended already."""
    _close_gap(db, job)
    row = db.execute(
        "UPDATE job SET state='cancelled', worker=NULL, ended_at=? WHERE id=? AND state IN"
        " ('queued','held','parked','running') RETURNING *",
        (now, job),
    ).fetchone()
    return None if row is None else _told(db, row, "cancelled", now)


def refuse(db: sqlite3.Connection, job: int, now: int, reason: str) -> QueuedJob | None:
    """held or parked -> cancelled by the owner, for good, with the reason for its friend; None = it is neither."""
    row = db.execute(
        "UPDATE job SET state='cancelled', ended_at=?, code=?, note=? WHERE id=? AND state IN ('held','parked')"
        " RETURNING *",
        (now, REFUSED, reason, job),
    ).fetchone()
    return None if row is None else _told(db, row, "cancelled", now)


def hold(db: sqlite3.Connection, job: int, now: int) -> QueuedJob | None:
    """queued -> held: the owner has to look at it first; None = it does not wait."""
    _close_gap(db, job)
    row = db.execute(
        "UPDATE job SET state='held', promised_low=NULL, promised_high=NULL WHERE id=? AND state='queued' RETURNING *",
        (job,),
    ).fetchone()
    return None if row is None else _told(db, row, "held", now)


def _close_gap(db: sqlite3.Connection, job: int) -> None:
    """A picture is about to leave the line before it began: its friend's later ones move up, each by one turn.

    Otherwise the turn that nobody uses would let others begin more before the next one than is promised.
    """
    leaving = db.execute(
        "SELECT friend, turn FROM job WHERE id=? AND state='queued' AND began_at IS NULL", (job,)
    ).fetchone()
    if leaving is None:
        return
    free = leaving["turn"]
    later = db.execute(
        "SELECT id, turn FROM job WHERE friend=? AND state='queued' AND began_at IS NULL AND (turn, id) > (?, ?)"
        " ORDER BY turn, id",
        (leaving["friend"], free, job),
    ).fetchall()
    for row in later:
        db.execute("UPDATE job SET turn=? WHERE id=?", (free, row["id"]))
        free = row["turn"]


def release(db: sqlite3.Connection, job: int, now: int) -> QueuedJob | None:
    """held -> queued, in a turn of now: turns saved up while held would push everybody else back."""
    return _rejoin(db, job, "held", "released", now)


def unpark(db: sqlite3.Connection, job: int, now: int) -> QueuedJob | None:
    """parked -> queued, in a turn of now and with a clean record; None = it is not parked."""
    return _rejoin(db, job, "parked", "unparked", now)


def _rejoin(db: sqlite3.Connection, job: int, state: State, event: str, now: int) -> QueuedJob | None:
    found = db.execute("SELECT friend FROM job WHERE id=? AND state=?", (job, state)).fetchone()
    if found is None:
        return None
    row = db.execute(
        # As one that has not begun: else its new turn, which lies ahead, would pass for the one being served.
        "UPDATE job SET state='queued', turn=?, crashes=0, code=NULL, note=NULL, began_at=NULL, promised_low=NULL,"
        " promised_high=NULL WHERE id=? RETURNING *",
        (turn_for(db, found["friend"], rejoins=job), job),
    ).fetchone()
    return _told(db, row, event, now)


def begin(db: sqlite3.Connection, job: int, attempt: int, resumed_at: int, note: str) -> None:
    """The attempt goes on at a step, which may lie before the one kept: a damaged checkpoint is given up."""
    db.execute(
        "UPDATE job SET kept_step=?, note=coalesce(nullif(?,''), note) WHERE id=? AND attempt=? AND state='running'",
        (resumed_at, note, job, attempt),
    )


def keep(db: sqlite3.Connection, job: int, attempt: int, step: int) -> None:
    """A checkpoint is on disk."""
    db.execute(
        "UPDATE job SET kept_step=? WHERE id=? AND attempt=? AND state='running' AND kept_step<=?",
        (step, job, attempt, step),
    )


def thriftier(db: sqlite3.Connection, job: int, attempt: int, config: Mapping[str, Any], now: int) -> QueuedJob | None:
    """running -> queued with a config that draws the same picture in less memory; None = too late."""
    row = db.execute(
        "UPDATE job SET state='queued', worker=NULL, config=?, note='thriftier' WHERE id=? AND attempt=? AND"
        " state='running' RETURNING *",
        (json.dumps(config, ensure_ascii=False), job, attempt),
    ).fetchone()
    return None if row is None else _told(db, row, "interrupted", now, step=row["kept_step"])


def hide(db: sqlite3.Connection, job: int, hidden: bool) -> None:
    """Out of everybody else's sight, or back in it."""
    db.execute("UPDATE job SET is_hidden=? WHERE id=?", (int(hidden), job))


def void_promises(db: sqlite3.Connection) -> None:
    """Of all that is still to be drawn: a person came in the way, and they are not to be judged by it."""
    db.execute(
        "UPDATE job SET promised_low=NULL, promised_high=NULL WHERE promised_low IS NOT NULL AND state IN"
        " ('queued','running','held','parked')"
    )


def has_children_in_line(db: sqlite3.Connection, job: int) -> bool:
    """Whether one that is still to be drawn starts from it."""
    query = "SELECT 1 FROM job WHERE parent=? AND state IN ('queued','running','held','parked') LIMIT 1"
    return db.execute(query, (job,)).fetchone() is not None


def number_of_next(db: sqlite3.Connection, friend: int) -> int:
    """The place in the line at which this friend's next picture would join; 1 = next after what is being drawn."""
    query = "SELECT count(*) FROM job WHERE state='queued' AND turn <= ?"
    return int(db.execute(query, (turn_for(db, friend),)).fetchone()[0]) + 1


def mark_deleted(db: sqlite3.Connection, job: int, now: int) -> QueuedJob | None:
    """An ended job whose files are to go; the row stays for ever. None = it has not ended, or is deleted already."""
    row = db.execute(
        "UPDATE job SET deleted_at=?, bytes=0 WHERE id=? AND deleted_at IS NULL AND state IN"
        " ('done','failed','cancelled') RETURNING *",
        (now, job),
    ).fetchone()
    if row is None:
        return None
    db.execute("DELETE FROM words WHERE rowid=?", (job,))
    db.execute("UPDATE share SET revoked_at=? WHERE job=? AND revoked_at IS NULL", (now, job))
    return QueuedJob.from_row(row)


# ---- questions


def by_key(db: sqlite3.Connection, key: str) -> QueuedJob | None:
    """The job that URLs call `key`."""
    row = db.execute("SELECT * FROM job WHERE key=?", (key,)).fetchone()
    return None if row is None else QueuedJob.from_row(row)


def by_id(db: sqlite3.Connection, job: int) -> QueuedJob | None:
    """The job with this number."""
    row = db.execute("SELECT * FROM job WHERE id=?", (job,)).fetchone()
    return None if row is None else QueuedJob.from_row(row)


def by_request(db: sqlite3.Connection, friend: int, request: str) -> QueuedJob | None:
    """The job that a friend's earlier submission with this idempotency key made."""
    row = db.execute("SELECT * FROM job WHERE friend=? AND request=?", (friend, request)).fetchone()
    return None if row is None else QueuedJob.from_row(row)


def line(db: sqlite3.Connection) -> list[QueuedJob]:
    """Running, then queued in the order of service."""
    rows = db.execute(
        "SELECT * FROM job WHERE state IN ('running','queued') ORDER BY state='queued', turn, id"
    ).fetchall()
    return [QueuedJob.from_row(row) for row in rows]


def in_state(db: sqlite3.Connection, state: State, most: int = 200) -> list[QueuedJob]:
    """Jobs in one state, the newest first."""
    rows = db.execute("SELECT * FROM job WHERE state=? ORDER BY id DESC LIMIT ?", (state, most)).fetchall()
    return [QueuedJob.from_row(row) for row in rows]


def stuck(db: sqlite3.Connection, friend: int, most: int = 20) -> list[QueuedJob]:
    """A friend's pictures that do not go on by themselves, the newest first; not those that were asked for again."""
    rows = db.execute(
        "SELECT * FROM job WHERE friend = :friend AND deleted_at IS NULL"
        " AND (state IN ('held','parked','failed') OR (state = 'cancelled' AND code = :refused))"
        " AND (state IN ('held','parked') OR NOT EXISTS (SELECT 1 FROM job AS later"
        " WHERE later.friend = :friend AND later.id > job.id AND later.wish = job.wish))"
        " ORDER BY id DESC LIMIT :most",
        {"friend": friend, "refused": REFUSED, "most": most},
    ).fetchall()
    return [QueuedJob.from_row(row) for row in rows]


def waiting_count(db: sqlite3.Connection, friend: int | None = None) -> int:
    """Pictures that are to be drawn and have not begun, of one friend or of all."""
    query = "SELECT count(*) FROM job WHERE state IN ('queued','held','parked')"
    if friend is None:
        return int(db.execute(query).fetchone()[0])
    return int(db.execute(f"{query} AND friend=?", (friend,)).fetchone()[0])


def newest_event(db: sqlite3.Connection) -> int:
    """The number of the newest event; 0 = none yet."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0])


def events_after(db: sqlite3.Connection, after: int, most: int = 500) -> list[sqlite3.Row]:
    """Events with the key of their job, in order."""
    return db.execute(
        "SELECT event.*, job.key, job.is_hidden FROM event JOIN job ON job.id = event.job WHERE event.id > ?"
        " ORDER BY event.id LIMIT ?",
        (after, most),
    ).fetchall()


def _told(db: sqlite3.Connection, row: sqlite3.Row, kind: str, now: int, **data: Any) -> QueuedJob:
    job = QueuedJob.from_row(row)
    _tell(db, job, kind, now, **data)
    return job


def _tell(db: sqlite3.Connection, job: QueuedJob, kind: str, now: int, **data: Any) -> None:
    body = json.dumps({"attempt": job.attempt, **data})
    db.execute(
        "INSERT INTO event (job, friend, kind, data, at) VALUES (?,?,?,?,?)", (job.id, job.friend, kind, body, now)
    )
