"""What memory this process holds, by Linux's own account: now, and at most since its peak was forgotten."""

from __future__ import annotations

from pathlib import Path

from dreamrig.errors import NotReadyError

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
RESET_PEAK = "5"
KIB_PER_MIB = 1024


def require_forgetting() -> None:
    """NotReadyError where the system does not let a process forget its peak."""
    if not CLEAR.exists():
        raise NotReadyError("This system does not let a process forget its peak of memory.", hint="use Linux or WSL")


def forget_peak() -> float:
    """Forget the peak so far; returns the resident MiB of now."""
    CLEAR.write_text(RESET_PEAK)
    return _status_mib("VmRSS")


def peak_mib() -> float:
    """At most resident since the peak was forgotten."""
    return _status_mib("VmHWM")


def _status_mib(name: str) -> float:
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / KIB_PER_MIB
