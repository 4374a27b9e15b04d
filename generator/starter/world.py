"""A procedural world: scenes of a few discrete slots. render.py draws their pictures, captions.py writes about them.

A scene is fully described by its slots and rendering it is deterministic, so a network can learn the picture from the
slots (the painter) and the slots from a caption (the composer). Python's own Mersenne twister draws scenes and
captions, so a seed gives the same world on every machine.
"""

import dataclasses
import random
from dataclasses import dataclass

from generator.starter import words

SIDE = 128
"""Side of a rendered picture, in pixels."""
BIG = 2 * SIDE
"""Side at which scenes are drawn before they are halved, in pixels."""
COLUMNS, ROWS, SIZES, HORIZONS, LAYOUTS = 12, 10, 3, 4, 6
NONE = "none"

SLOTS: dict[str, tuple[str, ...]] = {
    "kind": ("landscape", "shapes", "pattern"),
    "style": words.STYLES,
    "sky": words.SKIES,
    "ground": words.GROUNDS,
    "back": words.BACKS,
    "back_colour": (NONE, *words.COLOURS),
    "light": words.LIGHTS,
    "light_colour": (NONE, *words.COLOURS),
    "light_x": tuple(map(str, range(COLUMNS))),
    "light_y": ("high", "middle", "low"),
    "stars": (NONE, "stars"),
    "clouds": (NONE, "white", "dark"),
    "extra": (NONE, "lightning", "rainbow"),
    "horizon": tuple(map(str, range(HORIZONS))),
    "layout": tuple(map(str, range(LAYOUTS))),
    "pattern": words.PATTERNS,
    "colour_a": words.COLOURS,
    "colour_b": words.COLOURS,
    **{
        f"{part}_{number}": values
        for number in (1, 2)
        for part, values in (
            ("object", (NONE, *words.OBJECTS)),
            ("colour", words.COLOURS),
            ("size", ("small", "medium", "big")),
            ("x", tuple(map(str, range(COLUMNS)))),
            ("y", tuple(map(str, range(ROWS)))),
        )
    },
}
"""Slot name -> its values, in the order in which the composer writes them."""

SLOT_SIZES = tuple(len(values) for values in SLOTS.values())

HORIZON_Y = (0.46, 0.54, 0.62, 0.70)
RADIUS = {"small": 0.12, "medium": 0.17, "big": 0.25}


@dataclass(frozen=True)
class Scene:
    """One value per slot of SLOTS, as the words there."""

    values: tuple[str, ...]

    def __getitem__(self, slot: str) -> str:
        return self.values[_SLOT_INDEX[slot]]

    def indices(self) -> list[int]:
        """Each slot's value as its index in SLOTS."""
        return [values.index(value) for value, values in zip(self.values, SLOTS.values(), strict=True)]

    @staticmethod
    def from_indices(indices: list[int]) -> "Scene":
        """The scene whose slots have these indices."""
        return Scene(tuple(values[index] for index, values in zip(indices, SLOTS.values(), strict=True)))

    def objects(self) -> list[tuple[str, str, str, float, float]]:
        """(kind, colour, size, x, y) of each object, x and y of its centre in fractions of the side."""
        found = []
        for number in (1, 2):
            kind = self[f"object_{number}"]
            if kind != NONE:
                x = place(int(self[f"x_{number}"]), COLUMNS)
                y = place(int(self[f"y_{number}"]), ROWS)
                found.append((kind, self[f"colour_{number}"], self[f"size_{number}"], x, y))
        return found

    def plan(self) -> str:
        """A short description for people, `sunset sky, sea, low yellow sun`."""
        return _describe(self)


_SLOT_INDEX = {name: index for index, name in enumerate(SLOTS)}


def place(cell: int, cells: int) -> float:
    """Centre of a slot's cell as a fraction of the side, kept off the border."""
    return 0.06 + 0.88 * (cell + 0.5) / cells


def _describe(scene: Scene) -> str:
    things = [f"{size} {colour} {kind}" for kind, colour, size, _, _ in scene.objects()]
    if scene["kind"] != "landscape":
        ground = (
            f"{scene['colour_a']} background"
            if scene["pattern"] == "plain"
            else (f"{scene['colour_a']} and {scene['colour_b']} {scene['pattern']}")
        )
        parts = [*things, ground]
    else:
        light = f"{scene['light_colour']} {scene['light']}".replace("none ", "")
        back = f"{scene['back_colour']} {scene['back']}".replace("none ", "")
        extras = [scene[s] for s in ("stars", "extra")] + ([f"{scene['clouds']} clouds"] * (scene["clouds"] != NONE))
        parts = [f"{scene['sky']} sky", scene["ground"], back, light, *extras, *things]
    if scene["style"] != "plain":
        parts.append(f"{scene['style']} style")
    return ", ".join(part for part in parts if part != NONE)


_CONTEXT = ("kind", "style", "sky")
PARTS: tuple[tuple[str, ...], ...] = (
    (*_CONTEXT, "ground", "horizon", "layout", "stars", "clouds", "extra", "back", "pattern", "colour_a", "colour_b"),
    (*_CONTEXT, "ground", "light", "light_colour", "light_y", "clouds"),
    (*_CONTEXT, "ground", "back", "back_colour", "horizon", "layout", "stars", "clouds", "extra", "light_colour"),
    (*_CONTEXT, "object_1", "colour_1", "size_1"),
    (*_CONTEXT, "object_2", "colour_2", "size_2"),
)
"""The slots that decide how canvas, light, horizon and each object look; `spots` says where they are."""


PART_SLOTS = tuple(tuple(_SLOT_INDEX[slot] for slot in part) for part in PARTS)
"""PARTS as indices into SLOTS."""


FAR = -9.0
"""Where a part lies that is not there: every cell sees it as far away as it can."""


def spots(scene: Scene, absent: float = FAR, horizon: float | None = None) -> list[list[float]]:
    """x, y, radius of canvas, light, horizon and both objects, as fractions of the side.

    absent: x and y of what is not there, with radius 0. The first starter was taught to look for it in a corner, 0,
    where it shows once the cells are smaller than those it was taught with.
    horizon: y of the horizon in place of the scene's own.
    """
    found = [[0.5, 0.5, 0.25], [absent, absent, 0.0], [absent, absent, 0.0]]
    if scene["kind"] == "landscape":
        horizon = HORIZON_Y[int(scene["horizon"])] if horizon is None else horizon
        found[2] = [0.5, horizon, 0.2]
        light = light_spot(scene, int(horizon * BIG))
        if light:
            found[1] = [value / BIG for value in light]
    for number in (1, 2):
        if scene[f"object_{number}"] == NONE:
            found.append([absent, absent, 0.0])
        else:
            x, y = int(scene[f"x_{number}"]), int(scene[f"y_{number}"])
            found.append([place(x, COLUMNS), place(y, ROWS), RADIUS[scene[f"size_{number}"]]])
    return found


# ---------------------------------------------------------------- drawing scenes


def draw_scene(rng: random.Random) -> Scene:
    """A random scene: about two thirds landscapes, a quarter shapes on a background, the rest patterns."""
    slots = {name: values[0] for name, values in SLOTS.items()}
    slots["style"] = rng.choices(words.STYLES, (64, 9, 9, 9, 9))[0]
    slots["kind"] = rng.choices(SLOTS["kind"], (66, 26, 8))[0]
    slots["layout"] = str(rng.randrange(LAYOUTS))
    if slots["kind"] == "landscape":
        _draw_landscape(slots, rng)
    else:
        _draw_shapes(slots, rng)
    return Scene(tuple(slots[name] for name in SLOTS))


def _draw_landscape(slots: dict[str, str], rng: random.Random) -> None:
    sky = rng.choices(words.SKIES, (26, 24, 20, 9, 7, 7, 7))[0]
    slots.update(sky=sky, ground=rng.choice(words.GROUNDS), horizon=str(rng.randrange(HORIZONS)))
    slots["back"] = rng.choices(words.BACKS, (46, 18, 14, 10, 12))[0]
    if slots["back"] in ("mountains", "hills") and rng.random() < 0.4:
        slots["back_colour"] = rng.choice(words.COLOURS)
    draw_sky(slots, sky, rng)
    count = rng.choices((0, 1, 2), (30, 52, 18))[0]
    taken: list[tuple[int, int]] = []
    for number in range(1, count + 1):
        _draw_landscape_object(slots, number, taken, rng)


def draw_sky(slots: dict[str, str], sky: str, rng: random.Random) -> None:
    """What is in a sky: light, stars, clouds, rainbow or lightning."""
    if sky == "night":
        slots["light"] = rng.choices(("none", "moon"), (30, 70))[0]
        slots["stars"] = rng.choices((NONE, "stars"), (25, 75))[0]
        slots["clouds"] = rng.choices((NONE, "dark"), (85, 15))[0]
    elif sky == "storm":
        slots["clouds"] = "dark"
        slots["extra"] = rng.choices((NONE, "lightning"), (50, 50))[0]
    else:
        slots["light"] = "sun" if rng.random() < (0.85 if sky == "sunset" else 0.5) else NONE
        slots["clouds"] = rng.choices((NONE, "white", "dark"), (60, 34, 6))[0]
        slots["extra"] = rng.choices((NONE, "rainbow"), (92, 8))[0]
    if slots["light"] == NONE:
        return
    slots["light_x"] = str(rng.randrange(COLUMNS))
    slots["light_y"] = rng.choices(SLOTS["light_y"], (1, 2, 7) if sky == "sunset" else (5, 3, 1))[0]
    usual = {"sun": "yellow", "moon": "white"}[slots["light"]]
    slots["light_colour"] = usual if rng.random() < 0.75 else rng.choice(words.COLOURS[:8])


_HOMES = {"boat": ("sea",), "fish": ("sea",), "cactus": ("desert",)}


def _draw_landscape_object(
    slots: dict[str, str], number: int, taken: list[tuple[int, int]], rng: random.Random
) -> None:
    kind = rng.choice(words.THINGS) if rng.random() < 0.8 else rng.choice(words.SHAPES)
    homes = _HOMES.get(kind)
    if homes and number == 1 and rng.random() < 0.7:
        slots["ground"] = rng.choice(homes)
    size = rng.choices(("small", "medium", "big"), (25, 45, 30))[0]
    rows = object_rows(kind, size, int(slots["horizon"]))
    for _ in range(20):
        spot = (rng.randrange(1, COLUMNS - 1), rng.choice(rows))
        if all(abs(spot[0] - x) >= 5 for x, _ in taken):
            break
    else:
        return
    taken.append(spot)
    colour = rng.choice(words.COLOURS)
    if rng.random() < 0.3:
        colour = {"tree": "green", "cactus": "green", "house": "red", "castle": "gray", "boat": "white"}.get(
            kind, colour
        )
    put_object(slots, number, kind, colour, size, spot)


def object_rows(kind: str, size: str, horizon: int) -> list[int]:
    """The rows of a landscape in which a thing may lie: in the air, or with its foot on the ground."""
    skyline = HORIZON_Y[horizon]
    if kind == "balloon" or kind in words.SHAPES:
        low, high = 0.16, skyline - 0.06
    else:
        foot = RADIUS[size]
        low, high = max(skyline + 0.06 - foot, 0.2), min(0.94 - foot, skyline + 0.22 - foot / 2)
    return [row for row in range(ROWS) if low <= place(row, ROWS) <= max(high, low + 0.09)] or [ROWS // 2]


def put_object(slots: dict[str, str], number: int, kind: str, colour: str, size: str, spot: tuple[int, int]) -> None:
    """Make one of the scene's own things be there: its kind, colour, size, column and row."""
    values = {"object": kind, "colour": colour, "size": size, "x": str(spot[0]), "y": str(spot[1])}
    slots.update({f"{part}_{number}": value for part, value in values.items()})


def _draw_shapes(slots: dict[str, str], rng: random.Random) -> None:
    weights = (70, 9, 7, 7, 7) if slots["kind"] == "shapes" else (0, 25, 25, 25, 25)
    slots["pattern"] = rng.choices(words.PATTERNS, weights)[0]
    slots["colour_a"], slots["colour_b"] = rng.sample(words.COLOURS, 2)
    if slots["kind"] == "pattern":
        return
    count = rng.choices((1, 2), (62, 38))[0]
    columns = [rng.randrange(1, 5), rng.randrange(COLUMNS - 5, COLUMNS - 1)] if count == 2 else [rng.randrange(3, 9)]
    rng.shuffle(columns)
    free = [
        c for c in words.COLOURS if c != slots["colour_a"] and (slots["pattern"] == "plain" or c != slots["colour_b"])
    ]
    for number in range(1, count + 1):
        kind = rng.choice(words.SHAPES) if rng.random() < 0.62 else rng.choice(words.THINGS)
        size = rng.choices(("small", "medium", "big"), (15, 40, 45))[0]
        spot = (columns[number - 1], rng.randrange(3, 7))
        put_object(slots, number, kind, rng.choice(free), size, spot)


def light_spot(scene: Scene, horizon: int) -> tuple[float, float, float] | None:
    """(x, y, radius) in pixels of the sun or moon."""
    if scene["light"] == NONE:
        return None
    radius = BIG * (0.11 if scene["light"] == "sun" else 0.085)
    y = {"high": 0.28 * horizon, "middle": 0.55 * horizon, "low": horizon - radius * 0.25}[scene["light_y"]]
    return place(int(scene["light_x"]), COLUMNS) * BIG, y, radius


def hides_object(scene: Scene) -> bool:
    """Whether an object before a backdrop has a colour of it; `draw_scene` draws none such."""
    if scene["kind"] == "landscape":
        return False
    behind = {scene["colour_a"]} | (set() if scene["pattern"] == "plain" else {scene["colour_b"]})
    return any(colour in behind for _, colour, *_ in scene.objects())


def replace(scene: Scene, **slots: str) -> Scene:
    """The scene with some slots changed."""
    return dataclasses.replace(scene, values=tuple(slots.get(name, scene[name]) for name in SLOTS))
