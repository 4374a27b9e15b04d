"""One spelling for all: capitals, accents, possessives and plurals are folded before a word is looked up.

Standard library only. The words of the table are folded by the same functions when it is made.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_KEPT_MARKS = frozenset("\u3099\u309a")
"""Voicing marks: without them Japanese words become others."""
_SPLIT = re.compile(r"[^\W_]+|,")
_POSSESSIVE = re.compile(r"['’`]s\b")
_IRREGULAR = {
    "mice": "mouse", "geese": "goose", "feet": "foot", "teeth": "tooth", "men": "man", "women": "woman",
    "children": "child", "people": "person", "oxen": "ox", "wolves": "wolf", "leaves": "leaf", "knives": "knife",
    "loaves": "loaf", "elves": "elf", "calves": "calf", "lives": "life", "fungi": "fungus", "octopi": "octopus",
    "cacti": "cactus", "dwarves": "dwarf", "scarves": "scarf", "hooves": "hoof", "fishes": "fish", "kids": "child",
    "snowmen": "snowman", "mermen": "merman", "policemen": "policeman", "firemen": "fireman", "shelves": "shelf",
}  # fmt: skip


def fold(text: str) -> str:
    """Lower case without accents, one space between words; scripts stay what they are."""
    plain = "".join(
        character
        for character in unicodedata.normalize("NFKD", _POSSESSIVE.sub("", text).casefold())
        if character in _KEPT_MARKS or unicodedata.category(character) != "Mn"
    )
    return " ".join(_SPLIT.findall(unicodedata.normalize("NFC", plain.replace("ı", "i"))))


def split(text: str) -> list[str]:
    """Folded words and commas of a text, in order."""
    return fold(text).split()


def as_typed(text: str) -> dict[str, str]:
    """Folded word -> the word as the text has it, the first where it has several."""
    found: dict[str, str] = {}
    for word in _SPLIT.findall(_POSSESSIVE.sub("", unicodedata.normalize("NFC", text))):
        for folded in split(word):
            found.setdefault(folded, word)
    return found


def singulars(word: str) -> Iterator[str]:
    """The word itself, then what it may be the plural of, the likeliest first."""
    yield word
    if word in _IRREGULAR:
        yield _IRREGULAR[word]
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        if word.endswith("ies"):
            yield word[:-3] + "y"
        if word.endswith(("xes", "ches", "shes", "sses", "oes", "zes")):
            yield word[:-2]
        yield word[:-1]
