"""Write the word table that ships: the things, the drawings there are of each, and every word that means one."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

from generator.starter.making.library.drawings import Drawings, DrawnThing
from generator.starter.making.library.packages import ARTISTS
from generator.starter.making.library.vocabulary import LANGUAGES, english, names, nearest, said_otherwise

_FLYING_TEXT = """
    butterfly honeybee mosquito fly lady_beetle bat eagle dove bird parrot owl phoenix balloon kite rocket
    helicopter parachute ufo flying_saucer satellite comet shooting_star star glowing_star ringed_planet ghost
    fairy baby_angel superhero black_bird hatching cloud airplane small_airplane airplane_departure
    airplane_arrival boomerang mountain_cableway aerial_tramway suspension_railway dashing_away collision
    sparkles fireworks snowflake feather wing globe_showing_Europe-Africa globe_showing_Americas
    globe_showing_Asia-Australia firecracker leaf_fluttering_in_wind person_in_suit_levitating flying_disc
    tornado cyclone high_voltage
"""
_FLYING = frozenset(_FLYING_TEXT.split())
_FLOATING = frozenset(("duck", "swan", "person surfing", "person rowing boat", "person swimming", "ring buoy"))
_TINY = frozenset(("animal-bug", "food-fruit", "food-vegetable", "food-sweet", "drink", "dishware", "writing"))
_SMALL = frozenset(("food-prepared", "food-asian", "animal-bird", "plant-flower", "clothing", "office", "tool", "game"))
_GREAT = frozenset(("place-building", "place-religious", "transport-water", "place-geographic"))
_LARGE = frozenset(("transport-ground", "transport-air", "place-other"))


def home(thing: DrawnThing) -> str:
    """Where it is at home: ground, water or air."""
    name = thing.name.replace(" ", "_")
    if name in _FLYING or (thing.category == "sky" and thing.name not in ("snowman", "snowman without snow", "fire")):
        return "air"
    if thing.subgroup in ("animal-marine", "transport-water") or thing.name in _FLOATING:
        return "water"
    return "ground"


def size(thing: DrawnThing) -> int:
    """Its size class, 0 (an ant) to 4 (a castle)."""
    for number, subgroups in ((0, _TINY), (1, _SMALL), (3, _LARGE), (4, _GREAT)):
        if thing.subgroup in subgroups:
            return number
    return 1 if thing.category in ("object", "food", "body") else 2


def word_table(things: list[DrawnThing], drawings: Drawings, packages: Path) -> dict[str, Any]:
    """The table as JSON-able values; everything refers to things by their number."""
    words, _ = english(things, packages)
    return {
        "artists": [{"artist": a, "package": p.spec, "licence": p.licence} for a, p in ARTISTS.items()],
        "things": [[t.code, t.name, t.category, home(t), size(t)] for t in things],
        "drawings": [drawings.things.tolist(), drawings.artists.tolist()],
        "english": words,
        "near": nearest(words, things, packages),
        "otherwise": said_otherwise(packages),
        "names": {language: names(things, packages, language) for language in LANGUAGES},
    }


def compressed(table: dict[str, Any]) -> bytes:
    """The table as a file; the same table gives the same bytes."""
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":"))
    return lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)
