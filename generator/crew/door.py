"""The door of a crew's head: who is asked before Ray is, so that a refusal has words and takes no half minute.

A question is signed with the crew's token, which is never sent; so is the answer. Over it go facts about versions and
weights, "can you reach me", and who is about to leave; never a prompt and never a picture.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import secrets
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dreamrig.errors import FailedError, NotReadyError

DOOR_PORT = 8701
LARGEST_BODY_BYTES = 65_536
MOST_NONCES = 1_000
NONCE_SECONDS = 30.0
ASK_SECONDS = 10.0
REACH_SECONDS = 3.0
DRIVER_SECONDS = 15.0
"""A driver that did not ask for so long is gone: nobody drains a node then, and nobody has to."""
Answer = Callable[[Mapping[str, Any], str], Any]


def sign(token: str, *parts: str) -> str:
    """A keyed hash of the parts, which none can shift a border of."""
    text = json.dumps(parts).encode()
    return hmac.new(token.encode(), text, hashlib.sha256).hexdigest()


class CrewLostError(NotReadyError):
    """A driver has no crew any more: its head is gone, was begun anew, or draws for another driver."""


@dataclass(frozen=True)
class CrewDriver:
    """Who gives a crew work: one at a time, for it takes whole cards."""

    who: str = ""
    """The same at every start of one server; another for each batch."""
    name: str = "somebody"
    """For people: a server, a batch."""

    def question(self) -> dict[str, str]:
        """What it asks the door again and again; the answer is Membership.drive's."""
        return {"kind": "driver", "who": self.who, "name": self.name}


@dataclass
class Membership:
    """Who comes and goes, as the head knows it."""

    facts: Callable[[], Mapping[str, Any]]
    """Of the head: MemberFacts, and the port of Ray."""
    listen: Callable[[], int | None] = lambda: None
    """Opens a port of the head's workers for a moment; see generator.crew.reaching."""
    head: str = ""
    """Label of the head's own node: a head that is begun anew has another."""
    clock: Callable[[], float] = time.monotonic
    leaving: set[str] = field(default_factory=set)
    """Labels of nodes that take no more work."""
    drained: set[str] = field(default_factory=set)
    driver: CrewDriver = CrewDriver()
    driver_at: float | None = None

    def answer(self, question: Mapping[str, Any], caller: str) -> Any:
        """The answer to a signed question; FailedError for one that there is not. caller: the address it came from."""
        kind, node = question.get("kind"), str(question.get("node", ""))[:64]
        if kind == "facts":
            return self.facts()
        if kind == "reach":
            return can_reach(caller, int(question.get("port", 0)), REACH_SECONDS)
        if kind == "listen":
            return self.listen()
        if kind == "leave":
            self.leaving.add(node)
            return self.is_free(node)
        if kind == "drained":
            self.drained.add(node)
            return True
        if kind == "driver":
            return self.drive(CrewDriver(str(question.get("who", ""))[:64], str(question.get("name", ""))[:64]))
        if kind == "parted":
            self.part(str(question.get("who", ""))[:64])
            return True
        if kind == "driven":
            return self.has_driver()
        raise FailedError("The door does not know that question.")

    def drive(self, asking: CrewDriver) -> dict[str, Any]:
        """head; leaving: the nodes to drain; other: who gives work already, "" where whoever asks does now."""
        if self.has_driver() and asking.who != self.driver.who:
            return {"head": self.head, "leaving": [], "other": self.driver.name}
        self.driver, self.driver_at = asking, self.clock()
        return {"head": self.head, "leaving": sorted(self.leaving - self.drained), "other": ""}

    def part(self, who: str) -> None:
        """A driver has ended: nobody has to wait until it is forgotten."""
        if who == self.driver.who:
            self.driver_at = None

    def is_free(self, node: str) -> bool:
        """Whether a leaving node may go: its work is put back, or nobody gives any."""
        return node in self.drained or not self.has_driver()

    def used_by(self) -> str:
        """Who gives work, for people; "" = nobody."""
        return self.driver.name if self.has_driver() else ""

    def has_driver(self) -> bool:
        """Whether a server or a batch gave work a moment ago."""
        return self.driver_at is not None and self.clock() - self.driver_at < DRIVER_SECONDS


class Nonces:
    """Numbers that each may be used once, soon."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.known: dict[str, float] = {}
        self.lock = threading.Lock()

    def new(self) -> str:
        """A fresh one; the oldest is forgotten where there are very many."""
        with self.lock:
            while len(self.known) >= MOST_NONCES:
                del self.known[next(iter(self.known))]
            nonce = secrets.token_hex(16)
            self.known[nonce] = self.clock()
            return nonce

    def use(self, nonce: str) -> bool:
        """Whether it was ours, unused and fresh."""
        with self.lock:
            made_at = self.known.pop(nonce, None)
        return made_at is not None and self.clock() - made_at <= NONCE_SECONDS


class CrewDoor(ThreadingHTTPServer):
    """Listens until closed; use it as a context."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], token: str, membership: Membership) -> None:
        self.token, self.membership, self.nonces = token, membership, Nonces()
        super().__init__(address, _Handler)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    @contextlib.contextmanager
    def open(self) -> Any:
        """Answer in a thread of its own."""
        thread = threading.Thread(target=self.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """GET = a nonce; POST = a question."""

    server: CrewDoor
    timeout = ASK_SECONDS

    def do_GET(self) -> None:
        self._send(200, json.dumps({"dreamrig": "crew", "nonce": self.server.nonces.new()}))

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return self._send(400, "{}")
        nonce, asker = self.headers.get("X-Nonce", ""), self.headers.get("X-Asker", "")
        expected = sign(self.server.token, "question", nonce, asker, body)
        is_ours = self.server.nonces.use(nonce)
        if not is_ours or not hmac.compare_digest(expected, self.headers.get("X-Sign", "")):
            return self._send(401, "{}")
        try:
            answer = self.server.membership.answer(json.loads(body), str(self.client_address[0]))
        except (FailedError, ValueError, TypeError, AttributeError):
            return self._send(400, "{}")
        text = json.dumps(answer)
        return self._send(200, text, sign(self.server.token, "answer", asker, text))

    def _body(self) -> str | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LARGEST_BODY_BYTES:
            return None
        return self.rfile.read(int(length)).decode("utf-8", "replace")

    def _send(self, status: int, text: str, signed: str = "") -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Sign", signed)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Nothing: who asks is no news."""


def ask(address: str, token: str, question: Mapping[str, Any], seconds: float = ASK_SECONDS) -> Any:
    """The answer of the door at HOST:PORT.

    NotReadyError where nobody answers, where it is no door of ours, where the token is another, or where the answer is
    not signed with it.
    """
    url, asker, body = f"http://{address}/", secrets.token_hex(16), json.dumps(question)
    try:
        with urllib.request.urlopen(url, timeout=seconds) as answer:
            nonce = str(json.loads(answer.read(LARGEST_BODY_BYTES))["nonce"])
        headers = {"X-Nonce": nonce, "X-Asker": asker, "X-Sign": sign(token, "question", nonce, asker, body)}
        request = urllib.request.Request(url, body.encode(), headers)
        with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310 - as above
            text, signed = answer.read(LARGEST_BODY_BYTES * 16).decode(), answer.headers.get("X-Sign", "")
    except urllib.error.HTTPError as error:
        raise _refused(address, error) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotReadyError(
            f"No crew answers at {address}: {error}.",
            hint="is `dreamrig crew start` running there, and does its firewall let this port in?",
        ) from None
    if not hmac.compare_digest(signed, sign(token, "answer", asker, text)):
        raise NotReadyError(f"Whoever answers at {address} does not have the crew's token.", hint="check the address")
    return json.loads(text)


def be_driver(
    ask_door: Callable[[Mapping[str, Any]], Any],
    driver: CrewDriver,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Have the crew's work given by this process from now on; NotReadyError where another gives it.

    One that was killed is waited for: after DRIVER_SECONDS the door has forgotten it.
    """
    deadline = clock() + DRIVER_SECONDS + 2.0
    while other := ask_door(driver.question())["other"]:
        if clock() > deadline:
            raise NotReadyError(
                f"{other.capitalize()} draws over this crew already, with all of its cards.",
                hint="end that first; pictures for a running server: dreamrig submit",
            )
        sleep(1.0)


def _refused(address: str, error: urllib.error.HTTPError) -> NotReadyError:
    if error.code == 401:
        return NotReadyError(
            f"The crew at {address} has another token.",
            hint="copy the file that `dreamrig crew start` names there, then: dreamrig crew join --token-file FILE …",
        )
    return NotReadyError(f"The crew at {address} refused the question ({error.code}).", hint="are both one version?")


def can_reach(host: str, port: int, seconds: float) -> bool:
    """Whether a connection to that port comes about."""
    try:
        with socket.create_connection((host, port), timeout=seconds):
            return True
    except (OSError, OverflowError):
        return False
