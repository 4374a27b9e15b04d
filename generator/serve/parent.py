"""The parent of a server: holds the home, keeps one web process alive, passes signals on."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

from dreamrig import extras, settings
from dreamrig.errors import EXIT_GOOD, NotReadyError, UsageError
from generator.crew.cluster import require_ray
from generator.crew.local import bound_to_us
from generator.crew.settings import load_crew_settings
from generator.serve.discord import setup as discord_setup
from generator.serve.home import held, this_home
from generator.serve.settings import EXIT_NO_CREW, LOOPBACK, ServeSettings, load_settings
from generator.serve.watching import lines

PROCESS = (sys.executable, "-P", "-m", "dreamrig", "serve", "process")
"""The web process's command, without flags."""
RESTART_WAITS = (0.2, 1.0, 5.0, 15.0, 60.0)
LONG_LIFE_SECONDS = 60.0
NO_CREW_SECONDS = 2.0


def run(flags: dict[str, Any], process: Sequence[str] = PROCESS, waits: Sequence[float] = RESTART_WAITS) -> int:
    """Hold the home, keep a web process alive, pass signals on. process: its command.   waits: see supervise."""
    own = load_settings(flags, settings.load_sources())
    require_safe_bind(own)
    _bring_extras(own)
    home = this_home()
    lines.begin(own)
    with held(home) as lock:
        return supervise(flags, lock, process, waits, own)


def _bring_extras(own: ServeSettings) -> None:
    """What the web process, the bot and the crew import; NotReadyError where it is missing."""
    extras.bring("serve")
    discord_setup.bring_if_wanted(own)
    if load_crew_settings({}, settings.load_sources()).kind == "ray":
        require_ray()


def require_safe_bind(own: ServeSettings) -> None:
    """Beyond loopback only on purpose: UsageError without a public address that friends and Host checks know."""
    if own.host not in LOOPBACK and not own.public_url:
        raise UsageError(
            f"serve.host {own.host} opens the server to others, and serve.public_url does not say by which address.",
            hint=f"run: dreamrig serve --host {own.host} --public-url http://ADDRESS:{own.port}",
        )


def supervise(
    flags: dict[str, Any], lock: int, process: Sequence[str], waits: Sequence[float], own: ServeSettings
) -> int:
    """Start the web process, and again where it dies, with growing pauses; returns its exit code once told to stop.

    A crew that is not there at the first start is the caller's to mend; one that there was is waited for.

    lock: the descriptor that holds the home. The web process inherits it: where this parent is killed, nobody may write
    the database before that process has left.   waits: seconds before it is started again, by deaths in a row.
    """
    words = [
        word
        for name, value in flags.items()
        if value is not None
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    command = [*process, *words]
    told = threading.Event()
    child: subprocess.Popen[bytes] | None = None
    deaths, was_there = 0, False

    def on_signal(number: int, frame: FrameType | None) -> None:
        told.set()
        if child is not None:
            child.terminate()

    with handled(on_signal):
        while True:
            began = time.monotonic()
            with start_bound(command, lock) as child:
                if told.is_set():  # it came while the child was started
                    child.terminate()
                code = child.wait()
            if told.is_set() or code in (EXIT_GOOD, UsageError.exit_code, NotReadyError.exit_code):
                return EXIT_GOOD if told.is_set() else code
            if code == EXIT_NO_CREW and not was_there:
                return NotReadyError.exit_code
            was_there = True
            deaths = 0 if time.monotonic() - began > LONG_LIFE_SECONDS else deaths + 1
            lines.note(own, f"the server ended with {code}; starting it again", exit_code=code)
            wait = waits[min(deaths, len(waits)) - 1]
            if told.wait(max(wait, NO_CREW_SECONDS) if code == EXIT_NO_CREW else wait):
                return EXIT_GOOD


@contextlib.contextmanager
def handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM go to `handler`, also between two children."""
    previous = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


def start_bound(command: Sequence[str], lock: int) -> subprocess.Popen[bytes]:
    """Start a child that ends with this process, from its first instruction on.

    Asked for between fork and exec: a child that asked by itself, after its imports, would outlive a parent that was
    killed in between, and hold the home for ever. No thread of ours runs beside the fork.
    """
    return subprocess.Popen(command, pass_fds=(lock,), preexec_fn=bound_to_us())  # noqa: PLW1509 - see above
