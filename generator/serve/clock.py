"""The clocks of a server. Decisions go by the one that never jumps; wall time is for people and for rows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


def wall_ms() -> int:
    """Milliseconds of UTC; WSL's may be hours off after a sleep."""
    return time.time_ns() // 1_000_000


def boot_seconds() -> float:
    """Seconds since boot with sleep, where the system tells them; else without."""
    number = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if number is None else time.clock_gettime(number)


@dataclass(frozen=True)
class Clock:
    """Tests bring their own."""

    now_ms: Callable[[], int] = wall_ms
    monotonic: Callable[[], float] = time.monotonic
    boot: Callable[[], float] = boot_seconds
