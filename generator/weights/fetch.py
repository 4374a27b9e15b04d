"""Get one published file: its mirrors in order, until one of them gives it."""

from __future__ import annotations

from pathlib import Path

from dreamrig.errors import FailedError
from generator.weights.door import WeightsDoor
from generator.weights.download import Download, Fetched, MirrorFailed, OnBytes, Say
from generator.weights.registry import Entry


def fetch(entry: Entry, folder: Path, door: WeightsDoor, say: Say, on_bytes: OnBytes) -> Fetched:
    """Download an entry's file into `folder`, which exists.

    say: takes lines for the user.   on_bytes: called with the bytes so far and the bytes in all, None = not known.
    FailedError when no mirror gave it, NotReadyError when the disk is too small. The part of a download stays.
    """
    failures = []
    for number, source in enumerate(entry.sources):
        try:
            return Download(source, folder, door, say, on_bytes).run()
        except MirrorFailed as failure:
            failures.append(f"{source.host}: {failure}")
            has_next = number + 1 < len(entry.sources)
            say(f"{source.host}: {failure}" + ("; trying the next mirror" if has_next else ""))
    hint = f"get it with a browser, then: dreamrig weights import FILE --as {entry.name}"
    raise FailedError(f"No mirror gave {entry.name} ({'; '.join(failures)}).", hint=hint)
