"""What the history costs after years: `python -m bench.proofs.many_runs` makes 50,000 runs and asks for some of them.

The runs lie in a folder of their own that goes afterwards. Told is processor time, the least of some tries: of the
question alone inside a process, and of the whole command, most of which is its start.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from generator.runs import folder as runs

BEGAN = datetime(2021, 5, 4, 12, 0, 0, tzinfo=UTC)
SHOWN = 20


def make_home(home: Path, count: int) -> list[str]:
    """Finished runs, one a minute; their ids, the oldest first."""
    ids = [f"{BEGAN + timedelta(minutes=number):%Y%m%dT%H%M%SZ}-sea-{number:05x}" for number in range(count)]
    for number, run_id in enumerate(ids):
        folder = home / "runs" / run_id
        folder.mkdir(parents=True)
        created_at = (BEGAN + timedelta(minutes=number)).isoformat()
        record = {"prompt": "sea", "seed": 1, "steps": 300, "steps_done": 300, "status": "done", "seconds": 60.0}
        (folder / runs.RECORD).write_text(json.dumps({**record, "created_at": created_at, "picture": None}))
    return ids


def question_seconds(ask: Callable[[], Any]) -> float:
    """Processor time of this process."""
    before = time.process_time()
    ask()
    return time.process_time() - before


def command_seconds(home: Path, *words: str) -> float:
    """Processor time of a `dreamrig` command; RuntimeError where it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-P", "-m", "dreamrig", *words]
    ended = subprocess.run(command, capture_output=True, env={**os.environ, "DREAMRIG_HOME": str(home)}, check=False)
    if ended.returncode != 0:
        raise RuntimeError(ended.stderr.decode(errors="replace"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(home: Path, count: int, tries: int) -> dict[str, float]:
    """Seconds of processor time by what was asked."""
    ids, base = make_home(home, count), home / "runs"
    middle = ids[count // 2]
    asked: dict[str, Callable[[], float]] = {
        "the newest 20": lambda: question_seconds(lambda: runs.look(base, SHOWN)),
        "an exact id": lambda: question_seconds(lambda: runs.find_run(middle, base)),
        "part of an id": lambda: question_seconds(lambda: runs.find_run(middle[9:], base)),
        "dreamrig --version": lambda: command_seconds(home, "--version"),
        "dreamrig history --help": lambda: command_seconds(home, "history", "--help"),
        "dreamrig history": lambda: command_seconds(home, "history"),
        "dreamrig rm --force ID": lambda: command_seconds(home, "rm", "--force", ids.pop()),
    }
    return {what: round(min(ask() for _ in range(tries)), 3) for what, ask in asked.items()}


def main() -> int:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=50_000)
    parser.add_argument("--tries", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dreamrig-") as home:
        seconds = measure(Path(home), given.runs, given.tries)
    print(json.dumps({"runs": given.runs, "processor_seconds": seconds, "load": os.getloadavg()[0]}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
