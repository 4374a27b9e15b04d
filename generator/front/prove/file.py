"""The one file of a proof: a ZIP with proof.json, proof.txt (what the terminal said) and the pictures, small.

No times of files inside: the same proof, the same bytes.
"""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dreamrig.documents import LARGEST_BYTES, DocumentError, parse_object, to_bytes
from dreamrig.errors import UsageError
from dreamrig.paths import write_atomic

SCHEMA = 1
SUFFIX = ".zip"
ZIP_TROUBLES = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, NotImplementedError)
"""What a damaged archive, a locked one or one of another kind raises."""
DOCUMENT, TEXT, PICTURES = "proof.json", "proof.txt", "pictures"


def default_name(now: datetime | None = None) -> str:
    """A name that no earlier proof has, without its suffix."""
    return f"dreamrig-proof-{now or datetime.now(UTC):%Y%m%d-%H%M%S}"


def write_proof(path: Path, document: Mapping[str, Any], text: str, pictures: Mapping[str, bytes]) -> None:
    """Write the file, whole or not at all. pictures: name -> bytes of a JPEG."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        _put(archive, DOCUMENT, to_bytes({"schema": SCHEMA, **document}))
        _put(archive, TEXT, text.encode())
        for name, data in pictures.items():
            _put(archive, f"{PICTURES}/{name}.jpg", data)
    write_atomic(path, buffer.getvalue())


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def read_proof(path: Path) -> dict[str, Any]:
    """The document of somebody's proof; UsageError for a file that is none. Nothing is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(DOCUMENT) as file:
            data = file.read(LARGEST_BYTES + 1)  # whatever its header claims
        if len(data) > LARGEST_BYTES:
            raise DocumentError("is too large")
        found = parse_object(data)
        if found.get("schema") != SCHEMA or not isinstance(found.get("subjects"), list):
            raise DocumentError("has no schema that this version knows")
    except (OSError, KeyError, ValueError, EOFError, *ZIP_TROUBLES) as error:
        raise UsageError(f"{path} is no proof: {error}.", hint="make one: dreamrig prove") from None
    return found
