"""What a server writes down about itself: lines for people or for programs, never a token, prompts only when asked."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from generator.serve.line import queue
from generator.serve.service import Service, was_taken
from generator.serve.settings import ServeSettings

log = logging.getLogger("dreamrig.serve")
FACTS = "facts"
"""Name under which a record carries more than its sentence."""


class JsonLines(logging.Formatter):
    """One JSON object a record: at (UTC), level, logger, message, its facts, and the error where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its line feed."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told: dict[str, Any] = {
            "at": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, FACTS, {}),
        }
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


class Plain(logging.Formatter):
    """The same for people: the sentence, then the facts."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging calls it that
        """The first line of a record."""
        facts: Mapping[str, Any] = getattr(record, FACTS, {})
        return " ".join([super().formatMessage(record), *(f"{name}={value}" for name, value in facts.items())])


def begin(own: ServeSettings, stream: TextIO = sys.stderr) -> None:
    """Write everything of this process to `stream`, as the owner wants it."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if own.log == "json" else Plain())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class Journal:
    """A line for each event of the database, in their order."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.newest: int | None = None

    async def run(self) -> None:
        """Until the server closes; only what happens from now on."""
        hub, seen = self.service.hub, -1
        while not hub.is_closing:
            version = hub.version  # what comes while this writes wakes it at once
            if hub.line_version != seen:
                # Where the database cannot be read, the next change or minute brings the same lines.
                seen = hub.line_version if await was_taken(self.write(), "nothing to tell") else -1
            await hub.wait(version, 60.0)

    async def write(self) -> None:
        """What has happened since the last line."""
        if self.newest is None:
            self.newest = await self.service.read(queue.newest_event)
        after = self.newest
        for row in await self.service.read(lambda db: queue.events_after(db, after)):
            self.newest = row["id"]
            job = await self.service.read(lambda db, number=row["job"]: queue.by_id(db, number))  # type: ignore[misc]
            facts = {"event": row["id"], "job": row["key"], "friend": row["friend"], **json.loads(row["data"])}
            if job is not None and self.service.settings.log_prompts and row["kind"].startswith("submitted"):
                facts["prompt"] = job.prompt
            log.info("picture %s", row["kind"], extra={FACTS: facts})
