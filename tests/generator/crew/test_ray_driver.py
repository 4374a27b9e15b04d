"""The driver's side of a crew over Ray, with actors that do what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from generator.crew import parcels, protocol
from generator.crew.places import Post
from generator.crew.protocol import Draw, Interrupted, Kept, Leave, Telling
from generator.crew.ray import RayCrew

POST = Post("node", 0, 0.0, 1.0)
PATIENCE_SECONDS = 60.0
END = None


class Stream:
    """What one call of an actor yields, as a test puts it in."""

    def __init__(self) -> None:
        self.items: asyncio.Queue[Any] = asyncio.Queue()

    def put(self, *items: Any) -> None:
        for item in items:
            self.items.put_nowait(item)

    async def __anext__(self) -> Awaitable[Any]:
        item = await self.items.get()
        if item is END:
            raise StopAsyncIteration
        found = asyncio.get_running_loop().create_future()
        found.set_result(protocol.encode(item) if not isinstance(item, tuple) else item)
        return found


class Method:
    """One of an actor's."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call

    def options(self, **named: Any) -> Method:
        return self

    def remote(self, *arguments: Any) -> Any:
        return self.call(*arguments)


class FakeActor:
    """Two streams, and what it was told."""

    def __init__(self, fingerprint: bytes = b"usual") -> None:
        self.lives, self.draws = Stream(), Stream()
        self.taken: list[bytes] = []
        self.given: list[Any] = []
        self.lives.put(("fingerprint", fingerprint))
        self.life, self.take = Method(lambda: self.lives), Method(self.taken.append)
        self.draw = Method(self._draw)

    def _draw(self, *arguments: Any) -> Stream:
        self.given.append(arguments)
        return self.draws


class Listening:
    """A crew whose tellings are collected."""

    def __init__(self, actor: Any, **named: Any) -> None:
        self.crew = RayCrew(actor, POST, **named)
        self.told: list[Telling] = []
        self.task = asyncio.ensure_future(self._listen())

    async def _listen(self) -> None:
        async for telling in self.crew.tellings():
            self.told.append(telling)

    async def until(self, true: Callable[[], Any]) -> Any:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := true()):
                await asyncio.sleep(0.01)
        return found

    async def over(self) -> int:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.task
            return await self.crew.wait()


def draw_of(folder: Path) -> Draw:
    return Draw(1, 1, {"prompt": "a house"}, str(folder))


def test_a_worker_that_leaves_is_heard_to_its_last_word(tmp_path: Path) -> None:
    """Both streams end at the same moment: the files of the last checkpoint, and its ending, are still read."""

    async def what() -> None:
        actor = FakeActor()
        listening = Listening(actor)
        await listening.crew.send(draw_of(tmp_path / "job"))
        await listening.until(lambda: actor.given)
        await listening.crew.send(Leave())
        await listening.until(lambda: actor.taken)
        actor.draws.put(*((name, b"x") for name in parcels.KEPT), Interrupted(1, 1, 7), END)
        actor.lives.put(END)
        assert await listening.over() == 0
        assert Interrupted(1, 1, 7) in listening.told
        assert (tmp_path / "job" / parcels.CHECKPOINT).read_bytes() == b"x"
        assert parcels.kin_of(tmp_path / "job") == "usual"

    asyncio.run(what())


def test_an_attempt_without_end_does_not_keep_a_worker_from_leaving(tmp_path: Path) -> None:
    async def what() -> None:
        actor = FakeActor()
        listening = Listening(actor, lease_seconds=0.3)
        await listening.crew.send(draw_of(tmp_path / "job"))
        await listening.until(lambda: actor.given)
        actor.lives.put(END)
        actor.draws.put(Kept(1, 1, 3))
        assert await listening.over() == 0

    asyncio.run(what())
