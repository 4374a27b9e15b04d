"""What is going on this second, in memory: progress of the running picture, the worker, the mode; and who waits for it.

Nothing here has to survive: after a restart the database and the worker's first words tell it all again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from generator.crew.menu import Offer
from generator.crew.protocol import Gauged

Mode = Literal["drawing", "draining", "gaming", "paused"]
"""drawing; draining = nothing new begins; gaming = the GPU is given back; paused = something is wrong."""
WorkerState = Literal["starting", "ready", "drawing", "unloaded", "crowded", "gone"]
"""unloaded = on purpose; crowded = something else fills the memory; gone = it ended unasked."""


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


OWN = frozenset({"progress", "worker", "device", "free_mib", "place"})
"""What each of several workers has of its own."""
BUSIEST: tuple[WorkerState, ...] = ("drawing", "ready", "starting", "crowded", "gone", "unloaded")


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
        """Of the device, as the worker saw it last."""
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
        self.gauge: Gauged | None = None
        """What the card said last; None = nothing, e.g. on a processor."""
        self.discord = ""
        """What the bot on Discord is about, in words for the owner; "" = there is none."""
        self.is_closing = False
        self.parts: list[OwnHub] = []
        """Where several workers draw: what each has of its own."""
        self._bell = asyncio.Event()

    def progress_of(self, job: int) -> Progress | None:
        """How far a picture is; None = nobody draws it."""
        told = [self.progress, *(part.progress for part in self.parts)]
        return next((one for one in told if one is not None and one.job == job), None)

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


class OwnHub:
    """The hub as the dispatcher of one of several workers sees it: OWN is its own, everything else is everybody's."""

    progress: Progress | None
    worker: WorkerState
    place: str
    """Which of the places it draws on, and what is to be said of its worker, for the owner."""

    def __init__(self, hub: Hub, place: str) -> None:
        own = {"progress": None, "worker": "starting", "device": "", "free_mib": None}
        vars(self).update({"shared": hub, "place": place, **own})
        hub.parts.append(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["shared"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        shared: Hub = vars(self)["shared"]
        if name not in OWN:
            setattr(shared, name, value)
            return
        vars(self)[name] = value
        if name == "worker":
            shared.worker = busiest(shared.parts)
        elif name in ("device", "free_mib"):
            setattr(shared, name, value)

    def part(self) -> None:
        """Its worker's place is gone."""
        shared: Hub = vars(self)["shared"]
        shared.parts.remove(self)
        shared.worker = busiest(shared.parts)
        shared.ring(line=True)


def busiest(parts: Sequence[OwnHub]) -> WorkerState:
    """What a page says of several workers at once; where there is none, it is gone."""
    states = {part.worker for part in parts}
    return next((state for state in BUSIEST if state in states), next(iter(states), "gone"))
