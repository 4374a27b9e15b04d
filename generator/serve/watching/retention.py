"""Which pictures may go to make room, shown before they go; rows stay for ever.

What somebody holds dear stays: a picture with a heart, with a link that is open, or from which another is being made.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from dreamrig.words import MIB
from generator.serve.friends import DAY_MS
from generator.serve.line import queue
from generator.serve.service import Service, was_taken

log = logging.getLogger("dreamrig.serve")
MOST_AT_ONCE = 500
SECONDS_BETWEEN_SWEEPS = 3600.0
SECONDS_UNTIL_NEXT_TRY = 60.0
OLD = """
SELECT job.id, job.key, job.friend, job.bytes, job.ended_at FROM job WHERE state IN ('done','failed','cancelled')
AND deleted_at IS NULL AND ended_at < ?
AND NOT EXISTS (SELECT 1 FROM heart WHERE heart.job = job.id)
AND NOT EXISTS (SELECT 1 FROM share WHERE share.job = job.id AND revoked_at IS NULL
                AND (expires_at IS NULL OR expires_at > ?))
AND NOT EXISTS (SELECT 1 FROM job AS child WHERE child.parent = job.id
                AND child.state IN ('queued','running','held','parked'))
ORDER BY job.id
"""

ALL_OF = """
SELECT job.id, job.key, job.friend, job.bytes, job.ended_at FROM job WHERE friend = ?
AND state IN ('done','failed','cancelled') AND deleted_at IS NULL
AND NOT EXISTS (SELECT 1 FROM job AS child WHERE child.parent = job.id
                AND child.state IN ('queued','running','held','parked'))
ORDER BY job.id
"""
USE = """
SELECT friend.id, name, quota_mib, coalesce(sum(job.bytes), 0) AS used FROM friend
LEFT JOIN job ON job.friend = friend.id GROUP BY friend.id ORDER BY used DESC
"""
UNCOUNTED = "SELECT key FROM job WHERE state = 'failed' AND bytes = 0 AND deleted_at IS NULL"
GONE = "SELECT key FROM job WHERE deleted_at IS NOT NULL OR state = 'cancelled'"


@dataclass(frozen=True)
class Goer:
    """A picture that may go."""

    job: int
    key: str
    friend: int
    bytes: int
    ended_at: int


Choice = Callable[[sqlite3.Connection, int], Iterator[Goer]]
"""(database, milliseconds now) -> what is to go, read as far as it is asked for."""


def would_go(db: sqlite3.Connection, days: int, now: int) -> Iterator[Goer]:
    """Ended pictures older than so many days that nobody holds dear, the oldest first."""
    return (Goer(*row) for row in db.execute(OLD, (now - days * DAY_MS, now)))


def older_than(days: int) -> Choice:
    """Those, for `sweep`."""
    return lambda db, now: would_go(db, days, now)


def all_of(friend: int) -> Choice:
    """Everything of one friend's that has ended, also what somebody holds dear; not what is still started from."""
    return lambda db, now: (Goer(*row) for row in db.execute(ALL_OF, (friend,)))


def beyond_quota(db: sqlite3.Connection, now: int, quota_mib: int | None = None, name: str = "") -> Iterator[Goer]:
    """What would have to go until each friend may ask again: the oldest ended pictures that nobody holds dear.

    quota_mib: as if every friend's quota were this; None = each one's own.   name: of one friend; "" = all.
    """
    over = {
        row["id"]: row["used"] - MIB * (row["quota_mib"] if quota_mib is None else quota_mib) + 1
        for row in db.execute(USE).fetchall()
        if name in ("", row["name"])
    }
    for one in would_go(db, 0, now):
        if one.bytes and over.get(one.friend, 0) > 0:
            over[one.friend] -= one.bytes
            yield one


async def sweep(service: Service, choose: Choice) -> int:
    """Let them go; how many went. Rows first: a file without a row's word is never shown."""
    gone = 0
    while True:
        now = service.clock.now_ms()

        def mark(db: sqlite3.Connection, now: int = now) -> Sequence[Goer]:
            going = list(islice(choose(db, now), MOST_AT_ONCE))
            return [one for one in going if queue.mark_deleted(db, one.job, now) is not None]

        going = await service.write(mark)
        for one in going:
            await asyncio.to_thread(service.home.remove_picture, one.key)
        gone += len(going)
        if len(going) < MOST_AT_ONCE:
            break
    if gone:
        log.info("%d pictures went for good", gone)
        service.changed()
    return gone


async def finish_deleting(service: Service) -> int:
    """Remove files whose row was deleted or cancelled just before the power went; how many folders went."""
    lying = await asyncio.to_thread(lambda: {path.name for path in service.home.pictures.glob("*/*/")})
    gone = await service.read(lambda db: [row[0] for row in db.execute(GONE) if row[0] in lying])
    for key in gone:
        await asyncio.to_thread(service.home.remove_picture, key)
    if gone:
        log.info("%d pictures were deleted, but their files lay there still: they went", len(gone))
    return len(gone)


async def count_failed(service: Service) -> None:
    """Take down the bytes of failed pictures that were not counted when they failed."""
    found = await service.read(lambda db: [row[0] for row in db.execute(UNCOUNTED)])
    sizes = await asyncio.to_thread(lambda: [(size, key) for key in found if (size := service.home.picture_bytes(key))])
    if sizes:
        await service.write(lambda db: db.executemany("UPDATE job SET bytes=? WHERE key=?", sizes))


async def keep_swept(service: Service) -> None:
    """What a crash left first; then every hour, where the owner has said after how many days; for ever."""
    # A disk that is full for a moment is when it is needed most.
    while not (is_done := await was_taken(_sweep_all(service), "nothing was swept")) or service.settings.keep_days:
        await asyncio.sleep(SECONDS_BETWEEN_SWEEPS if is_done else SECONDS_UNTIL_NEXT_TRY)


async def _sweep_all(service: Service) -> None:
    await finish_deleting(service)
    await count_failed(service)
    if service.settings.keep_days:
        await sweep(service, older_than(service.settings.keep_days))


def use_by_friend(db: sqlite3.Connection, going: Sequence[Goer] = ()) -> list[dict[str, Any]]:
    """Per friend: what would go, what there is, and what they may have; bytes."""
    rows = db.execute(USE).fetchall()
    return [
        {
            "name": row["name"],
            "goes": sum(one.friend == row["id"] for one in going),
            "goes_bytes": sum(one.bytes for one in going if one.friend == row["id"]),
            "used_bytes": row["used"],
            "quota_mib": row["quota_mib"],
        }
        for row in rows
    ]
