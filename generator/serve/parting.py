"""A friend who is let in no more, and what becomes of their pictures."""

from __future__ import annotations

import sqlite3

from generator.serve import friends, outbox, reports
from generator.serve.friends import Fate
from generator.serve.line import queue
from generator.serve.service import Service
from generator.serve.watching import retention

WAITING = "SELECT key FROM job WHERE friend=? AND state IN ('queued','running','held','parked')"
SHOWN = "SELECT id FROM job WHERE friend=? AND deleted_at IS NULL AND NOT is_hidden"


async def part_with(service: Service, name: str, fate: Fate) -> None:
    """Let that friend in no more; UsageError where there is none of that name. The owner stays."""
    friend, now = await service.read(lambda db: friends.by_name(db, name)), service.clock.now_ms()
    await service.write(lambda db: friends.revoke(db, friend.id, now))
    if fate != "keep" and not friend.is_owner:
        for (key,) in await service.read(lambda db: db.execute(WAITING, (friend.id,)).fetchall()):
            await service.cancel(friend, key)
        await service.write(lambda db: hide_all(db, friend.id, now))
        if fate == "delete":
            await retention.sweep(service, retention.all_of(friend.id))
    service.changed()  # streams of a revoked friend look up and end


def hide_all(db: sqlite3.Connection, friend: int, now: int) -> None:
    """By the owner's word, with links and messages on Discord; also what a picture in the line still starts from."""
    owner = friends.find_owner(db).id
    for (job,) in db.execute(SHOWN, (friend,)).fetchall():
        reports.judge(db, job, owner, True, now)
        queue.hide(db, job, True)
        outbox.reopen(db, outbox.DISCORD_POST, job, now)
