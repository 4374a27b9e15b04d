"""Posts pictures to a Discord channel by a webhook: each one once, or the owner is told.

The post is put into the outbox in the transaction that makes the picture done; the file itself is attached, because
links to attachments lapse. The prompt is escaped, and nobody can be mentioned by it.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import logging
import re
import secrets
import sqlite3
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from generator.crew.protocol import PICTURE
from generator.serve import outbox
from generator.serve.clock import Clock
from generator.serve.home import Home
from generator.serve.line import queue
from generator.serve.line.queue import QueuedJob
from generator.serve.service import was_taken
from generator.serve.settings import ServeSettings
from generator.serve.shares import open_link
from generator.serve.store import Store, StoreRefusedError

log = logging.getLogger("dreamrig.serve")
LOOK_SECONDS = 5.0
TIMEOUT_SECONDS = 30.0
WHOLE_OR_NOT = re.compile(r"[0-9]{1,6}(\.[0-9]*)?")
MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~@:])")


@dataclass
class Outbox:
    """What is to be posted, and who posts it."""

    store: Store
    home: Home
    settings: ServeSettings
    clock: Clock

    def put_done(self, db: sqlite3.Connection, job: QueuedJob, now: int) -> None:
        """A picture is done: post it where the owner posts all of them, and its friend does not hide it.

        One that was asked for on Discord hangs there already.
        """
        is_there = db.execute("SELECT 1 FROM discord_post WHERE job=?", (job.id,)).fetchone() is not None
        if self.settings.webhook and self.settings.webhook_posts == "all" and not job.is_hidden and not is_there:
            put(db, job.id, now)

    async def run(self) -> None:
        """Post what is due, for ever."""
        while self.settings.webhook and not await was_taken(self.look_back(), "what was posted before is not known"):
            await asyncio.sleep(LOOK_SECONDS)
        while self.settings.webhook:
            await was_taken(self.post_due(), "nothing was posted")
            await asyncio.sleep(LOOK_SECONDS)

    async def look_back(self) -> None:
        """What an earlier server was sending when it ended."""
        now = self.clock.now_ms()
        await asyncio.wrap_future(self.store.write(lambda db: outbox.give_up_unknown(db, outbox.WEBHOOK_POST, now)))

    async def post_due(self) -> None:
        """Everything that is due now, one after the other."""
        now = self.clock.now_ms()
        for row in await asyncio.wrap_future(self.store.read(lambda db: outbox.due(db, outbox.WEBHOOK_POST, now))):
            try:
                await self.post(row["id"], row["job"], row["tries"] + 1)
            except StoreRefusedError:
                raise
            except Exception as error:  # noqa: BLE001 - one post that breaks something must not keep the others back
                # Without its words: they may hold the webhook's address, which is a secret.
                log.warning("a picture was not posted:\n%s", "".join(traceback.format_tb(error.__traceback__)))
                await self.note(row["id"], row["tries"] + 1, given_up=f"it could not be sent ({type(error).__name__})")

    async def post(self, number: int, job_number: int, tries: int) -> None:
        """One post: sent, to be tried later, or given up."""
        job = await asyncio.wrap_future(self.store.read(lambda db: queue.by_id(db, job_number)))
        assert job is not None
        try:
            picture = (self.home.picture_folder(job.key) / PICTURE).read_bytes()
            if job.is_hidden or job.deleted_at is not None or not await self.is_for_everybody(job):
                raise FileNotFoundError
        except OSError:
            await self.note(number, tries, given_up="the picture is gone or hidden, or its link was ended")
            return
        request = make_request(self.settings.webhook, job, picture)
        await self.insist(lambda db: outbox.begin(db, number))
        try:
            await asyncio.to_thread(send, request)
        except urllib.error.HTTPError as error:
            if error.code != 429 and error.code < 500:
                await self.note(number, tries, given_up=f"Discord answered {error.code}")
            else:
                await self.later(number, tries, seconds_in(error.headers.get("Retry-After")))
        except urllib.error.URLError:  # it did not leave, or not whole
            await self.later(number, tries, 0)
        except http.client.InvalidURL:  # its words hold the address, which is a secret
            await self.note(number, tries, given_up="the webhook's address is none")
        except (OSError, http.client.HTTPException) as error:  # it left, and no answer came
            await self.note(number, tries, given_up=f"{outbox.UNKNOWN}: no answer came ({type(error).__name__})")
        else:
            await self.note(number, tries)

    async def is_for_everybody(self, job: QueuedJob) -> bool:
        """Where shared pictures are posted: whether its link is open still."""
        if self.settings.webhook_posts == "all":
            return True
        now = self.clock.now_ms()
        return await asyncio.wrap_future(self.store.read(lambda db: open_link(db, job.id, now))) is not None

    async def later(self, number: int, tries: int, asked_seconds: float) -> None:
        """Try again, or tell the owner."""
        now = self.clock.now_ms()
        await self.insist(lambda db: outbox.later(db, number, tries, now, asked_seconds))

    async def note(self, number: int, tries: int, given_up: str | None = None) -> None:
        """Sent, or given up."""
        now = self.clock.now_ms()
        await self.insist(lambda db: outbox.settle(db, number, tries, now, given_up))

    async def insist(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Until it is written down: what was posted and not noted would be posted twice."""
        while True:
            with contextlib.suppress(StoreRefusedError):
                await asyncio.wrap_future(self.store.write(work))
                return
            await asyncio.sleep(LOOK_SECONDS)


def put(db: sqlite3.Connection, job: int, now: int) -> None:
    """Post this picture, unless it is in the outbox already."""
    outbox.put(db, outbox.WEBHOOK_POST, job, now)


def escaped(prompt: str) -> str:
    """A prompt as Discord shows it letter by letter."""
    return MARKDOWN.sub(r"\\\1", prompt)


def make_request(webhook: str, job: QueuedJob, picture: bytes) -> urllib.request.Request:
    """The post: the prompt as text, the picture as a file."""
    body = {
        "content": f"**{escaped(job.prompt)}**"[:1900],
        "allowed_mentions": {"parse": []},
        "attachments": [{"id": 0, "filename": "dream.png"}],
    }
    boundary = secrets.token_hex(16)
    head = f"--{boundary}\r\nContent-Disposition: form-data; name="
    parts = [
        f'{head}"payload_json"\r\nContent-Type: application/json\r\n\r\n{json.dumps(body)}\r\n'.encode(),
        f'{head}"files[0]"; filename="dream.png"\r\nContent-Type: image/png\r\n\r\n'.encode() + picture + b"\r\n",
        f"--{boundary}--\r\n".encode(),
    ]
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "User-Agent": "dreamrig"}
    address = f"{webhook}{'&' if '?' in webhook else '?'}wait=true"
    return urllib.request.Request(address, b"".join(parts), headers)  # noqa: S310 - the owner's own setting


def seconds_in(asked: str | None) -> float:
    """What a Retry-After asks for; 0 where it names a day, or nothing that can be waited for."""
    found = WHOLE_OR_NOT.fullmatch(asked or "")
    return float(found[0]) if found else 0.0


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nobody elsewhere: a post that is sent on becomes a question, and nothing is posted."""

    def redirect_request(self, *given: object) -> None:
        """None = the answer is taken as it is."""


def send(request: urllib.request.Request) -> None:
    """Post it. URLError where it did not leave; any other OSError or HTTPException where nobody knows."""
    opener = urllib.request.build_opener(_Stay)
    with (
        opener.open(request, timeout=TIMEOUT_SECONDS) as answer,
        contextlib.suppress(OSError, http.client.HTTPException),  # its status has said it all
    ):
        answer.read(65536)
