"""What a server can do for somebody, without a web in it: pages, API and Discord are its clients."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dreamrig import __version__
from dreamrig.paths import free_mib
from generator.crew.menu import CHOICES, SHAPES
from generator.crew.protocol import FILM, LIVE, PICTURE
from generator.serve import outbox, reports, views
from generator.serve.clock import Clock
from generator.serve.friends import Friend
from generator.serve.home import Home, new_key
from generator.serve.line import queue
from generator.serve.line.admission import Pace, Refused, check_disk, check_line, check_pace, needed_mib
from generator.serve.line.dispatcher import Dispatcher
from generator.serve.line.estimate import History, Range, hit_rate, kind_of, words
from generator.serve.line.live import Hub, Mode
from generator.serve.line.queue import New, QueuedJob
from generator.serve.settings import ServeSettings, parse_end
from generator.serve.store import Store, StoreFullError, StoreRefusedError
from generator.serve.views import LineSeen
from generator.serve.wall import toggle_heart, wall_query
from generator.serve.wish import FriendWish, WishError, find_offer, has_held, read_wish, recorded_wish, to_config

log = logging.getLogger("dreamrig.serve")
T = TypeVar("T")
Also = Callable[[sqlite3.Connection, QueuedJob], None]
FILES = {
    "picture": PICTURE,
    "large": "picture-large.png",
    "live": LIVE,
    "thumb-256": "thumb-256.jpg",
    "thumb-512": "thumb-512.jpg",
    "film": FILM,
}
"""Kind -> file name in a picture's folder: no path comes from a client."""
CHOSEN = tuple(f"{preset} {shape}" for preset in CHOICES for shape in SHAPES)
"""What can be chosen on the first page, each with a time of its own."""
VARIATIONS = 4
"""Of a mutated picture."""
BUSY_SECONDS = 10
LONGEST_REASON = 200
"""Characters that the owner has for why a picture is not drawn."""


class NotFoundError(Exception):
    """There is no such picture, or not for this viewer: the same answer."""


@dataclass
class Service:
    """Everything one server is made of."""

    home: Home
    settings: ServeSettings
    store: Store
    hub: Hub
    clock: Clock
    history: History
    dispatcher: Dispatcher
    secret: bytes

    def __post_init__(self) -> None:
        self.pace = Pace(self.clock.monotonic)
        self.knocks = Pace(self.clock.monotonic)
        self.filming = asyncio.Lock()
        self._line: tuple[int, LineSeen] | None = None
        self._line_lock = asyncio.Lock()

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Durably; Refused in words where the disk is full, or the database held by another program."""
        with told_in_words():
            return await asyncio.wrap_future(self.store.write(work))

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What is committed; Refused in words where the database is held by another program."""
        with told_in_words():
            return await asyncio.wrap_future(self.store.read(work))

    def changed(self) -> None:
        """A row changed: tell those who watch, and the dispatcher."""
        self.hub.ring(line=True)
        self.dispatcher.wake()

    # ---- the line

    async def line(self) -> LineSeen:
        """The line of now, read once per change however many look."""
        async with self._line_lock:
            version = self.hub.line_version
            if self._line is None or self._line[0] != version:
                self._line = version, await self.read(read_line)
            return self._line[1]

    async def submit(
        self, friend: Friend, wish: FriendWish, request: str | None = None, also: Also = lambda db, job: None
    ) -> QueuedJob:
        """Put a wish into the line: durable when this returns. Refused or WishError in words.

        request: the same one gives the same job.   also: what else belongs into the transaction of a new job.
        """
        return (await self.submit_times(1, friend, wish, request, also))[0]

    async def submit_times(
        self,
        times: int,
        friend: Friend,
        wish: FriendWish,
        request: str | None = None,
        also: Also = lambda db, job: None,
    ) -> list[QueuedJob]:
        """The same wish so many times, with a seed for each: all of them are put into the line, or none."""
        requests = requests_of(request, times)
        before = await self.read(lambda db: sent_before(db, friend.id, requests))
        if before:
            return before
        check_pace(self.pace, friend, times)
        news = await self.prepared(friend, wish, requests)

        def put(db: sqlite3.Connection) -> list[QueuedJob]:
            if not sent_before(db, friend.id, requests):
                check_line(db, friend, times)
            require_start(None if news[0].parent is None else queue.by_id(db, news[0].parent))
            made = [queue.submit(db, new, self.clock.now_ms()) for new in news]
            for one in made:
                also(db, one)
            return made

        jobs = await self.write(put)
        self.changed()
        return jobs

    async def prepared(self, friend: Friend, wish: FriendWish, requests: Sequence[str | None]) -> list[New]:
        """A submission per request, every decision made. Refused or WishError in words."""
        if not self.hub.offers:
            raise Refused(503, "waking_up", "The machine is still waking up: try again in a few seconds.", 5)
        parent = None if wish.parent is None else await self.seen(friend, wish.parent)
        require_start(parent)
        start = None if parent is None else str(self.home.picture_folder(parent.key) / PICTURE)
        configs = [to_config(wish, self.hub.offers, start).to_dict() for _ in requests]
        room = await asyncio.to_thread(free_mib, self.home.root)
        check_disk(room, needed_mib(configs[0]) * len(requests), self.settings.keep_free_mib)
        kind = kind_of(configs[0], wish.preset)
        whole = self.history.range_of(kind)
        is_held = has_held(wish.prompt, self.settings.held_words)
        promised = None
        if self.is_drawing() and not is_held:
            promised = views.time_left(None, await self.line(), self.hub, self.history, kind)
        return [
            New(
                key=new_key(),
                friend=friend.id,
                wish=wish.to_dict(),
                config=config,
                made_by=__version__,
                cost=0.0 if whole is None else whole.high,
                request=request,
                parent=None if parent is None else parent.id,
                is_held=is_held,
                promised=promised_after(earlier, whole, promised),
            )
            for earlier, (config, request) in enumerate(zip(configs, requests, strict=True))
        ]

    def is_drawing(self) -> bool:
        """Whether the machine is at the friends' disposal."""
        return self.hub.mode == "drawing" and self.hub.worker != "crowded"

    async def promise(self, preset: str, shape: str) -> Range | None:
        """What a new picture would take from now on, waiting included."""
        offer = find_offer(self.hub.offers, preset, shape, "plain")
        if offer is None:
            return None
        return views.time_left(None, await self.line(), self.hub, self.history, kind_of(offer.config, preset))

    async def own(self, friend: Friend, key: str) -> QueuedJob:
        """A picture of this friend's own; NotFoundError for anybody else's. The owner may act on every one."""
        job = await self.read(lambda db: queue.by_key(db, key))
        if job is None or not (job.friend == friend.id or friend.is_owner):
            raise NotFoundError
        return job

    async def seen(self, friend: Friend, key: str) -> QueuedJob:
        """A picture whose content this friend may see; NotFoundError otherwise."""
        job = await self.read(lambda db: queue.by_key(db, key))
        if job is None or not views.may_see(job, friend, self.settings.visibility):
            raise NotFoundError
        return job

    async def view(self, friend: Friend, key: str) -> dict[str, Any]:
        """One picture for one viewer; a running or waiting one of somebody else without what is hidden."""
        job = await self.read(lambda db: queue.by_key(db, key))
        if job is None or (job.is_final and not views.may_see(job, friend, self.settings.visibility)):
            raise NotFoundError
        return self.view_of(job, friend, await self.line())

    def view_of(self, job: QueuedJob, friend: Friend, line: LineSeen) -> dict[str, Any]:
        """The same for a job at hand."""
        return views.job_view(job, friend, line, self.hub, self.history, self.settings.visibility)

    async def whole_state(self, friend: Friend) -> dict[str, Any]:
        """Everything a page needs to be right."""
        line = await self.line()
        state = views.line_view(friend, line, self.hub, self.history, self.settings.visibility)
        state["event"] = await self.read(queue.newest_event)
        state["next"] = await self.next_of(friend)
        return state

    async def next_of(self, friend: Friend) -> dict[str, Any]:
        """Where this friend's next picture would join the line, and what each choice would take, in words."""
        times = {kind: await self.promise(*kind.split()) for kind in CHOSEN}
        left = {kind: None if one is None else words(one) for kind, one in times.items()}
        return {"number": await self.number_of_next(friend), "left": left}

    # ---- what a friend does with a picture

    async def cancel(self, friend: Friend, key: str) -> QueuedJob:
        """End it for good, wherever it is; what had ended stays as it is."""
        job = await self.own(friend, key)
        with told_in_words():
            cancelled = await self.dispatcher.cancel(job.id)
        if cancelled is not None and job.state != "running":
            await asyncio.to_thread(self.home.remove_picture, key)
        self.changed()
        return cancelled or job

    async def refuse(self, owner: Friend, key: str, reason: str) -> None:
        """The owner's word on what is held or parked: it is not drawn, for that reason; what had moved on goes on."""
        job, now, said = await self.own(owner, key), self.clock.now_ms(), reason_in(reason)
        if await self.write(lambda db: queue.refuse(db, job.id, now, said)) is not None:
            await asyncio.to_thread(self.home.remove_picture, key)
        self.changed()

    async def stuck(self, friend: Friend) -> list[QueuedJob]:
        """Pictures of this friend's that do not go on by themselves."""
        return await self.read(lambda db: queue.stuck(db, friend.id))

    async def set_mode(self, mode: Mode, length: str = "0") -> None:
        """Draw, or for so long ("3h", or until "23:00"; "0" = until told otherwise) drain, give the GPU back, or pause.

        UsageError for a length that is none; Refused in words where the mode cannot be kept.
        """
        end = parse_end(length, self.clock.now_ms())
        until = None if mode == "drawing" else end
        with told_in_words():
            await self.dispatcher.set_mode(mode, until)

    async def retry(self, friend: Friend, key: str, request: str | None = None) -> QueuedJob:
        """The same wish as a new job. request: see submit."""
        job = await self.own(friend, key)
        if job.state not in ("failed", "cancelled"):
            raise Refused(409, "not_failed", "Only what failed or was cancelled can be tried again.")
        return await self.submit(friend, recorded_wish(job.wish), request)

    async def again(
        self, friend: Friend, key: str, request: str | None = None, also: Also = lambda db, job: None
    ) -> QueuedJob:
        """The wish of a picture that this friend sees, with another seed."""
        job = await self.seen(friend, key)
        return await self.submit(friend, read_wish({**job.wish, "seed": None}), request, also)

    async def mutate(self, friend: Friend, key: str, request: str | None = None) -> list[QueuedJob]:
        """Four that start from a picture that this friend sees, or none."""
        job = await self.seen(friend, key)
        wish = read_wish({**job.wish, "seed": None, "parent": key})
        return await self.submit_times(VARIATIONS, friend, wish, request)

    async def hide(self, friend: Friend, key: str, hidden: bool) -> QueuedJob:
        """Out of everybody else's sight, or back in it; another's picture by the owner's word, which stands."""
        job = await self.own(friend, key)
        now = self.clock.now_ms()

        def change(db: sqlite3.Connection) -> None:
            if job.friend != friend.id:
                reports.judge(db, job.id, friend.id, hidden, now)
            elif not hidden:
                reports.require_free(db, job.id)
            queue.hide(db, job.id, hidden)
            outbox.reopen(db, outbox.DISCORD_POST, job.id, now)

        await self.write(change)
        self.changed()
        return job

    async def acquit(self, owner: Friend, key: str) -> None:
        """The owner's word on a reported picture: left as it is, also as its friend has hidden it."""
        job, now = await self.own(owner, key), self.clock.now_ms()
        await self.write(lambda db: reports.judge(db, job.id, owner.id, False, now))
        self.changed()

    async def number_of_next(self, friend: Friend) -> int:
        """In the line, of the next picture of this friend's: 1 comes after what is being drawn."""
        return await self.read(lambda db: queue.number_of_next(db, friend.id))

    async def delete(self, friend: Friend, key: str) -> None:
        """Remove an ended picture's files; its row stays, its shares end."""
        job = await self.own(friend, key)
        if not job.is_final:
            raise Refused(409, "not_ended", "Cancel it first.")
        now = self.clock.now_ms()

        def remove(db: sqlite3.Connection) -> None:
            if queue.has_children_in_line(db, job.id):
                raise Refused(
                    409, "in_use", "A picture that is still to come starts from it: hide it now, delete it later."
                )
            queue.mark_deleted(db, job.id, now)
            outbox.reopen(db, outbox.DISCORD_POST, job.id, now)

        await self.write(remove)
        await asyncio.to_thread(self.home.remove_picture, key)
        self.changed()

    async def heart(self, friend: Friend, key: str) -> bool:
        """Like it, or no longer; whether it is liked now."""
        job = await self.seen(friend, key)
        return await self.write(lambda db: toggle_heart(db, job.id, friend.id))

    # ---- the wall

    async def wall(
        self, viewer: Friend, *, before: str | None = None, words: str = "", by: str = "", loved: bool = False
    ) -> list[QueuedJob]:
        """Finished pictures that the viewer may see, newest first, from after the one called `before` on."""
        query, values = wall_query(viewer, self.settings.visibility, before, words, by, loved)
        try:
            rows = await self.read(lambda db: db.execute(query, values).fetchall())
        except sqlite3.OperationalError:  # words that FTS cannot read, e.g. a lone quote
            return []
        return [QueuedJob.from_row(row) for row in rows]

    async def hit_rate(self) -> float | None:
        """Which share of the promised ranges held, of those that no person came in the way of."""
        rows = await self.read(
            lambda db: db.execute(
                "SELECT promised_low, promised_high, (ended_at - made_at) / 1000.0 FROM job WHERE state='done' AND"
                " promised_low IS NOT NULL ORDER BY id DESC LIMIT 500"
            ).fetchall()
        )
        return hit_rate([(row[0], row[1], row[2]) for row in rows])

    def file(self, job: QueuedJob, kind: str) -> Path:
        """A file of a picture; NotFoundError where there is none of that kind yet."""
        name = FILES.get(kind)
        if name is None or (kind != "live" and job.state != "done"):
            raise NotFoundError
        path = self.home.picture_folder(job.key) / name
        if kind == "large" and not path.is_file():
            path = path.with_name(PICTURE)
        if not path.is_file():
            raise NotFoundError
        return path


def requests_of(request: str | None, times: int) -> list[str | None]:
    """The idempotency key of each of so many submissions that come as one."""
    if request is None or times == 1:
        return [request] * times
    return [f"{request}.{number}" for number in range(times)]


def sent_before(db: sqlite3.Connection, friend: int, requests: Sequence[str | None]) -> list[QueuedJob]:
    """What those submissions made the first time; empty where they are new."""
    found = [queue.by_request(db, friend, request) for request in requests if request is not None]
    return [job for job in found if job is not None]


def promised_after(earlier: int, whole: Range | None, promised: Range | None) -> tuple[float, float] | None:
    """The promise of one that comes after so many of its own kind that are asked for with it; seconds."""
    if promised is None or whole is None:
        return None
    found = promised + whole.times(earlier)
    return found.low, found.high


def reason_in(text: str) -> str:
    """A reason, tidied; "" = none was given. WishError for one that cannot be shown."""
    said = " ".join(text.split())
    if len(said) > LONGEST_REASON or not said.isprintable():
        raise WishError("reason", "That is no reason.", hint=f"use up to {LONGEST_REASON} ordinary characters")
    return said


def require_start(parent: QueuedJob | None) -> None:
    """WishError where a picture to go on from is not there (any more)."""
    if parent is not None and parent.deleted_at is not None:
        raise WishError("parent", "That picture was deleted.")
    if parent is not None and parent.state != "done":
        raise WishError("parent", "That picture is not done.")


@contextlib.contextmanager
def told_in_words() -> Iterator[None]:
    """What the store refuses, as friends are told."""
    try:
        yield
    except StoreFullError as error:
        raise Refused(507, "disk_full", "The disk here is full: nothing was saved. Tell the owner.") from error
    except StoreRefusedError as error:
        raise Refused(503, "database_busy", "The server cannot reach its data now: try again.", BUSY_SECONDS) from error


async def was_taken(work: Awaitable[object], told: str) -> bool:
    """Whether it was done. A refusal of the store is a line of the log, and no end of a task that comes again."""
    try:
        await work
    except (Refused, StoreRefusedError) as refused:
        log.warning("%s: %s", told, refused.message)
        return False
    return True


def read_line(db: sqlite3.Connection) -> LineSeen:
    """The line, everybody's names, and how many are in which state."""
    names = dict(db.execute("SELECT id, name FROM friend").fetchall())
    rows = db.execute(
        "SELECT state, count(*) FROM job WHERE state IN ('queued','running','held','parked') GROUP BY state"
    )
    counts = {"queued": 0, "running": 0, "held": 0, "parked": 0, **dict(rows.fetchall())}
    return LineSeen(queue.line(db), names, counts)


def read_history(db: sqlite3.Connection, history: History) -> None:
    """Fill the history with what jobs took before this start."""
    rows = db.execute("SELECT * FROM job WHERE state='done' ORDER BY id DESC LIMIT 1000").fetchall()
    for job in map(QueuedJob.from_row, reversed(rows)):
        history.add(kind_of(job.config, job.wish["preset"]), job.work_seconds)
