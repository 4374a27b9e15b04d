"""Walks through JPEG, WebP and MP4 files for the one place where a recipe may lie. No pixel is decoded.

A file may come from a stranger: sizes and counts are bounded, and what is not looked for is skipped unread.
Sources: ITU-T T.81 annex B (JPEG), the WebP container specification, ISO/IEC 14496-12 (MP4 boxes).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

JPEG_SIGNATURE, RIFF, WEBP = b"\xff\xd8\xff", b"RIFF", b"WEBP"
EXIF_HEAD, XMP_HEAD = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
APP0, APP1, START_OF_SCAN = 0xE0, 0xE1, 0xDA
LARGEST_SEGMENT = 0xFFFF - 2
LARGEST_CHUNK_BYTES = 1024 * 1024
MOST_PARTS = 4096
VP8X_EXIF, VP8X_XMP = 0x08, 0x04
COMMENT_BOX = b"\xa9cmt"


def kind_of(head: bytes) -> str | None:
    """ "jpeg", "webp" or "mp4" by a file's first 12 bytes; None for anything else."""
    if head.startswith(JPEG_SIGNATURE):
        return "jpeg"
    if head[:4] == RIFF and head[8:12] == WEBP:
        return "webp"
    return "mp4" if head[4:8] == b"ftyp" else None


def find_exif(file: BinaryIO, kind: str) -> bytes | None:
    """The EXIF block of a JPEG or WebP file that stands at its beginning; None where there is none."""
    parts = _jpeg_segments(file) if kind == "jpeg" else _webp_chunks(file)
    for name, data in parts:
        if name == b"EXIF" or (name == bytes([APP1]) and data.startswith(EXIF_HEAD)):
            return data.removeprefix(EXIF_HEAD)
    return None


def _jpeg_segments(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """(marker, data) of the segments before the picture itself."""
    file.read(2)
    for _ in range(MOST_PARTS):
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF or head[1] == START_OF_SCAN:
            return
        length = int.from_bytes(head[2:], "big") - 2
        if length < 0:
            return
        yield head[1:2], file.read(length)


def _webp_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """(name, data) of the chunks of metadata; picture chunks are skipped unread."""
    file.read(12)
    for _ in range(MOST_PARTS):
        head = file.read(8)
        if len(head) < 8:
            return
        name, length = head[:4], int.from_bytes(head[4:], "little")
        if name in (b"EXIF", b"XMP ") and length <= LARGEST_CHUNK_BYTES:
            yield name, file.read(length)
            file.seek(length % 2, io.SEEK_CUR)
        else:
            file.seek(length + length % 2, io.SEEK_CUR)


def add_xmp_to_jpeg(data: bytes, packet: bytes) -> bytes:
    """A JPEG with an XMP packet behind its first segments; as it was where the packet is too long for a segment."""
    body = XMP_HEAD + packet
    if len(body) > LARGEST_SEGMENT:
        return data
    place = 2
    while data[place] == 0xFF and data[place + 1] in (APP0, APP1):
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    segment = bytes([0xFF, APP1]) + (len(body) + 2).to_bytes(2, "big") + body
    return data[:place] + segment + data[place:]


def add_metadata_to_webp(data: bytes, exif: bytes, packet: bytes) -> bytes:
    """An extended WebP (one that begins with a VP8X chunk, as every animation does) with EXIF and XMP at its end."""
    assert data[12:16] == b"VP8X"
    flagged = data[:20] + bytes([data[20] | VP8X_EXIF | VP8X_XMP]) + data[21:]
    body = flagged[8:] + _webp_chunk(b"EXIF", exif) + _webp_chunk(b"XMP ", packet)
    return RIFF + len(body).to_bytes(4, "little") + body


def _webp_chunk(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2)


def find_mp4_comment(file: BinaryIO) -> bytes | None:
    """The comment of an MP4 (moov, udta, meta, ilst, ©cmt, data); None where there is none."""
    file.seek(0, io.SEEK_END)
    span = (0, file.tell())
    for name in (b"moov", b"udta", b"meta", b"ilst", COMMENT_BOX, b"data"):
        inner = _box(file, name, span)
        if inner is None:
            return None
        span = (inner[0] + 4, inner[1]) if name == b"meta" else inner  # there, version and flags come first
    start, end = span[0] + 8, span[1]  # kind and language of the text
    if not 0 <= end - start <= LARGEST_CHUNK_BYTES:
        return None
    file.seek(start)
    return file.read(end - start)


def _box(file: BinaryIO, name: bytes, span: tuple[int, int]) -> tuple[int, int] | None:
    """Start and end of the content of the first box of this name inside `span`."""
    place, end = span
    for _ in range(MOST_PARTS):
        if place + 8 > end:
            return None
        file.seek(place)
        size, kind, head = int.from_bytes(file.read(4), "big"), file.read(4), 8
        if size == 1:
            size, head = int.from_bytes(file.read(8), "big"), 16
        size = end - place if size == 0 else size
        if size < head or place + size > end:
            return None
        if kind == name:
            return place + head, place + size
        place += size
    return None
