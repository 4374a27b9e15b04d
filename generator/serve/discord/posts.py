"""Messages on Discord that grow with their pictures: made once, edited along, and settled when the picture has ended.

What a message should say is worked out anew from the database each time, so that nothing is lost with a process. It is
made with the picture's key as its nonce, so that Discord answers a second try with the message that it has already.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from generator.serve import friends, outbox
from generator.serve.line import queue
from generator.serve.line.estimate import UNKNOWN
from generator.serve.line.queue import REFUSED, QueuedJob
from generator.serve.outbox import DISCORD_POST as KIND
from generator.serve.service import NotFoundError, Service
from generator.serve.views import FAILURES, SOMEBODY
from generator.serve.webhook import escaped

log = logging.getLogger("dreamrig.serve")
EDIT_SECONDS = 15.0
"""At least between two edits of a message before the last: Discord counts them."""
PAUSE_SECONDS = 1.0
LOOK_SECONDS = 5.0
MOST_FILE_BYTES = 8 * 2**20
"""A larger picture goes as its thumbnail; Discord's own limit was 10 MiB for everybody in 2025 (not verified since)."""
BUTTONS: Mapping[str, tuple[str, ...]] = {
    "done": ("again", "remix"),
    "failed": ("again", "remix"),
    "cancelled": ("remix",),
}
STATES: Mapping[str, str] = {
    "held": "the owner has to look at this prompt first",
    "parked": "it waits for the owner to mend something",
    "cancelled": "cancelled",
}


class UnpostableError(Exception):
    """Discord will not take this message, now or later; the words are for the owner."""


class MessageGoneError(Exception):
    """The message that was to be edited is there no more."""


class PostLaterError(Exception):
    """Discord cannot take it now. seconds: how long it asks to wait; 0 = it does not say."""

    def __init__(self, words: str, seconds: float = 0.0) -> None:
        super().__init__(words)
        self.seconds = seconds


@dataclass(frozen=True)
class Shown:
    """What a message shows; an equal one needs no edit."""

    text: str
    buttons: tuple[str, ...] = ()
    """Of again, remix, cancel."""
    file: str | None = None
    """Kind of file, as the service names them."""
    version: int = 0
    """Of a growing picture's file."""
    is_last: bool = False


class PostDoor(Protocol):
    """Discord. Tests may bring their own."""

    async def send(self, channel: int, nonce: str, shown: Shown, key: str, path: Path | None) -> int:
        """Make a message, and its number; once for a nonce, however often it is asked.

        key: of the picture, for the buttons.
        """
        ...

    async def edit(self, channel: int, message: int, shown: Shown, key: str, path: Path | None) -> None:
        """Let a message show something else."""
        ...


def put(db: sqlite3.Connection, job: int, channel: int, now: int) -> None:
    """Tell about this picture in that channel until it has ended."""
    db.execute("INSERT OR IGNORE INTO discord_post (job, channel) VALUES (?, ?)", (job, str(channel)))
    outbox.put(db, KIND, job, now)


def shown_of(job: QueuedJob, view: dict[str, Any]) -> Shown:
    """What the message of a picture should show. view: as its own friend sees it."""
    if job.deleted_at is not None or job.is_hidden:
        return Shown("This picture was taken down.", is_last=job.is_final)
    version = view.get("preview", 0)
    return Shown(
        f"**{escaped(job.prompt)}**\nfor {escaped(view['friend'] or SOMEBODY)} · {state_words(job, view)}",
        BUTTONS.get(job.state, ("cancel",)),
        "large" if job.state == "done" else "live" if version else None,
        version,
        job.is_final,
    )


def state_words(job: QueuedJob, view: dict[str, Any]) -> str:
    """How far a picture is, in words."""
    left = "" if view.get("left", UNKNOWN) == UNKNOWN else f", {view['left']}"
    if job.state == "queued":
        return f"number {view['number']} in the line{left}"
    if job.state == "running":
        return f"step {view['steps_done']} of {view['steps']}{left}"
    if job.state == "done":
        return f"{view['seconds']} s of work"
    if job.state == "failed":
        return FAILURES.get(job.code or "", "It could not be drawn.")
    if job.code == REFUSED:
        return f"{FAILURES[REFUSED]} {escaped(view['why'] or '')}".strip()
    return STATES[job.state]


class Poster:
    """Keeps the messages as they should be."""

    def __init__(self, service: Service, door: PostDoor, edit_seconds: float = EDIT_SECONDS) -> None:
        self.service, self.door, self.edit_seconds = service, door, edit_seconds
        self._last: dict[int, tuple[Shown, float]] = {}

    async def run(self) -> None:
        """For ever."""
        version = self.service.hub.version
        while not self.service.hub.is_closing:
            await self.post_due()
            await asyncio.sleep(PAUSE_SECONDS)
            version = await self.service.hub.wait(version, LOOK_SECONDS)

    async def post_due(self) -> None:
        """Every message that should show something else."""
        now = self.service.clock.now_ms()
        for row in await self.service.read(lambda db: outbox.due(db, KIND, now)):
            await self.post(row["id"], row["job"], row["tries"])

    async def post(self, number: int, job_number: int, tries: int) -> None:
        """One message: as it should be, to be tried later, or given up."""
        job, shown = await self.wanted(job_number)
        if not self.is_due(job, shown):
            return
        now = self.service.clock.now_ms()
        try:
            await self.show(job, shown)
        except UnpostableError as error:
            words = str(error)
            await self.service.write(lambda db: outbox.settle(db, number, tries + 1, now, words))
        except PostLaterError as error:
            log.warning("a message on Discord has to wait: %s", error)
            seconds = error.seconds
            await self.service.write(lambda db: outbox.later(db, number, tries + 1, now, seconds))
        except Exception:  # one message that breaks something must not keep the others back
            log.exception("a message on Discord was not sent")
            await self.service.write(lambda db: outbox.later(db, number, tries + 1, now))
        else:
            await self.went_well(number, job, shown, tries)

    async def wanted(self, job_number: int) -> tuple[QueuedJob, Shown]:
        """A picture and what its message should show."""
        job = await self.service.read(lambda db: queue.by_id(db, job_number))
        assert job is not None
        number = job.friend
        friend = await self.service.read(lambda db: friends.by_id(db, number))
        return job, shown_of(job, self.service.view_of(job, friend, await self.service.line()))

    def is_due(self, job: QueuedJob, shown: Shown) -> bool:
        """Whether the message has to change, and may: the last change is made at once."""
        before = self._last.get(job.id)
        if before is None:
            return True
        is_soon = self.service.clock.monotonic() - before[1] < self.edit_seconds
        return shown != before[0] and (shown.is_last or not is_soon)

    async def show(self, job: QueuedJob, shown: Shown) -> None:
        """Make the message, or change it; a new one where somebody removed it."""
        channel, message = await self.address(job.id)
        path = await asyncio.to_thread(self.file, job, shown)
        if message is not None:
            try:
                await self.door.edit(channel, message, shown, job.key, path)
                return
            except MessageGoneError:
                if shown.file != "large":  # whoever removed it does not want to watch; the picture still comes
                    return
        elif shown.is_last and shown.file is None and job.state != "failed":
            return  # cancelled or taken down before there was a message
        nonce = job.key if message is None else f"{job.key}.again"
        made = await self.door.send(channel, nonce, shown, job.key, path)
        await self.service.write(
            lambda db: db.execute("UPDATE discord_post SET message=? WHERE job=?", (str(made), job.id))
        )

    async def address(self, job: int) -> tuple[int, int | None]:
        """Channel and message of a picture."""
        row = await self.service.read(
            lambda db: db.execute("SELECT channel, message FROM discord_post WHERE job=?", (job,)).fetchone()
        )
        return int(row["channel"]), None if row["message"] is None else int(row["message"])

    def file(self, job: QueuedJob, shown: Shown) -> Path | None:
        """The file to show, the thumbnail of a large one; None where there is none (any more)."""
        try:
            path = None if shown.file is None else self.service.file(job, shown.file)
            return (
                path if path is None or path.stat().st_size <= MOST_FILE_BYTES else self.service.file(job, "thumb-512")
            )
        except (NotFoundError, OSError):
            return None

    async def went_well(self, number: int, job: QueuedJob, shown: Shown, tries: int) -> None:
        """The message shows it; after the last change nothing is left to do."""
        if shown.is_last:
            self._last.pop(job.id, None)
            now = self.service.clock.now_ms()
            await self.service.write(lambda db: settle_what_is_shown(db, number, job, tries + 1, now))
            return
        self._last[job.id] = shown, self.service.clock.monotonic()
        if tries:
            await self.service.write(lambda db: outbox.went_well(db, number))


def settle_what_is_shown(db: sqlite3.Connection, number: int, shown: QueuedJob, tries: int, now: int) -> None:
    """Nothing is left to do, unless the picture was hidden, shown again or deleted while the message went out."""
    job = queue.by_id(db, shown.id)
    if job is not None and (job.is_hidden, job.deleted_at) == (shown.is_hidden, shown.deleted_at):
        outbox.settle(db, number, tries, now)
