"""Waiting for another process."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(
    true: Callable[[], T],
    what: str,
    seconds: float,
    *,
    not_yet: tuple[type[Exception], ...] = (),
    pause_seconds: float = 0.1,
) -> T:
    """What it gives, once it is something; SystemExit where it does not come. not_yet: errors that say as much."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(*not_yet):
            if found := true():
                return found
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: not within {seconds:.0f} s")
        time.sleep(pause_seconds)
