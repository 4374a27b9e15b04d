"""What is going on this second, in memory: progress of the running picture, the worker, the mode; and who waits for it.

Nothing here has to survive: after a restart the database and the worker's first words tell it all again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from generator.crew.menu import Offer

Mode = Literal["drawing", "draining", "gaming", "paused"]
"""drawing; draining = nothing new begins; gaming = the GPU is given back; paused = something is wrong."""
WorkerState = Literal["starting", "ready", "drawing", "unloaded", "gone"]


@dataclass
class Progress:
    """The running picture."""

    job: int
    attempt: int
    steps: int
    steps_done: int = 0
    resumed_at: int = 0
    change: float | None = None
    preview: int = 0
    """Version of the newest look at it; 0 = none yet."""
    unknown_words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    note: str = ""


class Hub:
    """State of now, and a bell that rings at every change."""

    def __init__(self) -> None:
        self.mode: Mode = "drawing"
        self.until: int | None = None
        """When the mode ends by itself; milliseconds of UTC."""
        self.reason = ""
        """Why it is paused, in words."""
        self.worker: WorkerState = "starting"
        self.device = ""
        self.free_mib: float | None = None
        self.offers: tuple[Offer, ...] = ()
        self.examples: tuple[str, ...] = ()
        self.progress: Progress | None = None
        self.load_seconds = 0.0
        """What loading the networks took the last time."""
        self.slept_seconds = 0.0
        """How long the machine slept the last time."""
        self.version = 0
        """Grows with every change, of what is here and of the database."""
        self.line_version = 0
        """Grows with every change of the database."""
        self.streams = 0
        self.is_closing = False
        self._bell = asyncio.Event()

    def ring(self, line: bool = False) -> None:
        """Something changed. line: in the database."""
        self.version += 1
        self.line_version += line
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    def close(self) -> None:
        """Everybody who waits goes home."""
        self.is_closing = True
        self.ring()

    async def wait(self, seen: int, timeout_seconds: float) -> int:
        """Until something changed since version `seen`, or the time is over; the version of now."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                while self.version == seen and not self.is_closing:
                    await self._bell.wait()
        return self.version
