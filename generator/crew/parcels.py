"""Files of a job that travel with its messages, where the worker has another disk. Loads no torch.

An item is a line of the protocol (bytes), or a file: its name and its bytes. A file comes before the line that speaks
of it, so that whoever hears the line finds the file. Names are from a fixed list, or a frame's number: a node chooses
none, and no folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dreamrig.paths import ensure_folder, open_given, write_atomic
from generator.crew.protocol import (
    FRAMES,
    LIVE,
    PICTURE,
    Done,
    Draw,
    Failed,
    Interrupted,
    Kept,
    Previewed,
    ProtocolError,
    Telling,
)
from generator.pictures.paths import LARGEST_PICTURE_BYTES, with_paths
from generator.runs.folder import CHECKPOINT, CONFIG, PICTURE_LARGE, RECORD, TIMINGS

Item = bytes | tuple[str, bytes]
FINGERPRINT, NO_ROOM = "fingerprint", "no-room"
"""Items of a worker's life that are no files: of its pixels; and that it ends because its networks found no room."""
INPUTS = Path(tempfile.gettempdir()) / "dreamrig-crew-inputs"
"""Of a node: where pictures lie that came with an order."""
INPUT_SECONDS = 24 * 3600.0
KIN = "kin.txt"
"""Beside a checkpoint: the fingerprint of whoever drew it. Another's is not gone on with."""
KEPT = (CONFIG, RECORD, CHECKPOINT)
"""In this order: the checkpoint last, so that no record speaks of a newer one than there is."""
FINAL = (PICTURE_LARGE, "thumb-256.jpg", "thumb-512.jpg", TIMINGS, CONFIG, RECORD, PICTURE)
DURABLE = (CHECKPOINT, PICTURE)
"""What a power cut may not take: the rest is told anew by a checkpoint, or comes with a picture. A head's disk is the
first thing that a large crew fills (docs/scale.md)."""
NAMES = frozenset((LIVE, *KEPT, *FINAL))
LARGEST_FILE_BYTES = 1024 * 1024 * 1024
FRAME = re.compile(FRAMES + r"/[0-9]{6,9}\.jpg")
"""A look at a growing picture, by its step: what its film is made of."""
MOST_FRAMES = 128
"""Of one picture; a worker keeps 97 at most."""
LARGEST_FRAME_BYTES = 2 * 1024 * 1024
MOST_FRAMES_BYTES = 64 * 1024 * 1024
"""Of one attempt; a film that would take more lacks its end."""


def files_of(telling: Telling) -> tuple[str, ...]:
    """What has to be there before this is told."""
    if isinstance(telling, Previewed):
        return (LIVE,)
    if isinstance(telling, Kept | Interrupted | Failed):
        return KEPT
    return FINAL if isinstance(telling, Done) else ()


def pack(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Those of the files that are there."""
    for name in names:
        try:
            yield name, (folder / name).read_bytes()
        except FileNotFoundError:
            continue


def pack_frames(folder: Path, sent: dict[str, int]) -> Iterator[tuple[str, bytes]]:
    """The frames that are there and were not sent before, while `sent` (name -> bytes; grows) is within its bounds."""
    for path in sorted((folder / FRAMES).glob("*.jpg")):
        name = f"{FRAMES}/{path.name}"
        if name in sent or not FRAME.fullmatch(name) or len(sent) >= MOST_FRAMES:
            continue
        data = path.read_bytes()
        if len(data) <= LARGEST_FRAME_BYTES and sum(sent.values()) + len(data) <= MOST_FRAMES_BYTES:
            sent[name] = len(data)
            yield name, data


def unpack(folder: Path, name: str, data: bytes) -> None:
    """Write a file that came; ProtocolError for a name that no worker has to send, NotReadyError for a full disk.

    A frame beyond MOST_FRAMES is not written, and nothing else: nobody waits for it.
    """
    is_frame = FRAME.fullmatch(name) is not None
    largest = LARGEST_FRAME_BYTES if is_frame else LARGEST_FILE_BYTES
    if (name not in NAMES and not is_frame) or len(data) > largest:
        raise ProtocolError(f"no file of a job: {name[:80]!r} of {len(data)} bytes")
    place = folder / name
    ensure_folder(place.parent)
    if not is_frame or sum(1 for _ in place.parent.iterdir()) < MOST_FRAMES:
        write_atomic(place, data, durable=name in DURABLE)


def keep_checkpoint(folder: Path, data: bytes, kin: str) -> None:
    """A checkpoint and the fingerprint of its drawer, so that after a power cut no checkpoint has another's."""
    is_known = kin_of(folder) == kin
    if not is_known:
        (folder / KIN).unlink(missing_ok=True)  # one without any is begun anew
    unpack(folder, CHECKPOINT, data)
    if not is_known:
        write_atomic(folder / KIN, kin.encode())


def kin_of(folder: Path) -> str | None:
    """The fingerprint of whoever drew the checkpoint there; None = there is none, or nobody knows."""
    try:
        return (folder / KIN).read_text("utf-8") or None
    except (OSError, UnicodeDecodeError):
        return None


def half_done(folder: Path, kin: str) -> list[tuple[str, bytes]]:
    """What another attempt kept, for a worker whose fingerprint is `kin`; nothing where another kind of worker drew it.

    Two machines may draw pictures that look alike and differ in bytes: one picture is drawn by one kind.
    """
    return list(pack(folder, KEPT)) if kin_of(folder) == kin else []


def inputs_of(config: Mapping[str, Any]) -> dict[str, bytes]:
    """Every picture that a config names by its path on this disk; OSError where one cannot be read."""
    found: dict[str, bytes] = {}

    def keep(path: str) -> str:
        with open_given(Path(path), LARGEST_PICTURE_BYTES) as file:
            found[path] = file.read()
        return path

    with_paths(config, keep)
    return found


def with_inputs(order: Draw, inputs: Mapping[str, bytes], room: Path) -> Draw:
    """The order with its pictures on this disk, named by their content.

    room: the same on every node, so that a checkpoint names the same file wherever the job goes on.
    """
    return replace(order, inputs=placed(inputs, room))


def placed(inputs: Mapping[str, bytes], room: Path) -> dict[str, str]:
    """Write pictures down here; their paths elsewhere -> those on this disk, named by content."""
    forget_old(room)
    places = {}
    for path, data in inputs.items():
        place = ensure_folder(room) / f"{hashlib.sha256(data).hexdigest()}{Path(path).suffix[:8]}"
        write_atomic(place, data)
        places[path] = str(place)
    return places


def forget_old(room: Path, now: Callable[[], float] = time.time) -> None:
    """Remove what no order brought for a day: a node keeps nothing."""
    with contextlib.suppress(OSError):  # another worker of this machine was quicker, or another user's folder
        for path in room.iterdir():
            if now() - path.stat().st_mtime > INPUT_SECONDS:
                path.unlink(missing_ok=True)


def settled(given: Mapping[str, Any], inputs: Mapping[str, bytes]) -> dict[str, Any]:
    """The owner's settings for every picture, with the pictures that they name on this disk."""
    if not inputs:
        return dict(given)
    places = placed(inputs, INPUTS)
    return with_paths(given, lambda path: places.get(path, path))
