"""How fast weights came to this machine the last time, so that the next download can say how long it will take."""

from __future__ import annotations

import contextlib
from pathlib import Path

from dreamrig.documents import DocumentError, read_object, write_object
from dreamrig.errors import RigError
from dreamrig.words import MIB

FILE = "pace.json"
LEAST_BYTES, LEAST_SECONDS = 16 * MIB, 1.0
"""Less tells nothing of a line: its first second is spent on greetings."""
ASSUMED_MIB_PER_SECOND = 5.0
"""Where nothing was ever fetched: a line of about 40 Mbit/s."""


def note_pace(base: Path, count: int, seconds: float) -> None:
    """Note that `count` bytes came in so many seconds, where that tells something; a full disk costs the note alone."""
    if count < LEAST_BYTES or seconds < LEAST_SECONDS:
        return
    with contextlib.suppress(OSError, RigError):
        write_object(base / FILE, {"mib_per_second": count / MIB / seconds})


def known_pace(base: Path) -> float | None:
    """MiB a second of the last download that was worth noting, None where there was none."""
    try:
        found = read_object(base / FILE).get("mib_per_second")
    except (OSError, DocumentError):
        return None
    return float(found) if isinstance(found, int | float) and 0 < found < float("inf") else None
