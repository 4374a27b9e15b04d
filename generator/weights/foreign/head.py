"""What a file is, judged by its first bytes: a checkpoint, or a web page stored under its name."""

from __future__ import annotations

import re

HEAD_BYTES = 1024
_FLAX = re.compile(rb"[\x81-\x8f][\xa1-\xbf][a-z_]{3}")
"""How Flax's files begin: MessagePack's mark of a few pairs, then that of a short name."""
_FIRST_PIECE = re.compile(rb"\n[\x07-\x7f]\n[\x03-\x1f]<(pad|unk|s)>")
"""How SentencePiece's models begin: their first field is a piece of text, whose first field is its letters."""


def describe_head(head: bytes) -> str:
    """What a file that is no checkpoint seems to be, from its first bytes, as the end of a sentence."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return "it is empty"
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in text:
        title = re.search(rb"<title[^>]*>\s*(.*?)\s*</title", head, re.DOTALL | re.IGNORECASE)
        words = "" if title is None else f" with the title {title[1].decode('utf-8', 'replace')[:60]!r}"
        return f"it is a web page{words}"
    if text.startswith(b"<"):
        return "it is an XML document"
    if text.startswith((b"{", b"[")):
        return "it is a JSON document"
    if _FLAX.match(head):
        return "it seems to be a Flax file, for JAX: take pytorch_model.bin or model.safetensors, where there is one"
    if text.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not the file itself"
    return f"it begins with {head[:8]!r}"


def seems_checkpoint(head: bytes) -> bool:
    """Whether a file that begins so may be one of the five forms."""
    is_safetensors = len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**32
    return head.startswith((b"PK\x03\x04", b"\x80")) or is_safetensors or seems_pieces(head)


def seems_pieces(head: bytes) -> bool:
    """Whether a file that begins so may be a model of SentencePiece."""
    return _FIRST_PIECE.match(head) is not None


def first_pieces(head: bytes, count: int) -> tuple[str, ...]:
    """The letters of the first pieces of a model of SentencePiece that begins so, `count` at most.

    Each is a field of a protocol buffer (mark, length, content), and its letters are the first field in it.
    """
    found: list[str] = []
    start = 0
    while len(found) < count and head[start : start + 1] == b"\n" and start + 4 <= len(head) and head[start + 1] < 128:
        letters = head[start + 4 : start + 4 + head[start + 3]]
        found.append(letters.decode("utf-8", "replace"))
        start += 2 + head[start + 1]
    return tuple(found)
