"""Five friends who go on asking whatever happens, and one who listens to every event."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from house import House

FRIENDS = ("ann", "ben", "cleo", "dan", "eve")
MOST_WAITING = 8
ACT_PAUSE_SECONDS = 0.1
CANCELLED_SHARE = 0.08


@dataclass
class Ask:
    """One submission; its idempotency key stays the same until somebody answers."""

    friend: str
    request: str
    wish: Mapping[str, Any]
    key: str = ""
    """What was acknowledged; empty = nothing yet."""
    cancelled: bool = False
    """Whether the server said that it is cancelled."""


@dataclass
class Circle:
    """What the friends asked, and what they were told."""

    house: House
    wishes: list[Mapping[str, Any]]
    asked: list[Ask] = field(default_factory=list)
    has_enough: bool = False
    """Nobody asks for more."""
    is_over: bool = False
    """Nobody listens any more."""

    def __post_init__(self) -> None:
        self.cookies: dict[str, httpx.Cookies] = {}

    def come_in(self) -> None:
        """Everybody gets an invitation and a session."""
        for name in FRIENDS:
            path = self.house.ask("POST", "/api/v1/friends/invite", json={"name": name})["path"]
            with self.client() as client:
                answer = client.post("/enter", data={"token": path.partition("#")[2]})
                assert answer.status_code == 303, answer.text
                self.cookies[name] = client.cookies
            limits = {"name": name, "most_waiting": 100, "most_a_minute": 1000}
            assert self.house.ask("POST", "/api/v1/friends/limit", json=limits) is not None

    def client(self, name: str = "") -> httpx.Client:
        """A browser of one of them."""
        cookies = self.cookies.get(name)
        return httpx.Client(base_url=self.house.url, headers={"Origin": self.house.url}, cookies=cookies, timeout=15)

    def go_on(self, seed: int) -> threading.Thread:
        """Ask and cancel in a thread of its own until they have enough."""
        thread = threading.Thread(target=self._ask_for_ever, args=(random.Random(f"friends {seed}"),), daemon=True)
        thread.start()
        return thread

    def _ask_for_ever(self, dice: random.Random) -> None:
        while not self.has_enough:
            time.sleep(ACT_PAUSE_SECONDS)
            self.knock_again()
            if self.has_enough or self.waiting() >= MOST_WAITING:
                continue
            number = len(self.asked)
            self.asked.append(Ask(dice.choice(FRIENDS), f"request {number}", dice.choice(self.wishes)))
            self.submit(self.asked[-1])
            if dice.random() < CANCELLED_SHARE:
                time.sleep(dice.uniform(0, 3))
                self.cancel(dice.choice(self.asked[-4:]))

    def queue_page(self) -> httpx.Response:
        """The page as a friend sees it."""
        with self.client(FRIENDS[0]) as client:
            return client.get("/queue")

    def ask_once_more(self) -> httpx.Response:
        """A wish of the last friend's, without an idempotency key: it counts for nothing where it is refused."""
        with self.client(FRIENDS[-1]) as client:
            return client.post("/api/v1/jobs", json={"prompt": "no room " * 40})

    def waiting(self) -> int:
        """How many are in the line, as the owner is told; many while nobody answers."""
        state = self.house.ask("GET", "/api/v1/queue")
        return MOST_WAITING if state is None else int(state["counts"]["queued"])

    def knock_again(self) -> None:
        """Whatever was not answered is sent once more, as a browser's second press of the button."""
        for ask in self.asked:
            if not ask.key:
                self.submit(ask)

    def submit(self, ask: Ask) -> None:
        """Send it; only an answer of 202 counts."""
        with contextlib.suppress(httpx.HTTPError), self.client(ask.friend) as client:
            answer = client.post("/api/v1/jobs", json=dict(ask.wish), headers={"Idempotency-Key": ask.request})
            if answer.status_code == 202:
                ask.key = answer.json()["key"]

    def cancel(self, ask: Ask) -> None:
        """Press cancel; what counts is what the server answers."""
        if not ask.key:
            return
        with contextlib.suppress(httpx.HTTPError, ValueError), self.client(ask.friend) as client:
            answer = client.post(f"/api/v1/jobs/{ask.key}/cancel", json={})
            ask.cancelled = ask.cancelled or (answer.status_code == 200 and answer.json()["state"] == "cancelled")


@dataclass
class Listener:
    """A page that is open all the time: it comes back by itself and says which event it heard last."""

    circle: Circle
    heard: list[int] = field(default_factory=list)
    """Numbers of events in the order in which they came."""
    first: int | None = None
    """The newest event when it began to listen."""
    connections: int = 0

    def begin(self) -> None:
        """Listen in a thread of its own."""
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while not self.circle.is_over:
            with contextlib.suppress(httpx.HTTPError, ValueError):
                self._once()
            time.sleep(0.2)

    def _once(self) -> None:
        last = self.heard[-1] if self.heard else self.first
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        with (
            self.circle.client(FRIENDS[0]) as client,
            client.stream("GET", "/api/v1/events", headers=headers) as stream,
        ):
            self.connections += stream.status_code == 200
            number, kind = -1, ""
            for line in stream.iter_lines():
                name, _, text = line.partition(": ")
                number = int(text) if name == "id" else number
                kind = text if name == "event" else kind
                if name == "data":
                    self._hear(kind, number, json.loads(text))

    def _hear(self, kind: str, number: int, body: Mapping[str, Any]) -> None:
        if kind == "state" and self.first is None:
            self.first = int(body["event"])
        elif kind == "job":
            self.heard.append(number)
