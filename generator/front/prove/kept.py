"""The drawings of a proof that is not done: killed in the middle, it goes on where it was. Does not import torch.

<data folder>/prove/KEY.json   one drawing, whole or absent; KEY tells what it was drawn with and on
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dreamrig.documents import DocumentError, read_object, write_object

FOLDER = "prove"


@dataclass(frozen=True, kw_only=True)
class KeptDrawing:
    """What came of one drawing."""

    losses: Sequence[float | None]
    """Before each step's update; None = not finite."""
    seconds: float
    picture: bytes = b""
    """A small JPEG; empty where the loss became NaN."""
    error: str = ""


def key_of(identity: Mapping[str, Any]) -> str:
    """One name for one drawing on one machine: the same facts, the same name."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class KeptDrawings:
    """The folder with them."""

    folder: Path

    def find(self, key: str) -> KeptDrawing | None:
        """A drawing of an earlier attempt; None where there is none that can be read."""
        try:
            found = read_object(self.folder / f"{key}.json")
            losses = [None if loss is None else float(loss) for loss in found["losses"]]
            picture = base64.b64decode(found["picture"], validate=True)
            return KeptDrawing(
                losses=losses, seconds=float(found["seconds"]), picture=picture, error=str(found["error"])
            )
        except (OSError, DocumentError, KeyError, TypeError, ValueError, binascii.Error):
            return None

    def keep(self, key: str, drawn: KeptDrawing) -> None:
        """Write it down, whole; NotReadyError where the disk is full."""
        facts = {**vars(drawn), "picture": base64.b64encode(drawn.picture).decode()}
        write_object(self.folder / f"{key}.json", facts, indent=None)

    def forget(self) -> None:
        """Remove all of them: the next proof draws anew. What cannot be removed stays."""
        for path in self.folder.glob("*.json"):
            with suppress(OSError):
                path.unlink()
