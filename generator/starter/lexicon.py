"""The word table: which thing a word means, and what is near to a word that means none. Standard library only.

It is made by making/library/vocabulary.py from CLDR, WordNet and our own choices; words are folded (folding.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from generator.starter import shipped
from generator.starter.bodies import WHOLE
from generator.starter.folding import fold, singulars
from generator.starter.inflection import forms

LONGEST = 4
"""Words in the longest phrase."""


@dataclass(frozen=True)
class Thing:
    """Something the starter can draw."""

    number: int
    code: str
    """Unicode's sequence for it, in hexadecimal."""
    name: str
    category: str
    """animal, plant, food, vehicle, building, person, fantasy, face, body, clothing, nature, sky or object."""
    home: str
    """ground, water or air."""
    size: int
    """0 (an ant) to 4 (a castle)."""


@dataclass(frozen=True)
class Lexicon:
    """All that is known about words."""

    things: tuple[Thing, ...]
    drawings: tuple[tuple[int, ...], ...]
    """Per thing the numbers of its drawings in the library."""
    artists: tuple[str, ...]
    """Per drawing whose it is."""
    english: dict[str, int]
    near: dict[str, list[int]]
    """English noun that means no thing -> the things nearest in meaning; empty where nothing is near."""
    otherwise: frozenset[str]
    """Words that are no things: how something is, or what it does."""
    names: dict[str, dict[str, int]] = field(repr=False)
    """Language -> its names of things."""

    def find(self, phrase: str) -> Thing | None:
        """The thing an English phrase means; its last word may be a plural."""
        head, _, last = phrase.rpartition(" ")
        for form in singulars(last):
            number = self.english.get(f"{head} {form}".strip())
            if number is not None:
                return self.things[number]
        return None

    def whole_drawings(self, thing: Thing) -> tuple[int, ...]:
        """The thing's drawings; of an animal those of its whole body, where there is one."""
        numbers = self.drawings[thing.number]
        whole = tuple(number for number in numbers if self.artists[number] in WHOLE.get(thing.name, ()))
        return whole or numbers

    def find_in(self, language: str, phrase: str) -> Thing | None:
        """The thing a folded phrase means in one language; one of its words may be a plural or in some case."""
        names = self.names.get(language, {})
        if phrase in names:
            return self.things[names[phrase]]
        parts = phrase.split()
        for at in reversed(range(len(parts))):
            for form in forms(parts[at], language):
                number = names.get(" ".join((*parts[:at], form, *parts[at + 1 :])))
                if number is not None:
                    return self.things[number]
        return None

    def find_abroad(self, phrase: str) -> Thing | None:
        """The thing a phrase of another language means, the first language that has it."""
        for table in self.names.values():
            if phrase in table:
                return self.things[table[phrase]]
        return None

    def find_inside(self, run: str) -> Iterator[Thing]:
        """The things named in a run of characters without spaces, as Japanese and Chinese are written."""
        at = 0
        while at < len(run):
            ends = range(min(len(run), at + 12), at, -1)
            found = next(((end, thing) for end in ends if (thing := self._inside(run[at:end]))), None)
            if found is None:
                at += 1
            else:
                at = found[0]
                yield found[1]

    def _inside(self, name: str) -> Thing | None:
        number = self.unspaced.get(name)
        return None if number is None else self.things[number]

    @cached_property
    def unspaced(self) -> dict[str, int]:
        """The names of the languages that are written without spaces."""
        return {**self.names.get("zh", {}), **self.names.get("ja", {})}

    def suggest(self, word: str) -> list[str]:
        """Names of the things nearest in meaning to a word that means none; empty where nothing is near."""
        form = self._noun(word)
        return [] if form is None else [self.things[number].name for number in self.near[form]]

    def is_noun(self, word: str) -> bool:
        """Whether a word that means no thing is an English noun all the same, and so not misspelt."""
        return self._noun(word) is not None

    def _noun(self, word: str) -> str | None:
        return next((form for form in singulars(fold(word)) if form in self.near), None)

    @cached_property
    def words_of(self) -> dict[int, list[str]]:
        """Thing's number -> the English words for it."""
        found: dict[int, list[str]] = {}
        for word, number in self.english.items():
            found.setdefault(number, []).append(word)
        return found


@cache
def lexicon() -> Lexicon:
    """The table that is shipped, read once; NotReadyError where it is missing or damaged."""
    return from_table(shipped.read_table())


def from_table(table: dict[str, Any]) -> Lexicon:
    """The lexicon of a table's values."""
    drawings: list[list[int]] = [[] for _ in table["things"]]
    for number, thing in enumerate(table["drawings"][0]):
        drawings[thing].append(number)
    return Lexicon(
        things=tuple(Thing(number, *facts) for number, facts in enumerate(table["things"])),
        drawings=tuple(map(tuple, drawings)),
        artists=tuple(table["artists"][artist]["artist"] for artist in table["drawings"][1]),
        english=table["english"],
        near=table["near"],
        otherwise=frozenset(table["otherwise"]),
        names=table["names"],
    )
