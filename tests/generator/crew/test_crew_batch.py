"""Pictures of a batch over several workers: spread, gone on with, given up."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from dreamrig.errors import FailedError, NotReadyError
from generator.config import GenerateConfig
from generator.crew import batch as batches
from generator.crew.batch import MOST_ATTEMPTS, CrewBatch, Task
from generator.crew.door import CrewLostError
from generator.crew.local import LocalWorker, start_worker
from generator.crew.protocol import (
    EXIT_NO_PLACE,
    EXIT_NO_ROOM,
    Done,
    Draw,
    Interrupted,
    Leave,
    Order,
    Ready,
    Stepped,
    Telling,
)

TOY = str(Path(__file__).with_name("toy_worker.py"))


class ToyPlaces:
    """Toy workers of this machine."""

    def __init__(self, folder: Path, count: int, command: Sequence[str] | None = None) -> None:
        self.folder, self.count = folder, count
        self.command = command or [sys.executable, TOY, "0.03", "{}", "0"]
        self.started: list[LocalWorker] = []

    async def posts(self) -> Sequence[int]:
        return range(self.count)

    async def start(self, post: Any) -> LocalWorker:
        self.started.append(await start_worker(self.command, self.folder / f"{post}.log"))
        return self.started[-1]


def tasks(folder: Path, count: int, **changes: Any) -> list[Task]:
    def to_config(seed: int) -> Any:
        def made(likes: Mapping[str, Any]) -> Mapping[str, Any]:
            assert likes["cutouts"] == 4  # what the toy networks like
            values = {"prompt": "a house", "seed": seed, "steps": 20, "width": 32, "height": 32, "checkpoint_every": 2}
            return GenerateConfig(**{**values, **changes}).to_dict()

        return made

    return [Task(number, folder / f"picture-{number}", to_config(number)) for number in range(1, count + 1)]


@pytest.mark.slow
def test_a_batch_spreads_and_a_killed_worker_costs_no_byte(tmp_path: Path) -> None:
    usual = tasks(tmp_path / "usual", 3)
    asyncio.run(CrewBatch(usual, ToyPlaces(tmp_path, 1)).run())

    places, seen, killed = ToyPlaces(tmp_path, 2), set(), []

    def kill_once(task: Task, stepped: Stepped) -> None:
        seen.add(task.number)
        if stepped.steps_done >= 6 and len(seen) >= 2 and not killed:
            killed.append(task.number)
            for worker in places.started:
                worker.kill()

    broken = tasks(tmp_path / "broken", 3)
    asyncio.run(CrewBatch(broken, places, tell=kill_once).run())
    assert killed
    assert max(task.attempts for task in broken) == 2
    for one, other in zip(usual, broken, strict=True):
        assert (one.folder / "picture.png").read_bytes() == (other.folder / "picture.png").read_bytes()

    again = tasks(tmp_path / "broken", 3)
    nobody = ToyPlaces(tmp_path, 2)
    asyncio.run(CrewBatch(again, nobody).run())
    assert [task.was_done for task in again] == [True] * 3
    assert not nobody.started


@pytest.mark.slow
def test_one_that_cannot_be_drawn_does_not_keep_the_others_from_it(tmp_path: Path) -> None:
    wanted = tasks(tmp_path, 2, steps=2)
    wanted.insert(1, Task(9, tmp_path / "bad", lambda likes: {"prompt": "a", "nonsense": 1}))
    ended: list[int] = []
    asyncio.run(CrewBatch(wanted, ToyPlaces(tmp_path, 1), tell_end=lambda task: ended.append(task.number)).run())
    assert ended == [1, 9, 2]
    assert wanted[1].error is not None
    assert all(task.done is not None for task in (wanted[0], wanted[2]))


def test_workers_that_do_not_start_end_the_batch_in_words(tmp_path: Path) -> None:
    places = ToyPlaces(tmp_path, 1, [sys.executable, "-c", "raise SystemExit(1)"])
    with pytest.raises(FailedError, match="do not start"):
        asyncio.run(CrewBatch(tasks(tmp_path, 1), places).run())


@pytest.mark.slow
def test_a_picture_that_ends_its_worker_each_time_is_given_up(tmp_path: Path) -> None:
    places = ToyPlaces(tmp_path, 1)
    wanted = tasks(tmp_path, 1, steps=5000)

    def kill(task: Task, stepped: Stepped) -> None:
        places.started[-1].kill()

    asyncio.run(CrewBatch(wanted, places, tell=kill).run())
    assert wanted[0].attempts == MOST_ATTEMPTS
    assert wanted[0].error is not None


# ---- places that come and go


class Drawer:
    """A worker in words: a bad one never says any, nor does a crowded one, which finds no room; a slow one draws until
    it is told to leave, a good one at once.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.orders: list[Order] = []
        self.told: asyncio.Queue[Telling | None] = asyncio.Queue()
        self.told.put_nowait(None if kind in ("bad", "crowded", "gone") else Ready(kind, (), likes={"cutouts": 4}))

    mark = "drawer"

    async def send(self, order: Order) -> None:
        self.orders.append(order)
        if isinstance(order, Draw) and self.kind == "good":
            await asyncio.sleep(0.01)
            self.told.put_nowait(Done(order.job, order.attempt, 1.0))
            self.told.put_nowait(Ready(self.kind, (), likes={"cutouts": 4}))
        elif isinstance(order, Leave):
            drawn = [one for one in self.orders if isinstance(one, Draw)]
            if drawn and self.kind == "slow":
                self.told.put_nowait(Interrupted(drawn[-1].job, drawn[-1].attempt, 3))
            self.told.put_nowait(None)

    async def tellings(self) -> AsyncIterator[Telling]:
        while (telling := await self.told.get()) is not None:
            yield telling

    def kill(self) -> None:
        self.told.put_nowait(None)

    async def wait(self) -> int:
        return {"crowded": EXIT_NO_ROOM, "gone": EXIT_NO_PLACE}.get(self.kind, 0)


class Sites:
    """Places by name, which a test changes; the first letters are the kind of worker."""

    def __init__(self, *posts: str) -> None:
        self.now: list[str] = list(posts)
        self.drawers: list[Drawer] = []
        self.silent = 0
        self.lost = False
        self.looks = 0

    async def posts(self) -> Sequence[str]:
        self.looks += 1
        if self.lost:
            raise CrewLostError("The head of the crew is gone.")
        if self.silent > 0:
            self.silent -= 1
            raise TimeoutError
        return list(self.now)

    async def start(self, post: Any) -> Drawer:
        kind = post.split()[0]
        is_free = kind == "crowded" and len(self.drawers) > 2 * batches.MOST_FALSE_STARTS
        self.drawers.append(Drawer("good" if is_free else kind))
        return self.drawers[-1]


@pytest.fixture
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "LOOK_SECONDS", 0.02)


def drawn(batch: CrewBatch) -> None:
    async def what() -> None:
        async with asyncio.timeout(60):
            await batch.run()

    asyncio.run(what())


def test_a_place_that_goes_lets_its_worker_keep_and_its_picture_goes_on_without_blame(
    tmp_path: Path, quick_looks: None
) -> None:
    sites, ended = Sites("slow"), []
    (wanted,) = tasks(tmp_path, 1)
    batch = CrewBatch([wanted], sites, tell_end=lambda task: ended.append(task.number))

    async def what() -> None:
        running = asyncio.create_task(batch.run())
        async with asyncio.timeout(60):
            for _ in range(2 * MOST_ATTEMPTS):  # as often as would be too often, were it to blame
                count = len(sites.drawers)
                while not any(isinstance(one, Draw) for drawer in sites.drawers[count - 1 :] for one in drawer.orders):
                    await asyncio.sleep(0.01)
                sites.now = []
                while batch.hands:
                    await asyncio.sleep(0.01)
                sites.now = ["slow"]
                while len(sites.drawers) == count:
                    await asyncio.sleep(0.01)
            sites.now = ["good"]
            await running

    asyncio.run(what())
    assert all(isinstance(drawer.orders[-1], Leave) for drawer in sites.drawers)
    assert wanted.error is None
    assert ended == [1]


def test_one_bad_place_does_not_end_a_batch_that_a_good_one_draws(tmp_path: Path, quick_looks: None) -> None:
    sites = Sites("slow", "bad")
    wanted = tasks(tmp_path, 2)
    batch = CrewBatch(wanted, sites)

    async def what() -> None:
        running = asyncio.create_task(batch.run())
        async with asyncio.timeout(60):
            while sites.looks < 20:
                await asyncio.sleep(0.01)
            assert not running.done()
            assert sum(drawer.kind == "bad" for drawer in sites.drawers) == batches.MOST_FALSE_STARTS
            sites.now = ["good"]
            await running

    asyncio.run(what())
    assert all(task.done is not None for task in wanted)


def test_a_card_that_is_full_of_something_else_is_waited_for(
    tmp_path: Path, quick_looks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a server does: more often than a place may start badly."""
    monkeypatch.setattr(batches, "CROWDED_SECONDS", 0.02)
    sites, (wanted,) = Sites("crowded"), tasks(tmp_path, 1)
    drawn(CrewBatch([wanted], sites))
    assert wanted.done is not None
    assert len(sites.drawers) > batches.MOST_FALSE_STARTS


def test_a_machine_that_is_gone_is_no_false_start(tmp_path: Path, quick_looks: None) -> None:
    """Ray names it for ten seconds more: it may be the only one, and come back."""
    sites, (wanted,) = Sites("gone"), tasks(tmp_path, 1)
    batch = CrewBatch([wanted], sites)

    async def what() -> None:
        running = asyncio.create_task(batch.run())
        async with asyncio.timeout(60):
            while len(sites.drawers) <= 2 * batches.MOST_FALSE_STARTS:
                await asyncio.sleep(0.01)
            sites.now = ["good"]
            await running

    asyncio.run(what())
    assert wanted.done is not None


def test_a_picture_whose_networks_found_no_room_is_not_blamed(tmp_path: Path) -> None:
    async def what() -> None:
        (wanted,) = tasks(tmp_path, 1)
        batch = CrewBatch([wanted], Sites("slow"))
        hand = batches._BatchHand(batch, "slow")
        hand.task, hand.found_no_room = wanted, True
        for _ in range(MOST_ATTEMPTS):
            hand.task = wanted
            hand.lost()
        assert (wanted.crashes, wanted.error) == (0, None)
        hand.working.cancel()

    asyncio.run(what())


def test_places_that_are_not_told_for_a_while_end_no_batch(tmp_path: Path, quick_looks: None) -> None:
    sites, wanted = Sites("good"), tasks(tmp_path, 2)
    sites.silent = 2
    drawn(CrewBatch(wanted, sites))
    assert all(task.done is not None for task in wanted)
    sites.lost = True
    with pytest.raises(CrewLostError):
        drawn(CrewBatch(tasks(tmp_path / "lost", 1), sites))
    sites.lost, sites.silent = False, 1000
    with pytest.raises(NotReadyError, match="does not say who can draw"):
        drawn(CrewBatch(tasks(tmp_path / "more", 1), sites))
