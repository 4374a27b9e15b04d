"""What a server can do for somebody, without a web in it: pages, API and Discord are its clients."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dreamrig import __version__
from dreamrig.paths import free_mib
from generator.crew.protocol import LIVE, PICTURE
from generator.serve import friends, queue, views
from generator.serve.admission import Pace, Refused, check_disk, check_line, check_pace
from generator.serve.clock import Clock
from generator.serve.dispatcher import Dispatcher
from generator.serve.estimate import History, Range, hit_rate, kind_of
from generator.serve.friends import Friend
from generator.serve.home import Home, new_key
from generator.serve.live import Hub
from generator.serve.queue import Job, New
from generator.serve.settings import ServeSettings
from generator.serve.store import Store, StoreFullError
from generator.serve.views import Line
from generator.serve.webhook import put as outbox_put
from generator.serve.wish import FriendWish, WishError, find_offer, to_config

T = TypeVar("T")
FILES = {
    "picture": PICTURE,
    "large": "picture-large.png",
    "live": LIVE,
    "thumb-256": "thumb-256.jpg",
    "thumb-512": "thumb-512.jpg",
}
"""Kind -> file name in a picture's folder: no path comes from a client."""
NEEDED_MIB = 16.0
"""Picture, enlargement, thumbnails and checkpoint of one job, generously."""
PAGE = 24


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
        self._line: tuple[int, Line] | None = None
        self._line_lock = asyncio.Lock()

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Durably; Refused in words where the disk is full."""
        try:
            return await asyncio.wrap_future(self.store.write(work))
        except StoreFullError as error:
            raise Refused(507, "disk_full", "The disk here is full: nothing was saved. Tell the owner.") from error

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What is committed."""
        return await asyncio.wrap_future(self.store.read(work))

    def changed(self) -> None:
        """A row changed: tell those who watch, and the dispatcher."""
        self.hub.ring(line=True)
        self.dispatcher.wake()

    # ---- the line

    async def line(self) -> Line:
        """The line of now, read once per change however many look."""
        async with self._line_lock:
            version = self.hub.line_version
            if self._line is None or self._line[0] != version:
                self._line = version, await self.read(read_line)
            return self._line[1]

    async def submit(self, friend: Friend, wish: FriendWish, request: str | None = None) -> Job:
        """Put a wish into the line: durable when this returns. Refused or WishError in words."""
        if request is not None:
            before = await self.read(lambda db: queue.by_request(db, friend.id, request))
            if before is not None:
                return before
        check_pace(self.pace, friend)
        if not self.hub.offers:
            raise Refused(503, "waking_up", "The machine is still waking up: try again in a few seconds.", 5)
        parent = None if wish.parent is None else await self.seen(friend, wish.parent)
        if parent is not None and parent.state != "done":
            raise WishError("parent", "That picture is not done.")
        start = None if parent is None else str(self.home.picture_folder(parent.key) / PICTURE)
        config = to_config(wish, self.hub.offers, start).to_dict()
        room = await asyncio.to_thread(free_mib, self.home.root)
        check_disk(room, NEEDED_MIB, self.settings.keep_free_mib)
        promised = views.time_left(None, await self.line(), self.hub, self.history, kind_of(config, wish.preset))
        whole = self.history.range_of(kind_of(config, wish.preset))
        is_held = bool(self.settings.held_words & set(words_in(wish.prompt)))
        new = New(
            key=new_key(),
            friend=friend.id,
            wish=wish.to_dict(),
            config=config,
            made_by=__version__,
            cost=0.0 if whole is None else whole.high,
            request=request,
            parent=None if parent is None else parent.id,
            is_held=is_held,
            promised=None if promised is None else (promised.low, promised.high),
        )

        def put(db: sqlite3.Connection) -> Job:
            if request is None or queue.by_request(db, friend.id, request) is None:
                check_line(db, friend)
            return queue.submit(db, new, self.clock.now_ms())

        job = await self.write(put)
        self.changed()
        return job

    async def promise(self, preset: str, shape: str) -> Range | None:
        """What a new picture would take from now on, waiting included."""
        offer = find_offer(self.hub.offers, preset, shape, "plain")
        if offer is None:
            return None
        return views.time_left(None, await self.line(), self.hub, self.history, kind_of(offer.config, preset))

    async def own(self, friend: Friend, key: str) -> Job:
        """A picture of this friend's own; NotFoundError for anybody else's. The owner may act on every one."""
        job = await self.read(lambda db: queue.by_key(db, key))
        if job is None or not (job.friend == friend.id or friend.is_owner):
            raise NotFoundError
        return job

    async def seen(self, friend: Friend, key: str) -> Job:
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

    def view_of(self, job: Job, friend: Friend, line: Line) -> dict[str, Any]:
        """The same for a job at hand."""
        return views.job_view(job, friend, line, self.hub, self.history, self.settings.visibility)

    async def whole_state(self, friend: Friend) -> dict[str, Any]:
        """Everything a page needs to be right."""
        line = await self.line()
        state = views.line_view(friend, line, self.hub, self.history, self.settings.visibility)
        state["event"] = await self.read(queue.newest_event)
        return state

    # ---- what a friend does with a picture

    async def cancel(self, friend: Friend, key: str) -> Job:
        """End it for good, wherever it is; what had ended stays as it is."""
        job = await self.own(friend, key)
        cancelled = await self.dispatcher.cancel(job.id)
        if cancelled is not None and job.state != "running":
            await asyncio.to_thread(shutil.rmtree, self.home.picture_folder(key), ignore_errors=True)
        self.changed()
        return cancelled or job

    async def retry(self, friend: Friend, key: str) -> Job:
        """The same wish as a new job."""
        job = await self.own(friend, key)
        if job.state not in ("failed", "cancelled"):
            raise Refused(409, "not_failed", "Only what failed or was cancelled can be tried again.")
        return await self.submit(friend, FriendWish(**job.wish))

    async def hide(self, friend: Friend, key: str, hidden: bool) -> Job:
        """Out of everybody else's sight, or back in it."""
        job = await self.own(friend, key)
        await self.write(lambda db: queue.hide(db, job.id, hidden))
        self.changed()
        return job

    async def delete(self, friend: Friend, key: str) -> None:
        """Remove an ended picture's files; its row stays, its shares end."""
        job = await self.own(friend, key)
        if not job.is_final:
            raise Refused(409, "not_ended", "Cancel it first.")
        await self.write(lambda db: queue.mark_deleted(db, job.id, self.clock.now_ms()))
        await asyncio.to_thread(shutil.rmtree, self.home.picture_folder(key), ignore_errors=True)
        self.changed()

    async def heart(self, friend: Friend, key: str) -> bool:
        """Like it, or no longer; whether it is liked now."""
        job = await self.seen(friend, key)

        def toggle(db: sqlite3.Connection) -> bool:
            gone = db.execute("DELETE FROM heart WHERE job=? AND friend=?", (job.id, friend.id)).rowcount
            if not gone:
                db.execute("INSERT INTO heart VALUES (?, ?)", (job.id, friend.id))
            return not gone

        return await self.write(toggle)

    # ---- sharing

    async def share(self, friend: Friend, key: str, days: float | None = None) -> str:
        """A token that opens this one picture to anybody who has it; the one there is, where there is one."""
        job = await self.own(friend, key)
        if job.state != "done" or job.deleted_at is not None or job.friend != friend.id:
            raise Refused(409, "not_done", "Only a finished picture of your own can be shared.")
        now = self.clock.now_ms()
        expires = None if days is None else now + int(days * friends.DAY_MS)

        def make(db: sqlite3.Connection) -> int:
            row = db.execute(
                "SELECT id FROM share WHERE job=? AND revoked_at IS NULL AND expires_at IS ?", (job.id, expires)
            ).fetchone()
            if row is not None:
                return int(row["id"])
            made = db.execute("INSERT INTO share (job, made_at, expires_at) VALUES (?,?,?)", (job.id, now, expires))
            assert made.lastrowid is not None
            if self.settings.webhook:
                outbox_put(db, job.id, now)
            return made.lastrowid

        return self.share_token(await self.write(make))

    async def unshare(self, friend: Friend, key: str) -> None:
        """End every link to this picture."""
        job, now = await self.own(friend, key), self.clock.now_ms()
        await self.write(
            lambda db: db.execute("UPDATE share SET revoked_at=? WHERE job=? AND revoked_at IS NULL", (now, job.id))
        )

    async def shared_token(self, job: Job) -> str | None:
        """The link there is."""
        row = await self.read(
            lambda db: db.execute("SELECT id FROM share WHERE job=? AND revoked_at IS NULL", (job.id,)).fetchone()
        )
        return None if row is None else self.share_token(row["id"])

    def share_token(self, number: int) -> str:
        """Unguessable, and nothing of it is stored: a keyed hash of its number."""
        mac = hmac.new(self.secret, f"share {number}".encode(), hashlib.sha256).hexdigest()[:32]
        return f"{number}-{mac}"

    async def shared(self, token: str) -> Job:
        """The picture a link opens; NotFoundError for a wrong, ended or expired one."""
        number = token.partition("-")[0]
        if not number.isdigit() or len(number) > 12 or not hmac.compare_digest(self.share_token(int(number)), token):
            raise NotFoundError
        now = self.clock.now_ms()
        row = await self.read(
            lambda db: db.execute(
                "SELECT job.* FROM share JOIN job ON job.id = share.job WHERE share.id=? AND share.revoked_at IS NULL"
                " AND (share.expires_at IS NULL OR share.expires_at > ?) AND job.deleted_at IS NULL",
                (int(number), now),
            ).fetchone()
        )
        if row is None:
            raise NotFoundError
        return Job.from_row(row)

    # ---- the wall

    async def wall(
        self, viewer: Friend, *, before: str | None = None, words: str = "", by: str = "", loved: bool = False
    ) -> list[Job]:
        """Finished pictures that the viewer may see, newest first, from after the one called `before` on."""
        query, values = wall_query(viewer, self.settings.visibility, before, words, by, loved)
        try:
            rows = await self.read(lambda db: db.execute(query, values).fetchall())
        except sqlite3.OperationalError:  # words that FTS cannot read, e.g. a lone quote
            return []
        return [Job.from_row(row) for row in rows]

    async def hit_rate(self) -> float | None:
        """Which share of the promised ranges held."""
        rows = await self.read(
            lambda db: db.execute(
                "SELECT promised_low, promised_high, (ended_at - made_at) / 1000.0 FROM job WHERE state='done' AND"
                " promised_low IS NOT NULL ORDER BY id DESC LIMIT 500"
            ).fetchall()
        )
        return hit_rate([(row[0], row[1], row[2]) for row in rows])

    def file(self, job: Job, kind: str) -> Path:
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


def read_line(db: sqlite3.Connection) -> Line:
    """The line, everybody's names, and how many are in which state."""
    names = dict(db.execute("SELECT id, name FROM friend").fetchall())
    rows = db.execute(
        "SELECT state, count(*) FROM job WHERE state IN ('queued','running','held','parked') GROUP BY state"
    )
    counts = {"queued": 0, "running": 0, "held": 0, "parked": 0, **dict(rows.fetchall())}
    return Line(queue.line(db), names, counts)


def read_history(db: sqlite3.Connection, history: History) -> None:
    """Fill the history with what jobs took before this start."""
    rows = db.execute("SELECT * FROM job WHERE state='done' ORDER BY id DESC LIMIT 1000").fetchall()
    for job in map(Job.from_row, reversed(rows)):
        history.add(kind_of(job.config, job.wish["preset"]), job.work_seconds)


def words_in(prompt: str) -> list[str]:
    """Its words in small letters, without what stands around them."""
    return [word.strip(".,;:!?|^'\"()").casefold() for word in prompt.split()]


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
