"""A worker, from its first instruction on bound to its server: `python -m generator.crew GIVEN KEEP_SECONDS`.

Loading torch takes seconds; a server that is killed meanwhile leaves nobody behind.
"""

from __future__ import annotations

import contextlib
import os
import sys

from generator.crew.local import die_with_parent


def run(argv: list[str]) -> int:
    """Ask for the signal, then load what draws; the exit code."""
    die_with_parent()
    from generator.crew import worker

    return worker.main(argv)


if __name__ == "__main__":
    code = run(sys.argv[1:])
    with contextlib.suppress(OSError):  # a full disk under the log
        sys.stderr.flush()
    os._exit(code)  # a reader that waits for standard input would keep the process
