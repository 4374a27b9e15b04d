"""Text to prompts: `text:weight:stop`, several separated by `|`. An ordinary colon is text."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

from dreamrig.errors import UsageError

LONGEST_CHARACTERS = 1000
HEAVIEST = 1000.0

# What may follow a colon as weight or stop. "infinity" is left to be a word.
NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf|nan)", re.IGNORECASE)
PORT = re.compile(r"[0-9]+")
HOST = re.compile(r"[a-z][a-z0-9+.-]*://[^/:\s]*", re.IGNORECASE)
# Control characters, halves of surrogate pairs, line and paragraph separators.
REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True)
class Prompt:
    """One thing to move towards (weight above 0) or away from (below 0)."""

    text: str
    weight: float = 1.0
    stop: float = -math.inf
    """A cutout whose signed distance is below this gives no gradient any more."""

    def __str__(self) -> str:
        """The prompt in full, as parse reads it back."""
        return f"{self.text}:{self.weight!r}:{self.stop!r}"


def parse(text: str) -> tuple[Prompt, ...]:
    """All prompts of a text, in order; anything that cannot be meant raises UsageError.

    Fields are split off from the right, at most two, and only where they read as a number: "12:30 at the
    station:2" has weight 2, "sunset: a study" has none. The port of a URL is not a weight.
    """
    _refuse_unreadable(text)
    found = tuple(_parse_one(part.strip()) for part in text.split("|"))
    if all(prompt.weight == 0.0 for prompt in found):
        raise UsageError("Every prompt has weight 0.", hint='give at least one a weight, e.g. "sunset:1"')
    return found


def _refuse_unreadable(text: str) -> None:
    if not text.strip():
        raise UsageError("The prompt is empty.", hint='say what to draw, e.g. "sunset over the sea"')
    if len(text) > LONGEST_CHARACTERS:
        raise UsageError(
            f"The prompt has {len(text)} characters.", hint=f"use at most {LONGEST_CHARACTERS}; a sentence is enough"
        )
    for character in text:
        if unicodedata.category(character) in REFUSED_CATEGORIES:
            raise UsageError(
                f"The prompt holds a control character (U+{ord(character):04X}).",
                hint="write it on one line, without tabs or control characters",
            )


def _parse_one(part: str) -> Prompt:
    """One `text[:weight[:stop]]`, already stripped."""
    text, numbers = _split_numbers(part)
    if not text:
        raise UsageError(
            "A prompt has no text." if part else "There is nothing beside a |.",
            hint='write text before the weight, e.g. "sunset:2 | boat:1"',
        )
    if numbers and NUMBER.fullmatch(text):
        raise UsageError(f"{part!r} is only numbers.", hint='put words before the weight, e.g. "half past twelve:2"')
    weight = _weight(numbers[0], part) if numbers else 1.0
    stop = _stop(numbers[1], part) if len(numbers) == 2 else -math.inf
    return Prompt(text, weight, stop)


def _split_numbers(part: str) -> tuple[str, list[float]]:
    """The text and the at most two numbers that follow it."""
    numbers: list[float] = []
    while len(numbers) < 2:
        before, colon, field = part.rpartition(":")
        if not colon or not NUMBER.fullmatch(field.strip()) or _is_port(before, field):
            break
        numbers.insert(0, float(field))
        part = before.strip()
    return part, numbers


def _is_port(before: str, field: str) -> bool:
    """Whether `before:field` is the host and port of a URL."""
    return bool(PORT.fullmatch(field) and HOST.fullmatch(before.rpartition(" ")[2]))


def _weight(value: float, part: str) -> float:
    if not math.isfinite(value) or abs(value) > HEAVIEST:
        raise UsageError(f"The weight in {part!r} is {value}.", hint=f"use a number from -{HEAVIEST:g} to {HEAVIEST:g}")
    return value


def _stop(value: float, part: str) -> float:
    if math.isnan(value) or value == math.inf:
        raise UsageError(f"The stop in {part!r} is {value}.", hint="use a finite number, e.g. 0.5, or leave it out")
    return value
