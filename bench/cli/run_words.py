"""The words after `dreamrig bench run`, checked before minutes are spent on what could not come to an end."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from bench.result.result import Effort
from bench.workloads import DEFAULT, ON_GPU
from dreamrig.errors import UsageError
from dreamrig.paths import given
from generator.config import CARD, DEVICES

NVIDIA_FILES = ("/dev/nvidiactl", "/dev/dxg", "/proc/driver/nvidia/version")


def default_workload(device: str, files: Sequence[str] = NVIDIA_FILES) -> str:
    """The workload for a device that was asked for; torch is asked only where there is a sign of a GPU."""
    if device == "auto":
        if not any(Path(file).exists() for file in files):
            return DEFAULT
        from generator.devices import resolve_device

        device = resolve_device("auto").type
    return ON_GPU if device.partition(":")[0] == "cuda" else DEFAULT


def split_workload(text: str, profile: str) -> tuple[str, str]:
    """ "NAME@PROFILE" or "NAME" -> both."""
    name, _, own = text.partition("@")
    return name, own or profile


def effort_of(*, quick: bool, thorough: bool) -> Effort:
    """The effort that two flags mean; UsageError for both."""
    if quick and thorough:
        raise UsageError("--quick and --thorough are both given.", hint="use one of the two")
    return "quick" if quick else "thorough" if thorough else "default"


def known_device(name: str) -> str:
    """The device's name; UsageError where there can be none of it."""
    if name not in DEVICES and not re.fullmatch(CARD, name):
        raise UsageError(f"There is no device {name!r}.", hint=f"use one of: {', '.join(DEVICES)}, cuda:1")
    return name


def place_of(asked: str | None) -> str | None:
    """A place of a result, or None for finding out; UsageError for one that there is not."""
    from bench.measure.environment import require_place

    return None if asked is None else require_place(asked)


def short_note(note: str | None) -> str | None:
    """One line that a result may carry; UsageError for more."""
    if note is not None and (len(note) > 1000 or not note.isprintable()):
        raise UsageError("--note is longer than 1000 characters, or more than one line.", hint="say it shorter")
    return note


def writable(out: Path) -> Path:
    """Refuse before minutes are spent what could not be written afterwards."""
    folder = given(out, "--out").parent
    if out.is_dir():
        raise UsageError(f"--out {out} is a folder.", hint=f"use a file: --out {out / 'result.json'}")
    if not folder.is_dir():
        raise UsageError(f"--out: the folder {folder} does not exist.", hint=f"run: mkdir -p {folder}")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"--out: the folder {folder} cannot be written.", hint="choose another place")
    return given(out, "--out")
