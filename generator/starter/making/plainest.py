"""The plainest scene of a caption: what it states, and the same usual values for all it leaves open.

From grey the loop has no start that lays a picture out, and a caption fits a million layouts whose mean shows nothing.
Of one layout each thing keeps its place, so a network can learn what lies where from the words alone.
"""

from collections.abc import Mapping

from generator.starter import words
from generator.starter.making.captions import Caption
from generator.starter.world import NONE, SLOTS, Scene, object_rows

LEFT, MIDDLE, RIGHT = 2, 6, 9
"""Columns of a thing that a caption puts on a side."""
_HORIZON, _BACKDROP_ROW = "2", "5"
_ALONE = {"landscape": 4, "shapes": MIDDLE}
_PAIR = (3, 8)
_SIDES = {"left": LEFT, "middle": MIDDLE, "right": RIGHT}
_USUAL_COLOUR = {
    "circle": "red",
    "square": "blue",
    "triangle": "green",
    "star": "yellow",
    "heart": "red",
    "diamond": "turquoise",
    "ring": "orange",
    "cross": "red",
    "crescent": "yellow",
    "house": "red",
    "tree": "green",
    "boat": "white",
    "castle": "gray",
    "cactus": "green",
    "balloon": "red",
    "fish": "orange",
    "flower": "pink",
    "mushroom": "red",
}
_BACKDROPS = ("white", "gray", "black")
_OUTDOORS = {"sky", "ground", "back", "light", "stars", "clouds", "extra"}
_HOME = {"boat": "sea", "fish": "sea", "cactus": "desert"}


def plainest(scene: Scene, one: Caption) -> Scene:
    """The plainest scene that has all that a caption of `scene` states.

    The same words always give the same scene; `scene` itself only tells which thing is the left one where they say so.
    """
    stated = {slot: value for slot, value in one.stated.items() if value in SLOTS.get(slot, ())}
    slots = {name: values[0] for name, values in SLOTS.items()} | stated
    things = [number for number in (1, 2) if f"object_{number}" in stated]
    if _is_outdoors(stated, things):
        slots["kind"] = "landscape"
        _fill_landscape(slots, one.stated, things)
    else:
        slots["kind"] = "shapes"
        _fill_backdrop(slots, one, things)
    for number, column in zip(things, _columns(scene, one, things, slots["kind"]), strict=True):
        _fill_thing(slots, one.stated, number, column, size="big" if len(things) == 1 else "medium")
    return Scene(tuple(slots[name] for name in SLOTS))


def _is_outdoors(stated: Mapping[str, str], things: list[int]) -> bool:
    """Whether words tell of a landscape; those that name nothing but things do, unless it is shapes alone."""
    if _OUTDOORS & stated.keys():
        return True
    return "colour_a" not in stated and any(stated[f"object_{number}"] in words.THINGS for number in things)


def _fill_landscape(slots: dict[str, str], stated: Mapping[str, str], things: list[int]) -> None:
    """Sky, ground and light where the caption is silent."""
    if "sky" not in stated:
        at_night = stated.get("light") == "moon" or "stars" in stated
        slots["sky"] = "night" if at_night else "storm" if stated.get("extra") == "lightning" else "day"
    if "ground" not in stated:
        homes = [_HOME[slots[f"object_{number}"]] for number in things if slots[f"object_{number}"] in _HOME]
        slots["ground"] = (*homes, "meadow")[0]
    slots["horizon"] = _HORIZON
    if slots["sky"] == "night":
        slots["stars"] = "stars"
    if slots["sky"] == "storm":
        slots["clouds"] = "dark"
    if slots["sky"] == "sunset" and "light" not in stated:
        slots["light"] = "sun"
    if slots["light"] != NONE:
        beside = RIGHT if len(things) == 1 else MIDDLE
        slots["light_x"] = str(_SIDES.get(stated.get("light_x", ""), beside))
        slots["light_y"] = stated.get("light_y", "low" if slots["sky"] == "sunset" else "high")
        slots["light_colour"] = stated.get("light_colour", {"sun": "yellow", "moon": "white"}[slots["light"]])


def _fill_backdrop(slots: dict[str, str], one: Caption, things: list[int]) -> None:
    """Pattern and colours; a pattern's colours in the order in which they are named, a gradient's from above."""
    of_things = {one.stated.get(f"colour_{number}") for number in things}
    free = next(colour for colour in _BACKDROPS if colour not in of_things)
    first = one.stated.get("colour_a", free)
    second = one.stated.get("colour_b", "black" if first == "gray" else "gray")
    if f"{second} and {first}" in one.text:
        first, second = second, first
    slots.update(pattern=one.stated.get("pattern", "plain"), colour_a=first, colour_b=second)


def _columns(scene: Scene, one: Caption, things: list[int], kind: str) -> list[int]:
    """The column of each thing: the first named is left of the second, unless the words say otherwise."""
    if len(things) < 2:
        return [_SIDES.get(one.stated.get(f"x_{number}", ""), _ALONE[kind]) for number in things]
    if " left of " in one.text or " right of " in one.text:
        second_first = int(scene["x_1"]) > int(scene["x_2"])
    else:
        second_first = one.swapped
    return list(reversed(_PAIR)) if second_first else list(_PAIR)


def _fill_thing(slots: dict[str, str], stated: Mapping[str, str], number: int, column: int, size: str) -> None:
    kind = slots[f"object_{number}"]
    size = stated.get(f"size_{number}", size)
    if slots["kind"] == "landscape":
        rows = object_rows(kind, size, int(slots["horizon"]))
        row = str(rows[len(rows) // 2])
    else:
        row = _BACKDROP_ROW
    colour = stated.get(f"colour_{number}", _free_colour(slots, _USUAL_COLOUR[kind]))
    values = {"colour": colour, "size": size, "x": str(column), "y": row}
    slots.update({f"{part}_{number}": value for part, value in values.items()})


def _free_colour(slots: Mapping[str, str], usual: str) -> str:
    """The usual colour, or the first that a thing shows in before this backdrop."""
    behind = set() if slots["kind"] == "landscape" else {slots["colour_a"], slots["colour_b"]}
    return next(colour for colour in (usual, *words.COLOURS) if colour not in behind)
