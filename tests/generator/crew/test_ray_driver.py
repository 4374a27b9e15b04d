"""The driver's side of a crew over Ray, with actors that do what the test says."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dreamrig.errors import NotReadyError
from generator.crew import parcels, protocol
from generator.crew.door import CrewDriver, CrewLostError
from generator.crew.places import Post
from generator.crew.protocol import Cancel, Draw, Interrupted, Kept, Leave, Telling
from generator.crew.ray import HEAD_SECONDS, SIMILAR, Actor, RayCluster, RayCrew, end_actor, in_time
from generator.crew.settings import CrewSettings

POST = Post("node", 0, 0.0, 1.0)
PATIENCE_SECONDS = 60.0
END = None


class Stream:
    """What one call of an actor yields, as a test puts it in."""

    def __init__(self) -> None:
        self.items: asyncio.Queue[Any] = asyncio.Queue()
        self.error: Exception | None = None

    def put(self, *items: Any) -> None:
        for item in items:
            self.items.put_nowait(item)

    async def __anext__(self) -> Awaitable[Any]:
        item = await self.items.get()
        if self.error is not None:
            raise self.error
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


async def drawing(folder: Path, **named: Any) -> tuple[FakeActor, Listening]:
    """An actor with a picture in its hands, and who listens to it."""
    actor = FakeActor()
    listening = Listening(actor, **named)
    await listening.crew.send(draw_of(folder))
    await listening.until(lambda: actor.given)
    return actor, listening


def test_a_worker_that_leaves_is_heard_to_its_last_word(tmp_path: Path) -> None:
    """Both streams end at the same moment: the files of the last checkpoint, and its ending, are still read."""

    async def what() -> None:
        actor, listening = await drawing(tmp_path / "job")
        await listening.crew.send(Leave())
        await listening.until(lambda: actor.taken)
        actor.draws.put(*((name, b"x") for name in parcels.KEPT), Interrupted(1, 1, 7), END)
        actor.lives.put(END)
        assert await listening.over() == 0
        assert Interrupted(1, 1, 7) in listening.told
        assert (tmp_path / "job" / parcels.CHECKPOINT).read_bytes() == b"x"
        assert parcels.kin_of(tmp_path / "job") == "usual"

    asyncio.run(what())


def test_a_worker_without_room_on_its_card_is_waited_for_and_not_blamed(tmp_path: Path) -> None:
    async def what() -> None:
        actor, listening = await drawing(tmp_path / "job")
        actor.draws.put(END)
        actor.lives.put((parcels.NO_ROOM, b"CUDA out of memory"), END)
        assert await listening.over() == protocol.EXIT_NO_ROOM

    asyncio.run(what())


@pytest.mark.parametrize(("name", "code"), [("ActorUnschedulableError", protocol.EXIT_NO_PLACE), ("ActorDiedError", 1)])
def test_a_machine_that_is_gone_is_told_from_a_worker_that_died(name: str, code: int) -> None:
    async def what() -> None:
        actor = FakeActor()
        actor.lives.error = type(name, (Exception,), {})("the node does not exist")
        assert await Listening(actor).over() == code

    asyncio.run(what())


def test_an_attempt_without_end_does_not_keep_a_worker_from_leaving(tmp_path: Path) -> None:
    async def what() -> None:
        actor, listening = await drawing(tmp_path / "job", lease_seconds=0.3)
        actor.lives.put(END)
        actor.draws.put(Kept(1, 1, 3))
        assert await listening.over() == 0

    asyncio.run(what())


def test_a_network_that_hangs_holds_nobody_else_up(tmp_path: Path) -> None:
    """Ray's calls may block where they should not: the loop has other workers to listen to."""

    async def what() -> None:
        free = threading.Event()
        actor = FakeActor()
        actor.take = Method(lambda line: free.wait(PATIENCE_SECONDS))
        actor.draw = Method(lambda *arguments: free.wait(PATIENCE_SECONDS))
        listening = Listening(actor)
        await listening.until(lambda: listening.crew.fingerprint)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS / 2):
                await listening.crew.send(draw_of(tmp_path / "job"))
                await listening.crew.send(Cancel(1, 1))
                for _ in range(20):
                    await asyncio.sleep(0.01)
                listening.crew.kill()
                assert await listening.crew.wait() == 1
        finally:
            free.set()

    asyncio.run(what())


def test_ending_an_actor_starts_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[Any] = []
    for is_initialized in (False, True):
        ray = SimpleNamespace(
            is_initialized=lambda found=is_initialized: found, kill=lambda actor, **named: killed.append(actor)
        )
        monkeypatch.setitem(sys.modules, "ray", ray)
        end_actor(f"with a cluster: {is_initialized}")
    assert killed == ["with a cluster: True"]


def test_what_does_not_come_back_is_left_behind() -> None:
    free = threading.Event()
    with pytest.raises(TimeoutError, match="no answer"):
        in_time(lambda: bool(free.wait(PATIENCE_SECONDS)), 0.05)
    free.set()
    with pytest.raises(ConnectionError, match="token"):
        in_time(refuse, PATIENCE_SECONDS)
    in_time(lambda: None, PATIENCE_SECONDS)


def refuse() -> None:
    raise ConnectionError("another token")


def test_pictures_of_the_owners_settings_travel_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node loads the networks of --style, and draws with it once before anything is ordered: from its own disk."""
    made: list[Any] = []
    station = SimpleNamespace(Station=lambda given, keep_seconds: made.append(given))
    monkeypatch.setitem(sys.modules, "station_of_a_test", station)
    monkeypatch.setattr(parcels, "INPUTS", tmp_path / "node")
    mine = tmp_path / "style.png"
    mine.write_bytes(b"picture")
    given = {"style": str(mine), "model": "starter"}
    inputs = parcels.inputs_of(given)
    mine.unlink()  # the node has another disk
    Actor("station_of_a_test", given, 5.0, inputs)
    assert Path(made[0]["style"]).read_bytes() == b"picture"
    order = parcels.with_inputs(Draw(1, 1, given, "/x"), inputs, parcels.INPUTS)
    assert order.inputs[str(mine)] == made[0]["style"]  # or the networks would be loaded again for each picture
    assert made[0]["model"] == "starter"


def test_a_typo_in_the_wanted_cards_is_told_with_those_that_there_are(caplog: pytest.LogCaptureFixture) -> None:
    card = {"NodeID": "a", "Alive": True, "Labels": {"dreamrig-card": "tesla-t4"}, "Resources": {}}
    cluster = RayCluster(CrewSettings(cards="Tesla T5"), {}, 5.0)
    for _ in range(3):
        cluster._say_cards([card], [])
    assert [record.getMessage() for record in caplog.records] == [
        "no card is called 'Tesla T5' (crew.cards); there are: tesla-t4"
    ]
    cluster._say_cards([card], [POST])
    RayCluster(CrewSettings(), {}, 5.0)._say_cards([card], [])
    assert len(caplog.records) == 1


def told(cluster: RayCluster) -> list[str]:
    """Who leaves, as the driver hears it."""
    return asyncio.run(cluster._leaving())


def test_a_driver_whose_crew_is_lost_says_so_and_ends() -> None:
    """Ray would abort its process at the next question to a head begun anew, and a minute after the head's end."""
    answers: list[Any] = [{"head": "a", "leaving": ["x"], "other": ""}]
    now = [0.0]

    def ask(question: Any) -> Any:
        assert question["who"] == "me"
        if isinstance(answers[-1], Exception):
            raise answers[-1]
        return answers[-1]

    cluster = RayCluster(CrewSettings(), {}, 5.0, ask_door=ask, driver=CrewDriver("me"), clock=lambda: now[0])
    assert told(cluster) == ["x"]
    now[0] = 100.0
    assert told(cluster) == ["x"]
    answers.append(NotReadyError("No crew answers."))
    now[0] += HEAD_SECONDS - 1
    with pytest.raises(NotReadyError, match="No crew answers"):
        told(cluster)
    now[0] += 2
    with pytest.raises(CrewLostError, match="is gone"):
        told(cluster)
    answers.append({"head": "b", "leaving": [], "other": ""})
    with pytest.raises(CrewLostError, match="begun anew"):
        told(cluster)
    answers.append({"head": "a", "leaving": [], "other": "a batch"})
    with pytest.raises(CrewLostError, match="for a batch now"):
        told(cluster)


def test_a_worker_bound_to_a_card_sees_that_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    station = SimpleNamespace(Station=lambda *given: seen.append(os.environ["CUDA_VISIBLE_DEVICES"]))
    monkeypatch.setitem(sys.modules, "station_of_a_test", station)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    Actor("station_of_a_test", {}, 5.0, {})
    Actor("station_of_a_test", {}, 5.0, {}, "GPU-2")
    assert seen == ["0", "GPU-2"]


def test_a_half_done_picture_waits_for_its_own_kind_while_there_is_one(tmp_path: Path) -> None:
    """Whoever began it decides, not whoever was this driver's first: that may have been another kind."""

    async def what() -> None:
        cluster = RayCluster(CrewSettings(), {}, 5.0)
        first, second, third = (Listening(FakeActor(kind), note=cluster.note) for kind in (b"one", b"other", b"one"))
        cluster.crews = [one.crew for one in (first, second, third)]
        for one in (first, second, third):
            await one.until(lambda one=one: one.crew.fingerprint)
        parcels.keep_checkpoint(tmp_path / "job", b"x", "other")
        strangers = [cluster.is_stranger(one.crew, tmp_path / "job") for one in (first, second, third)]
        assert strangers == [True, False, True]
        assert not cluster.is_stranger(first.crew, tmp_path / "nobody has begun it")
        assert [cluster.remark(one.crew) for one in (first, second, third)] == ["", SIMILAR, ""]
        second.crew.kill()
        assert not cluster.is_stranger(first.crew, tmp_path / "job")  # it would wait for ever
        first.crew.kill()
        third.crew.kill()

    asyncio.run(what())
