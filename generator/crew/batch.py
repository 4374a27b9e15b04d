"""Many pictures, drawn by however many workers there are: each takes the next one. Loads no torch: the workers do.

What is done is found in its folder, so that the same batch goes on where it was ended, also in the middle of a picture.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import secrets
from collections import Counter, deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dreamrig.errors import FailedError, NotReadyError, RigError
from generator.crew.cards import bound_to
from generator.crew.door import CrewLostError
from generator.crew.local import Crew, start_worker, worker_command
from generator.crew.protocol import (
    EXIT_NO_PLACE,
    EXIT_NO_ROOM,
    PICTURE,
    Done,
    Draw,
    Failed,
    Interrupted,
    Leave,
    Ready,
    Stepped,
)
from generator.crew.sources import code_here, differing
from generator.runs import folder as runs

if TYPE_CHECKING:
    from generator.crew.door import CrewDriver
    from generator.crew.ray import RayCluster

log = logging.getLogger("dreamrig.crew")
MOST_ATTEMPTS = 3
MOST_FALSE_STARTS = 3
"""Of one place; the others go on."""
MOST_SILENT_LOOKS = 5
"""In a row, while nobody draws."""
LOOK_SECONDS = 2.0
CROWDED_SECONDS = 30.0
"""Before a place whose card was full of something else is tried again, as a server waits."""
PART_SECONDS = 2.0
LEAVE_SECONDS = 60.0
"""For the step and the checkpoint of a worker whose place is gone."""


class Places(Protocol):
    """Where workers can be: see generator.crew.ray.RayCluster."""

    async def posts(self) -> Sequence[Hashable]:
        """The places there are now."""
        ...

    async def start(self, post: Any) -> Crew:
        """A worker on that place."""
        ...


class LocalPlaces:
    """So many worker processes of this machine, spread over its cards."""

    def __init__(
        self,
        workers: int,
        given: Mapping[str, Any],
        keep_seconds: float,
        log_file: Path,
        cards: Sequence[str] = (),
    ) -> None:
        """given, keep_seconds: as of a worker.   log_file: what they print.   cards: as of several_cards."""
        self.workers, self.log_file, self.cards = workers, log_file, cards
        self.command = worker_command(given, keep_seconds)

    async def posts(self) -> Sequence[Hashable]:
        """A number each."""
        return range(self.workers)

    async def start(self, post: Any) -> Crew:
        """Its process."""
        card = self.cards[post % len(self.cards)] if self.cards else ""
        log_file = self.log_file.with_name(f"{self.log_file.stem}-{post}.log")
        return await start_worker(self.command, log_file, bound_to(card))


@dataclass
class Task:
    """One picture of a batch."""

    number: int
    """From 1 on."""
    folder: Path
    to_config: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    """What the model likes best -> the whole config."""
    attempts: int = 0
    crashes: int = 0
    """Attempts that ended with their worker, unasked."""
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
    hands: dict[Hashable, _BatchHand] = field(default_factory=dict)
    false_starts: Counter[Hashable] = field(default_factory=Counter)
    crowded_until: dict[Hashable, float] = field(default_factory=dict)
    """Places whose worker found no room, and when they are tried again, by the loop's clock."""
    silent_looks: int = 0

    async def run(self) -> None:
        """Until every picture is done or given up.

        FailedError where no worker starts, NotReadyError where nobody draws and the places are not told.
        """
        for task in self.tasks:
            task.look()
        self.waiting.extend(task for task in self.tasks if not task.was_done)
        try:
            while self.waiting or self.running:
                await self._look()
                working = [hand.working for hand in self.hands.values()]
                await asyncio.wait(working or {asyncio.create_task(asyncio.sleep(LOOK_SECONDS))},
                                   timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
                for post in [post for post, hand in self.hands.items() if hand.working.done()]:
                    self._part_with(post)
        finally:
            for hand in self.hands.values():
                hand.working.cancel()
            await asyncio.gather(*(hand.working for hand in self.hands.values()), return_exceptions=True)

    async def _look(self) -> None:
        """Take new places in, let the workers of those that are gone finish their step."""
        posts = await self._posts()
        if posts is None:
            return
        for post in posts:
            if post not in self.hands and self._may_start(post):
                self.hands[post] = _BatchHand(self, post)
        for post in set(self.hands) - set(posts):
            await self.hands[post].leave()
        are_crowded = any(post in self.crowded_until and self.false_starts[post] < MOST_FALSE_STARTS for post in posts)
        if posts and not self.hands and self.waiting and not are_crowded:
            raise FailedError("The workers do not start.", hint="their last words are in the crew's log")

    async def _posts(self) -> Sequence[Hashable] | None:
        """The places; None = they are not told, which changes nothing for those who draw."""
        try:
            posts = await self.places.posts()
        except CrewLostError:
            raise
        except Exception as error:
            log.warning("who can draw is not known: %s: %s", type(error).__name__, error)
            self.silent_looks += 1
            if self.hands or self.silent_looks < MOST_SILENT_LOOKS:
                return None
            raise NotReadyError(
                f"The crew does not say who can draw: {str(error) or type(error).__name__}.",
                hint="is `dreamrig crew start` running? then run the same command again",
            ) from error
        self.silent_looks = 0
        return posts

    def _part_with(self, post: Hashable) -> None:
        """A worker has ended; a place where several in a row were never ready gets no other."""
        hand = self.hands.pop(post)
        hand.working.result()
        if hand.found_no_room:
            self._wait_for_room(post)
        elif hand.was_ready:
            self.false_starts[post] = 0
            self.crowded_until.pop(post, None)
        elif not (hand.is_leaving or hand.code == EXIT_NO_PLACE):
            self.false_starts[post] += 1
            if self.false_starts[post] >= MOST_FALSE_STARTS:
                log.warning("no more work for %s: its worker did not start %d times", post, MOST_FALSE_STARTS)

    def _wait_for_room(self, post: Hashable) -> None:
        """Something else fills the card: its worker is started again a little later, however often."""
        if post not in self.crowded_until:
            log.warning("%s has no room for the networks now: something else fills it; it is tried again", post)
        self.crowded_until[post] = asyncio.get_running_loop().time() + CROWDED_SECONDS

    def _may_start(self, post: Hashable) -> bool:
        """Whether a place gets a worker now."""
        is_crowded = self.crowded_until.get(post, 0.0) > asyncio.get_running_loop().time()
        return bool(self.waiting) and not is_crowded and self.false_starts[post] < MOST_FALSE_STARTS


class _BatchHand:
    """One worker, and the picture it draws."""

    def __init__(self, batch: CrewBatch, post: Hashable) -> None:
        self.batch, self.post = batch, post
        self.crew: Crew | None = None
        self.task: Task | None = None
        self.likes: Mapping[str, Any] = {}
        self.was_ready = self.is_leaving = self.found_no_room = False
        self.code = 0
        self.working = asyncio.create_task(self._work())

    async def _work(self) -> None:
        """Give one worker pictures until none waits, it is told to leave, or it is gone."""
        crew = self.crew = await self.batch.places.start(self.post)
        try:
            if self.is_leaving:
                return
            async for telling in crew.tellings():
                await self.hear(telling)
        finally:
            crew.kill()
            self.code = await crew.wait()
            self.found_no_room = self.code == EXIT_NO_ROOM
            self.lost()

    async def leave(self) -> None:
        """Let it finish the step and keep; its picture goes on elsewhere, without blame."""
        if self.is_leaving:
            return
        self.is_leaving = True
        if self.crew is not None:
            asyncio.get_running_loop().call_later(LEAVE_SECONDS, self.crew.kill)
            await self.crew.send(Leave())

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
        assert self.crew is not None
        if self.task is not None or self.is_leaving:
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
        """It is not drawn on here: it goes to another worker, three times where this one had room and was not told to
        leave.
        """
        task, self.task = self.task, None
        if task is None:
            return
        self.batch.running -= 1
        task.crashes += not (self.is_leaving or self.found_no_room)
        if task.crashes < MOST_ATTEMPTS:
            self.batch.waiting.appendleft(task)
        else:
            task.error = FailedError(f"Picture {task.number} ended its worker {MOST_ATTEMPTS} times.")
            self.batch.tell_end(task)


def run_crew_batch(batch: CrewBatch) -> None:
    """The same from a program without an event loop."""
    asyncio.run(batch.run())


def ray_places(given: Mapping[str, Any], keep_seconds: float, driver: CrewDriver | None = None) -> RayCluster:
    """Every machine of the crew that this one is in; NotReadyError where it is in none, or draws for another driver.

    driver: None = a batch.
    """
    from dreamrig import settings
    from generator.crew import door
    from generator.crew.cluster import CrewFolder, driver_address, require_ray
    from generator.crew.ray import RayCluster, connect
    from generator.crew.settings import load_crew_settings

    require_ray()
    own, folder = load_crew_settings({}, settings.load_sources()), CrewFolder()
    driver = driver or door.CrewDriver(f"batch {secrets.token_hex(8)}", "a batch")
    ray_address, door_address = driver_address(folder, own.address)
    ask_door = partial(door.ask, door_address, folder.token())
    require_same_code(ask_door({"kind": "facts"}))
    door.be_driver(ask_door, driver)
    atexit.register(part, ask_door, driver)
    connect(ray_address, folder.environment())
    return RayCluster(own, given, keep_seconds, ask_door=ask_door, driver=driver, station=own.station)


def require_same_code(head: Mapping[str, Any]) -> None:
    """NotReadyError where the head runs other code than this process: its nodes were compared with the head."""
    if folders := differing(head.get("code", {}), code_here()):
        raise NotReadyError(
            f"The head of the crew was started with other code: it differs in {folders}.",
            hint="end `dreamrig crew start` there and start it again, with the same code as here",
        )


def part(ask_door: Callable[..., Any], driver: CrewDriver) -> None:
    """Say that nobody gives the crew work any more, so that nobody waits to be sure."""
    with contextlib.suppress(NotReadyError):
        ask_door({"kind": "parted", "who": driver.who}, PART_SECONDS)
