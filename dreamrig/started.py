"""How long this process has been there: what Python's own start took belongs to what a command takes."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

STAT = Path("/proc/self/stat")
BEGAN = "DREAMRIG_BEGAN"
"""Set by ./rig: seconds since the machine was started when the command began, or "unknown". The process may be older: a
shell becomes its last command, and ./rig, which may have installed for minutes, becomes this program."""


def process_seconds(stat: Path = STAT, environment: Mapping[str, str] = os.environ) -> float | None:
    """Seconds since the process was started, to a hundredth; None where the system cannot tell.

    Linux counts its ticks from when the machine was started, sleep included; elsewhere psutil knows the time of day.
    """
    found, since = _age(stat), environment.get(BEGAN)
    if found is None or since is None:
        return found
    try:
        return max(0.0, min(found, time.clock_gettime(time.CLOCK_BOOTTIME) - float(since)))
    except (AttributeError, ValueError):
        return None


def _age(stat: Path) -> float | None:
    try:
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        ticks = float(fields[19])  # the 22nd field of all: starttime; the name before it may hold anything
        began_at = ticks / os.sysconf("SC_CLK_TCK")
        found: float | None = time.clock_gettime(time.CLOCK_BOOTTIME) - began_at
    except (OSError, AttributeError, IndexError, ValueError):
        found = _by_psutil()
    return found if found is not None and found >= 0 else None


def _by_psutil() -> float | None:
    try:
        import psutil
    except ImportError:
        return None
    try:
        return time.time() - float(psutil.Process().create_time())
    except (OSError, psutil.Error):
        return None
