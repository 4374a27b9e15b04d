"""Fetch, import, verify and remove weights: the folder of one model, and what may be in it at any moment.

<weights>/<name>/  model.safetensors, meta.json   ready, once meta.json is there (it is written last)
                   original.ckpt                  the published file, only if it was asked to be kept
                   original-KEY.part              an unfinished download, or a whole one that is not converted yet
<weights>/recorded.json                           SHA-256 of files whose publisher tells none, from the first fetch
Killed at any point, none of these looks like more than it is.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from dreamrig.documents import write_object
from dreamrig.errors import MissingWeightsError, NotReadyError, UsageError
from dreamrig.locks import sole_holder
from dreamrig.paths import ensure_folder, explain_write_failure, whole_file
from generator.weights.convert import TEMPORARY_HEAD, ConversionError, Outline, convert
from generator.weights.door import WeightsDoor
from generator.weights.download import PARTS, Fetched, OnBytes, Say
from generator.weights.fetch import fetch, import_only
from generator.weights.foreign.stored import CheckpointError
from generator.weights.registry import (
    META,
    MODEL,
    Entry,
    Installed,
    Source,
    check,
    folder_of,
    installed,
    read_json,
    sha256_of,
    write_meta,
)

ORIGINAL, RECORDED, LOCK = "original.ckpt", "recorded.json", ".lock"
State = Literal["ready", "part", "absent", "import only"]


@dataclass(frozen=True)
class Status:
    """How a published model stands on this machine."""

    entry: Entry
    state: State
    installed: Installed | None
    part_bytes: int
    """Of an unfinished download."""
    original_bytes: int
    """Of a kept original."""


def status(entry: Entry, base: Path) -> Status:
    """Look at the folder of one model."""
    folder = folder_of(entry.name, base)
    part_bytes = max((file.stat().st_size for file in folder.glob("original-*.part")), default=0)
    original = folder / ORIGINAL
    facts = installed(entry.name, base)
    state: State = "ready" if facts else "part" if part_bytes or original.is_file() else _absent(entry, base)
    return Status(entry, state, facts, part_bytes, original.stat().st_size if original.is_file() else 0)


def _absent(entry: Entry, base: Path) -> State:
    return "import only" if _with_recorded(entry, base).is_import_only else "absent"


def require_fetchable(entry: Entry, base: Path, *, unchecked: bool = False) -> None:
    """Raise MissingWeightsError, telling how to get it all the same, where a network is import only.

    unchecked: what cannot be checked is wanted as it comes. What this machine saw of it before, it can check.
    """
    if status(entry, base).state == "import only" and (entry.is_dead or not unchecked):
        raise import_only(entry)


def fetch_model(
    entry: Entry, door: WeightsDoor, say: Say, on_bytes: OnBytes, *, outline: Outline, keep_original: bool = False
) -> Installed:
    """Download, check and convert one model; what is there of it already is used, in the hub's cache too.

    FailedError, NotReadyError as `fetch` and `convert` raise them; the download is kept unless it is wrong itself.
    MissingWeightsError where every address was reported dead.
    """
    base = door.weights_folder()
    with _locked(ensure_folder(folder_of(entry.name, base))) as folder:
        kept = _kept_original(entry, folder)
        if kept is not None:
            with contextlib.suppress(CheckpointError, ConversionError):  # rotten meanwhile: fetched once more
                return _use(entry, kept, base, say, outline, keep_original=keep_original)

        def use(fetched: Fetched) -> Installed:
            return _use(entry, fetched, base, say, outline, keep_original=keep_original)

        return fetch(_with_recorded(entry, base), folder, door, say, on_bytes, use)


def _use(entry: Entry, fetched: Fetched, base: Path, say: Say, outline: Outline, *, keep_original: bool) -> Installed:
    """Convert what was fetched; then, and only then, its hash is worth to be noted."""
    folder = folder_of(entry.name, base)
    original = folder / ORIGINAL
    say(f"SHA-256 {fetched.sha256}, {_how_sure(entry, fetched)}")
    facts = _convert(entry, fetched.path, fetched, folder, say, outline)
    _record(fetched, base)
    if not keep_original:
        original.unlink(missing_ok=True)
    elif fetched.path != original:
        _keep(fetched, original)
    _remove_parts(folder)
    return facts


def _keep(fetched: Fetched, original: Path) -> None:
    """Put the published file at its place; one that belongs to others stays where it is, too."""
    if fetched.is_ours:
        os.replace(fetched.path, original)
        return
    with whole_file(original) as copy:
        shutil.copyfile(fetched.path, copy)


def import_model(entry: Entry, file: Path, door: WeightsDoor, say: Say, *, outline: Outline) -> Installed:
    """Convert a file that the user has, the published one or one of our own making; the file stays where it is."""
    if not file.is_file():
        raise UsageError(f"There is no file {file}.", hint="give the path of the checkpoint: FILE --as NAME")
    base = door.weights_folder()
    with _locked(ensure_folder(folder_of(entry.name, base))) as folder:
        try:
            sha256 = sha256_of(file)
        except OSError as error:
            raise NotReadyError(f"Cannot read {file}: {error.strerror}.", hint="check its permissions") from error
        fetched = Fetched(file, sha256, file.stat().st_size, Source(file.name, None, None))
        if sha256 not in _published_hashes(entry):
            say(f"note: SHA-256 {sha256} is not one that the registry lists for {entry.name}")
        try:
            return _convert(entry, file, fetched, folder, say, outline)
        except (CheckpointError, ConversionError) as error:
            error.hint = error.hint or f"see: dreamrig weights list; or fetch it: dreamrig weights fetch {entry.name}"
            raise


def verify_model(entry: Entry, base: Path) -> Installed:
    """Read a converted model and compare its SHA-256; NotReadyError when it is absent or damaged."""
    facts = installed(entry.name, base)
    if facts is None:
        folder = folder_of(entry.name, base)
        word = "damaged" if (folder / META).exists() or (folder / MODEL).exists() else "not here yet"
        hint = f"run: dreamrig weights fetch {entry.name}"
        raise MissingWeightsError(f"The weights {entry.name} are {word}.", hint=hint)
    check(facts, base)
    return facts


def remove_model(entry: Entry, base: Path, *, original_only: bool = False, forget: bool = False) -> int:
    """Delete a model, or only its kept original and unfinished downloads; returns the bytes freed."""
    folder = folder_of(entry.name, base)
    freed = 0
    if forget:
        _write_recorded(base, {url: row for url, row in _recorded(base).items() if url not in _urls(entry)})
    if not folder.is_dir():
        return 0
    with _locked(folder):
        if not original_only:  # first what makes it look ready
            freed += _delete(folder / META) + _delete(folder / MODEL)
        freed += _delete(folder / ORIGINAL) + _remove_parts(folder)
        if not original_only:
            shutil.rmtree(folder, ignore_errors=True)
    return freed


# ---- inside ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    """Alone at work in a folder; clears away what a killed process left half-written."""
    message = f"Another dreamrig is at work on the weights in {folder.name}."
    held = NotReadyError(message, hint="wait until it has ended, then try again")
    with sole_holder(folder / LOCK, held):
        for leftover in folder.glob(f"{TEMPORARY_HEAD}*.tmp"):
            leftover.unlink(missing_ok=True)
        yield folder


def _convert(entry: Entry, original: Path, fetched: Fetched, folder: Path, say: Say, outline: Outline) -> Installed:
    """Write model.safetensors, then meta.json."""
    say("converting: keeping what drawing needs")

    def unready() -> None:  # until meta.json fits the new file; an earlier model stands until then
        (folder / META).unlink(missing_ok=True)

    converted = convert(original, entry.kind, folder / MODEL, before_replace=unready, outline=outline)
    facts = Installed(
        name=entry.name,
        kind=entry.kind,
        sha256=converted.sha256,
        bytes=converted.bytes,
        original_sha256=fetched.sha256,
        original_bytes=fetched.bytes,
        source=fetched.source.url,
        is_published=fetched.sha256 in _published_hashes(entry),
        licence=entry.licence,
        terms=entry.terms,
        architecture=converted.architecture,
        fetched_at=datetime.now(UTC).isoformat(timespec="seconds"),
        checked_mtime_ns=(folder / MODEL).stat().st_mtime_ns,
        numbers_sha256=converted.numbers_sha256,
    )
    write_meta(facts, folder)
    return facts


def _kept_original(entry: Entry, folder: Path) -> Fetched | None:
    """The original of an earlier fetch, as long as it is still one that the registry knows, or knows nothing of."""
    original = folder / ORIGINAL
    if not original.is_file():
        return None
    sha256 = sha256_of(original)
    for source in entry.sources:
        if source.sha256 in (None, sha256):
            return Fetched(original, sha256, original.stat().st_size, source)
    return None


def _how_sure(entry: Entry, fetched: Fetched) -> str:
    if fetched.sha256 in _published_hashes(entry):
        return "as the registry has it"
    return "now noted: the publisher tells none, so this is what later fetches are compared with"


def _published_hashes(entry: Entry) -> set[str | None]:
    return {source.sha256 for source in entry.sources} - {None}


def _urls(entry: Entry) -> set[str]:
    return {source.url for source in entry.sources}


def _recorded(base: Path) -> dict[str, Any]:
    return {url: row for url, row in (read_json(base / RECORDED) or {}).items() if isinstance(row, dict)}


def _write_recorded(base: Path, rows: Mapping[str, Any]) -> None:
    if rows or (base / RECORDED).exists():
        write_object(base / RECORDED, rows)


def _record(fetched: Fetched, base: Path) -> None:
    """Note the hash of a file that nobody tells one of."""
    known = _recorded(base)
    if fetched.source.sha256 is None and fetched.source.url not in known:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        row = {"sha256": fetched.sha256, "bytes": fetched.bytes, "recorded_at": now}
        _write_recorded(base, known | {fetched.source.url: row})


def _with_recorded(entry: Entry, base: Path) -> Entry:
    """The entry with the hashes that this machine noted where the registry has none."""
    known = _recorded(base)

    def filled(source: Source) -> Source:
        row = known.get(source.url)
        if row is None or source.sha256 is not None or not isinstance(row.get("sha256"), str):
            return source
        return replace(source, sha256=row["sha256"])

    return replace(entry, sources=tuple(map(filled, entry.sources)))


def _remove_parts(folder: Path) -> int:
    return sum(_delete(file) for file in folder.glob(PARTS))


def _delete(file: Path) -> int:
    """Delete a file; returns its size."""
    try:
        size = file.stat().st_size
        file.unlink()
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise explain_write_failure(file, error) from error
    return size
