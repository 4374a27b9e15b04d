"""Whether a server's worker holds this machine's device: so that whoever draws beside it can be told."""

from __future__ import annotations

import contextlib
from pathlib import Path

from dreamrig.paths import write_atomic
from generator.runs.mark import process_mark

WORKER_FILE = "worker.pid"


def note_worker(folder: Path, mark: str) -> None:
    """A worker has started. folder: of the server.   mark: number and mark of its process."""
    with contextlib.suppress(OSError):  # a full disk: nobody is told, nothing else
        write_atomic(folder / WORKER_FILE, mark.encode(), durable=False)


def is_held(data_folder: Path) -> bool:
    """Whether a worker of this home's server lives; what a dead one left says nothing."""
    try:
        number, _, mark = (data_folder / "serve" / WORKER_FILE).read_text("ascii").partition(" ")
        return bool(mark) and process_mark(int(number)) == mark
    except (OSError, ValueError):
        return False
