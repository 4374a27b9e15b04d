"""Room for weights and pictures: the lesser of the disks that they are written to."""

from __future__ import annotations

from provision.doctor.check import FactReader, Finding, evidence, unknown
from provision.doctor.rules import named_finding

LEAST_DISK_MIB, GOOD_DISK_MIB = 1024, 10 * 1024
"""A run writes a few MiB; the large weights take 2 GiB, torch with CUDA 7 GiB."""


def disk_space(facts: FactReader) -> Finding:
    """The data folder's disk; in WSL also the Windows drive that the virtual disk grows on."""
    path = "windows.system_drive_free_mib" if facts.place == "windows" else "linux.data_free_mib"
    free = facts.get(path)
    if free is None:
        return unknown(facts, path)
    on_windows = facts.get("windows.system_drive_free_mib") if facts.place == "wsl" else None
    proof = evidence(facts, path, *(["windows.system_drive_free_mib"] if on_windows is not None else []))
    least = free if on_windows is None else min(free, on_windows)
    where = " on the Windows drive" if on_windows is not None and on_windows < free else ""
    what = "full" if least < LEAST_DISK_MIB else "little" if least < GOOD_DISK_MIB else "fine"
    gib = f"{least / 1024:.{0 if what == 'fine' else 1}f}"
    return named_finding("disk-space", what, facts, proof, mib=str(least), gib=gib, where=where)
