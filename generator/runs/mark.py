"""Whether a process that wrote its number down is still the one that runs under it. Standard library alone."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

UNKNOWN_MARK = "unknown"


def process_mark(pid: int) -> str | None:
    """What tells this process from any other that had or will have its number; None = it is not alive.

    Linux: boot id and start tick. Elsewhere: the start time as ps tells it, or "unknown" where ps is missing.
    """
    if not Path("/proc/self/stat").exists():
        return _mark_by_ps(pid)
    try:
        # The name in parentheses may hold spaces and parentheses; what follows the last one is regular.
        words = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    state, start_tick = words[0], words[19]
    return None if state in "ZX" else f"{_boot_id()}:{start_tick}"


@functools.cache
def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "boot"


def _mark_by_ps(pid: int) -> str | None:
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    try:
        found = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False)
    except OSError:
        return UNKNOWN_MARK
    return found.stdout.strip() or None
