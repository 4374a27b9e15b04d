"""Pictures of a batch over several workers: spread, gone on with, given up."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from dreamrig.errors import FailedError
from generator.config import GenerateConfig
from generator.crew.batch import MOST_ATTEMPTS, CrewBatch, Task
from generator.crew.local import LocalWorker, start_worker
from generator.crew.protocol import Stepped

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
