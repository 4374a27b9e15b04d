"""Posts pictures to a Discord channel by a webhook: each one once, or the owner is told.

The post is put into the outbox in the transaction that makes the picture done; the file itself is attached, because
links to attachments lapse. The prompt is escaped, and nobody can be mentioned by it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
import sqlite3
import urllib.error
import urllib.request
from dataclasses import dataclass

from generator.crew.protocol import PICTURE
from generator.serve import queue
from generator.serve.clock import Clock
from generator.serve.home import Home
from generator.serve.queue import Job
from generator.serve.settings import ServeSettings
from generator.serve.store import Store

log = logging.getLogger("dreamrig.serve")
KIND = "webhook"
MOST_TRIES = 8
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 5, 3600
LOOK_SECONDS = 5.0
TIMEOUT_SECONDS = 30.0
MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~@:])")


@dataclass
class Outbox:
    """What is to be posted, and who posts it."""

    store: Store
    home: Home
    settings: ServeSettings
    clock: Clock

    def put_done(self, db: sqlite3.Connection, job: Job, now: int) -> None:
        """A picture is done: post it where the owner posts all of them, and its friend does not hide it."""
        if self.settings.webhook and self.settings.webhook_posts == "all" and not job.is_hidden:
            put(db, job.id, now)

    async def run(self) -> None:
        """Post what is due, for ever."""
        while self.settings.webhook:
            await self.post_due()
            await asyncio.sleep(LOOK_SECONDS)

    async def post_due(self) -> None:
        """Everything that is due now, one after the other."""
        now = self.clock.now_ms()
        due = "SELECT id, job, tries FROM outbox WHERE sent_at IS NULL AND given_up IS NULL AND not_before <= ?"
        for row in await asyncio.wrap_future(self.store.read(lambda db: db.execute(due, (now,)).fetchall())):
            await self.post(row["id"], row["job"], row["tries"] + 1)

    async def post(self, number: int, job_number: int, tries: int) -> None:
        """One post: sent, to be tried later, or given up."""
        job = await asyncio.wrap_future(self.store.read(lambda db: queue.by_id(db, job_number)))
        assert job is not None
        try:
            picture = (self.home.picture_folder(job.key) / PICTURE).read_bytes()
            if job.is_hidden or job.deleted_at is not None:
                raise FileNotFoundError
        except OSError:
            await self.note(number, tries, given_up="the picture is gone or hidden")
            return
        request = make_request(self.settings.webhook, job, picture)
        try:
            await asyncio.to_thread(send, request)
        except urllib.error.HTTPError as error:
            if error.code != 429 and error.code < 500:
                await self.note(number, tries, given_up=f"Discord answered {error.code}")
            else:
                await self.later(number, tries, float(error.headers.get("Retry-After") or 0))
        except OSError:
            await self.later(number, tries, 0)
        else:
            await self.note(number, tries)

    async def later(self, number: int, tries: int, asked_seconds: float) -> None:
        """Wait as long as Discord asks for, and longer with every try; then tell the owner."""
        if tries >= MOST_TRIES:
            await self.note(number, tries, given_up=f"{tries} tries failed")
            return
        seconds = max(asked_seconds, min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 4 ** (tries - 1)))
        due = self.clock.now_ms() + int(seconds * 1000)
        query = "UPDATE outbox SET tries=?, not_before=? WHERE id=?"
        await asyncio.wrap_future(self.store.write(lambda db: db.execute(query, (tries, due, number))))

    async def note(self, number: int, tries: int, given_up: str | None = None) -> None:
        """Sent, or given up."""
        sent_at = None if given_up else self.clock.now_ms()
        query = "UPDATE outbox SET tries=?, sent_at=?, given_up=? WHERE id=?"
        await asyncio.wrap_future(self.store.write(lambda db: db.execute(query, (tries, sent_at, given_up, number))))
        if given_up:
            log.warning("a picture was not posted: %s", given_up)


def put(db: sqlite3.Connection, job: int, now: int) -> None:
    """Post this picture, unless it is in the outbox already."""
    db.execute("INSERT OR IGNORE INTO outbox (kind, job, not_before) VALUES (?,?,?)", (KIND, job, now))


def escaped(prompt: str) -> str:
    """A prompt as Discord shows it letter by letter."""
    return MARKDOWN.sub(r"\\\1", prompt)


def make_request(webhook: str, job: Job, picture: bytes) -> urllib.request.Request:
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
    return urllib.request.Request(f"{webhook}?wait=true", b"".join(parts), headers)  # noqa: S310 - the owner's own setting


def send(request: urllib.request.Request) -> None:
    """Post it; urllib's errors where that fails."""
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
        answer.read(65536)
