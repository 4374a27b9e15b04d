"""`dreamrig serve` whose worker draws with toy networks: python toy_serve.py SECONDS_PER_STEP [process] --port PORT.

TOY_CLOCK, if set: a file with the milliseconds that wall time is off by, and the seconds that the machine has slept.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from dreamrig import console, settings
from dreamrig.errors import RigError
from generator.serve.clock import Clock, wall_ms
from generator.serve.parent import run
from generator.serve.process import web_process
from generator.serve.settings import Patience, load_settings

WORKER = Path(__file__).parents[1] / "crew" / "toy_worker.py"

WAITS = (0.1,)
"""Before a process that died is started again, however often it did: a friend's patience, not a test's, is spared."""


def main() -> int:
    seconds, *words = sys.argv[1:]
    flags = {"port": int(words[-1])}
    if words[0] != "process":
        return run(flags, [sys.executable, "-P", __file__, seconds, "process"], WAITS)
    keep = load_settings(flags, settings.load_sources()).keep_seconds
    return web_process(
        flags, [sys.executable, "-P", str(WORKER), seconds, "{}", str(keep)], Patience(restart=WAITS), clock()
    )


def clock() -> Clock:
    """The machine's, or one that jumps when the file says so."""
    if "TOY_CLOCK" not in os.environ:
        return Clock()
    path = Path(os.environ["TOY_CLOCK"])

    def told(place: int) -> float:
        return float(path.read_text().split()[place])

    return Clock(now_ms=lambda: wall_ms() + int(told(0)), boot=lambda: time.monotonic() + told(1))


if __name__ == "__main__":
    try:
        code = main()
    except RigError as error:
        console.print_error(error)
        code = error.exit_code
    sys.exit(code)
