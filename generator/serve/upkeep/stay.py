"""`dreamrig serve run --stay`: in the foreground while the server is up, and says when it is busy.

A task of Windows runs it: its process keeps the distribution alive, and keeps the PC awake while pictures wait.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dreamrig.errors import EXIT_GOOD, RigError
from generator.serve.client import call
from generator.serve.upkeep.install import knows_units
from generator.serve.upkeep.unit import UNIT
from provision.machine.machine import Machine

SECONDS_BETWEEN_LOOKS = 15.0
BUSY, IDLE = "dreamrig-serve: busy", "dreamrig-serve: idle"
"""Lines of standard output that powershell/DreamRig/Desktop/stay.ps1 waits for."""
Ask = Callable[[], Any]


def stay(machine: Machine, unit_folder: Path, run_here: Callable[[], int], *, teller: Teller | None = None) -> int:
    """Hold a server that a unit runs, or run it here where there is no unit; returns the exit code.

    A held server's process ends when nobody listens to it any more.
    """
    teller = teller or Teller()
    if (unit_folder / UNIT).exists() and knows_units(machine):
        machine.run("systemctl", "--user", "start", UNIT, timeout_seconds=60.0)
        teller.tell_for_ever()
        return EXIT_GOOD
    threading.Thread(target=teller.tell_for_ever, daemon=True).start()
    return run_here()


def ask_server() -> Any:
    """The state of this home's server."""
    return call("GET", "/api/v1/queue")


class Teller:
    """Says on standard output when pictures begin to wait, and when none waits any more."""

    def __init__(
        self, ask: Ask = ask_server, say: Callable[[str], None] = lambda text: print(text, flush=True),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self.ask, self.say, self.sleep = ask, say, sleep
        self.is_busy = False

    def tell_for_ever(self) -> None:
        """Until nobody listens any more."""
        with contextlib.suppress(BrokenPipeError):
            while True:
                self.look()
                self.sleep(SECONDS_BETWEEN_LOOKS)

    def look(self) -> None:
        """Ask the server once; one that does not answer, or not what was asked, is not busy: it cannot draw."""
        try:
            is_busy = has_work(self.ask())
        except (RigError, ValueError, TypeError, KeyError):
            is_busy = False
        if is_busy != self.is_busy:
            self.is_busy = is_busy
            self.say(BUSY if is_busy else IDLE)


def has_work(state: Any) -> bool:
    """Whether pictures are drawn, or wait for a machine that draws. While a game is played, Windows needs no help."""
    counts = state["counts"]
    return bool(counts["running"] or (counts["queued"] and state["mode"] == "drawing"))
