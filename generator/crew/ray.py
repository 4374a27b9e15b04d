"""Workers on other machines, over Ray: the protocol of local.py, with a network in between. Loads no torch: actors do.

Who calls whom::

    serve (or a batch) ── the driver: owns the database, this module, and every decision
      │  RayCluster.posts()        the places there are now: a card, a part of one, or a machine without any
      │  RayCluster.start(post)    an actor on that place: one Station (station.py) with the worker's own loop
      ▼
    RayCrew  (a Crew, as local.LocalWorker is)
      │  life.remote()             a stream for its whole life: fingerprint, Ready, Beat
      │  draw.remote(line, …)      a stream an attempt: the JSON lines of the protocol, and files as items (parcels.py)
      │  take.remote(line)         Cancel, Unload, Leave
      ▼
    the job's folder on the driver's disk: files are written when they arrive, before their line is told

A node writes nothing that lasts, opens no database, and never calls the driver. What it says counts for as long as its
streams are read: here alone there is a lease, on the driver's clock that never jumps. Silence of LEASE_SECONDS on a
stream ends the worker for the driver, whatever the node may say later: nobody reads it any more, and the attempt's
number refuses the rest. Ray's own retries are off: what becomes of a job is decided in one place.

A third crew, whose workers pull over https and need no open port, would be one more module beside this one.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from dreamrig.errors import NotReadyError, RigError
from generator.crew import parcels, protocol
from generator.crew.cluster import put_in_place
from generator.crew.door import CrewDriver, CrewLostError
from generator.crew.parcels import Item
from generator.crew.places import Post, cards_among, label_of, posts_of
from generator.crew.protocol import (
    EXIT_NO_PLACE,
    EXIT_NO_ROOM,
    SECONDS_BETWEEN_BEATS,
    Beat,
    Draw,
    Order,
    ProtocolError,
    Telling,
)
from generator.crew.settings import CrewSettings
from generator.runs.folder import CHECKPOINT

T = TypeVar("T")
AskDoor = Callable[[Mapping[str, Any]], Any]
log = logging.getLogger("dreamrig.crew")
STATION = "generator.crew.station"
SPACE = "dreamrig"
LEASE_SECONDS = CrewSettings.lease_seconds
START_SECONDS = 300.0
"""For an actor's process, torch and the networks, before its first word."""
CALL_SECONDS = 60.0
"""For one question to the cluster."""
CONNECT_SECONDS = 120.0
"""For this process to become the cluster's driver: a wrong token is refused after 22 s."""
HEAD_SECONDS = 40.0
"""Without a word of the head it is gone; after 60 s Ray ends the process of every driver, in its own words."""
NOBODY = CrewDriver()
SIMILAR = "similar, not equal"
"""Of a worker whose pictures look alike and differ in bytes from those of the first."""
PLACE_IS_GONE = ("ActorUnschedulableError", "ActorUnavailableError", "NodeDiedError")
"""Ray's names: for ten seconds after its end it tells a machine as one where a worker could be."""
THREADS = 4
"""Of an actor: life, draw, and take twice, because a Cancel may meet a Leave."""


class Actor:
    """What runs in the process of an actor: a Station, which it alone imports."""

    def __init__(
        self, station: str, given: Mapping[str, Any], keep_seconds: float, inputs: Mapping[str, bytes], card: str = ""
    ) -> None:
        """inputs: pictures by the paths that `given` has on the driver's disk.   card: UUID of the one to draw on."""
        if card:
            os.environ["CUDA_VISIBLE_DEVICES"] = card  # Ray chose any; the station imports torch after this
        self.station = importlib.import_module(station).Station(parcels.settled(given, inputs), keep_seconds)

    def life(self) -> Any:
        """See Station.life."""
        yield from self.station.life()

    def draw(self, line: bytes, files: Any, inputs: Any) -> Any:
        """See Station.draw."""
        yield from self.station.draw(line, files, inputs)

    def take(self, line: bytes) -> None:
        """See Station.take."""
        self.station.take(line)


class RayCrew:
    """A Crew whose worker is an actor."""

    def __init__(
        self,
        actor: Any,
        post: Post,
        lease_seconds: float = LEASE_SECONDS,
        note: Callable[[RayCrew], None] = lambda crew: None,
    ) -> None:
        """note: called once its fingerprint is known."""
        self.actor, self.post, self.lease_seconds, self.note = actor, post, lease_seconds, note
        self.fingerprint = ""
        """Of its pixels; "" = not told yet."""
        self.is_over = asyncio.Event()
        self.code = 1
        self._left_with = 0
        self._told: asyncio.Queue[Telling | None] = asyncio.Queue()
        self._reading: set[asyncio.Task[None]] = set()
        self._attempts: set[asyncio.Task[None]] = set()

    @property
    def mark(self) -> str:
        """Its machine and its actor."""
        return f"ray {self.post.node[:12]} {self.actor._actor_id.hex()[:12]}"  # noqa: SLF001 - Ray has no other name

    async def send(self, order: Order) -> None:
        """Give an order; the files of a Draw go with it."""
        if isinstance(order, Draw):
            attempt = self._read(self._attempt(order))
            self._attempts.add(attempt)
            attempt.add_done_callback(self._attempts.discard)
        elif not self.is_over.is_set():
            self._read(self._take(order))

    async def tellings(self) -> AsyncIterator[Telling]:
        """What it tells, until it is gone."""
        self._read(self._life())
        while (telling := await self._told.get()) is not None:
            yield telling

    def kill(self) -> None:
        """End it at once, for us also where its machine cannot be reached."""
        threading.Thread(target=end_actor, args=(self.actor,), daemon=True).start()  # which may block
        self._end()

    async def wait(self) -> int:
        """0 where it left by itself, EXIT_NO_ROOM where its card had no room for it, EXIT_NO_PLACE where its machine is
        gone, 1 where it was lost.
        """
        await self.is_over.wait()
        return self.code

    # ---- streams

    def _read(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)
        return task

    def _end(self) -> None:
        if not self.is_over.is_set():
            self.is_over.set()
            self._told.put_nowait(None)
            for task in self._reading:
                if task is not asyncio.current_task(task.get_loop()):
                    task.cancel()

    async def _life(self) -> None:
        """From its first word on; its end is the worker's end."""
        starting = asyncio.ensure_future(self._say_starting())
        try:
            async for item in self._items(await self._stream(self.actor.life), START_SECONDS):
                starting.cancel()
                if isinstance(item, tuple):
                    self._note(*item)
                else:
                    self._hear(item)
            self.code = self._left_with
        except Exception as error:  # noqa: BLE001 - Ray has many ways to say that a node is gone
            log.warning("worker %s is lost: %s", self.post.name, first_line(error))
            self.code = EXIT_NO_PLACE if type(error).__name__ in PLACE_IS_GONE else 1
        starting.cancel()
        await self._last_words()
        self.kill() if self.code else self._end()

    def _note(self, name: str, data: bytes) -> None:
        """What a worker tells of itself that is no line."""
        if name == parcels.FINGERPRINT:
            self.fingerprint = data.decode()
            self.note(self)
        elif name == parcels.NO_ROOM:
            log.warning("worker %s: no room for the networks: %s", self.post.name, data.decode("utf-8", "replace"))
            self._left_with = EXIT_NO_ROOM

    async def _last_words(self) -> None:
        """Of attempts whose stream ends beside that of a worker that left: a checkpoint and an ending may be in it."""
        if not self.code and self._attempts:
            await asyncio.wait(set(self._attempts), timeout=self.lease_seconds)

    async def _say_starting(self) -> None:
        """For the worker, while its process starts: that has a limit of its own, START_SECONDS."""
        while not self.is_over.is_set():
            self._told.put_nowait(Beat())
            await asyncio.sleep(SECONDS_BETWEEN_BEATS)

    async def _attempt(self, order: Draw) -> None:
        """One attempt: what comes is written down and told, for as long as this worker counts."""
        folder = Path(order.folder)
        try:
            files = await asyncio.to_thread(parcels.half_done, folder, self.fingerprint)
            inputs = await asyncio.to_thread(parcels.inputs_of, order.config)
        except OSError as error:
            self._told.put_nowait(protocol.Failed(order.job, order.attempt, "bad_request", str(error)))
            return
        try:
            stream = await self._stream(self.actor.draw, protocol.encode(order), files, inputs)
            async for item in self._items(stream, self.lease_seconds):
                if isinstance(item, tuple):
                    await asyncio.to_thread(self._write, folder, *item)
                else:
                    self._hear(item)
        except RigError as error:
            self._told.put_nowait(protocol.Failed(order.job, order.attempt, "disk_full", error.message))
            await self.send(protocol.Cancel(order.job, order.attempt))
        except Exception as error:  # noqa: BLE001 - as above
            log.warning("job %d attempt %d on %s: %s", order.job, order.attempt, self.post.name, first_line(error))
            self.kill()

    async def _take(self, order: Order) -> None:
        with contextlib.suppress(Exception):  # it is gone: its streams tell
            await timely(asyncio.to_thread(self.actor.take.remote, protocol.encode(order)), CALL_SECONDS)

    async def _stream(self, method: Any, *arguments: Any) -> Any:
        """What an actor yields; asked off the loop, which other workers need while Ray waits for a network."""
        ask = partial(method.options(num_returns="streaming").remote, *arguments)
        return await timely(asyncio.to_thread(ask), CALL_SECONDS)

    async def _items(self, stream: Any, first_seconds: float) -> AsyncIterator[Item]:
        """Items until the stream ends; TimeoutError where it is silent for longer than the lease."""
        patience = first_seconds
        while not self.is_over.is_set():
            try:
                async with asyncio.timeout(patience):
                    item = await (await anext(stream))
            except StopAsyncIteration:
                return
            patience = self.lease_seconds
            yield item

    def _write(self, folder: Path, name: str, data: bytes) -> None:
        if self.is_over.is_set():
            return
        if name == CHECKPOINT:
            parcels.keep_checkpoint(folder, data, self.fingerprint)
            return
        parcels.unpack(folder, name, data)
        if name == protocol.PICTURE:
            (folder / protocol.LIVE).unlink(missing_ok=True)

    def _hear(self, line: bytes) -> None:
        with contextlib.suppress(ProtocolError):
            message = protocol.decode(line)
            if not isinstance(message, Order):
                self._told.put_nowait(message)


def end_actor(actor: Any) -> None:
    """At once, as far as the cluster can be reached; without one Ray would start another to ask it."""
    ray = sys.modules.get("ray")
    with contextlib.suppress(Exception):
        if ray is not None and ray.is_initialized():
            ray.kill(actor, no_restart=True)


def first_line(error: BaseException) -> str:
    """The kind of an error and the first line of its text: Ray's are pages long."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}"


class RayCluster:
    """The cluster as its driver sees it."""

    def __init__(
        self,
        settings: CrewSettings,
        given: Mapping[str, Any],
        keep_seconds: float,
        *,
        ask_door: AskDoor = lambda question: {},
        driver: CrewDriver = NOBODY,
        station: str = STATION,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """given, keep_seconds: as of a worker.   ask_door: asks the head's door; see generator.crew.door.

        station: the module whose Station draws; tests bring their own.
        """
        self.driver, self.clock = driver, clock
        self.head: str | None = None
        """The label of the head that this driver began with."""
        self.heard_at = clock()
        self.settings, self.given, self.keep_seconds, self.station = settings, given, keep_seconds, station
        self.ask_door = ask_door
        self.crews: list[RayCrew] = []
        self.refused_cards: list[str] = []
        self.first = ""
        """The fingerprint that the first worker of this driver had: what the owner's list compares with."""

    async def posts(self) -> list[Post]:
        """The places there are now; TimeoutError or NotReadyError where head or cluster do not answer, CrewLostError
        where they will not any more.

        A machine that wants to leave has none any more; once its last worker has left, its door is told.
        """
        import ray

        leaving = await self._leaving()  # first: with a head begun anew, Ray would end this process at its own question
        nodes = await timely(asyncio.to_thread(ray.nodes), CALL_SECONDS)
        self.crews = [crew for crew in self.crews if not crew.is_over.is_set()]
        busy = {crew.post.node for crew in self.crews}
        for node in nodes:
            if label_of(node) in leaving and node["NodeID"] not in busy:
                question = {"kind": "drained", "node": label_of(node)}
                await timely(asyncio.to_thread(self.ask_door, question), CALL_SECONDS)
        posts = posts_of(nodes, self.settings, leaving)
        self._say_cards(nodes, posts)
        return posts

    async def _leaving(self) -> list[str]:
        """The labels of machines that want to leave, as the door tells its driver."""
        try:
            told = await timely(asyncio.to_thread(self.ask_door, self.driver.question()), CALL_SECONDS)
        except (NotReadyError, TimeoutError) as error:
            if self.clock() - self.heard_at > HEAD_SECONDS:
                raise CrewLostError("The head of the crew is gone.", hint="run there: dreamrig crew start") from error
            raise
        self.heard_at = self.clock()
        if told.get("other"):
            raise CrewLostError(f"This crew draws for {told['other']} now.", hint="end that, then start this again")
        if self.head not in (None, told.get("head")):
            raise CrewLostError("The head of the crew was begun anew.", hint="start this again")
        self.head = told.get("head")
        return list(told.get("leaving", []))

    def _say_cards(self, nodes: Sequence[Mapping[str, Any]], posts: Sequence[Post]) -> None:
        """Once, that no card is as the owner's setting says: a typo would be a silence without end."""
        cards = cards_among(nodes) if self.settings.cards and not posts else []
        if cards and cards != self.refused_cards:
            log.warning("no card is called %r (crew.cards); there are: %s", self.settings.cards, ", ".join(cards))
        self.refused_cards = cards

    def is_stranger(self, crew: RayCrew, folder: Path) -> bool:
        """Whether the half-done picture in that folder has to wait for a worker who draws the same bytes as its first.

        Not where no such worker is there any more: then it is begun anew.
        """
        kin = parcels.kin_of(folder)
        if kin is None or not crew.fingerprint or kin == crew.fingerprint:
            return False
        return kin in [one.fingerprint for one in self.crews if not one.is_over.is_set()]

    def remark(self, crew: RayCrew) -> str:
        """What the owner should know of a worker, in words; "" = nothing."""
        return SIMILAR if self.first and crew.fingerprint not in ("", self.first) else ""

    def note(self, crew: RayCrew) -> None:
        """A worker has told its fingerprint."""
        self.first = self.first or crew.fingerprint
        if self.remark(crew):
            log.warning("worker %s: %s: it goes on with no picture that others began", crew.post.name, SIMILAR)

    async def start(self, post: Post) -> RayCrew:
        """A worker on that place; it may be gone before its first word."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        actor = ray.remote(Actor).options(
            num_gpus=post.gpus,
            num_cpus=post.cpus,
            max_concurrency=THREADS,
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(post.node, soft=False),
            runtime_env={"env_vars": {"OMP_WAIT_POLICY": "passive"}},
        )
        given = dict(self.given)
        try:
            inputs = await asyncio.to_thread(parcels.inputs_of, given)
            make = partial(actor.remote, self.station, given, self.keep_seconds, inputs, post.card)
            made = await timely(asyncio.to_thread(make), CALL_SECONDS)
        except Exception as error:  # noqa: BLE001 - its machine is gone: a worker that never says a word
            log.warning("no worker on %s: %s", post.name, first_line(error))
            made = None
        crew = RayCrew(made, post, self.settings.lease_seconds, self.note)
        self.crews.append(crew)
        return crew


async def timely(work: Awaitable[T], seconds: float) -> T:
    """The result, or TimeoutError: no question to a cluster waits for ever."""
    async with asyncio.timeout(seconds):
        return await work


def connect(address: str, environment: Mapping[str, str]) -> None:
    """Join the cluster as its driver; NotReadyError where it does not answer.

    address: HOST:PORT of its head.   environment: with the token; see CrewFolder.environment.
    """
    put_in_place(environment)
    try:
        in_time(partial(initialise, address), CONNECT_SECONDS)
    except Exception as error:
        raise NotReadyError(
            f"Ray at {address} does not let this process in: {first_line(error)}",
            hint="is `dreamrig crew start` or `dreamrig crew join` running on this machine?",
        ) from error


def initialise(address: str) -> None:
    """Be a driver of the cluster there."""
    import ray

    ray.init(
        address=address,
        namespace=SPACE,
        log_to_driver=False,
        logging_level=logging.ERROR,
        configure_logging=False,
    )


def in_time(work: Callable[[], None], seconds: float) -> None:
    """Do it, or TimeoutError; what does not come back is left behind in a thread that keeps no process alive."""
    ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the caller has it
            ended.put(error)
        else:
            ended.put(None)

    threading.Thread(target=run, daemon=True).start()
    try:
        error = ended.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:.0f} s") from None
    if error is not None:
        raise error
