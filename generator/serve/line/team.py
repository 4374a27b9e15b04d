"""Several workers at one line: a dispatcher a worker, over one database, one hub and one mode.

Which workers there are is somebody else's knowledge: a roster tells the places and starts a worker on one. Places come
and go; a place that goes lets its worker finish the step and keep.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
import sqlite3
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

from dreamrig import settings
from dreamrig.errors import NotReadyError
from dreamrig.paths import data_folder
from generator.crew.cards import bound_to, several_cards
from generator.crew.door import CrewDriver, CrewLostError
from generator.crew.local import Crew
from generator.crew.menu import Offer
from generator.crew.protocol import Ready
from generator.crew.settings import load_crew_settings
from generator.serve.line.dispatcher import Dispatcher
from generator.serve.line.live import Hub, Mode, OwnHub
from generator.serve.line.queue import QueuedJob
from generator.serve.settings import EXIT_NO_CREW, ServeSettings

log = logging.getLogger("dreamrig.serve")
LOOK_SECONDS = 2.0
"""Between two looks at who is there."""


class CrewAwayError(NotReadyError):
    """There is no crew to draw over; for a server that had one, it may come back."""

    exit_code = EXIT_NO_CREW


class Roster(Protocol):
    """Who can draw: see generator.crew.ray.RayCluster."""

    async def posts(self) -> Sequence[Hashable]:
        """The places for a worker that there are now."""
        ...

    async def start(self, post: Any) -> Crew:
        """A worker on that place."""
        ...

    def is_stranger(self, crew: Any, folder: Path) -> bool:
        """Whether the half-done picture in that folder is left to others, who draw the same bytes as who began it."""
        ...

    def remark(self, crew: Any) -> str:
        """What the owner should know of a worker, in words; "" = nothing."""
        ...


class CardRoster:
    """A worker a card of this machine."""

    def __init__(self, cards: Sequence[str], start_worker: Callable[[Mapping[str, str]], Awaitable[Crew]]) -> None:
        """cards: as of several_cards."""
        self.cards, self.start_worker = cards, start_worker

    async def posts(self) -> Sequence[str]:
        """What CUDA calls each."""
        return self.cards

    async def start(self, post: str) -> Crew:
        """Its process, which sees that card alone."""
        return await self.start_worker(bound_to(post))

    def is_stranger(self, crew: Any, folder: Path) -> bool:
        """Never: a card promises no bytes, whichever it is."""
        return False

    def remark(self, crew: Any) -> str:
        """Nothing."""
        return ""


class Hand(Dispatcher):
    """The dispatcher of one worker among several."""

    def __init__(self, team: Team, post: Hashable) -> None:
        super().__init__(
            team.store,
            cast("Hub", OwnHub(team.hub, str(post))),
            team.home,
            partial(team.roster.start, post),
            clock=team.clock,
            history=team.history,
            patience=team.patience,
            idle_unload_seconds=team.idle_unload_seconds,
            on_done=team.on_done,
        )
        self.team, self.post = team, post
        self.is_given_up = False
        """Whether its place gets no other worker: too many of its ended badly."""

    async def recover(self) -> None:
        """Nothing: the team has done it."""

    async def set_mode(self, mode: Mode, until: int | None = None, reason: str = "") -> None:
        """The mode is everybody's; but one worker that does not start is no reason for the others to stop."""
        if mode == "paused" and any(hand.is_ready for hand in self.team.hands.values() if hand is not self):
            log.error("no more work for one of the workers: %s", reason)
            self.is_stopping = self.is_given_up = True
            return
        await self.team.set_mode(mode, until, reason)

    def claim(self, db: sqlite3.Connection, mark: str) -> tuple[QueuedJob | None, bool]:
        """The next picture; a stranger leaves one that is half done to those who draw the same bytes."""
        key, roster = next_half_done(db), self.team.roster
        if key is not None and self.crew is not None and roster.is_stranger(self.crew, self.home.picture_folder(key)):
            return None, False
        return super().claim(db, mark)

    def publish(self, ready: Ready) -> None:
        """What this worker can draw; pages offer what all can."""
        self.hub.device, self.hub.free_mib = ready.device, ready.free_mib
        remark = "" if self.crew is None else self.team.roster.remark(self.crew)
        cast("OwnHub", self.hub).place = f"{self.post} ({remark})" if remark else str(self.post)
        self.team.publish_of(self, ready)


class Team(Dispatcher):
    """As many dispatchers as there are places; for the pages it is one."""

    def __init__(self, *arguments: Any, roster: Roster, lease_seconds: float = 0.0, **named: Any) -> None:
        """roster: who can draw; the rest as for a Dispatcher, whose own worker is never started.

        lease_seconds: of silence that the owner grants a worker; its dispatcher is no less patient.
        """
        super().__init__(*arguments, **named)
        beat, stuck = max(self.patience.beat, lease_seconds), max(self.patience.stuck, lease_seconds)
        self.patience = replace(self.patience, beat=beat, stuck=stuck)
        self.roster = roster
        self.hands: dict[Hashable, Hand] = {}
        self.tasks: dict[Hashable, asyncio.Task[None]] = {}
        self.offered: dict[Hand, Ready] = {}
        self.unknown = ""
        """Why who can draw is not known at the moment; "" = it is."""
        self.given_up: set[Hashable] = set()
        """Places that get no worker any more; a machine that joins again is a new place."""

    async def run(self) -> None:
        """Until `stop`; a hand whose task fails ends the process, as a dispatcher does."""
        await self.recover()
        while not (self.is_stopping and not self.tasks):
            await self.notice_sleep()
            if not self.is_stopping:
                await self.end_mode_in_time()
                await self.look()
            await self.wait_a_little()
            for post in [post for post, task in self.tasks.items() if task.done()]:
                await self.part_with(post)

    async def look(self) -> None:
        """Take new places in, let those that are gone finish. A roster that does not answer changes nothing."""
        try:
            posts = set(await self.roster.posts()) - self.given_up
        except CrewLostError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a network says; workers have leases of their own
            self.say_unknown(f"{type(error).__name__}: {error}")
            return
        self.unknown = ""
        for post in posts - set(self.hands):
            log.info("a worker more: %s", post)
            hand = self.hands[post] = Hand(self, post)
            self.tasks[post] = asyncio.create_task(hand.run())
        for post in set(self.hands) - posts:
            await self.hands[post].stop()

    def say_unknown(self, why: str) -> None:
        """For the log, once as long as it stays the same."""
        if why != self.unknown:
            log.warning("who can draw is not known: %s", why)
        self.unknown = why

    async def wait_a_little(self) -> None:
        """Until the next look, a hand's end, or the order to stop."""
        waking = asyncio.create_task(self._wake.wait())
        await asyncio.wait(
            {waking, *self.tasks.values()},
            timeout=min(LOOK_SECONDS, 4 * self.patience.tick),
            return_when=asyncio.FIRST_COMPLETED,
        )
        waking.cancel()
        self._wake.clear()

    async def part_with(self, post: Hashable) -> None:
        """A hand has ended; its error is the team's."""
        hand, task = self.hands.pop(post), self.tasks.pop(post)
        self.offered.pop(hand, None)
        cast("OwnHub", hand.hub).part()
        if hand.is_given_up:
            self.given_up.add(post)
        await task

    # ---- for the pages

    def wake(self) -> None:
        """Something may be to do, for any of them."""
        super().wake()
        for hand in self.hands.values():
            hand.wake()

    async def cancel(self, job: int) -> QueuedJob | None:
        """End a job for good, whoever draws it."""
        for hand in self.hands.values():
            if hand.current is not None and hand.current.id == job:
                return await hand.cancel(job)
        return await super().cancel(job)

    async def set_mode(self, mode: Mode, until: int | None = None, reason: str = "") -> None:
        """For all of them."""
        await super().set_mode(mode, until, reason)
        for hand in self.hands.values():
            hand.false_starts = hand.lost_devices = 0

    async def stop(self) -> None:
        """Claim nothing more, let every worker keep and leave."""
        await super().stop()
        for hand in self.hands.values():
            await hand.stop()

    def publish_of(self, hand: Hand, ready: Ready) -> None:
        """Offer what every worker can draw: a picture goes to whoever is free."""
        self.offered[hand] = ready
        self.publish(Ready(**{**asdict(ready), "offers": common_offers(list(self.offered.values()))}))


def next_half_done(db: sqlite3.Connection) -> str | None:
    """The key of the picture whose turn it is, where somebody has begun it."""
    row = db.execute("SELECT key, kept_step FROM job WHERE state='queued' ORDER BY turn, id LIMIT 1").fetchone()
    return str(row["key"]) if row is not None and row["kept_step"] > 0 else None


def common_offers(told: Sequence[Ready]) -> tuple[dict[str, Any], ...]:
    """Per preset, shape and kind the offer of the smallest worker."""
    found: dict[tuple[str, str, str], Offer] = {}
    for ready in told:
        for offer in map(Offer.from_dict, ready.offers):
            key = (offer.preset, offer.shape, offer.kind)
            if key not in found or (offer.fits, offer.largest_width) < (found[key].fits, found[key].largest_width):
                found[key] = offer
    return tuple(asdict(offer) for offer in found.values())


def chosen_dispatcher(own: ServeSettings) -> Callable[..., Dispatcher]:
    """The dispatcher that the owner's settings ask for: of one worker here, or of a crew over Ray.

    CrewAwayError where this machine is in no crew, has no token, or lacks Ray.
    """
    crew = load_crew_settings({}, settings.load_sources())
    if crew.kind == "local":
        cards = several_cards(crew.wants)
        return partial(local_team, cards) if cards else Dispatcher
    from generator.crew.batch import ray_places

    try:
        roster = ray_places(own.given, own.keep_seconds, this_server())
    except NotReadyError as error:
        raise CrewAwayError(error.message, hint=error.hint) from error
    return partial(Team, roster=roster, lease_seconds=crew.lease_seconds)


def local_team(cards: Sequence[str], *arguments: Any, **named: Any) -> Team:
    """A worker for each card of this machine; what a Dispatcher takes, of which the last starts a worker."""
    return Team(*arguments, roster=CardRoster(cards, arguments[-1]), **named)


def this_server() -> CrewDriver:
    """The one server of this home, whenever it starts."""
    home = f"{socket.gethostname()} {data_folder()}"
    return CrewDriver(f"serve {hashlib.sha256(home.encode()).hexdigest()[:16]}", "a server")
