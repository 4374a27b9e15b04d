"""Get one published file: from the hub's cache, else its mirrors in order, until one gives what can be used."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from dreamrig.errors import FailedError, MissingWeightsError
from generator.weights.convert import ConversionError
from generator.weights.door import WeightsDoor, hub_endpoint
from generator.weights.download import Download, Fetched, MirrorFailed, OnBytes, Say
from generator.weights.foreign.stored import CheckpointError
from generator.weights.hub import find_in_cache
from generator.weights.registry import HUB, Entry, entries

HUB_MIRROR = "https://hf-mirror.com"
"""The mirror of the hub that most projects name, for where the hub itself is not reached; its files are checked too."""
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
    ways = [by_hand(entry), *(f"or {way}" for way in other_ways(entry, entries(door.registry_file).values()))]
    raise FailedError(f"No mirror gave {entry.name} ({'; '.join(failures)}).", hint="\n".join(ways))


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


def other_ways(entry: Entry, known: Iterable[Entry]) -> list[str]:
    """What else there is where the addresses of a network fail: sentences, the nearest way first."""
    ways = []
    if any(source.is_of_hub for source in entry.sources) and hub_endpoint() == f"https://{HUB}":
        ways.append(
            f"through a mirror of {HUB}, whose file is checked all the same: "
            f"HF_ENDPOINT={HUB_MIRROR} dreamrig weights fetch {entry.name}"
        )
    if (other := nearest(entry, known)) is not None:
        ways.append(f"take another guide, which has several hosts: dreamrig weights fetch {other.name}")
    return ways


def nearest(entry: Entry, known: Iterable[Entry]) -> Entry | None:
    """Of the guides that several hosts give, the one most like this: of its architecture, else of its size."""
    stem = entry.name.rsplit("-", 1)[0].split("@")[0]

    def distance(other: Entry) -> tuple[bool, bool, int]:
        return not other.name.startswith(stem), other.name != stem, abs(other.approximate_mib - entry.approximate_mib)

    others = (
        one
        for one in known
        if one.kind == "clip" and one.name != entry.name and len(one.hosts) > 1 and not one.is_import_only
    )
    return min(others, key=distance, default=None) if entry.kind == "clip" else None


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
