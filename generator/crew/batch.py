"""Many pictures, drawn by however many workers there are: each takes the next one. Loads no torch: the workers do.

What is done is found in its folder, so that the same batch goes on where it was ended, also in the middle of a picture.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dreamrig.errors import FailedError, RigError
from generator.crew.local import Crew, start_worker, worker_command
from generator.crew.protocol import PICTURE, Done, Draw, Failed, Interrupted, Leave, Ready, Stepped
from generator.runs import folder as runs

if TYPE_CHECKING:
    from generator.crew.ray import RayCluster

log = logging.getLogger("dreamrig.crew")
MOST_ATTEMPTS = 3
MOST_FALSE_STARTS = 3
LOOK_SECONDS = 2.0


class Places(Protocol):
    """Where workers can be: see generator.crew.ray.RayCluster."""

    async def posts(self) -> Sequence[Hashable]:
        """The places there are now."""
        ...

    async def start(self, post: Any) -> Crew:
        """A worker on that place."""
        ...


class LocalPlaces:
    """So many worker processes of this machine."""

    def __init__(self, workers: int, given: Mapping[str, Any], keep_seconds: float, log_file: Path) -> None:
        """given, keep_seconds: as of a worker.   log_file: what they print."""
        self.workers, self.log_file = workers, log_file
        self.command = worker_command(given, keep_seconds)

    async def posts(self) -> Sequence[Hashable]:
        """A number each."""
        return range(self.workers)

    async def start(self, post: Any) -> Crew:
        """Its process."""
        return await start_worker(self.command, self.log_file.with_name(f"{self.log_file.stem}-{post}.log"))


@dataclass
class Task:
    """One picture of a batch."""

    number: int
    """From 1 on."""
    folder: Path
    to_config: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    """What the model likes best -> the whole config."""
    attempts: int = 0
    done: Done | None = None
    was_done: bool = False
    """Whether an earlier run of the same batch drew it."""
    error: RigError | None = None

    def look(self) -> None:
        """Whether it is done already."""
        try:
            record = runs.load_run(self.folder)
        except ValueError:
            return
        self.was_done = record.status == "done" and (self.folder / PICTURE).is_file()


@dataclass
class CrewBatch:
    """The pictures of a batch and who draws them."""

    tasks: Sequence[Task]
    places: Places
    tell: Callable[[Task, Stepped], None] = lambda task, stepped: None
    """Is told how far a picture is."""
    tell_end: Callable[[Task], None] = lambda task: None
    """Is told when one is done, or given up."""
    waiting: deque[Task] = field(default_factory=deque)
    running: int = 0
    false_starts: int = 0

    async def run(self) -> None:
        """Until every picture is done or given up; FailedError where no worker starts."""
        for task in self.tasks:
            task.look()
        self.waiting.extend(task for task in self.tasks if not task.was_done)
        hands: dict[Hashable, asyncio.Task[None]] = {}
        try:
            while self.waiting or self.running:
                for post in await self.places.posts():
                    if post not in hands and self.waiting:
                        hands[post] = asyncio.create_task(self._attend(post))
                await asyncio.wait(hands.values() or {asyncio.create_task(asyncio.sleep(LOOK_SECONDS))},
                                   timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
                for post in [post for post, hand in hands.items() if hand.done()]:
                    hands.pop(post).result()
        finally:
            for hand in hands.values():
                hand.cancel()
            await asyncio.gather(*hands.values(), return_exceptions=True)

    async def _attend(self, post: Hashable) -> None:
        """Give one worker pictures until none waits, or it is gone."""
        crew = await self.places.start(post)
        hand = _BatchHand(self, crew)
        try:
            async for telling in crew.tellings():
                await hand.hear(telling)
        finally:
            crew.kill()
            await crew.wait()
            hand.lost()
        self.false_starts = 0 if hand.was_ready else self.false_starts + 1
        if self.false_starts >= MOST_FALSE_STARTS:
            raise FailedError("The workers do not start.", hint="their last words are in the crew's log")


class _BatchHand:
    """One worker, and the picture it draws."""

    def __init__(self, batch: CrewBatch, crew: Crew) -> None:
        self.batch, self.crew = batch, crew
        self.task: Task | None = None
        self.likes: Mapping[str, Any] = {}
        self.was_ready = False

    async def hear(self, telling: Any) -> None:
        """One telling; those of another picture count for nothing."""
        if isinstance(telling, Ready):
            self.was_ready, self.likes = True, telling.likes
            await self._next()
            return
        task = self.task
        if task is None or (getattr(telling, "job", 0), getattr(telling, "attempt", 0)) != (task.number, task.attempts):
            return
        if isinstance(telling, Stepped):
            self.batch.tell(task, telling)
        elif isinstance(telling, Done):
            task.done = telling
            self._end()
        elif isinstance(telling, Failed):
            task.error = FailedError(telling.message)
            self._end()
        elif isinstance(telling, Interrupted):
            self.lost()

    def _end(self) -> None:
        assert self.task is not None
        self.batch.running -= 1
        self.batch.tell_end(self.task)
        self.task = None

    async def _next(self) -> None:
        if self.task is not None:
            return
        if not self.batch.waiting:
            await self.crew.send(Leave())
            return
        task = self.task = self.batch.waiting.popleft()
        task.attempts += 1
        self.batch.running += 1
        try:
            config = task.to_config(self.likes)
        except RigError as error:
            task.error = error
            self._end()
            await self._next()
            return
        await self.crew.send(Draw(task.number, task.attempts, dict(config), str(task.folder)))

    def lost(self) -> None:
        """Its worker is gone: the picture goes to another, three times."""
        task, self.task = self.task, None
        if task is None:
            return
        self.batch.running -= 1
        if task.attempts < MOST_ATTEMPTS:
            self.batch.waiting.appendleft(task)
        else:
            task.error = FailedError(f"Picture {task.number} ended its worker {MOST_ATTEMPTS} times.")
            self.batch.tell_end(task)


def run_crew_batch(batch: CrewBatch) -> None:
    """The same from a program without an event loop."""
    asyncio.run(batch.run())


def ray_places(given: Mapping[str, Any], keep_seconds: float) -> RayCluster:
    """Every machine of the crew that this one is in; NotReadyError where it is in none."""
    from dreamrig import settings
    from generator.crew import door
    from generator.crew.cluster import CrewFolder, driver_address, require_ray
    from generator.crew.ray import RayCluster, connect
    from generator.crew.settings import load_crew_settings

    require_ray()
    own, folder = load_crew_settings({}, settings.load_sources()), CrewFolder()
    ray_address, door_address = driver_address(folder, own.address)
    connect(ray_address, folder.environment())
    ask_door = partial(door.ask, door_address, folder.token())
    return RayCluster(own, given, keep_seconds, ask_door=ask_door, station=own.station)
