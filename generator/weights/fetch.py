"""Get one published file: from the hub's cache, else its mirrors in order, until one gives what can be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from dreamrig.errors import FailedError, MissingWeightsError
from generator.weights.convert import ConversionError
from generator.weights.door import WeightsDoor
from generator.weights.download import Download, Fetched, MirrorFailed, OnBytes, Say
from generator.weights.foreign.stored import CheckpointError
from generator.weights.hub import find_in_cache
from generator.weights.registry import Entry

T = TypeVar("T")


def fetch(entry: Entry, folder: Path, door: WeightsDoor, say: Say, on_bytes: OnBytes, use: Callable[[Fetched], T]) -> T:
    """Find an entry's file in the hub's cache, or download it into `folder`, which exists; what `use` makes of it.

    say: takes lines for the user.   on_bytes: called with the bytes so far and the bytes in all, None = not known.
    use: what the file is for. A file without a published hash is known to be damaged only when all of it was read;
    where `use` finds that, the file is dropped and the next mirror asked.
    FailedError when no mirror gave it, NotReadyError when the disk is too small. The part of a download stays.
    """
    if entry.is_dead:
        raise import_only(entry)
    if (cached := find_in_cache(entry, door, say)) is not None:
        return use(cached)
    failures = []
    for number, source in enumerate(entry.sources):
        download = Download(source, folder, door, say, on_bytes)
        try:
            return _used(download, use)
        except MirrorFailed as failure:
            failures.append(f"{source.host}: {failure}")
            has_next = number + 1 < len(entry.sources)
            say(f"{source.host}: {failure}" + ("; trying the next mirror" if has_next else ""))
    raise FailedError(f"No mirror gave {entry.name} ({'; '.join(failures)}).", hint=by_hand(entry))


def import_only(entry: Entry) -> MissingWeightsError:
    """What to raise of a network that is import only: why it is, and how to get it all the same."""
    if entry.is_dead:
        reports = "; ".join(dict.fromkeys(source.gone for source in entry.sources))
        message = f"{entry.name} is import only: no address of it is known to answer ({reports})."
        return MissingWeightsError(message, hint=by_hand(entry))
    message = f"{entry.name} is import only: nobody tells its SHA-256, so what its addresses send cannot be checked."
    unchecked = f"take it unchecked: dreamrig weights fetch {entry.name} --unchecked"
    return MissingWeightsError(message, hint=f"{unchecked}\nor {by_hand(entry)}")


def by_hand(entry: Entry) -> str:
    """What a person with a browser can do: the addresses to open, and what to do with the file."""
    addresses = "\n".join(f"  {url}" for url in dict.fromkeys(source.page for source in entry.sources))
    return f"open one of these with a browser, then: dreamrig weights import FILE --as {entry.name}\n{addresses}"


def _used(download: Download, use: Callable[[Fetched], T]) -> T:
    """The whole file, used; MirrorFailed where it is not to be had here, or is of no use."""
    fetched = download.run()
    try:
        return use(fetched)
    except (CheckpointError, ConversionError) as error:
        if download.source.sha256 is not None:  # the very bytes that were asked for: every mirror has the same
            raise
        download.forget()
        raise MirrorFailed(error.message.rstrip(".")) from error
