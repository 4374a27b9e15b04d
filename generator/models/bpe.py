"""CLIP's tokens: lower-case byte-pair encoding (Sennrich et al. 2016) of 49408 entries, each text between two marks.

The merges beside this file are openai-clip's. Importing this module does not import torch.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

from dreamrig.errors import UsageError

MERGES = Path(__file__).parent / "data" / "clip_merges.txt"
CONTEXT = 77
"""Tokens of a text with both marks."""
START, END = 49406, 49407
WORD_END = "</w>"
CONTRACTIONS = ("'re", "'ve", "'ll", "'s", "'t", "'m", "'d")
STRAIGHT = str.maketrans(dict.fromkeys("‘’‚‛", "'") | dict.fromkeys("“”„‟", '"'))


def tokenise(text: str, context: int = CONTEXT) -> list[int]:
    """The tokens of one text with both marks, filled up with zeros to `context`; UsageError when they are more."""
    tokens = encode(text)
    room = context - 2
    if len(tokens) > room:
        raise UsageError(
            f"The prompt has {len(tokens)} tokens and CLIP reads {room}: the first {_words_that_fit(text, room)} "
            f"of its {len(text.split())} words.",
            hint='say less, or split it: "a castle | at night"',
        )
    return [START, *tokens, END] + [0] * (room - len(tokens))


def _words_that_fit(text: str, room: int) -> int:
    words = text.split()
    return max((count for count in range(len(words) + 1) if len(encode(" ".join(words[:count]))) <= room), default=0)


def encode(text: str) -> list[int]:
    """The tokens of a text without marks.

    As openai-clip on text that is not garbled: curly quotes, ligatures, wide letters and HTML entities are made plain;
    bytes of one encoding read as another are not mended; the names of the marks are ordinary text.
    """
    return [token for piece in _pieces(_clean(text)) for token in _encode_piece(piece)]


def _clean(text: str) -> str:
    text = html.unescape(html.unescape(text)).translate(STRAIGHT)
    plain = "".join(unicodedata.normalize("NFKC", sign) if _is_variant(sign) else sign for sign in text)
    return unicodedata.normalize("NFC", plain).lower()


def _is_variant(sign: str) -> bool:
    """A wide or narrow form of an ordinary sign, or a ligature of Latin letters."""
    return "\uff01" <= sign <= "\uffef" or "\ufb00" <= sign <= "\ufb06" or sign == "\u3000"


def _pieces(text: str) -> Iterator[str]:
    """Contractions, runs of letters, single digits, runs of other signs; white space only parts them."""
    at = 0
    while at < len(text):
        end = at + _piece_length(text, at)
        if not text[at].isspace():
            yield text[at:end]
        at = end


def _piece_length(text: str, at: int) -> int:
    for contraction in CONTRACTIONS:
        if text.startswith(contraction, at):
            return len(contraction)
    kind = _kind(text[at])
    end = at + 1
    while kind in "LS" and end < len(text) and _kind(text[end]) == kind:
        end += 1
    return end - at


def _kind(sign: str) -> str:
    """L(etter), N(umber), W(hite space), or S(omething else)."""
    major = unicodedata.category(sign)[0]
    return major if major in "LN" else "W" if sign.isspace() else "S"


@lru_cache(maxsize=4096)
def _encode_piece(piece: str) -> tuple[int, ...]:
    """Byte by byte, then the earliest merge first until none is left."""
    entries, ranks = _tables()
    signs = _byte_signs()
    symbols = [signs[byte] for byte in piece.encode()]
    symbols[-1] += WORD_END
    never = len(ranks)
    while len(symbols) > 1:
        rank, pair = min((ranks.get(pair, never), pair) for pair in pairwise(symbols))
        if rank == never:
            break
        symbols = _merge(symbols, pair)
    return tuple(entries[symbol] for symbol in symbols)


def _merge(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    at = 0
    while at < len(symbols):
        here = tuple(symbols[at : at + 2]) == pair
        merged.append("".join(pair) if here else symbols[at])
        at += 2 if here else 1
    return merged


@cache
def _tables() -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    """Entry -> token, and pair -> rank of its merge."""
    lines = MERGES.read_text(encoding="utf-8").splitlines()
    pairs = [(line.split(" ")[0], line.split(" ")[1]) for line in lines]
    signs = list(_byte_signs().values())
    entries = [*signs, *(sign + WORD_END for sign in signs), *("".join(pair) for pair in pairs)]
    return {entry: token for token, entry in enumerate(entries)}, {pair: rank for rank, pair in enumerate(pairs)}


@cache
def _byte_signs() -> dict[int, str]:
    """Byte -> the visible sign that stands for it in the table, in the order of the table.

    Bytes that are visible in Latin-1 stand for themselves, the others for U+0100 and on.
    """
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in set(visible)]
    return {byte: chr(byte) for byte in visible} | {byte: chr(0x100 + k) for k, byte in enumerate(others)}
