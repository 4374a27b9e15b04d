"""What a server writes down about its pictures: each event a line, never a token, prompts only when asked."""

from __future__ import annotations

import json
import logging

from generator.serve.line import queue
from generator.serve.service import Service, was_taken
from generator.serve.watching.lines import FACTS

log = logging.getLogger("dreamrig.serve")


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
