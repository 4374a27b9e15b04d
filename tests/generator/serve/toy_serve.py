"""`dreamrig serve` whose worker draws with toy networks: python toy_serve.py SECONDS_PER_STEP [process] --port PORT."""

from __future__ import annotations

import sys
from pathlib import Path

from dreamrig import settings
from generator.serve import cli
from generator.serve.settings import Patience, load_settings

WORKER = Path(__file__).parents[1] / "crew" / "toy_worker.py"

WAITS = (0.1,)
"""Before a process that died is started again, however often it did: a friend's patience, not a test's, is spared."""


def main() -> int:
    seconds, *words = sys.argv[1:]
    flags = {"port": int(words[-1])}
    if words[0] != "process":
        return cli.run(flags, [sys.executable, "-P", __file__, seconds, "process"], WAITS)
    keep = load_settings(flags, settings.load_sources()).keep_seconds
    return cli.web_process(
        flags, [sys.executable, "-P", str(WORKER), seconds, "{}", str(keep)], Patience(restart=WAITS)
    )


if __name__ == "__main__":
    sys.exit(main())
