"""Prompts as people type them, made of the things there are, for training and judging."""

from __future__ import annotations

import random
from dataclasses import dataclass

from generator.starter.lexicon import Lexicon

PROMPTS = 200
_LEFT_OUT = frozenset(("face", "body"))
"""Nobody can tell moods and gestures apart at this size."""
_ALONE = (
    "{a}", "{a} in the snow", "{a} at night", "{a} in space", "{a} at sunset", "a {colour} {one}", "{a} in the desert",
    "a big {one} in the city", "{a} in a storm", "{a} under a rainbow", "watercolor of {a}", "{a} on a meadow",
    "a photo of {a}", "{a} in the forest", "three {one}s", "a beautiful painting of {a}",
)  # fmt: skip
_TWO = ("{a} and {b}", "{a} riding {b}", "{a} on {b}", "{a} next to {b} at night", "{a} holding {b}", "{a} with {b}")


@dataclass(frozen=True)
class Typed:
    """A prompt and the numbers of the things it asks for."""

    text: str
    things: tuple[int, ...]


def held_out(which: str, known: Lexicon, drawn: set[int], count: int = PROMPTS) -> list[Typed]:
    """Prompts as people type them and the things they ask for; two in five ask for two."""
    rng = random.Random(f"typed/{which}")
    free = [t for t in known.things if t.number in drawn and t.category not in _LEFT_OUT and len(t.name.split()) < 3]
    found: list[Typed] = []
    while len(found) < count:
        asked = rng.sample(free, 2)
        one, other = (thing.name.removesuffix(" face") for thing in asked)
        shape = rng.choice(_TWO if rng.random() < 0.4 else _ALONE)
        colour = rng.choice(("red", "blue", "green", "yellow", "purple", "pink"))
        text = shape.format(a=f"a {one}", b=f"a {other}", one=one, colour=colour)
        found.append(Typed(text, tuple(thing.number for thing in asked[: 1 + ("{b}" in shape)])))
    return found
