"""Make the word table: which thing a word or phrase means, in English and in other languages.

In this order, the first one counts: our own choice (senses.py), the CLDR name, a CLDR keyword of at most two things,
a WordNet synonym, a kind of (an oak is a tree). An alias must keep the thing, so adjectives never look up things and
kinds are followed below animals, plants, food, vehicles, buildings, clothes and instruments only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generator.starter.folding import fold, singulars
from generator.starter.lexicon import LONGEST
from generator.starter.making.library.drawings import DrawnThing
from generator.starter.making.library.packages import NAMES, WORDNET, open_package, read_json
from generator.starter.making.library.senses import NEVER, OWN_CHOICE
from generator.starter.making.library.wordnet import WordNet
from generator.starter.words import COLOURS

LANGUAGES = (
    "de", "fr", "es", "it", "pt", "nl", "pl", "ja", "zh", "ko", "ru", "sv", "da", "nb", "fi", "cs", "hu", "ro", "el",
    "tr", "uk", "vi", "id", "ar", "he", "hi",
)  # fmt: skip
"""The languages whose names of things are known beside English; the earlier one has a word that means two things."""
_FILES = {
    "animal": (5,), "plant": (20,), "food": (13, 20), "vehicle": (6,), "building": (6,), "clothing": (6,),
    "object": (6, 21, 10, 13), "person": (18,), "fantasy": (18, 9, 5), "body": (8,), "nature": (17, 15),
    "sky": (17, 19, 11), "face": (),
}  # fmt: skip
"""Category -> WordNet's lexicographer files in which its things are found."""
_DEPTHS = {
    "animal": 3, "plant": 3, "food": 2, "vehicle": 2, "building": 2, "clothing": 2, "object": 1, "person": 1,
}  # fmt: skip
"""How far down kinds still look like the thing they are kinds of."""
_ANYBODY = frozenset(("person", "man", "woman", "boy", "girl", "child", "baby", "old man", "old woman", "older person"))
"""What they are kinds of is mostly what others call them."""
SUGGESTIONS = 3
_FARTHEST, _NEAR = 3, 4
"""Steps up to what both are kinds of, and all the way; a kitchen and a toilet are rooms, which says nothing."""
_LEAST_DEPTH, _MOST_KINDS = 8, 20
"""How far from the root that has to be, and how many things may be kinds of it: canine and ship, not room or mammal."""


@dataclass
class _Table:
    """Folded word or phrase -> number of the thing, and where each entry comes from; the first one counts."""

    table: dict[str, int] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)

    def add(self, phrase: str, thing: int, why: str) -> None:
        key = fold(phrase)
        if key and key not in self.table and key not in NEVER and len(key.split()) <= LONGEST:
            self.table[key], self.source[key] = thing, why

    def drop_other_heads(self) -> None:
        """A red fox is a fox that is red, and what ends in another thing's name is seldom something else."""
        for phrase in [phrase for phrase in self.table if self.source[phrase] not in ("own", "name")]:
            first, last = phrase.split()[0], phrase.split()[-1]
            if first != last and (first in COLOURS or self.table.get(last, self.table[phrase]) != self.table[phrase]):
                del self.table[phrase], self.source[phrase]


def english(things: list[DrawnThing], packages: Path) -> tuple[dict[str, int], dict[str, str]]:
    """Folded word or phrase -> number of the thing, and where each entry comes from."""
    words = _Table()
    net = WordNet(open_package(WORDNET, packages) / "dict")
    by_name = {fold(thing.name): number for number, thing in enumerate(things)}
    for name, phrases in OWN_CHOICE.items():
        for phrase in phrases.split(", "):
            words.add(phrase, by_name[fold(name)], "own")
    for number, thing in enumerate(things):
        words.add(thing.name, number, "name")
    for number, thing in enumerate(things):
        for phrase in _names(thing):
            words.add(phrase, number, "name")
    for phrase, numbers in _keywords(things).items():
        fitting = [number for number in numbers if _may_name(phrase, things[number], net)]
        if fitting and len(numbers) <= 2:
            words.add(phrase, _plainest(fitting, things), "keyword")
    _add_meanings(words, things, net)
    words.drop_other_heads()
    return words.table, words.source


def _add_meanings(words: _Table, things: list[DrawnThing], net: WordNet) -> None:
    """WordNet's synonyms, then kinds, the nearest first."""
    meanings = thing_meanings(things, net)
    for meaning, number in meanings.items():
        for lemma in net.synsets[meaning].lemmas:
            if net.senses.get(lemma, [0])[0] == meaning:
                words.add(lemma, number, "synonym")
    for depth in range(1, max(_DEPTHS.values()) + 1):
        for meaning, number in meanings.items():
            if depth <= _DEPTHS.get(things[number].category, 0) and things[number].name not in _ANYBODY:
                for lemma in _kinds_at(net, meaning, depth):
                    words.add(lemma, number, f"kind {depth}")


def _kinds_at(net: WordNet, meaning: int, depth: int) -> Iterator[str]:
    """Nouns that are kinds of a meaning at just this depth, and mean that first of all."""
    for kind, distance in net.kinds(meaning, depth):
        if distance == depth:
            for lemma in net.synsets[kind].lemmas:
                if net.senses.get(lemma, [0])[0] == kind and net.is_mostly_a_noun(lemma):
                    yield lemma


def _names(thing: DrawnThing) -> Iterable[str]:
    name = thing.name
    yield name
    for tail in (" face", " bread", " fruit", " bar"):
        if name.endswith(tail):
            yield name.removesuffix(tail)
    for head in ("person ", "closed ", "red ", "woman’s ", "man’s "):
        if name.startswith(head) and thing.category in ("person", "clothing"):
            yield name.removeprefix(head)


def _keywords(things: list[DrawnThing]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for number, thing in enumerate(things):
        if thing.category != "face":
            for tag in thing.tags:
                found[fold(tag)].append(number)
    return found


def _may_name(phrase: str, thing: DrawnThing, net: WordNet) -> bool:
    """Whether a keyword can be the thing's name: a noun that means something of the same sort."""
    first = net.senses.get(phrase)
    if first is None or not net.is_mostly_a_noun(phrase) or len(phrase) < 3:
        return False
    return net.synsets[first[0]].lexicon in _FILES[thing.category]


def _plainest(numbers: list[int], things: list[DrawnThing]) -> int:
    """Of two things the one with the shorter name: cat before cat face, bear before teddy bear."""
    return min(numbers, key=lambda number: (things[number].name.endswith(" face"), len(things[number].name), number))


def thing_meanings(things: list[DrawnThing], net: WordNet) -> dict[int, int]:
    """WordNet meaning -> number of the thing it is; a thing whose name WordNet lacks has none."""
    found: dict[int, int] = {}
    whole_first = sorted(range(len(things)), key=lambda number: things[number].name.endswith(" face"))
    for number in whole_first:
        meaning = _meaning(things[number], net)
        if meaning:
            found.setdefault(meaning, number)
    return found


def _meaning(thing: DrawnThing, net: WordNet) -> int | None:
    for name in _names(thing):
        for form in singulars(fold(name)):
            for offset in net.senses.get(form, ()):
                if net.synsets[offset].lexicon in _FILES[thing.category]:
                    return offset
    return None


def nearest(table: Mapping[str, int], things: list[DrawnThing], packages: Path) -> dict[str, list[int]]:
    """Noun that names no thing -> the things nearest in meaning, for suggestions.

    Nearest is the shortest way over what both are kinds of, as WordNet has it, where that is something definite. Common
    nouns that nothing is near to are listed with nothing: they are not misspelt.
    """
    net = WordNet(open_package(WORDNET, packages) / "dict")
    near: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for meaning, number in thing_meanings(things, net).items():
        for above, distance in net.ancestors(meaning):
            near[above].append((distance, number))
    roots = _distance_to_root(net)
    found: dict[str, list[int]] = {}
    for lemma, senses in net.senses.items():
        key = fold(lemma)
        if " " in key or key in table or not _is_common(lemma, net):
            continue
        ranked: dict[int, int] = {}
        for above, up in net.ancestors(senses[0]):
            kinds = near.get(above, [])
            if roots[above] >= _LEAST_DEPTH and len(kinds) <= _MOST_KINDS and up <= _FARTHEST:
                for down, number in kinds:
                    ranked[number] = min(ranked.get(number, 99), up + down)
        close = [number for number, distance in ranked.items() if distance <= _NEAR]
        best = sorted(close, key=lambda number: (ranked[number], number))[:SUGGESTIONS]
        if best or net.uses[lemma, "n"]:
            found[key] = best
    return found


def _is_common(lemma: str, net: WordNet) -> bool:
    return net.is_mostly_a_noun(lemma) and net.synsets[net.senses[lemma][0]].lexicon in {5, 6, 8, 13, 17, 18, 20, 9, 15}


def _distance_to_root(net: WordNet) -> dict[int, int]:
    found: dict[int, int] = {}
    level, distance = [offset for offset, synset in net.synsets.items() if not synset.above], 0
    while level:
        found.update(dict.fromkeys(level, distance))
        level = [down for offset in level for down in net.synsets[offset].below if down not in found]
        distance += 1
    return {offset: found.get(offset, 99) for offset in net.synsets}


def said_otherwise(packages: Path) -> list[str]:
    """Common words that are no things: adjectives, verbs and adverbs that say how something is or what it does."""
    net = WordNet(open_package(WORDNET, packages) / "dict")
    words = set().union(*net.others.values())
    return sorted({fold(w) for w in words if " " not in w and w.isalpha() and not net.is_mostly_a_noun(w)} - {""})


def _shared_by(numbers: list[int], things: list[DrawnThing]) -> int | None:
    """The one thing that a keyword of these means: dog, where they are a dog, its face, a guide dog and a poodle."""
    plainest = _plainest(numbers, things)
    alike = [number for number in numbers if things[plainest].name in things[number].name]
    return plainest if len(numbers) <= 2 * len(alike) - 1 else None


def names(things: list[DrawnThing], packages: Path, language: str) -> dict[str, int]:
    """Folded name -> number of the thing, in one language: CLDR's names, and keywords of a single thing."""
    root = open_package(NAMES, packages) / "annotations"
    folder = root / ("no" if language == "nb" and not (root / "nb").exists() else language)
    said: dict[str, Any] = read_json(folder / "annotations.json")["annotations"]["annotations"]
    by_code = {
        "".join(chr(int(part, 16)) for part in thing.code.split("-")): number for number, thing in enumerate(things)
    }
    table: dict[str, int] = {}
    keywords: dict[str, list[int]] = defaultdict(list)
    for sign, entry in said.items():
        number = by_code.get(sign.replace("\ufe0f", ""))
        if number is not None:
            for name in entry.get("tts", ()):
                table.setdefault(fold(name), number)
            for word in entry.get("default", ()):
                keywords[fold(word)].append(number)
    for word, numbers in keywords.items():
        meant = _shared_by(sorted(set(numbers)), things)
        if meant is not None and things[meant].category != "face":
            table.setdefault(word, meant)
    table.pop("", None)
    return {word: number for word, number in table.items() if len(word.split()) <= LONGEST}
