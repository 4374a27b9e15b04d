"""Who may put one more picture into the line: limits per friend, in all, and of the disk; each refusal in words."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from generator.serve.friends import Friend
from generator.serve.line import queue

MOST_WAITING_IN_ALL = 500
MINUTE_SECONDS = 60.0
PNG_BYTES, CHECKPOINT_BYTES, FRAME_BYTES = 3.0, 16.0, 0.5
"""A pixel: where nothing can be packed; latent with the optimiser's state; JPEG."""
ENLARGED_PIXELS, SMALLEST_ENLARGED, LARGEST_ENLARGED = 16, 512**2, 4096**2
MOST_FRAMES = 96
SMALL_FILES_BYTES = 2**20
"""Thumbnails, records, the newest preview."""


class Refused(Exception):
    """A submission that is not taken. status: of HTTP.   code: for programs.   message: for people."""

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after = status, code, message, retry_after


@dataclass
class Pace:
    """How often each of many does something, by a clock that never jumps."""

    monotonic: Callable[[], float]
    window_seconds: float = MINUTE_SECONDS

    def __post_init__(self) -> None:
        self._times: dict[object, deque[float]] = {}

    def allows(self, who: object, most: int, times: int = 1) -> bool:
        """Whether `who` may do it once more now, or so many times; counts them where it may."""
        now = self.monotonic()
        done = self._times.setdefault(who, deque())
        while done and now - done[0] >= self.window_seconds:
            done.popleft()
        if len(done) + times > most:
            return False
        done.extend([now] * times)
        if len(self._times) > 10_000:  # strangers by the thousand: forget those who are silent
            self._times = {
                key: kept for key, kept in self._times.items() if kept and now - kept[-1] < self.window_seconds
            }
        return True


def check_pace(pace: Pace, friend: Friend, times: int = 1) -> None:
    """Refused where this friend submits too often. times: how many come at once."""
    if not pace.allows(friend.id, friend.most_a_minute, times):
        raise Refused(429, "too_fast", f"More than {friend.most_a_minute} a minute: take a breath.", 60)


def needed_mib(config: Mapping[str, Any]) -> float:
    """Of the disk, from above: picture, enlargement, frames, the old checkpoint beside the new one."""
    pixels = int(config["width"]) * int(config["height"])
    large = min(max(ENLARGED_PIXELS * pixels, SMALLEST_ENLARGED), LARGEST_ENLARGED)
    frames = min(int(config["steps"]), MOST_FRAMES) * FRAME_BYTES
    return (PNG_BYTES * (pixels + large) + (2 * CHECKPOINT_BYTES + frames) * pixels + SMALL_FILES_BYTES) / 2**20


def check_disk(free_mib: int | None, needs_mib: float, floor_mib: int) -> None:
    """Refused where the picture and its checkpoint would leave too little room."""
    if free_mib is not None and free_mib - needs_mib < floor_mib:
        raise Refused(507, "disk_full", f"The disk here is nearly full ({free_mib} MiB free): no new pictures for now.")


def check_line(db: sqlite3.Connection, friend: Friend, times: int = 1) -> None:
    """Refused where the line is full, or this friend's part of it, or the room for this friend's pictures.

    times: how many come at once, all of them or none.
    """
    if queue.waiting_count(db) + times > MOST_WAITING_IN_ALL:
        raise Refused(503, "line_full", f"{MOST_WAITING_IN_ALL} pictures wait already.", 60)
    waiting = queue.waiting_count(db, friend.id)
    if waiting + times > friend.most_waiting:
        told = f"{friend.most_waiting} of your pictures wait already: let one be drawn first."
        if times > 1:
            told = f"{times} at once are too many: {waiting} of your pictures wait, and {friend.most_waiting} may."
        raise Refused(429, "too_many", told, 30)
    used = db.execute("SELECT coalesce(sum(bytes), 0) FROM job WHERE friend = ?", (friend.id,)).fetchone()[0]
    if used >= friend.quota_mib * 2**20:
        raise Refused(507, "quota", f"Your pictures fill your {friend.quota_mib} MiB: delete some first.")
