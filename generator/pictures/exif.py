"""The EXIF block of a JPEG or WebP picture: where its recipe travels, and the way back.

EXIF 2.32 (CIPA DC-008): a TIFF header, an image directory, and an Exif directory below it. `UserComment` holds the line
that picture sites read; `MakerNote`, which is the maker's own, holds the recipe as JSON. No pixel is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

EXIF_DIRECTORY, USER_COMMENT, MAKER_NOTE = 0x8769, 0x9286, 0x927C
SOFTWARE = 0x0131
MARK = b"dreamrig\0"
MOST_ENTRIES = 512
ENTRY_BYTES = 12


def build(recipe_text: str, parameters: str, software: str) -> bytes:
    """The TIFF block, without the six bytes "Exif" and twice zero that JPEG puts before it."""
    from PIL import Image

    block = Image.Exif()
    block[SOFTWARE] = software
    block[EXIF_DIRECTORY] = {
        USER_COMMENT: b"UNICODE\0" + parameters.encode("utf-16-be", "replace"),
        MAKER_NOTE: MARK + recipe_text.encode(),
    }
    return block.tobytes().removeprefix(b"Exif\0\0")


def find_recipe(block: bytes) -> bytes | None:
    """The recipe's bytes in a TIFF block; None where there is none, or the block is damaged.

    The block may come from a stranger: nothing is followed but one pointer, and every read stays inside.
    """
    if block[:4] not in (b"II*\0", b"MM\0*"):
        return None
    order: Literal["little", "big"] = "little" if block[:2] == b"II" else "big"
    first = int.from_bytes(block[4:8], order)
    for tag, _, value in _entries(block, first, order):
        if tag == EXIF_DIRECTORY:
            return _maker_note(block, int.from_bytes(value, order), order)
    return None


def _maker_note(block: bytes, start: int, order: Literal["little", "big"]) -> bytes | None:
    for tag, length, value in _entries(block, start, order):
        where = int.from_bytes(value, order)
        note = block[where : where + length]
        if tag == MAKER_NOTE and len(note) == length and note.startswith(MARK):
            return note.removeprefix(MARK)
    return None


def _entries(block: bytes, start: int, order: Literal["little", "big"]) -> Iterator[tuple[int, int, bytes]]:
    """(tag, count, four bytes of value or offset) of a directory, as far as it lies inside the block."""
    count = min(int.from_bytes(block[start : start + 2], order), MOST_ENTRIES)
    for place in range(start + 2, start + 2 + count * ENTRY_BYTES, ENTRY_BYTES):
        entry = block[place : place + ENTRY_BYTES]
        if len(entry) == ENTRY_BYTES:
            yield int.from_bytes(entry[:2], order), int.from_bytes(entry[4:8], order), entry[8:]
