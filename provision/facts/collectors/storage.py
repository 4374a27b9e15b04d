"""Where the data folder lies, and how much room there is. Apart from the rest, because a dead network disk may hang."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from provision.facts.collectors.linux import is_wsl, part, read_text
from provision.facts.facts import Part
from provision.machine.machine import Machine


def collect_storage(machine: Machine) -> Part:
    """The data folder, with the home folder written as ~, and its disk."""
    folder = machine.data_folder()
    real = machine.realpath(folder)
    home = machine.env("HOME")
    shown = "~" + folder[len(home) :] if home and home != "/" and folder.startswith(f"{home}/") else folder
    values = {
        "linux.data_folder": shown,
        "linux.data_folder_on_windows_drive": is_wsl(machine) and on_windows_drive(machine, real),
        "linux.data_free_mib": machine.disk_free_mib(real),
    }
    return part(values)


def on_windows_drive(machine: Machine, path: str) -> bool:
    """Whether the mount that holds `path` is a Windows drive: drvfs, or 9p / virtiofs of a drive."""
    rows = [line.split() for line in (read_text(machine, "/proc/self/mounts") or "").splitlines()]
    above = [row for row in rows if len(row) > 3 and PurePosixPath(path).is_relative_to(row[1].replace("\\040", " "))]
    if not above:
        return re.match(r"/mnt/[a-z](/|$)", path) is not None
    source, point, kind, options = max(above, key=lambda row: len(row[1]))[:4]
    if point.startswith("/usr/lib/wsl"):
        return False
    is_drive = "drvfs" in options or re.match(r"[A-Za-z]:", source) is not None
    return kind in ("drvfs", "virtiofs") or (kind == "9p" and is_drive)
