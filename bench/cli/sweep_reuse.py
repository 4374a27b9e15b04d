"""Which timings of an earlier sweep still hold: of this dreamrig and this torch, on this device, with its threads."""

from __future__ import annotations

import functools
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measure.environment import describe_tool
from dreamrig.documents import DocumentError, read_object, write_object
from dreamrig.words import plural
from generator.crew.batch import Task
from generator.work.batch_file import WantedPicture

MADE, TIMINGS = "made.json", "timings.json"
COMMIT_SHOWN = 9

Facts = Mapping[str, object]
"""dreamrig, torch, device, threads: what decides a pace besides the settings. None = not known, or any."""


def note(task: Task) -> None:
    """Keep beside a picture which dreamrig drew it."""
    if task.error is None:
        write_object(task.folder / MADE, {"dreamrig": _dreamrig()})


@functools.cache
def _dreamrig() -> str:
    tool = describe_tool()
    return tool.version + (f" at {tool.commit[:COMMIT_SHOWN]}" if tool.commit else "")


@dataclass(frozen=True)
class Here:
    """What would draw now. is_this_machine: whether it is this one; of a crew each device may be any."""

    is_this_machine: bool

    def facts(self, one: WantedPicture) -> Facts:
        """As of a picture that was drawn now."""
        import torch

        from generator.devices import describe, resolve_device

        found: dict[str, object] = {"dreamrig": _dreamrig(), "torch": torch.__version__}
        if self.is_this_machine:
            found["device"] = describe(resolve_device(str(one.settings.get("device", "auto"))))
            found["threads"] = one.settings.get("threads") or torch.get_num_threads()
        return found


def forget_what_is_past(tasks: Sequence[Task], wanted: Sequence[WantedPicture], here: Here) -> list[str]:
    """Remove the pictures whose timings no longer hold, so that they are measured anew; a sentence for each reason."""
    reasons: Counter[str] = Counter()
    for task, one in zip(tasks, wanted, strict=True):
        if (task.folder / TIMINGS).is_file():
            why = next(differences(made(task.folder), here.facts(one)), None)
            if why is not None:
                shutil.rmtree(task.folder)
                reasons[why] += 1
    return [f"measuring {plural(count, 'picture')} anew: {why}" for why, count in reasons.items()]


def made(folder: Path) -> Facts:
    """What drew the picture that lies there."""
    report = _read(folder / TIMINGS)
    versions = report.get("versions")
    return {
        "dreamrig": _read(folder / MADE).get("dreamrig"),
        "torch": versions.get("torch") if isinstance(versions, Mapping) else None,
        "device": report.get("device"),
        "threads": report.get("threads"),
    }


def _read(file: Path) -> dict[str, Any]:
    try:
        return read_object(file)
    except (OSError, DocumentError):
        return {}


def differences(before: Facts, now: Facts) -> Iterator[str]:
    """What is another one now, in words."""
    for name, value in now.items():
        if before.get(name) != value:
            yield f"{name} was {before.get(name) or 'not noted'}, and is {value}"
