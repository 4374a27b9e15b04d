"""Hands pictures to the worker, and ends one that is not wanted or hangs. The one task that must not die.

Liveness goes by the pipe's end, the process's mark and the clock that never jumps; never by wall time.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial

from generator.crew.local import Crew, end_leftover
from generator.crew.protocol import (
    EXIT_NO_PLACE,
    EXIT_NO_ROOM,
    Cancel,
    Draw,
    Leave,
    Ready,
)
from generator.serve.clock import Clock
from generator.serve.home import Home
from generator.serve.line import queue
from generator.serve.line.desk import OnDone
from generator.serve.line.estimate import History
from generator.serve.line.listener import Listener
from generator.serve.line.live import Hub, Progress
from generator.serve.line.queue import QueuedJob
from generator.serve.settings import Patience
from generator.serve.store import Store, StoreRefusedError
from generator.serve.wish import WishError, find_offer, recorded_wish

log = logging.getLogger("dreamrig.serve")
StartCrew = Callable[[], Awaitable[Crew]]
STUCK_STEPS = 20
ESTIMATES_ARE_HIGH = 0.9
"""What a picture needs is estimated from above: so much of it has to be free."""
MOST_FALSE_STARTS = 3
NAP_SECONDS = 60.0


class Dispatcher(Listener):
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
        on_done: OnDone = lambda db, job, now: None,
    ) -> None:
        """start_crew: makes a worker.   on_done: see Desk."""
        super().__init__(store, hub, home, clock=clock, history=history, patience=patience, on_done=on_done)
        self.start_crew, self.idle_unload_seconds = start_crew, idle_unload_seconds
        self._asleep_before = self.clock.boot() - self.clock.monotonic()

    # ---- for the pages

    async def cancel(self, job: int) -> QueuedJob | None:
        """End a job for good; its worker leaves it after the step that is going on. None = it had ended already."""
        cancelled = await self.write(lambda db: queue.cancel(db, job, self.clock.now_ms()))
        if cancelled is not None and self.current is not None and self.current.id == job and self.crew is not None:
            await self.crew.send(Cancel(job, self.current.attempt))
        self.wake()
        return cancelled

    # ---- life

    async def run(self) -> None:
        """Until `stop`; an error ends the process, for a page that looks alive over a dead line is worse than none."""
        await self.recover()
        while not self.is_stopping:
            await self.notice_sleep()
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
        await self.void_promises()  # nobody drew for a while
        rows = await self.store_read(lambda db: queue.in_state(db, "running"))
        for job in rows:
            await end_leftover(job.worker or "", self.patience.leave)
            back = partial(queue.interrupt, job=job.id, attempt=job.attempt, now=self.clock.now_ms())
            await self.insist(back)
        for job in await self.store_read(lambda db: queue.in_state(db, "cancelled")):
            await self.remove_files(job)
        found = await self.store_read(
            lambda db: dict(db.execute("SELECT name, value FROM meta WHERE name IN ('mode', 'ready')").fetchall())
        )
        mode = json.loads(found.get("mode", "{}"))
        self.take_mode(mode.get("mode", "drawing"), mode.get("until"), mode.get("reason", ""))
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
            self.exit_code = await crew.wait()
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
            job, is_crowded = await self.write(lambda db: self.claim(db, crew.mark))
        except StoreRefusedError:  # the page says so at the next submission; what waits, waits
            return
        except WishError as error:
            await self.give_up_next(crew.mark, error.message)
            return
        if is_crowded != (self.hub.worker == "crowded"):
            self.hub.worker = "crowded" if is_crowded else "ready"
            self.hub.ring()
            if is_crowded:
                await self.void_promises()
        if job is None:
            return
        self.current = job
        self.last_step = self.last_work = self.clock.monotonic()
        self.hub.progress = Progress(job.id, job.attempt, job.steps, steps_done=job.kept_step)
        self.hub.worker = "drawing"
        self.hub.ring(line=True)
        await crew.send(Draw(job.id, job.attempt, dict(job.config), str(self.home.picture_folder(job.key))))

    async def give_up_next(self, mark: str, why: str) -> None:
        """The next one cannot be drawn by this version: it fails in words, the others wait no longer for it."""

        def end(db: sqlite3.Connection) -> None:
            job, now = queue.next_up(db), self.clock.now_ms()
            if job is None or not is_unreadable(job):  # cancelled meanwhile
                return
            queue.claim(db, mark, now)
            queue.fail(db, job.id, job.attempt + 1, now, code="bad_request", note=why)

        await self.insist(end)
        self.hub.ring(line=True)
        self.wake()

    def claim(self, db: sqlite3.Connection, mark: str) -> tuple[QueuedJob | None, bool]:
        """The next picture, if there is one and room for it now; and whether room is what it lacks.

        WishError where this version does not know what it asks for.
        """
        job = queue.next_up(db)
        if job is None:
            return None, False
        needs_mib, free_mib = self.needs_mib(job), self.hub.free_mib
        if free_mib is not None and ESTIMATES_ARE_HIGH * needs_mib > free_mib:
            return None, True
        return queue.claim(db, mark, self.clock.now_ms()), False

    def needs_mib(self, job: QueuedJob) -> float:
        """Of the device's memory; 0 = the worker has told nothing about such a picture."""
        wish = recorded_wish(job.wish)
        offer = find_offer(self.hub.offers, wish.preset, wish.shape, wish.kind)
        return offer.needs_mib if offer is not None and offer.fits else 0.0

    async def watch(self, crew: Crew) -> None:
        """End a worker that is not wanted, or hangs."""
        await self.notice_sleep()
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

    async def notice_sleep(self) -> None:
        """A machine that slept counts that time for boot and not for the monotonic clock."""
        asleep = self.clock.boot() - self.clock.monotonic()
        before, self._asleep_before = self._asleep_before, asleep
        if asleep - before > NAP_SECONDS:
            self.hub.slept_seconds = asleep - before
            self.last_beat = self.last_step = self.clock.monotonic()
            self.hub.ring()
            await self.void_promises()

    async def settle(self) -> None:
        """The worker is gone: its picture goes back to its turn, with blame where nobody sent it and it had room."""
        job, self.current, self.crew, self.hub.progress = self.current, None, None, None
        self.hub.gauge = None
        was_told, was_ready, found_room = self.is_told_to_leave, self.is_ready, self.exit_code != EXIT_NO_ROOM
        self.is_ready = False
        self.hub.worker = "unloaded" if was_told else "gone" if found_room else "crowded"
        if job is not None:
            end = queue.interrupt if was_told or not found_room else queue.crash
            await self.insist(lambda db: end(db, job.id, job.attempt, self.clock.now_ms()))
            await self.sweep(job)
        if not found_room:
            await self.void_promises()
        if was_ready or was_told or not found_room:
            self.false_starts = 0
        elif self.exit_code != EXIT_NO_PLACE:
            self.false_starts += 1
        self.hub.ring(line=job is not None)
        if self.false_starts >= MOST_FALSE_STARTS:
            self.false_starts = 0
            await self.change_mode("paused", reason="The worker does not start: see the log on the owner's page.")

    async def pause_before_restart(self) -> None:
        """Wait a little longer with every worker that ended unasked."""
        if self.is_told_to_leave:
            self.endings_in_a_row = 0
            return
        if self.exit_code == EXIT_NO_ROOM:
            await self.rest(self.patience.crowded)
            return
        self.endings_in_a_row += 1
        waits = self.patience.restart
        await self.rest(waits[min(self.endings_in_a_row, len(waits)) - 1])

    async def rest(self, seconds: float) -> None:
        """Wait that long, or until the server stops."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not self.is_stopping and (left := deadline - loop.time()) > 0:
            await asyncio.sleep(min(left, self.patience.tick))
            await self.notice_sleep()


def is_unreadable(job: QueuedJob) -> bool:
    """Whether another version wrote a wish that this one does not know all of."""
    try:
        recorded_wish(job.wish)
    except WishError:
        return True
    return False
