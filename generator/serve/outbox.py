"""What is to be posted elsewhere: once each, patiently, and where that fails for good the owner is told."""

from __future__ import annotations

import logging
import sqlite3

log = logging.getLogger("dreamrig.serve")
WEBHOOK_POST, DISCORD_POST = "webhook", "discord"
"""Kinds of posts: a webhook's, made once; a bot's, which changes with its picture."""
MOST_TRIES = 8
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 5, 3600
MOST_SHOWN = 10
UNKNOWN = "whether it was posted is not known"


def put(db: sqlite3.Connection, kind: str, job: int, now: int) -> None:
    """Post this picture by that kind of post, unless it is in the outbox already."""
    db.execute("INSERT OR IGNORE INTO outbox (kind, job, not_before) VALUES (?,?,?)", (kind, job, now))


def due(db: sqlite3.Connection, kind: str, now: int) -> list[sqlite3.Row]:
    """Posts of a kind that are neither sent nor given up and may be tried now."""
    return db.execute(
        "SELECT id, job, tries FROM outbox WHERE kind=? AND sent_at IS NULL AND given_up IS NULL AND not_before <= ?"
        " ORDER BY id",
        (kind, now),
    ).fetchall()


def later(db: sqlite3.Connection, number: int, tries: int, now: int, asked_seconds: float = 0.0) -> None:
    """Wait as long as is asked for, and longer with every try; after the last one tell the owner."""
    if tries >= MOST_TRIES:
        settle(db, number, tries, now, f"{tries} tries failed")
        return
    seconds = max(asked_seconds, min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 4 ** (tries - 1)))
    db.execute(
        "UPDATE outbox SET tries=?, not_before=?, is_sending=0 WHERE id=?", (tries, now + int(seconds * 1000), number)
    )


def begin(db: sqlite3.Connection, number: int) -> None:
    """It goes out now. Written down before, so that it never goes out twice unnoticed."""
    db.execute("UPDATE outbox SET is_sending=1 WHERE id=?", (number,))


def give_up_unknown(db: sqlite3.Connection, kind: str, now: int) -> None:
    """What was on its way when an earlier server ended: tell the owner, send it no second time."""
    rows = db.execute("SELECT id, tries FROM outbox WHERE kind=? AND is_sending=1", (kind,)).fetchall()
    for row in rows:
        settle(db, row["id"], row["tries"] + 1, now, f"{UNKNOWN}: the server ended while it was sent")


def settle(db: sqlite3.Connection, number: int, tries: int, now: int, given_up: str | None = None) -> None:
    """Sent; or given up, in words for the owner."""
    sent_at = None if given_up else now
    db.execute(
        "UPDATE outbox SET tries=?, sent_at=?, given_up=?, is_sending=0 WHERE id=?", (tries, sent_at, given_up, number)
    )
    if given_up:
        log.warning("a picture was not posted: %s", given_up)


def reopen(db: sqlite3.Connection, kind: str, job: int, now: int) -> None:
    """What was sent is to be looked at once more: the picture was hidden, shown again or deleted.

    So is what was given up, where a message with an earlier look hangs there.
    """
    db.execute(
        "UPDATE outbox SET sent_at=NULL, given_up=NULL, tries=0, not_before=? WHERE kind=? AND job=? AND"
        " (sent_at IS NOT NULL OR given_up IS NOT NULL AND"
        " EXISTS (SELECT 1 FROM discord_post WHERE discord_post.job = outbox.job AND message IS NOT NULL))",
        (now, kind, job),
    )


def went_well(db: sqlite3.Connection, number: int) -> None:
    """A try that was not the last one succeeded: those that failed before it no longer count."""
    db.execute("UPDATE outbox SET tries=0 WHERE id=?", (number,))


def given_up(db: sqlite3.Connection) -> list[sqlite3.Row]:
    """The newest posts that were given up, with the picture's key, for the owner's page."""
    return db.execute(
        "SELECT outbox.kind, outbox.given_up, job.key FROM outbox JOIN job ON job.id = outbox.job"
        " WHERE outbox.given_up IS NOT NULL ORDER BY outbox.id DESC LIMIT ?",
        (MOST_SHOWN,),
    ).fetchall()
