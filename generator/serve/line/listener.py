"""What the worker tells, and what is written down of it. An attempt that is over changes nothing any more."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sqlite3
from dataclasses import asdict

from generator.crew.local import Crew
from generator.crew.menu import Offer
from generator.crew.protocol import (
    PICTURE,
    Beat,
    Began,
    Done,
    Failed,
    Gauged,
    Interrupted,
    Kept,
    Previewed,
    Ready,
    Stepped,
    Telling,
)
from generator.serve.line import queue
from generator.serve.line.desk import Desk
from generator.serve.line.estimate import kind_of
from generator.serve.line.queue import QueuedJob
from generator.serve.store import StoreRefusedError

log = logging.getLogger("dreamrig.serve")
MOST_LOST_DEVICES = 3


class Listener(Desk):
    """Hears the worker."""

    async def listen(self, crew: Crew) -> None:
        """Until it has ended."""
        async for telling in crew.tellings():
            self.last_beat = self.clock.monotonic()
            if isinstance(telling, Beat):
                self.hub.free_mib = telling.free_mib or self.hub.free_mib
            else:
                await self.hear(telling)

    async def hear(self, telling: Telling) -> None:
        """One telling; those of another attempt change nothing."""
        if isinstance(telling, Ready):
            await self.hear_ready(telling)
        elif isinstance(telling, Gauged):
            self.hub.gauge = telling
        elif isinstance(telling, Stepped | Previewed | Began | Kept):
            if self.is_current(telling.job, telling.attempt):
                await self.hear_progress(telling)
        elif isinstance(telling, Done | Failed | Interrupted):
            await self.hear_ending(telling)

    async def hear_ready(self, ready: Ready) -> None:
        """The worker is free, and says what it can draw."""
        self.publish(ready)
        self.is_ready, self.false_starts = True, 0
        self.hub.worker = "ready"
        body = json.dumps(asdict(ready))
        with contextlib.suppress(StoreRefusedError):
            await self.write(lambda db: db.execute("INSERT OR REPLACE INTO meta VALUES ('ready', ?)", (body,)))
        self.hub.ring()
        self.wake()

    def publish(self, ready: Ready) -> None:
        """What can be drawn, for pages and for refusals."""
        self.hub.offers = tuple(Offer.from_dict(offer) for offer in ready.offers)
        self.hub.examples, self.hub.device, self.hub.free_mib = tuple(ready.examples), ready.device, ready.free_mib

    async def hear_progress(self, telling: Stepped | Previewed | Began | Kept) -> None:
        """The current picture comes on."""
        progress, now = self.hub.progress, self.clock.monotonic()
        assert progress is not None
        self.last_work = now
        if isinstance(telling, Began):
            self.last_step = now
            progress.steps_done = progress.resumed_at = telling.resumed_at
            progress.unknown_words, progress.note = telling.unknown_words, telling.note
            self.hub.load_seconds = telling.load_seconds or self.hub.load_seconds
            await self.insist(
                lambda db: queue.begin(db, telling.job, telling.attempt, telling.resumed_at, telling.note)
            )
        elif isinstance(telling, Stepped):
            done = max(1, telling.steps_done - progress.steps_done)
            self.usual_step_seconds = (now - self.last_step) / done
            self.last_step = now
            progress.steps_done, progress.change = telling.steps_done, telling.change
        elif isinstance(telling, Previewed):
            progress.preview = telling.version
        else:
            self.endings_in_a_row = 0  # it was of use: the next one need not wait
            with contextlib.suppress(StoreRefusedError):
                await self.write(lambda db: queue.keep(db, telling.job, telling.attempt, telling.step))
        self.hub.ring()

    async def hear_ending(self, ending: Done | Failed | Interrupted) -> None:
        """An attempt is over; one that came too late changes nothing but the worker's freedom."""
        now, is_current = self.clock.now_ms(), self.is_current(ending.job, ending.attempt)
        job = self.current if is_current else await self.store_read(lambda db: queue.by_id(db, ending.job))
        if isinstance(ending, Done):
            await self.hear_done(ending, job, now)
        elif isinstance(ending, Failed):
            await self.hear_failed(ending, job, now)
        else:
            await self.insist(lambda db: queue.interrupt(db, ending.job, ending.attempt, now))
        if job is not None:
            await self.sweep(job)
        if is_current:
            self.current, self.hub.progress = None, None
            self.hub.worker = "ready"
            self.last_work = self.clock.monotonic()
        self.hub.ring(line=True)
        self.wake()

    async def hear_done(self, done: Done, job: QueuedJob | None, now: int) -> None:
        """Done is what has a picture on the disk."""
        if job is None:
            return
        size = self.home.picture_bytes(job.key)
        if not (self.home.picture_folder(job.key) / PICTURE).is_file():
            await self.insist(
                lambda db: queue.fail(db, done.job, done.attempt, now, code="bug", note="no picture", size=size)
            )
            return

        def finish(db: sqlite3.Connection) -> QueuedJob | None:
            ended = queue.finish(db, done.job, done.attempt, now, seconds=done.work_seconds, size=size)
            if ended is not None:
                self.on_done(db, ended, now)
            return ended

        ended = await self.insist(finish)
        self.lost_devices = self.endings_in_a_row = 0
        self.hub.slept_seconds = 0.0  # the news of a sleep is old by now
        if ended is not None:
            self.history.add(kind_of(ended.config, ended.wish["preset"]), ended.work_seconds)

    async def hear_failed(self, failed: Failed, of: QueuedJob | None, now: int) -> None:
        """Park, try thriftily, try in a fresh process, or give up: by code."""
        job, attempt, code, note = failed.job, failed.attempt, failed.code, failed.message
        log.warning("job %d attempt %d failed: %s %s", job, attempt, code, note)
        if code == "disk_full":
            await self.insist(lambda db: queue.park(db, job, attempt, now, code=code, note=note))
        elif code == "device_lost":
            await self.insist(lambda db: queue.interrupt(db, job, attempt, now))
            await self.count_lost_device()
        elif code == "out_of_memory" and failed.thriftier is not None and not await self.was_thriftier(job):
            config = failed.thriftier
            await self.insist(lambda db: queue.thriftier(db, job, attempt, config, now))
        else:
            note = f"the largest width that fits is {failed.fits}" if failed.fits else note
            size = 0 if of is None else self.home.picture_bytes(of.key)  # checkpoint, frames: they count as well
            await self.insist(lambda db: queue.fail(db, job, attempt, now, code=code, note=note, size=size))

    async def was_thriftier(self, job: int) -> bool:
        """Whether it was tried in less memory already."""
        found = await self.store_read(lambda db: queue.by_id(db, job))
        return found is not None and found.note == "thriftier"

    async def count_lost_device(self) -> None:
        """Three lost devices in a row: the machine needs a person."""
        self.lost_devices += 1
        if self.lost_devices >= MOST_LOST_DEVICES:
            await self.change_mode("paused", reason="The GPU was lost three times in a row: see dreamrig doctor.")

    async def sweep(self, job: QueuedJob) -> None:
        """Remove the files of a job that was cancelled: nobody will look at them."""
        found = await self.store_read(lambda db: queue.by_id(db, job.id))
        if found is not None and found.state == "cancelled":
            await self.remove_files(job)

    async def remove_files(self, job: QueuedJob) -> None:
        """All of a picture's files, where there are any."""
        await asyncio.to_thread(self.home.remove_picture, job.key)
