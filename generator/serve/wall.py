"""The wall: which finished pictures hang there for one viewer, and hearts on them."""

from __future__ import annotations

import sqlite3
from typing import Any

from generator.serve.friends import Friend

PAGE = 24


def wall_query(
    viewer: Friend, visibility: str, before: str | None, words: str, by: str, loved: bool
) -> tuple[str, list[Any]]:
    """The statement of one page of the wall, by key: numbers would skip and repeat while pictures come."""
    parts = ["SELECT job.* FROM job WHERE job.state='done' AND job.deleted_at IS NULL"]
    values: list[Any] = []
    if visibility == "circle":
        parts.append("AND (job.friend = ? OR job.is_hidden = 0)")
    else:
        parts.append("AND job.friend = ?")
    values.append(viewer.id)
    if before is not None:
        parts.append("AND job.id < coalesce((SELECT id FROM job WHERE key = ?), 0)")
        values.append(before)
    if words.strip():
        parts.append("AND job.id IN (SELECT rowid FROM words WHERE words MATCH ?)")
        values.append(" ".join(f'"{word}"*' for word in words.replace('"', " ").split()))
    if by:
        parts.append("AND job.friend = (SELECT id FROM friend WHERE name = ?)")
        values.append(by)
    if loved:
        parts.append("AND job.id IN (SELECT job FROM heart WHERE friend = ?)")
        values.append(viewer.id)
    parts.append(f"ORDER BY job.id DESC LIMIT {PAGE}")
    return " ".join(parts), values


def toggle_heart(db: sqlite3.Connection, job: int, friend: int) -> bool:
    """Like a picture, or no longer; whether it is liked now."""
    gone = db.execute("DELETE FROM heart WHERE job=? AND friend=?", (job, friend)).rowcount
    if not gone:
        db.execute("INSERT INTO heart VALUES (?, ?)", (job, friend))
    return not gone
