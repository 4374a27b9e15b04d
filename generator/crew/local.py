"""A worker as a process of this machine, spoken to over its pipes. Loads no torch: the process does."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from dreamrig.errors import EXIT_FAILED
from generator.crew import protocol
from generator.crew.holding import note_worker
from generator.crew.protocol import Order, Telling
from generator.runs.mark import process_mark

LARGEST_LOG_BYTES = 8 * 1024 * 1024
PR_SET_PDEATHSIG = 1


class Crew(Protocol):
    """One worker, wherever it is. Tests bring their own."""

    @property
    def mark(self) -> str:
        """What tells it from every other worker there was or will be."""
        ...

    async def send(self, order: Order) -> None:
        """Give an order; a worker that is gone takes it in silence, its end is told by `tellings`."""
        ...

    def tellings(self) -> AsyncIterator[Telling]:
        """What it tells, until it is gone."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...

    async def wait(self) -> int:
        """Until it has ended; its exit code, negative for a signal."""
        ...


def worker_command(given: Mapping[str, Any], keep_seconds: float) -> list[str]:
    """The command of a real worker.

    given: the owner's settings for every picture.   keep_seconds: between two checkpoints, at least.
    """
    return [sys.executable, "-P", "-m", "generator.crew", json.dumps(dict(given)), str(keep_seconds)]


class LocalWorker:
    """A Crew over the pipes of a child process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._mark = f"{process.pid} {process_mark(process.pid) or 'gone'}"

    @property
    def mark(self) -> str:
        """Number and mark of its process."""
        return self._mark

    async def send(self, order: Order) -> None:
        """One line on its standard input."""
        assert self.process.stdin is not None
        with contextlib.suppress(ConnectionError):
            self.process.stdin.write(protocol.encode(order))
            await self.process.stdin.drain()

    async def tellings(self) -> AsyncIterator[Telling]:
        """Lines of its standard output; one that is no telling is passed over."""
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError):  # a line without end: the worker has lost its mind
            async for line in self.process.stdout:
                with contextlib.suppress(protocol.ProtocolError):
                    message = protocol.decode(line)
                    if not isinstance(message, Order):
                        yield message

    def kill(self) -> None:
        """SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    async def wait(self) -> int:
        """Its exit code."""
        return await self.process.wait()


async def start_worker(command: Sequence[str], log: Path, environ: Mapping[str, str] | None = None) -> LocalWorker:
    """Start it in a session of its own, so that Ctrl-C at a terminal reaches the server alone.

    log: what it prints.   environ: variables beside ours.
    """
    cut_log(log)
    with log.open("ab") as target:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=target,
            start_new_session=True,
            env={**worker_environment(), **(environ or {})},
            limit=protocol.LARGEST_LINE_BYTES,
        )
    worker = LocalWorker(process)
    note_worker(log.parent, worker.mark)
    return worker


def die_with_parent(libc: ctypes.CDLL | None = None) -> None:
    """Ask Linux for a SIGTERM when the parent of this process dies, should nothing else tell."""
    with contextlib.suppress(OSError, AttributeError):
        (libc or ctypes.CDLL(None, use_errno=True)).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def bound_to_us() -> Callable[[], None]:
    """For the time between fork and exec of a child: it gets a SIGTERM when this process dies, from then on."""
    ours, libc = os.getpid(), ctypes.CDLL(None, use_errno=True)  # loaded now: in the child, nobody may

    def bind() -> None:
        die_with_parent(libc)
        if os.getppid() != ours:
            os._exit(EXIT_FAILED)

    return bind


def worker_environment() -> dict[str, str]:
    """Ours, and waiting threads that sleep: torch's library reads that when it is loaded, and would spin for a core."""
    return {"OMP_WAIT_POLICY": "passive", **os.environ}


def cut_log(log: Path) -> None:
    """Put a long log aside, in place of the one put aside before."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > LARGEST_LOG_BYTES:
            os.replace(log, log.with_suffix(".old.log"))


async def end_leftover(mark: str, patience_seconds: float) -> None:
    """Wait until the worker of an earlier server has left, and kill it where it does not. By number and mark."""
    number, _, expected = mark.partition(" ")
    if not number.isdigit():
        return
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_seconds
    while process_mark(int(number)) == expected:
        if loop.time() > deadline:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(number), signal.SIGKILL)
        await asyncio.sleep(0.05)
