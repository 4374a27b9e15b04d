"""Which run was made last: a note beside the runs, because clocks are set back and a second holds many runs.

The times in the names of folders only ever grow, so names sort as the runs were made.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dreamrig.documents import DocumentError, read_object, to_bytes
from dreamrig.paths import write_atomic

NOTE = ".latest.json"
LARGEST_BYTES = 4096


@dataclass(frozen=True)
class Latest:
    """The run made last, and how many were made up to it."""

    run_id: str = ""
    number: int = 0
    time: str = ""
    """As the names begin with it."""


def read(base: Path) -> Latest:
    """The note of a folder of runs; an empty one where there is none to be read."""
    with contextlib.suppress(OSError, DocumentError):
        facts = read_object(base / NOTE, most_bytes=LARGEST_BYTES)
        run_id, number, time = facts.get("run"), facts.get("number"), facts.get("time")
        if isinstance(run_id, str) and isinstance(time, str) and type(number) is int and 0 <= number < 2**53:
            return Latest(run_id, number, time)
    return Latest()


def write(base: Path, run_id: str, number: int, time: str) -> None:
    """Note the run that was just made; NotReadyError as write_atomic raises it."""
    write_atomic(base / NOTE, to_bytes({"run": run_id, "number": number, "time": time}, indent=None))


def as_name(moment: datetime) -> str:
    """A moment as the names of runs begin with it."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def time_of_name(now: datetime, before: Latest) -> str:
    """The time for the name of a new run: now, but never before that of the run made last."""
    return max(as_name(now), before.time if re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", before.time) else "")
