"""The scene round the things of a prompt: what it says, and for the rest what suits them. Standard library only."""

from __future__ import annotations

import random

from generator.starter import words
from generator.starter.lexicon import Thing
from generator.starter.reading import PromptReading
from generator.starter.world import COLUMNS, HORIZONS, LAYOUTS, NONE, SLOTS, Scene, draw_sky, put_object

_SKY_OF_COLOUR = {"pink": "pink", "purple": "purple", "green": "green", "red": "sunset", "orange": "sunset",
                  "black": "night", "gray": "storm", "blue": "day"}  # fmt: skip
_SKY_OF_WORD = {"daylight": "day", "sunny": "day", "sunset": "sunset", "night": "night", "storm": "storm",
                "evening": "sunset", "lightning": "storm", "stars": "night", "moon": "night",
                "dark": "night"}  # fmt: skip
_USUAL_GROUNDS = {
    "animal": ("meadow", "meadow", "meadow", "desert", "snow"), "plant": ("meadow", "meadow", "desert"),
    "vehicle": ("meadow", "desert", "meadow", "snow"), "building": ("meadow", "meadow", "snow", "desert"),
}  # fmt: skip
_SKY_OF_PLACE = {"space": "night", "underwater": "day"}
_USUAL_SKIES = ("day", "day", "day", "sunset", "sunset", "pink", "purple", "night")
_BEFORE_A_BACKDROP = frozenset(("food", "object", "clothing", "face", "body"))
_BACKDROPS = ("turquoise", "blue", "pink", "yellow", "green", "purple", "orange", "white")
_CLOSE = {
    "red": "orange pink brown", "orange": "red yellow brown", "yellow": "orange white", "green": "turquoise",
    "turquoise": "blue green white", "blue": "turquoise purple", "purple": "pink blue", "pink": "red purple white",
    "brown": "orange red", "white": "yellow pink turquoise gray", "gray": "white blue", "black": "",
}  # fmt: skip
"""Colours a thing does not stand out from, beside its own."""


def setting(reading: PromptReading, chief_colour: str, rng: random.Random) -> Scene:
    """A scene without library things.

    chief_colour: the starter's colour nearest to most of the picture's first thing; it stands before another one.
    """
    slots = {name: values[0] for name, values in SLOTS.items()}
    slots["layout"] = str(rng.randrange(LAYOUTS))
    said = _Said(reading.scene)
    if said.pattern or (said.is_bare and _wants_backdrop(reading)):
        _backdrop(slots, said, chief_colour, rng)
    else:
        _landscape(slots, said, reading, rng)
    for number, (kind, colour) in enumerate(said.shapes[:2], 1):
        spot = (rng.choice((1, 2, COLUMNS - 3, COLUMNS - 2)), rng.randrange(1, 3))
        put_object(slots, number, kind, colour or _contrast(slots["colour_a"], rng), "small", spot)
    return Scene(tuple(slots[name] for name in SLOTS))


class _Said:
    """The scene's words by what they decide."""

    def __init__(self, scene: tuple[str, ...]) -> None:
        self.sky = self.ground = self.back = self.back_colour = self.light = self.light_colour = self.pattern = ""
        self.colours: list[str] = []
        self.shapes: list[tuple[str, str]] = []
        self.extra: set[str] = set()
        colour = ""
        for word in scene:
            if word in words.COLOURS:
                self.colours.append(word)
                colour = word
                continue
            self._take(word, colour)
            colour = ""
        self.is_bare = not (self.sky or self.ground or self.back or self.light or self.extra)

    def _take(self, word: str, colour: str) -> None:
        if word == "sky":
            self.sky = self.sky or _SKY_OF_COLOUR.get(colour, "day")
        elif word in words.GROUNDS or word == "snowy":
            self.ground = "snow" if word == "snowy" else word
        elif word in words.BACKS:
            self.back, self.back_colour = word, colour
        elif word in words.SHAPES:
            self.shapes.append((word, colour))
        elif word in words.PATTERNS or word == "background":
            self.pattern = "plain" if word == "background" and not self.pattern else word
            self.pattern = "plain" if self.pattern == "background" else self.pattern
        elif word in ("stars", "clouds", "lightning", "rainbow", "cloudy"):
            self.extra.add("clouds" if word == "cloudy" else word)
        if word in ("sun", "moon"):
            self.light, self.light_colour = word, colour
        if word in _SKY_OF_WORD and not (self.sky and word in ("stars", "moon", "dark")):
            self.sky = _SKY_OF_WORD[word]


def _wants_backdrop(reading: PromptReading) -> bool:
    """Whether these are things one sees on a table or alone, not in a landscape."""
    return not reading.place and all(one.thing.category in _BEFORE_A_BACKDROP for one in reading.wanted)


def _backdrop(slots: dict[str, str], said: _Said, chief: str, rng: random.Random) -> None:
    first = said.colours[0] if said.colours else _contrast(chief, rng)
    others = [colour for colour in _CLOSE[first].split() if colour != chief] or ["white"]
    second = said.colours[1] if len(said.colours) > 1 else rng.choice(others)
    pattern = said.pattern or rng.choice(("gradient", "gradient", "plain"))
    slots.update(kind="shapes", pattern=pattern, colour_a=first, colour_b=second)


def _contrast(colour: str, rng: random.Random) -> str:
    return rng.choice([one for one in _BACKDROPS if one != colour and one not in _CLOSE.get(colour, "").split()])


def _landscape(slots: dict[str, str], said: _Said, reading: PromptReading, rng: random.Random) -> None:
    first = reading.wanted[0].thing if reading.wanted else None
    sky = said.sky or (_SKY_OF_PLACE.get(reading.place) or rng.choice(_USUAL_SKIES))
    if said.light == "sun" and sky == "night":
        sky = "day"
    slots.update(kind="landscape", sky=sky, ground=said.ground or _usual_ground(first, rng))
    slots["horizon"] = str(rng.randrange(HORIZONS)) if first is None else str(rng.choice((0, 1, 1, 2)))
    usual_back = rng.choices(words.BACKS, (46, 18, 22, 14, 0))[0] if slots["ground"] != "sea" else NONE
    slots["back"] = said.back or (NONE if reading.place else usual_back)
    slots["back_colour"] = said.back_colour or NONE
    draw_sky(slots, sky, rng)
    _keep_usual(slots)
    if reading.place == "space":
        slots.update(stars="stars", clouds=NONE, extra=NONE)
    if reading.place == "underwater":
        slots.update(light=NONE, light_colour=NONE, stars=NONE, clouds=NONE, extra=NONE)
    if said.light:
        usual = {"sun": "yellow", "moon": "white"}[said.light]
        place = {"light_x": str(rng.randrange(COLUMNS)), "light_y": rng.choice(("high", "middle"))}
        slots.update(light=said.light, light_colour=said.light_colour or usual, **place)
    for word in said.extra:
        slots.update({"stars": {"stars": "stars"}, "clouds": {"clouds": "dark" if sky == "storm" else "white"}}.get(
            word, {"extra": word}))  # fmt: skip


def _keep_usual(slots: dict[str, str]) -> None:
    """No green suns and no rainbows that nobody asked for: the things are to be looked at."""
    slots["light_colour"] = {"sun": "yellow", "moon": "white"}.get(slots["light"], NONE)
    slots["extra"] = NONE if slots["extra"] == "rainbow" else slots["extra"]


def _usual_ground(thing: Thing | None, rng: random.Random) -> str:
    if thing is None:
        return rng.choice(words.GROUNDS)
    if thing.home == "water":
        return "sea"
    return rng.choice(_USUAL_GROUNDS.get(thing.category, ("meadow", "meadow", "snow", "desert")))
