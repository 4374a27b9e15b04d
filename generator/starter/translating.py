"""A prompt of another language, word by word: which language it is, and its small words in English.

Standard library only. Names of things stay as they are for their turn; what stands between and round them is exchanged.
"""

from __future__ import annotations

from generator.starter import words
from generator.starter.abroad import BETWEEN, MEANS, OF_A_MATERIAL, plain
from generator.starter.inflection import forms
from generator.starter.lexicon import LONGEST, Lexicon
from generator.starter.materials import material_called

_SMALL_COUNTS = 2
"""Of a small word against a name: names are shared by many languages."""
_ENGLISH_TEXT = "in on and to by at the a an of with under over for from"
_ENGLISH = frozenset(_ENGLISH_TEXT.split())


def language_of(tokens: list[str], table: Lexicon) -> str:
    """The language that most of the words speak for; empty where English says as much, or nothing does."""
    own = sum(_SMALL_COUNTS if token in _ENGLISH else _is_english(token, table) for token in tokens)
    said = {language: _said_in(language, tokens, table) for language in table.names}
    best = max(said, key=said.__getitem__, default="")
    return best if best and said[best] > own else ""


def _said_in(language: str, tokens: list[str], table: Lexicon) -> int:
    between = BETWEEN.get(language, {})
    small = sum(_SMALL_COUNTS * (token in between) for token in tokens)
    return small + sum(
        token not in between and table.find_in(language, token) is not None for token in tokens if len(token) > 1
    )


def _is_english(token: str, table: Lexicon) -> bool:
    return table.find(token) is not None or words.canonical(token) is not None


def in_english(tokens: list[str], language: str, table: Lexicon) -> list[str]:
    """The tokens with colours, grounds, numbers and the small words in English."""
    found: list[str] = []
    at = 0
    while at < len(tokens):
        length, said = _between(tokens, at, language)
        if not length:
            length, said = 1, _meaning(tokens[at], language, table)
        found += said.split()
        at += length
    return found


def _between(tokens: list[str], at: int, language: str) -> tuple[int, str]:
    """How many tokens are a small word of the language, and the English one; 0 where none is."""
    if tokens[at] in OF_A_MATERIAL.get(language, ()) and at + 1 < len(tokens) and material_called(tokens[at + 1]):
        return 1, "made of"
    known = BETWEEN.get(language, {})
    for length in range(min(LONGEST, len(tokens) - at), 0, -1):
        phrase = plain(" ".join(tokens[at : at + length]))
        if phrase in known:
            return length, known[phrase]
    return 0, ""


def _meaning(token: str, language: str, table: Lexicon) -> str:
    """A colour, a ground or one of the commonest things in English; all else stays."""
    if not language and _is_english(token, table):
        return token
    known = table.find_in(language, token)
    for form in forms(plain(token), language):
        exact = form == plain(token)
        if form in MEANS and (exact or known is None):
            return MEANS[form]
    return token
