"""Asking the terminal what it can show. No environment variable tells of sixel: Primary Device Attributes do.

The question is CSI c, the answer CSI ? 62 ; 4 ; … c, where 4 means sixel
(https://invisible-island.net/xterm/ctlseqs/ctlseqs.html). Before it CSI 16 t asks how many pixels a cell has; every
terminal answers in order, so one that knows only the second question costs no waiting.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import IO

from generator.sinks.preview import CELL_PIXELS, Protocol, detect_protocol, is_multiplexed

QUESTION = b"\x1b[16t\x1b[c"
ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]*)c")
CELL = re.compile(rb"\x1b\[6;(\d{1,4});(\d{1,4})t")
SIXEL = b"4"
LIMIT_SECONDS = 1.0
"""A terminal on this machine answers in milliseconds, one behind a slow line in some hundreds."""
GLANCE_SECONDS = 0.05
"""A signal that comes just before the wait begins is acted on after it."""
ENDING = ("SIGTERM", "SIGHUP", "SIGQUIT")


@dataclass(frozen=True)
class TerminalAnswer:
    """What a terminal said of itself."""

    has_sixel: bool
    cell_pixels: tuple[int, int] = CELL_PIXELS
    """Width, height of a character cell."""


SILENT = TerminalAnswer(has_sixel=False)


def choose_graphics(environ: Mapping[str, str], file: IO[str], *, may_ask: bool) -> tuple[Protocol, tuple[int, int]]:
    """How to show pictures on this terminal, and the pixels of its cells: by its environment, then by asking it.

    may_ask: False where nothing but the answer may be exchanged with the terminal (--json).
    """
    protocol = detect_protocol(environ)
    if protocol != "blocks" or is_multiplexed(environ) or not may_ask:
        return protocol, CELL_PIXELS
    answer = ask_terminal(file)
    return ("sixel" if answer.has_sixel else "blocks"), answer.cell_pixels


def ask_terminal(file: IO[str], limit_seconds: float = LIMIT_SECONDS) -> TerminalAnswer:
    """What the terminal behind `file` says; SILENT where it is none, is not ours or does not answer."""
    if threading.current_thread() is not threading.main_thread():
        return SILENT  # only the main thread may watch for signals
    try:
        import termios
    except ImportError:  # Windows
        return SILENT
    try:
        with _opened(file) as terminal:
            return _read_answer(_converse(terminal, limit_seconds))
    except (OSError, ValueError, termios.error):  # no terminal, closed, or not ours
        return SILENT


@contextlib.contextmanager
def _opened(file: IO[str]) -> Iterator[int]:
    """The terminal for reading and writing. OSError where we are in its background: the system would stop us."""
    terminal = os.open(os.ttyname(file.fileno()), os.O_RDWR | os.O_NOCTTY)
    try:
        if os.tcgetpgrp(terminal) != os.getpgrp():
            raise OSError("in the background")
        yield terminal
    finally:
        os.close(terminal)


def _converse(terminal: int, limit_seconds: float) -> bytes:
    until, said = time.monotonic() + limit_seconds, b""
    with _unechoed(terminal):
        os.write(terminal, QUESTION)
        while not ATTRIBUTES.search(said) and (left := until - time.monotonic()) > 0:
            if select.select([terminal], [], [], min(left, GLANCE_SECONDS))[0]:
                said += os.read(terminal, 1024)
    if not ATTRIBUTES.search(said):
        atexit.register(_drop_late_answer, os.ttyname(terminal))
    return said


def _read_answer(said: bytes) -> TerminalAnswer:
    attributes, cell = ATTRIBUTES.search(said), CELL.search(said)
    if attributes is None:
        return SILENT
    pixels = (int(cell[2]), int(cell[1])) if cell is not None and int(cell[1]) and int(cell[2]) else CELL_PIXELS
    return TerminalAnswer(SIXEL in attributes[1].split(b";")[1:], pixels)  # the first is the kind of terminal


@contextlib.contextmanager
def _unechoed(terminal: int) -> Iterator[None]:
    """Every byte at once and none of them shown; as it was afterwards, by whatever this ends but signal 9."""
    import termios

    before = termios.tcgetattr(terminal)
    quiet = [*before[:3], before[3] & ~(termios.ICANON | termios.ECHO), *before[4:]]

    def restore() -> None:
        termios.tcsetattr(terminal, termios.TCSANOW, before)

    with _on_ending_signals(restore):
        try:
            termios.tcsetattr(terminal, termios.TCSANOW, quiet)
            yield
        finally:
            restore()


@contextlib.contextmanager
def _on_ending_signals(act: Callable[[], None]) -> Iterator[None]:
    """Run `act` before a signal does what it would have done; one that is ignored stays so."""
    numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    watched = [number for number in numbers if before[number] not in (signal.SIG_IGN, None)]

    def on_signal(number: int, frame: FrameType | None) -> None:
        act()
        signal.signal(number, before[number])
        os.kill(os.getpid(), number)

    try:
        for number in watched:
            signal.signal(number, on_signal)
        yield
    finally:
        for number in watched:
            signal.signal(number, before[number])


def _drop_late_answer(path: str) -> None:
    """At the end of the process: what came after all must not stand in the shell's input as if it were typed."""
    import termios

    with contextlib.suppress(OSError, termios.error):
        terminal = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            if os.tcgetpgrp(terminal) == os.getpgrp():
                termios.tcflush(terminal, termios.TCIFLUSH)
        finally:
            os.close(terminal)
