"""Links that show one picture to anybody who has them: unguessable, revocable, and over when their day comes.

A token comes from random bytes of the link and the secret of this home: neither a copy of the database nor a number
that is given once more, as after an older backup was restored, opens anything. The row keeps the token's hash.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generator.serve import outbox
from generator.serve.friends import DAY_MS, Friend, hashed
from generator.serve.line.admission import Refused
from generator.serve.line.queue import QueuedJob
from generator.serve.service import NotFoundError, Service

LENGTHS: Mapping[str, float | None] = {"": None, "1": 1.0, "7": 7.0, "30": 30.0}
"""What the form offers, in days."""
SEED_BYTES = 24
TOKEN = re.compile(r"(?:([0-9]{1,12})-)?[0-9a-f]{32}")


@dataclass(frozen=True)
class Link:
    """A way to one picture for everybody who has it."""

    token: str
    expires_at: int | None
    """Milliseconds of UTC; None = never by itself."""


def days_in(form: Mapping[str, Any]) -> float | None:
    """For how many days a form asks; None = until it is ended."""
    asked = str(form.get("days") or "")
    if asked not in LENGTHS:
        raise Refused(422, "bad_request", "A link is good for a day, a week, a month, or until you end it.")
    return LENGTHS[asked]


def open_link(db: sqlite3.Connection, job: int, now: int) -> sqlite3.Row | None:
    """The row of the link of a picture that opens now."""
    query = "SELECT * FROM share WHERE job=? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)"
    row: sqlite3.Row | None = db.execute(query, (job, now)).fetchone()
    return row


async def share(service: Service, friend: Friend, key: str, days: float | None = None) -> str:
    """A token that opens this one picture to anybody who has it: the one there is, good from now on for so long."""
    job = await service.own(friend, key)
    if job.state != "done" or job.deleted_at is not None or job.friend != friend.id:
        raise Refused(409, "not_done", "Only a finished picture of your own can be shared.")
    if job.is_hidden:
        raise Refused(409, "hidden", "It is hidden: show it to your friends first.")
    now = service.clock.now_ms()
    expires = None if days is None else now + int(days * DAY_MS)

    def make(db: sqlite3.Connection) -> str:
        row = open_link(db, job.id, now)
        if row is not None:
            db.execute("UPDATE share SET expires_at=? WHERE id=?", (expires, row["id"]))
            return token_of(service.secret, row)
        if service.settings.webhook:
            outbox.put(db, outbox.WEBHOOK_POST, job.id, now)
        return new_link(db, service.secret, job.id, now, expires)

    return await service.write(make)


def new_link(db: sqlite3.Connection, secret: bytes, job: int, now: int, expires: int | None) -> str:
    """The token of a link that is made now."""
    seed = secrets.token_hex(SEED_BYTES)
    token = signed(secret, f"link {seed}")
    db.execute(
        "INSERT INTO share (job, made_at, expires_at, seed, hash) VALUES (?,?,?,?,?)",
        (job, now, expires, seed, hashed(token)),
    )
    return token


async def unshare(service: Service, friend: Friend, key: str) -> None:
    """End every link to this picture."""
    job, now = await service.own(friend, key), service.clock.now_ms()
    await service.write(
        lambda db: db.execute("UPDATE share SET revoked_at=? WHERE job=? AND revoked_at IS NULL", (now, job.id))
    )


async def link_of(service: Service, job: QueuedJob) -> Link | None:
    """The link there is, and opens."""
    now = service.clock.now_ms()
    row = await service.read(lambda db: open_link(db, job.id, now))
    return None if row is None else Link(token_of(service.secret, row), row["expires_at"])


def token_of(secret: bytes, row: sqlite3.Row) -> str:
    """The token of a link, which is not stored; one from before version 5 of the database has its number in it."""
    number, seed = row["id"], row["seed"]
    return signed(secret, f"link {seed}") if seed is not None else f"{number}-{signed(secret, f'share {number}')}"


def signed(secret: bytes, text: str) -> str:
    """32 hexadecimal digits that only this home makes of a text."""
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()[:32]


async def open_share(service: Service, token: str) -> QueuedJob:
    """The picture a link opens; NotFoundError for a wrong, ended or expired one, and while the picture is hidden."""
    now = service.clock.now_ms()
    link = await service.read(lambda db: find_link(db, token))
    if link is None or not hmac.compare_digest(token_of(service.secret, link).encode(), token.encode()):
        raise NotFoundError
    row = await service.read(
        lambda db: db.execute(
            "SELECT job.* FROM share JOIN job ON job.id = share.job WHERE share.id=? AND share.revoked_at IS NULL"
            " AND (share.expires_at IS NULL OR share.expires_at > ?) AND job.deleted_at IS NULL AND NOT job.is_hidden",
            (link["id"], now),
        ).fetchone()
    )
    if row is None:
        raise NotFoundError
    return QueuedJob.from_row(row)


def find_link(db: sqlite3.Connection, token: str) -> sqlite3.Row | None:
    """The link that a token may belong to; by its number only one that was given before links had hashes."""
    if (found := TOKEN.fullmatch(token)) is None:
        return None
    value: bytes | int
    if found[1] is None:
        query, value = "SELECT * FROM share WHERE hash=?", hashed(token)
    else:
        query, value = "SELECT * FROM share WHERE id=? AND hash IS NULL", int(found[1])
    row: sqlite3.Row | None = db.execute(query, (value,)).fetchone()
    return row
