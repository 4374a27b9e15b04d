"""Text to prompts: `text:weight:stop`, several separated by `|`, the scenes of a story by `^`.

An ordinary colon is text, and so is an `@` that names no region. Pictures and random directions to move towards are
written alike: `photo.png:2 | sketch.png @left`, `42:0.5`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from dreamrig.errors import UsageError

LONGEST_CHARACTERS = 1000
LONGEST_PATHS = 8000
MOST_SCENES = 100
SCENES = "^"
"""What stands between the scenes of a story."""
HEAVIEST = 1000.0

# What may follow a colon as weight or stop. "infinity" is left to be a word.
NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf|nan)", re.IGNORECASE)
PORT = re.compile(r"[0-9]+")
HOST = re.compile(r"[a-z][a-z0-9+.-]*://[^/:\s]*", re.IGNORECASE)
PLACES = ("left", "right", "top", "bottom", "centre", "top-left", "top-right", "bottom-left", "bottom-right")
"""Regions that need no mask: halves, quarters, and the middle half of each side."""
REGION = re.compile(r"(?P<text>.*\S)\s+@(?P<name>[^\s@]+)", re.DOTALL)
FRACTION = r"(?:[01](?:\.[0-9]*)?|\.[0-9]+)"
RECTANGLE = re.compile(rf"{FRACTION}(?:,{FRACTION}){{3}}")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
WHITE_SPACE = re.compile(r"\s*[\t\n\v\f\r\x85\u2028\u2029]\s*")
"""What a text that was pasted has between its lines and columns."""
# Control characters, halves of surrogate pairs.
REFUSED_CATEGORIES = frozenset({"Cc", "Cs"})
# Embeddings, overrides and isolates of writing direction: a text with them is shown as another than it is, and spoils
# what stands beside it on a page. Right-to-left scripts need none of them.
REFUSED_CHARACTERS = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
# What is drawn as nothing though its category says otherwise: fillers of Hangul, the empty pattern of Braille, and what
# Unicode keeps for characters without a shape.
BLANK = re.compile("[\u115f\u1160\u2065\u2800\u3164\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]")
INVISIBLE_CATEGORIES = ("Z", "M", "Cc", "Cf", "Cs")
"""Spaces, marks without a letter, formats; a character that is newer than this Python's tables counts as seen."""


@dataclass(frozen=True)
class Prompt:
    """One thing to move towards (weight above 0) or away from (below 0)."""

    text: str
    weight: float = 1.0
    stop: float = -math.inf
    """A cutout whose signed distance is below this gives no gradient any more."""
    region: str = ""
    """Where it holds: one of PLACES, a rectangle "left,top,right,bottom" in fractions, or a mask's name; "" = all."""
    scene: int = 0
    """Which scene of the story it belongs to, from 0."""

    def __str__(self) -> str:
        """The prompt in full but for its scene, as parse reads it back."""
        where = f" @{self.region}" if self.region else ""
        return f"{self.text}{where}:{self.weight!r}:{self.stop!r}"


def parse(text: str, masks: Collection[str] = ()) -> tuple[Prompt, ...]:
    """All prompts of a text, in order; anything that cannot be meant raises UsageError.

    masks: names besides PLACES that may follow an `@`.

    Fields are split off from the right, at most two, and only where they read as a number: "12:30 at the
    station:2" has weight 2, "sunset: a study" has none. The port of a URL is not a weight.
    """
    text = fold(text)
    refuse_unreadable(text, LONGEST_CHARACTERS)
    return _scenes(text, lambda part: _parse_one(part, masks))


def parse_pictures(text: str, masks: Collection[str] = ()) -> tuple[Prompt, ...]:
    """Paths as prompts; "" gives none."""
    if not text.strip():
        return ()
    refuse_unreadable(text, LONGEST_PATHS)
    return _scenes(text, lambda part: _parse_one(part, masks))


def parse_noise(text: str) -> tuple[Prompt, ...]:
    """Seeds as prompts, their text the seed; "" gives none."""
    return tuple(_parse_seed(part.strip()) for part in text.split("|")) if text.strip() else ()


def parse_masks(text: str) -> dict[str, str]:
    """`NAME=PATH | NAME=PATH` -> name to path; UsageError for what is no such list."""
    masks: dict[str, str] = {}
    for part in text.split("|") if text.strip() else ():
        name, equals, path = (piece.strip() for piece in part.partition("="))
        if not (equals and path and NAME.fullmatch(name)) or name in masks or name in PLACES:
            raise UsageError(
                f"{part.strip()!r} gives no region a mask.", hint='write NAME=PATH with a new name, e.g. "sky=sky.png"'
            )
        masks[name] = path
    return masks


def _scenes(text: str, parse_one: Callable[[str], Prompt]) -> tuple[Prompt, ...]:
    """The prompts of all scenes; each scene needs one that counts."""
    scenes = text.split(SCENES)
    if len(scenes) > MOST_SCENES:
        raise UsageError(f"The story has {len(scenes)} scenes.", hint=f"use at most {MOST_SCENES}")
    found: list[Prompt] = []
    for scene, words in enumerate(scenes):
        if not words.strip():
            raise UsageError("There is nothing beside a ^.", hint='write a scene on both sides, e.g. "dawn ^ noon"')
        prompts = [replace(parse_one(part.strip()), scene=scene) for part in words.split("|")]
        if all(prompt.weight == 0.0 for prompt in prompts):
            raise UsageError("Every prompt has weight 0.", hint='give at least one a weight, e.g. "sunset:1"')
        found += prompts
    return tuple(found)


def fold(text: str) -> str:
    """The text on one line: a line break or a tab, with the spaces around it, is one space."""
    return WHITE_SPACE.sub(" ", text).strip()


def refuse_unreadable(text: str, longest: int) -> None:
    """UsageError for a text without anything to see, of more characters than `longest`, or that hides what it says."""
    if not _is_visible(text):
        raise UsageError("The prompt is empty.", hint='say what to draw, e.g. "sunset over the sea"')
    if len(text) > longest:
        raise UsageError(f"The prompt has {len(text)} characters.", hint=f"use at most {longest}; a sentence is enough")
    for character in text:
        if unicodedata.category(character) in REFUSED_CATEGORIES or character in REFUSED_CHARACTERS:
            raise UsageError(
                f"The prompt holds a control character (U+{ord(character):04X}).",
                hint="write it on one line, without tabs or control characters",
            )


def _is_visible(text: str) -> bool:
    """Whether anything of the text would be seen on paper."""
    return any(not unicodedata.category(one).startswith(INVISIBLE_CATEGORIES) for one in BLANK.sub("", text))


def _parse_one(part: str, masks: Collection[str]) -> Prompt:
    """One `text[ @region][:weight[:stop]]` or `text[:weight[:stop]][ @region]`, already stripped."""
    text, region = _split_region(part, masks)
    text, numbers = _split_numbers(text)
    if not region:  # it may stand before the numbers as well as behind them
        text, region = _split_region(text, masks)
    if not _is_visible(text):
        raise UsageError(
            "A prompt has no text." if part else "There is nothing beside a |.",
            hint='write text before the weight, e.g. "sunset:2 | boat:1"',
        )
    if numbers and NUMBER.fullmatch(text):
        raise UsageError(f"{part!r} is only numbers.", hint='put words before the weight, e.g. "half past twelve:2"')
    weight = _weight(numbers[0], part) if numbers else 1.0
    stop = _stop(numbers[1], part) if len(numbers) == 2 else -math.inf
    return Prompt(text, weight, stop, region)


def _parse_seed(part: str) -> Prompt:
    """One `seed[:weight[:stop]]`."""
    seed, *numbers = (field.strip() for field in part.split(":"))
    if not re.fullmatch(r"[0-9]{1,18}", seed) or len(numbers) > 2 or not all(map(NUMBER.fullmatch, numbers)):
        raise UsageError(f"{part!r} is no noise prompt.", hint='write SEED:weight:stop, e.g. "42:0.5"')
    weight = _weight(float(numbers[0]), part) if numbers else 1.0
    return Prompt(seed, weight, _stop(float(numbers[1]), part) if len(numbers) == 2 else -math.inf)


def _split_region(text: str, masks: Collection[str]) -> tuple[str, str]:
    """The text before a last ` @region` and the region; an @ before anything else is text."""
    match = REGION.fullmatch(text)
    if match is None or not (match["name"] in PLACES or match["name"] in masks or RECTANGLE.fullmatch(match["name"])):
        return text, ""
    if RECTANGLE.fullmatch(match["name"]):
        left, top, right, bottom = map(float, match["name"].split(","))
        if not (left < right <= 1 and top < bottom <= 1):
            raise UsageError(
                f"@{match['name']} is no part of the picture.", hint="write @left,top,right,bottom from 0 to 1"
            )
    return match["text"], match["name"]


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
