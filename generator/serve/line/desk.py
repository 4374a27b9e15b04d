"""What the dispatcher and its ear share: the picture at hand, the store, the clock, the mode."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Awaitable, Callable
from typing import TypeVar

from generator.crew.local import Crew
from generator.serve.clock import Clock
from generator.serve.home import Home
from generator.serve.line import queue
from generator.serve.line.estimate import History
from generator.serve.line.live import Hub, Mode
from generator.serve.line.queue import QueuedJob
from generator.serve.settings import Patience
from generator.serve.store import Store, StoreRefusedError

T = TypeVar("T")
OnDone = Callable[[sqlite3.Connection, QueuedJob, int], None]


class Desk:
    """One worker, one line, one picture at hand."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        home: Home,
        *,
        clock: Clock,
        history: History,
        patience: Patience,
        on_done: OnDone = lambda db, job, now: None,
    ) -> None:
        """on_done: what else belongs into the transaction of a picture that is done, e.g. its post."""
        self.store, self.hub, self.home = store, hub, home
        self.clock, self.history, self.patience, self.on_done = clock, history, patience, on_done
        self.crew: Crew | None = None
        self.current: QueuedJob | None = None
        self.exit_code = 0
        self.is_ready = self.is_told_to_leave = self.is_stopping = False
        self.last_beat = self.last_step = self.last_work = clock.monotonic()
        self.usual_step_seconds = 0.0
        self.mode_ends: float | None = None
        """By the clock of boot; None = open end."""
        self.false_starts = self.lost_devices = self.endings_in_a_row = 0
        self._wake = asyncio.Event()

    def is_current(self, job: int, attempt: int) -> bool:
        """Whether that is what is being drawn."""
        return self.current is not None and (self.current.id, self.current.attempt) == (job, attempt)

    def wake(self) -> None:
        """Something may be to do: a new picture, another mode."""
        self._wake.set()

    async def set_mode(self, mode: Mode, until: int | None = None, reason: str = "") -> None:
        """Draw, drain, give the GPU back until a time, or pause; it survives a restart."""
        body = json.dumps({"mode": mode, "until": until, "reason": reason})

        def keep(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('mode', ?)", (body,))
            if mode != "drawing":
                queue.void_promises(db)

        await self.write(keep)
        self.take_mode(mode, until, reason)

    def take_mode(self, mode: Mode, until: int | None, reason: str) -> None:
        """Be in that mode. Its end is wall time for people; from now on it is counted by the clock that never jumps."""
        self.hub.mode, self.hub.until, self.hub.reason = mode, until, reason
        self.mode_ends = None if until is None else self.clock.boot() + (until - self.clock.now_ms()) / 1000
        if mode == "drawing":
            self.false_starts = self.lost_devices = 0
        self.hub.ring()
        self.wake()

    async def end_mode_in_time(self) -> None:
        """Gaming until 23:00 ends at 23:00."""
        if self.mode_ends is not None and self.clock.boot() >= self.mode_ends:
            await self.change_mode("drawing")

    async def change_mode(self, mode: Mode, reason: str = "") -> None:
        """By itself: also where the database cannot take it down now."""
        try:
            await self.set_mode(mode, reason=reason)
        except StoreRefusedError:
            self.take_mode(mode, None, reason)

    async def void_promises(self) -> None:
        """Something else took the machine's time: what was promised for the line is not to be judged by it."""
        with contextlib.suppress(StoreRefusedError):
            await self.write(queue.void_promises)

    # ---- the store

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Durably, or with what went wrong."""
        return await asyncio.wrap_future(self.store.write(work))

    async def store_read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What is committed; tried until the database is given back by whoever holds it."""
        return await self.until_taken(lambda: asyncio.wrap_future(self.store.read(work)))

    async def insist(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """An ending must be written down: on a full disk it is tried until there is room."""
        return await self.until_taken(lambda: self.write(work))

    async def until_taken(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask the store until it does not refuse. What the worker tells meanwhile is unread: its silence counts not."""
        while True:
            try:
                return await ask()
            except StoreRefusedError:
                if self.is_stopping:
                    raise
                await asyncio.sleep(self.patience.tick)
                self.last_beat = self.last_step = self.clock.monotonic()
