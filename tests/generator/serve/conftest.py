"""A whole server on a free port of loopback, its worker a fake one that a test leads by the hand."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import io
import queue as queues
import socket
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from PIL import Image

from generator.config import GenerateConfig
from generator.crew.menu import CHOICES, KINDS, SHAPES, Offer
from generator.crew.protocol import Done, Draw, Leave, Order, Ready, Telling
from generator.serve import friends
from generator.serve.app import make_server
from generator.serve.clock import Clock, wall_ms
from generator.serve.discord.place import DiscordPlace
from generator.serve.home import Home
from generator.serve.settings import Patience, ServeSettings

PATIENCE_SECONDS = 30


def offers(**changes: Any) -> tuple[dict[str, Any], ...]:
    config = GenerateConfig(prompt="a house", width=32, height=32, steps=10).to_dict()
    found = [
        Offer(preset=p, shape=s, kind=k, model="starter", config=config, fits=True, largest_width=32, needs_mib=1.0)
        for p in CHOICES
        for s in SHAPES
        for k in KINDS
    ]
    return tuple(vars(replace(one, **changes)) for one in found)


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 80, 20)).save(buffer, "PNG")
    return buffer.getvalue()


class FakeCrew:
    """Draws when the test says so, or at once."""

    numbers = iter(range(1, 10**9))

    def __init__(
        self, loop: asyncio.AbstractEventLoop, at_once: bool, tell: tuple[Telling, ...], exit_code: int
    ) -> None:
        self.loop, self.at_once, self.exit_code = loop, at_once, exit_code
        self.number = next(self.numbers)
        self.orders: queues.SimpleQueue[Order] = queues.SimpleQueue()
        self.outbox: asyncio.Queue[Telling | None] = asyncio.Queue()
        self.ended = asyncio.Event()
        for telling in tell:
            self.outbox.put_nowait(telling)

    @property
    def mark(self) -> str:
        return f"fake {self.number}"

    async def send(self, order: Order) -> None:
        self.orders.put(order)
        if isinstance(order, Leave):
            self.outbox.put_nowait(None)
        if isinstance(order, Draw) and self.at_once:
            self.draw_now(order)

    def draw_now(self, order: Draw) -> None:
        self.paint(order)
        self.loop.call_soon_threadsafe(self.outbox.put_nowait, Done(order.job, order.attempt, 1.5))

    def paint(self, order: Draw) -> None:
        folder = Path(order.folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("picture.png", "picture-large.png", "thumb-256.jpg", "thumb-512.jpg", "live.jpg"):
            (folder / name).write_bytes(png())

    async def tellings(self) -> AsyncIterator[Telling]:
        while (telling := await self.outbox.get()) is not None:
            yield telling

    def kill(self) -> None:
        self.outbox.put_nowait(None)

    async def wait(self) -> int:
        return self.exit_code

    # ---- from the test's thread

    def tell(self, *tellings: Telling | None) -> None:
        for telling in tellings:
            self.loop.call_soon_threadsafe(self.outbox.put_nowait, telling)

    def die(self) -> None:
        self.tell(None)

    def next_order(self, kind: type) -> Any:
        while True:
            order = self.orders.get(timeout=PATIENCE_SECONDS)
            if isinstance(order, kind):
                return order


@dataclass
class Site:
    """The running server as a test sees it."""

    home: Home
    settings: ServeSettings = field(default_factory=lambda: ServeSettings(keep_free_mib=0, idle_unload="0"))
    at_once: bool = True
    ready: tuple[Telling, ...] = field(default_factory=lambda: (Ready("fake", offers(), ("a house",)),))
    crews: list[FakeCrew] = field(default_factory=list)
    false_starts: list[int] = field(default_factory=list)
    """Exit codes of the first workers, which never get ready."""
    patience: Patience = field(default_factory=lambda: Patience(tick=0.02, leave=2.0, beat=600.0, restart=(0.0,)))
    discord: DiscordPlace | None = None

    def start(self) -> Site:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.settings = replace(self.settings, port=self.port)
        self.offset_seconds = self.asleep_seconds = 0.0
        self.wall_offset_ms = 0
        clock = Clock(
            now_ms=lambda: wall_ms() + self.wall_offset_ms,
            monotonic=lambda: time.monotonic() + self.offset_seconds,
            boot=lambda: time.monotonic() + self.offset_seconds + self.asleep_seconds,
        )
        self.server = make_server(
            self.home,
            self.settings,
            patience=self.patience,
            start_crew=self.new_crew,
            clock=clock,
            discord=self.discord,
        )
        config = uvicorn.Config(
            self.server.app,
            port=self.port,
            log_level="error",
            timeout_graceful_shutdown=1,
            lifespan="on",
            proxy_headers=False,
        )
        self.web = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.web.run, daemon=True)
        self.thread.start()
        wait_until(lambda: self.web.started)
        return self

    async def new_crew(self) -> FakeCrew:
        code = self.false_starts.pop(0) if self.false_starts else 0
        self.crews.append(FakeCrew(asyncio.get_running_loop(), self.at_once, () if code else self.ready, code))
        return self.crews[-1]

    @property
    def service(self) -> Any:
        return self.server.service

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        if self.thread.is_alive():
            self.service.hub.close()
            self.web.should_exit = True
            self.thread.join(PATIENCE_SECONDS)
            assert not self.thread.is_alive()

    @contextlib.contextmanager
    def held_by_another(self, how: str = "EXCLUSIVE") -> Iterator[None]:
        """Another program has the database for itself; the server does not wait long."""
        self.service.store.read(lambda db: db.execute("PRAGMA busy_timeout = 20")).result()
        with contextlib.closing(sqlite3.connect(self.home.database, isolation_level=None)) as other:
            other.execute(f"BEGIN {how}")
            yield
            other.execute("ROLLBACK")

    def store(self, work: Any) -> Any:
        return self.service.store.write(work).result(PATIENCE_SECONDS)

    def rows(self, query: str, *values: Any) -> list[Any]:
        return self.service.store.read(lambda db: db.execute(query, values).fetchall()).result(PATIENCE_SECONDS)

    def link(self, name: str) -> str:
        now = self.service.clock.now_ms()
        return self.store(lambda db: friends.invite(db, friends.befriend(db, name, now).id, now))

    def visitor(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Origin": self.url, **headers}, timeout=PATIENCE_SECONDS)

    def friend(self, name: str) -> httpx.Client:
        client = self.visitor()
        assert client.post("/enter", data={"token": self.link(name)}).status_code == 303
        return client

    def owner(self) -> httpx.Client:
        client = self.visitor()
        now = self.service.clock.now_ms()
        token = self.store(lambda db: friends.invite(db, self.server.owner.id, now))
        assert client.post("/enter", data={"token": token}).status_code == 303
        return client

    def submit(self, client: httpx.Client, prompt: str = "a house", **fields: Any) -> str:
        self.until_ready()
        answer = client.post("/api/v1/jobs", json={"prompt": prompt, **fields})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["key"])

    def until_ready(self) -> None:
        wait_until(lambda: bool(self.service.hub.offers))

    def until(self, client: httpx.Client, key: str, *states: str) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def arrived() -> bool:
            found.update(client.get(f"/api/v1/jobs/{key}").json())
            return found["state"] in states

        wait_until(arrived, lambda: str(found))
        return found


def wait_until(true: Callable[[], bool], why: Callable[[], str] = lambda: "") -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, why()
        time.sleep(0.01)


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Starts servers on one home, each with fields of Site."""
    started: list[Site] = []

    def start(**changes: Any) -> Site:
        started.append(Site(Home(tmp_path / "home"), **changes).start())
        return started[-1]

    yield start
    for site in started:
        site.stop()


@pytest.fixture
def site(sites: Callable[..., Site]) -> Site:
    """A server whose worker draws at once."""
    return sites()


@pytest.fixture
def by_hand(sites: Callable[..., Site]) -> Site:
    """A server whose worker draws when the test says so."""
    return sites(at_once=False)


@pytest.fixture
def waiting() -> Callable[..., None]:
    """Waits until something is true."""
    return wait_until


def beside(name: str) -> Any:
    """A module in this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture
def guildhall() -> Iterator[Any]:
    """A Discord on loopback; needs the extra [discord]."""
    pytest.importorskip("discord", reason="needs the extra [discord]")
    fake = beside("fake_discord").DiscordOnLoopback()
    yield fake
    fake.stop()


@pytest.fixture
def rigs(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Starts whole servers in processes of their own, on one home: see whole.py."""
    whole = beside("whole")
    started = []

    def start(**changes: Any) -> Any:
        started.append(whole.Rig(**{"home": tmp_path / "home", **changes}))
        return started[-1]

    yield start
    for rig in started:
        rig.stop()


@pytest.fixture
def make_offers() -> Callable[..., tuple[dict[str, Any], ...]]:
    """Offers of a fake worker, with changes."""
    return offers
