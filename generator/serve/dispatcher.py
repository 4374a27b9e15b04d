"""Hands pictures to the worker and writes down what becomes of them. The one task that must not die.

Liveness goes by the pipe's end, the process's mark and the clock that never jumps; never by wall time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from typing import TypeVar

from generator.crew.local import Crew, end_leftover
from generator.crew.menu import Offer
from generator.crew.protocol import (
    PICTURE,
    Beat,
    Began,
    Cancel,
    Done,
    Draw,
    Failed,
    Interrupted,
    Kept,
    Leave,
    Previewed,
    Ready,
    Stepped,
    Telling,
)
from generator.serve import queue
from generator.serve.clock import Clock
from generator.serve.estimate import History, kind_of
from generator.serve.home import Home
from generator.serve.live import Hub, Mode, Progress
from generator.serve.queue import Job
from generator.serve.settings import Patience
from generator.serve.store import Store, StoreFullError

T = TypeVar("T")
log = logging.getLogger("dreamrig.serve")
StartCrew = Callable[[], Awaitable[Crew]]
STUCK_STEPS = 20
MOST_LOST_DEVICES = 3
MOST_FALSE_STARTS = 3
NAP_SECONDS = 60.0


class Dispatcher:
    """One worker, one line."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        home: Home,
        start_crew: StartCrew,
        *,
        clock: Clock,
        history: History,
        patience: Patience,
        idle_unload_seconds: float = 0.0,
        on_done: Callable[[sqlite3.Connection, Job, int], None] = lambda db, job, now: None,
    ) -> None:
        """on_done: what else belongs into the transaction of a picture that is done, e.g. its post."""
        self.store, self.hub, self.home, self.start_crew = store, hub, home, start_crew
        self.clock, self.history, self.patience = clock, history, patience
        self.idle_unload_seconds, self.on_done = idle_unload_seconds, on_done
        self.crew: Crew | None = None
        self.current: Job | None = None
        self.is_ready = self.is_told_to_leave = self.is_stopping = False
        self.last_beat = self.last_step = self.last_work = clock.monotonic()
        self.usual_step_seconds = 0.0
        self.false_starts = self.lost_devices = self.endings_in_a_row = 0
        self._wake = asyncio.Event()
        self._asleep_before = clock.boot() - clock.monotonic()

    # ---- for the pages

    def wake(self) -> None:
        """Something may be to do: a new picture, another mode."""
        self._wake.set()

    async def cancel(self, job: int) -> Job | None:
        """End a job for good; its worker leaves it after the step that is going on. None = it had ended already."""
        cancelled = await self.write(lambda db: queue.cancel(db, job, self.clock.now_ms()))
        if cancelled is not None and self.current is not None and self.current.id == job and self.crew is not None:
            await self.crew.send(Cancel(job, self.current.attempt))
        self.wake()
        return cancelled

    async def set_mode(self, mode: Mode, until: int | None = None, reason: str = "") -> None:
        """Draw, drain, give the GPU back until a time, or pause; it survives a restart."""
        body = json.dumps({"mode": mode, "until": until, "reason": reason})
        await self.write(lambda db: db.execute("INSERT OR REPLACE INTO meta VALUES ('mode', ?)", (body,)))
        self.hub.mode, self.hub.until, self.hub.reason = mode, until, reason
        if mode == "drawing":
            self.false_starts = self.lost_devices = 0
        self.hub.ring()
        self.wake()

    # ---- life

    async def run(self) -> None:
        """Until `stop`; an error ends the process, for a page that looks alive over a dead line is worse than none."""
        await self.recover()
        while not self.is_stopping:
            if not await self.wants_worker():
                self.hub.worker = "unloaded"
                await self.nap()
                continue
            await self.attend(await self.start())
            await self.pause_before_restart()

    async def stop(self) -> None:
        """Claim nothing more, let the worker keep and leave."""
        self.is_stopping = True
        self.wake()

    async def recover(self) -> None:
        """After a restart: end what an earlier server left running, then put its pictures back in their turns."""
        rows = await self.store_read(lambda db: queue.in_state(db, "running"))
        for job in rows:
            await end_leftover(job.worker or "", self.patience.leave)
            back = partial(queue.interrupt, job=job.id, attempt=job.attempt, now=self.clock.now_ms())
            await self.insist(back)
        found = await self.store_read(
            lambda db: dict(db.execute("SELECT name, value FROM meta WHERE name IN ('mode', 'ready')").fetchall())
        )
        mode = json.loads(found.get("mode", "{}"))
        self.hub.mode = mode.get("mode", "drawing")
        self.hub.until, self.hub.reason = mode.get("until"), mode.get("reason", "")
        if "ready" in found:
            self.publish(Ready(**json.loads(found["ready"])))
        self.hub.ring(line=True)

    async def wants_worker(self) -> bool:
        """Whether there should be a worker now."""
        await self.end_mode_in_time()
        if self.is_stopping or self.hub.mode in ("gaming", "paused"):
            return False
        return not self.is_idle() or not self.hub.offers or await self.has_work()

    def is_idle(self) -> bool:
        """Whether nothing was drawn for so long that the memory is better free."""
        idle = self.clock.monotonic() - self.last_work
        return self.current is None and 0 < self.idle_unload_seconds < idle

    async def has_work(self) -> bool:
        """Whether a picture could begin."""
        if self.hub.mode != "drawing":
            return False
        return (
            await self.store_read(lambda db: db.execute("SELECT 1 FROM job WHERE state='queued'").fetchone())
            is not None
        )

    async def end_mode_in_time(self) -> None:
        """Gaming until 23:00 ends at 23:00."""
        if self.hub.until is not None and self.clock.now_ms() >= self.hub.until:
            await self.set_mode("drawing")

    async def start(self) -> Crew:
        """A fresh worker."""
        self.is_ready = self.is_told_to_leave = False
        self.hub.worker = "starting"
        self.hub.ring()
        self.last_beat = self.last_work = self.clock.monotonic()
        self.crew = await self.start_crew()
        return self.crew

    async def attend(self, crew: Crew) -> None:
        """Give it work until it has ended, then settle what it left."""
        listening = asyncio.create_task(self.listen(crew))
        try:
            while not listening.done():
                await self.give(crew)
                await self.watch(crew)
                await self.nap(listening)
            await listening
        finally:
            listening.cancel()
            crew.kill()
            await crew.wait()
        await self.settle()

    async def nap(self, *others: asyncio.Task[None]) -> None:
        """Until woken, until one of `others` is done, or for a tick."""
        waking = asyncio.create_task(self._wake.wait())
        await asyncio.wait({waking, *others}, timeout=self.patience.tick, return_when=asyncio.FIRST_COMPLETED)
        waking.cancel()
        self._wake.clear()

    async def give(self, crew: Crew) -> None:
        """The next picture, if the worker is free for one."""
        if self.current is not None or not self.is_ready or self.is_told_to_leave or self.hub.mode != "drawing":
            return
        try:
            job = await self.write(lambda db: queue.claim(db, crew.mark, self.clock.now_ms()))
        except StoreFullError:  # the page says so at the next submission; what waits, waits
            return
        if job is None:
            return
        self.current = job
        self.last_step = self.last_work = self.clock.monotonic()
        self.hub.progress = Progress(job.id, job.attempt, job.steps, steps_done=job.kept_step)
        self.hub.worker = "drawing"
        self.hub.ring(line=True)
        await crew.send(Draw(job.id, job.attempt, dict(job.config), str(self.home.picture_folder(job.key))))

    async def watch(self, crew: Crew) -> None:
        """End a worker that is not wanted, or hangs."""
        self.notice_sleep()
        now = self.clock.monotonic()
        if not self.is_told_to_leave and not await self.is_wanted():
            self.is_told_to_leave, self.told_to_leave_at = True, now
            await crew.send(Leave())
        elif self.is_told_to_leave and now - self.told_to_leave_at > self.patience.leave:
            crew.kill()
        elif now - self.last_beat > self.patience.beat:
            log.error("worker without a beat for %.0f s: killed", now - self.last_beat)
            crew.kill()
        elif self.current is not None and self.is_ready and now - self.last_step > self.stuck_after():
            log.error("worker without a step for %.0f s: killed", now - self.last_step)
            crew.kill()

    async def is_wanted(self) -> bool:
        """Whether the worker should go on."""
        await self.end_mode_in_time()
        if self.is_stopping or self.hub.mode in ("gaming", "paused"):
            return False
        return not (self.is_ready and self.is_idle() and not await self.has_work())

    def stuck_after(self) -> float:
        """Seconds without a step that mean it hangs."""
        return max(self.patience.stuck, STUCK_STEPS * self.usual_step_seconds)

    def notice_sleep(self) -> None:
        """A machine that slept counts that time for boot and not for the monotonic clock."""
        asleep = self.clock.boot() - self.clock.monotonic()
        if asleep - self._asleep_before > NAP_SECONDS:
            self.hub.slept_seconds = asleep - self._asleep_before
            self.last_beat = self.last_step = self.clock.monotonic()
            self.hub.ring()
        self._asleep_before = asleep

    async def settle(self) -> None:
        """The worker is gone: its picture goes back to its turn, with blame where it was not told to leave."""
        job, self.current, self.crew, self.hub.progress = self.current, None, None, None
        was_told, was_ready = self.is_told_to_leave, self.is_ready
        self.is_ready = False
        self.hub.worker = "unloaded" if was_told else "gone"
        if job is not None:
            end = queue.interrupt if was_told else queue.crash
            await self.insist(lambda db: end(db, job.id, job.attempt, self.clock.now_ms()))
        self.false_starts = 0 if was_ready or was_told else self.false_starts + 1
        self.hub.ring(line=job is not None)
        if self.false_starts >= MOST_FALSE_STARTS:
            self.false_starts = 0
            await self.set_mode("paused", reason="The worker does not start: see the log on the owner's page.")

    async def pause_before_restart(self) -> None:
        """Wait a little longer with every worker that ended unasked."""
        if self.is_told_to_leave:
            self.endings_in_a_row = 0
            return
        self.endings_in_a_row += 1
        waits = self.patience.restart
        await asyncio.sleep(0 if self.is_stopping else waits[min(self.endings_in_a_row, len(waits)) - 1])

    # ---- what the worker tells

    async def listen(self, crew: Crew) -> None:
        """Until it has ended."""
        async for telling in crew.tellings():
            self.last_beat = self.clock.monotonic()
            if not isinstance(telling, Beat):
                await self.hear(telling)

    async def hear(self, telling: Telling) -> None:
        """One telling; those of another attempt change nothing."""
        if isinstance(telling, Ready):
            await self.hear_ready(telling)
        elif isinstance(telling, Stepped | Previewed | Began | Kept):
            if self.is_current(telling.job, telling.attempt):
                await self.hear_progress(telling)
        elif isinstance(telling, Done | Failed | Interrupted):
            await self.hear_ending(telling)

    def is_current(self, job: int, attempt: int) -> bool:
        """Whether that is what is being drawn."""
        return self.current is not None and (self.current.id, self.current.attempt) == (job, attempt)

    async def hear_ready(self, ready: Ready) -> None:
        """The worker is free, and says what it can draw."""
        self.publish(ready)
        self.is_ready, self.false_starts = True, 0
        self.hub.worker = "ready"
        body = json.dumps(asdict(ready))
        with contextlib.suppress(StoreFullError):
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
            with contextlib.suppress(StoreFullError):
                await self.write(lambda db: queue.keep(db, telling.job, telling.attempt, telling.step))
        self.hub.ring()

    async def hear_ending(self, ending: Done | Failed | Interrupted) -> None:
        """An attempt is over; one that came too late changes nothing but the worker's freedom."""
        now, is_current = self.clock.now_ms(), self.is_current(ending.job, ending.attempt)
        job = self.current if is_current else await self.store_read(lambda db: queue.by_id(db, ending.job))
        if isinstance(ending, Done):
            await self.hear_done(ending, job, now)
        elif isinstance(ending, Failed):
            await self.hear_failed(ending, now)
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

    async def hear_done(self, done: Done, job: Job | None, now: int) -> None:
        """Done is what has a picture on the disk."""
        if job is None:
            return
        folder = self.home.picture_folder(job.key)
        if not (folder / PICTURE).is_file():
            await self.insist(lambda db: queue.fail(db, done.job, done.attempt, now, code="bug", note="no picture"))
            return
        size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())

        def finish(db: sqlite3.Connection) -> Job | None:
            ended = queue.finish(db, done.job, done.attempt, now, seconds=done.work_seconds, size=size)
            if ended is not None:
                self.on_done(db, ended, now)
            return ended

        ended = await self.insist(finish)
        self.lost_devices = self.endings_in_a_row = 0
        if ended is not None:
            self.history.add(kind_of(ended.config, ended.wish["preset"]), ended.work_seconds)

    async def hear_failed(self, failed: Failed, now: int) -> None:
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
            await self.insist(lambda db: queue.fail(db, job, attempt, now, code=code, note=note))

    async def was_thriftier(self, job: int) -> bool:
        """Whether it was tried in less memory already."""
        found = await self.store_read(lambda db: queue.by_id(db, job))
        return found is not None and found.note == "thriftier"

    async def count_lost_device(self) -> None:
        """Three lost devices in a row: the machine needs a person."""
        self.lost_devices += 1
        if self.lost_devices >= MOST_LOST_DEVICES:
            await self.set_mode("paused", reason="The GPU was lost three times in a row: see dreamrig doctor.")

    async def sweep(self, job: Job) -> None:
        """Remove the files of a job that was cancelled: nobody will look at them."""
        found = await self.store_read(lambda db: queue.by_id(db, job.id))
        if found is not None and found.state == "cancelled":
            await asyncio.to_thread(shutil.rmtree, self.home.picture_folder(job.key), ignore_errors=True)

    # ---- the store

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Durably, or with what went wrong."""
        return await asyncio.wrap_future(self.store.write(work))

    async def store_read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What is committed."""
        return await asyncio.wrap_future(self.store.read(work))

    async def insist(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """An ending must be written down: on a full disk it is tried until there is room."""
        while True:
            try:
                return await self.write(work)
            except StoreFullError:
                if self.is_stopping:
                    raise
                await asyncio.sleep(self.patience.tick)
