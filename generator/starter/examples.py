"""What the starter can be asked for: prompts to paste, things by theme, a search, a surprise. Standard library only."""

from __future__ import annotations

import random

from generator.starter import words
from generator.starter.folding import fold, singulars
from generator.starter.lexicon import Lexicon, Thing

TYPED = (
    "a cat in space",
    "an astronaut riding a horse",
    "a dragon on a castle at sunset",
    "a red fox in the snow",
    "a bear wearing a crown",
    "an octopus and a ship at night",
    "a butterfly on a sunflower",
    "a mermaid underwater",
    "a castle made of pizza",
    "a neon robot in the city at night",
    "three ducks on a lake",
    "a unicorn under a rainbow",
)
"""Prompts as people type them."""
THEMES = {
    "animal": "animals", "plant": "plants", "food": "food and drink", "vehicle": "vehicles", "building": "buildings",
    "person": "people", "fantasy": "fantasy", "nature": "nature", "sky": "sky and weather", "object": "objects",
    "clothing": "clothes", "body": "hands and body", "face": "faces and hearts",
}  # fmt: skip
_PLACES = (
    "in space", "underwater", "in the snow", "in the desert at sunset", "on a meadow under a purple sky",
    "in the city at night", "in a storm", "under a rainbow", "in the forest", "on the sea at night",
)  # fmt: skip
_ACTORS = frozenset(("animal", "fantasy", "person"))
_BEARERS = ("horse", "turtle", "unicorn", "elephant", "dragon", "whale", "rocket", "bicycle", "camel", "hippopotamus")


def example_prompts() -> tuple[str, ...]:
    """Prompts that are sure to work; the README's is among them."""
    return (*words.example_prompts()[:4], *TYPED)


def themes(known: Lexicon) -> dict[str, list[str]]:
    """Theme -> the names of its things."""
    found: dict[str, list[str]] = {theme: [] for theme in THEMES.values()}
    for thing in known.things:
        found[THEMES[thing.category]].append(thing.name)
    return found


def search(known: Lexicon, query: str) -> list[tuple[Thing, list[str]]]:
    """Things that a word means or whose name it is in, each with the words for it, what is meant first."""
    wanted = fold(query)
    meant = known.find(wanted) or known.find_abroad(wanted)
    forms = set(singulars(wanted))
    named = [thing for thing in known.things if thing != meant and forms & set(fold(thing.name).split())]
    return [(thing, known.words_of.get(thing.number, [])) for thing in ([meant] if meant else []) + named]


def surprise(known: Lexicon, rng: random.Random) -> str:
    """A prompt of any of the things."""
    actor = rng.choice([thing for thing in known.things if thing.category in _ACTORS and len(thing.name.split()) < 3])
    kind = rng.random()
    if kind < 0.25:
        return f"{_a(_plain(actor))} riding {_a(rng.choice(_BEARERS))}"
    if kind < 0.45:
        colour = rng.choice(words.COLOURS[:8])
        return f"{_a(f'{colour} {_plain(actor)}')} {rng.choice(_PLACES)}"
    if kind < 0.6:
        other = rng.choice([thing for thing in known.things if thing.category in ("food", "plant", "vehicle")])
        return f"{_a(_plain(actor))} and {_a(_plain(other))}"
    return f"{_a(_plain(actor))} {rng.choice(_PLACES)}"


def _plain(thing: Thing) -> str:
    return thing.name.removesuffix(" face")


def _a(noun: str) -> str:
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"
