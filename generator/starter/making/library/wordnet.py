"""WordNet's files, as far as the word table needs them: senses of a word, synonyms, kinds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LEXICON = {
    "act": 4,
    "animal": 5,
    "artifact": 6,
    "body": 8,
    "food": 13,
    "object": 17,
    "person": 18,
    "phenomenon": 19,
    "plant": 20,
}
"""The lexicographer's files that hold things."""


@dataclass
class Synset:
    """One meaning."""

    lexicon: int
    lemmas: list[str]
    above: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)


class WordNet:
    """The nouns of WordNet, and how often each lemma is which part of speech."""

    def __init__(self, folder: Path) -> None:
        self.synsets: dict[int, Synset] = {}
        self.senses: dict[str, list[int]] = {}
        for line in _lines(folder / "data.noun"):
            offset, synset = _synset(line)
            self.synsets[offset] = synset
        for line in _lines(folder / "index.noun"):
            fields = line.split()
            self.senses[fields[0].replace("_", " ")] = [int(f) for f in fields[-int(fields[2]) :]]
        self.uses: Counter[tuple[str, str]] = Counter()
        for line in (folder / "index.sense").read_text(encoding="utf-8").splitlines():
            key, _, _, count = line.split()
            lemma, _, rest = key.partition("%")
            self.uses[lemma.replace("_", " "), "?nvara"[int(rest[0])]] += int(count) + 0
        self.others = {
            kind: {line.split()[0].replace("_", " ") for line in _lines(folder / f"index.{kind}")}
            for kind in ("adj", "verb", "adv")
        }

    def ancestors(self, synset: int) -> Iterator[tuple[int, int]]:
        """(meaning, distance) of everything it is a kind of, itself first."""
        level, distance, seen = [synset], 0, {synset}
        while level:
            for offset in level:
                yield offset, distance
            level = [up for offset in level for up in self.synsets[offset].above if up not in seen]
            seen.update(level)
            distance += 1

    def kinds(self, synset: int, depth: int) -> Iterator[tuple[int, int]]:
        """(meaning, distance) of its kinds, down to a depth."""
        level = [synset]
        for distance in range(1, depth + 1):
            level = [down for offset in level for down in self.synsets[offset].below]
            for offset in level:
                yield offset, distance

    def is_mostly_a_noun(self, word: str) -> bool:
        """Whether the word is used as a noun at least as often as otherwise."""
        return word in self.senses and self.uses[word, "n"] >= max(self.uses[word, kind] for kind in "var")


def _lines(path: Path) -> Iterator[str]:
    return (line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("  "))


def _synset(line: str) -> tuple[int, Synset]:
    fields = line.partition("|")[0].split()
    words = int(fields[3], 16)
    lemmas = [fields[4 + 2 * at].replace("_", " ").lower() for at in range(words)]
    at = 4 + 2 * words
    pointers = [fields[at + 1 + 4 * p : at + 5 + 4 * p] for p in range(int(fields[at]))]
    above = [int(p[1]) for p in pointers if p[0] in ("@", "@i")]
    below = [int(p[1]) for p in pointers if p[0] == "~"]
    return int(fields[0]), Synset(int(fields[1]), lemmas, above, below)
