"""Whether a machine and a crew's head reach one another on what Ray uses, tried before anything joins."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from generator.crew.cluster import Ports
from generator.crew.door import REACH_SECONDS, ask, can_reach
from generator.crew.membership import MemberDifference

LISTEN_SECONDS = 10.0
WORKERS = "of its workers"
ALL = "TCP 6379 and 8701 to 8749"


def listened_on(ports: Ports) -> dict[str, int]:
    """What Ray's head listens on beside its own port, by a name for people."""
    return {"of Ray's node": ports.manager, "of Ray's objects": ports.objects}


def listen_once(host: str, ports: Ports, seconds: float = LISTEN_SECONDS) -> int | None:
    """A port of this machine's workers on which something listens for a while; None = none can be had."""
    for port in _workers(ports):
        listening = _listening(host, port)
        if listening is not None:
            number = int(listening.getsockname()[1])
            closing = threading.Timer(seconds, listening.close)
            closing.daemon = True
            closing.start()
            return number
    return None


def _workers(ports: Ports) -> Sequence[int]:
    """From the last on: Ray takes the first ones first."""
    return [0] if ports.workers is None else range(ports.workers[1], ports.workers[0] - 1, -1)


def _listening(host: str, port: int) -> socket.socket | None:
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen()
    except OSError:
        found.close()
        return None
    return found


def unreached(where: str, token: str, head: Mapping[str, Any], mine: str, ports: Ports) -> list[MemberDifference]:
    """What is shut between this machine and the head; empty = each reaches the other.

    where: the door, which has answered.   head: what it told.   mine, ports: the address and ports of this machine.
    """
    return [*from_here(where, token, head), *from_there(where, token, mine, ports)]


def from_here(where: str, token: str, head: Mapping[str, Any]) -> Iterator[MemberDifference]:
    """Ports of the head that do not answer here: Ray's own, its node's and objects', and one of its workers'."""
    host = where.rpartition(":")[0]
    wanted = {"of Ray": int(head.get("port", 0)), **head.get("ports", {})}
    if (listening := ask(where, token, {"kind": "listen"})) is not None:
        wanted[WORKERS] = listening
    for name, port in wanted.items():
        if not can_reach(host, int(port), REACH_SECONDS):
            what = f"The door at {where} answers, port {port} ({name}) does not."
            yield MemberDifference("head_ports", what, f"let {ALL} in on the head")


def from_there(where: str, token: str, mine: str, ports: Ports) -> Iterator[MemberDifference]:
    """Ports of this machine that the head does not reach: its node's and objects', and one of its workers'."""
    with contextlib.ExitStack() as stack:
        for name, port in {**listened_on(ports), WORKERS: _workers(ports)[0]}.items():
            listening = _listening(mine, port)
            if listening is None:
                yield MemberDifference(
                    "own_ports", f"Port {port} of {mine} cannot be had.", "is another node here? ss -ltnp"
                )
                continue
            stack.enter_context(contextlib.closing(listening))
            number = listening.getsockname()[1]
            if not ask(where, token, {"kind": "reach", "port": number}):
                what = f"The head does not reach port {number} ({name}) of this machine, as every node must."
                yield MemberDifference(
                    "own_ports", what, f"let {ALL} in; inside WSL mirrored networking or Tailscale: dreamrig doctor"
                )
