"""Plain mutation of bytes: what damage and malice do to a file, drawn from a seed."""

from __future__ import annotations

from random import Random

DIGITS, DEEP = b"9" * 5000, b"[" * 2000
INTERESTING = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\xff\xff\xff\xff",
    b"\0\0\0\x80",
    b"\xff" * 8,
    b"9" * 5000,
    b"[" * 2000,
)
WORDS = (
    b"null",
    b"NaN",
    b"1e999",
    b"-1",
    b"true",
    b'"',
    b"{",
    b"}",
    b"\r\n",
    b"\\ud800",
    b"../",
    b"\xe2\x80\xae",
    b"a.b.c",
)


def mutate(data: bytes, chance: Random) -> bytes:
    """The bytes with one to four changes."""
    for _ in range(chance.randint(1, 4)):
        data = chance.choice((_flip, _replace, _delete, _repeat, _cut, _insert, _swap))(data, chance)
    return data[: 4 * 1024 * 1024]


def _place(data: bytes, chance: Random) -> int:
    return chance.randrange(len(data) + 1)


def _span(data: bytes, chance: Random) -> tuple[int, int]:
    start = _place(data, chance)
    return start, min(len(data), start + chance.choice((1, 2, 4, 8, 64, 1024)))


def _flip(data: bytes, chance: Random) -> bytes:
    if not data:
        return data
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def _replace(data: bytes, chance: Random) -> bytes:
    piece, place = chance.choice(INTERESTING), _place(data, chance)
    return data[:place] + piece + data[place + len(piece) :]


def _delete(data: bytes, chance: Random) -> bytes:
    start, end = _span(data, chance)
    return data[:start] + data[end:]


def _repeat(data: bytes, chance: Random) -> bytes:
    start, end = _span(data, chance)
    return data[:end] + data[start:end] * chance.choice((1, 2, 100)) + data[end:]


def _cut(data: bytes, chance: Random) -> bytes:
    return data[: _place(data, chance)]


def _insert(data: bytes, chance: Random) -> bytes:
    place = _place(data, chance)
    return data[:place] + chance.choice(INTERESTING + WORDS) + data[place:]


def _swap(data: bytes, chance: Random) -> bytes:
    start, end = _span(data, chance)
    place = _place(data, chance)
    return data[:place] + data[start:end] + data[place:]
