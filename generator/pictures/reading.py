"""From a picture or film back to its recipe.

A file may come from a stranger: sizes and counts are bounded, no pixel is decoded, nothing it names is opened, now or
later: what comes out holds names of files alone, as every picture of ours does, and names are asked for again.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from dreamrig.documents import DocumentError, parse_object
from dreamrig.errors import UsageError
from dreamrig.paths import open_given
from generator.pictures import containers, exif
from generator.pictures.recipe import Recipe

SIGNATURE = b"\x89PNG\r\n\x1a\n"
RECIPE_KEY = "dreamrig"
LARGEST_RECIPE_BYTES = 1024 * 1024
MOST_CHUNKS = 4096
HEAD_BYTES = 12


def read_recipe(path: Path) -> Recipe:
    """The recipe inside a PNG, JPEG, WebP or MP4, public; UsageError, in words, for anything that is none of ours."""
    try:
        with open_given(path) as file:
            text = _find_recipe(file, path)
    except OSError as error:
        raise UsageError(
            f"Cannot read {path}: {error.strerror or error}.", hint="give a picture that dreamrig made"
        ) from error
    try:
        return Recipe.from_dict(parse_object(text)).public()
    except DocumentError:
        raise _damaged(path) from None


def _find_recipe(file: BinaryIO, path: Path) -> str:
    kind = containers.kind_of(file.read(HEAD_BYTES))
    file.seek(0)
    found = _recipe_in_png(file, path) if kind is None else _recipe_elsewhere(file, kind, path)
    if found is None:
        raise UsageError(
            f"{path} carries no dreamrig recipe.",
            hint="some sites and programs remove it; use the file as dreamrig wrote it",
        )
    return found


def _recipe_in_png(file: BinaryIO, path: Path) -> str | None:
    for kind, data in _text_chunks(file, path):
        key, _, rest = data.partition(b"\0")
        if kind == b"iTXt" and key == RECIPE_KEY.encode():
            return _international_text(rest, path)
    return None


def _recipe_elsewhere(file: BinaryIO, kind: str, path: Path) -> str | None:
    """In a JPEG or WebP the maker's note, in an MP4 the comment, where that is JSON of ours."""
    if kind == "mp4":
        data = containers.find_mp4_comment(file)
        data = data if data is not None and data.startswith(b"{") else None
    else:
        block = containers.find_exif(file, kind)
        data = None if block is None else exif.find_recipe(block)
    try:
        return None if data is None else data.decode("utf-8")
    except UnicodeDecodeError:
        raise _damaged(path) from None


def _text_chunks(file: BinaryIO, path: Path) -> Iterator[tuple[bytes, bytes]]:
    """(kind, data) of the small text chunks of a PNG, in order; the others are skipped unread."""
    if file.read(len(SIGNATURE)) != SIGNATURE:
        raise UsageError(f"{path} is not a PNG, JPEG, WebP or MP4 file.", hint="give a picture that dreamrig made")
    for _ in range(MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind != b"iTXt" or length > LARGEST_RECIPE_BYTES:
            file.seek(length + 4, io.SEEK_CUR)
            continue
        data, checksum = file.read(length), file.read(4)
        if checksum != zlib.crc32(kind + data).to_bytes(4, "big"):
            raise _damaged(path)
        yield kind, data


def _international_text(rest: bytes, path: Path) -> str:
    """The text of an iTXt chunk, after its key: compression flag and method, language, translated key, text."""
    if len(rest) < 2:
        raise _damaged(path)
    _, _, rest_of_language = rest[2:].partition(b"\0")
    _, _, text = rest_of_language.partition(b"\0")
    try:
        return (_inflate(text) if rest[0] else text).decode("utf-8")
    except (UnicodeDecodeError, zlib.error):
        raise _damaged(path) from None


def _inflate(data: bytes) -> bytes:
    """Decompressed bytes, at most LARGEST_RECIPE_BYTES of them: a small chunk may unfold to gigabytes."""
    inflater = zlib.decompressobj()
    text = inflater.decompress(data, LARGEST_RECIPE_BYTES)
    if not inflater.eof:
        raise zlib.error("too large or cut off")
    return text


def _damaged(path: Path) -> UsageError:
    return UsageError(f"The recipe in {path} is damaged.", hint="use another copy of the picture, or the run's folder")


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity are no JSON
