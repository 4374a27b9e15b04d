"""The hub's cache on this machine: what another program has downloaded need not be downloaded again.

    <cache>/models--OWNER--NAME/snapshots/REVISION/PATH    a link, or the file itself where the system has no links
    <cache>/models--OWNER--NAME/blobs/SHA256               what the link leads to, if it is a large file

and the same for datasets-- and spaces-- (huggingface.co/docs/hub/local-cache). The cache is only read, and nothing in
it is believed: a file counts if its SHA-256 is the one that the registry has.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from generator.weights.door import WeightsDoor
from generator.weights.download import Fetched, MirrorFailed, Say
from generator.weights.registry import Entry, Source, sha256_of

ADDRESS = re.compile(r"/(?:(datasets|spaces)/)?([\w.-]+/[\w.-]+)/resolve/([\w.-]+)/(.+)")
"""The path of an address: which repositories (none = models), OWNER/NAME, revision, path of the file in there."""
Repositories = Literal["model", "dataset", "space"]
REPOSITORIES: dict[str | None, Repositories] = {None: "model", "datasets": "dataset", "spaces": "space"}


@dataclass(frozen=True)
class HubFile:
    """What an address of the hub names."""

    kind: Repositories
    repository: str
    """OWNER/NAME."""
    revision: str
    path: str


def hub_file(source: Source) -> HubFile | None:
    """What an address of the hub names, None for an address elsewhere."""
    match = ADDRESS.fullmatch(unquote(urlsplit(source.url).path)) if source.is_of_hub else None
    return HubFile(REPOSITORIES[match[1]], match[2], match[3], match[4]) if match else None


def find_in_cache(entry: Entry, door: WeightsDoor, say: Say) -> Fetched | None:
    """The published file in the hub's cache; None where it is not there, or is damaged, which is said."""
    for source, path in _copies(entry, door.hub_cache()):
        try:
            found = _checked(path, source)
        except MirrorFailed as failure:
            say(f"passed over in Hugging Face's cache: {path} ({failure})")
        else:
            say(f"found in Hugging Face's cache: {path}")
            return found
    return None


def _copies(entry: Entry, cache: Path) -> list[tuple[Source, Path]]:
    """The files of the cache that should be this one, each once, though several links may lead to it."""
    found: dict[str, tuple[Source, Path]] = {}
    with contextlib.suppress(OSError):  # a cache that may not be read is as good as none
        for source, path in _places(entry, cache):
            if path.is_file():
                found.setdefault(os.path.realpath(path), (source, path))
    return list(found.values())


def _places(entry: Entry, cache: Path) -> Iterator[tuple[Source, Path]]:
    """Where the cache may hold it: at the revisions of its addresses, then by its hash at any, in any repository."""
    known = [source for source in entry.sources if source.sha256 is not None] if cache.is_dir() else []
    for source in known:
        file = hub_file(source)
        if file is not None and (path := in_snapshot(file, cache)) is not None:
            yield source, path
    for source in known:
        yield from ((source, path) for path in sorted(cache.glob(f"*/blobs/{source.sha256}")))


def in_snapshot(file: HubFile, cache: Path) -> Path | None:
    """Where a file lies at its revision: huggingface_hub says, where it is installed, else the layout does."""
    try:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(
            file.repository, file.path, cache_dir=cache, revision=file.revision, repo_type=file.kind
        )
    except Exception:  # noqa: BLE001 - absent, broken or of another time: it must not stop a download
        return _by_layout(file, cache)
    return Path(found) if isinstance(found, str) else None


def _by_layout(file: HubFile, cache: Path) -> Path | None:
    folder, revision = cache / f"{file.kind}s--{file.repository.replace('/', '--')}", file.revision
    with contextlib.suppress(OSError, ValueError):  # a branch: which revision it was when it was fetched
        revision = (folder / "refs" / revision).read_text(encoding="utf-8").strip()
    path = folder / "snapshots" / revision / file.path
    return path if path.is_file() else None


def _checked(path: Path, source: Source) -> Fetched:
    """A file of the cache if it is what the registry has; MirrorFailed otherwise."""
    try:
        size = path.stat().st_size
        if source.bytes not in (None, size):
            raise MirrorFailed(f"it has {size} bytes, not {source.bytes}")
        sha256 = sha256_of(path)
    except OSError as error:
        raise MirrorFailed(f"it cannot be read: {error.strerror}") from None
    if sha256 != source.sha256:
        raise MirrorFailed(f"its SHA-256 is {sha256[:12]}…, which is another")
    return Fetched(path, sha256, size, source, is_ours=False)
