"""A procedural world: scenes of a few discrete slots, their pictures, and the captions people would write.

A scene is fully described by its slots and rendering it is deterministic, so a network can learn the picture from the
slots (the painter) and the slots from a caption (the composer). Python's own Mersenne twister draws scenes and
captions, so a seed gives the same world on every machine.
"""

import dataclasses
import math
import random
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from generator.starter import words

SIDE = 128
"""Side of a rendered picture, in pixels."""
_BIG = 2 * SIDE
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

RGB: dict[str, tuple[int, int, int]] = {
    "red": (214, 40, 45),
    "orange": (250, 140, 30),
    "yellow": (252, 214, 48),
    "green": (48, 160, 70),
    "turquoise": (48, 200, 200),
    "blue": (45, 95, 215),
    "purple": (130, 55, 175),
    "pink": (250, 120, 190),
    "brown": (125, 75, 40),
    "white": (245, 245, 245),
    "gray": (140, 142, 148),
    "black": (22, 22, 26),
}
_SKY: dict[str, tuple[tuple[int, int, int], ...]] = {
    "day": ((62, 128, 220), (120, 180, 240), (205, 232, 250)),
    "sunset": ((72, 44, 120), (226, 84, 92), (255, 190, 92)),
    "night": ((6, 8, 30), (14, 20, 58), (36, 46, 100)),
    "storm": ((44, 48, 60), (74, 80, 92), (124, 130, 138)),
    "pink": ((240, 120, 175), (250, 165, 200), (255, 218, 228)),
    "purple": ((74, 36, 134), (120, 76, 180), (200, 156, 226)),
    "green": ((34, 128, 84), (90, 180, 120), (196, 238, 190)),
}
_AMBIENT: dict[str, tuple[float, float, float]] = {
    "sunset": (0.98, 0.86, 0.80),
    "night": (0.62, 0.66, 0.82),
    "storm": (0.78, 0.80, 0.84),
}
_GROUND: dict[str, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "sea": ((70, 150, 205), (18, 62, 130)),
    "meadow": ((120, 190, 80), (44, 112, 48)),
    "desert": ((240, 208, 140), (206, 152, 84)),
    "snow": ((246, 250, 255), (205, 220, 238)),
}
_HORIZON_Y = (0.46, 0.54, 0.62, 0.70)
_RADIUS = {"small": 0.12, "medium": 0.17, "big": 0.25}

Pixels = NDArray[np.float32]


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


def spots(scene: Scene) -> list[list[float]]:
    """x, y, radius of canvas, light, horizon and both objects, as fractions of the side; zeros where there is none."""
    found = [[0.5, 0.5, 0.25], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    if scene["kind"] == "landscape":
        horizon = _HORIZON_Y[int(scene["horizon"])]
        found[2] = [0.5, horizon, 0.2]
        light = _light_spot(scene, int(horizon * _BIG))
        if light:
            found[1] = [value / _BIG for value in light]
    for number in (1, 2):
        if scene[f"object_{number}"] == NONE:
            found.append([0.0, 0.0, 0.0])
        else:
            x, y = int(scene[f"x_{number}"]), int(scene[f"y_{number}"])
            found.append([place(x, COLUMNS), place(y, ROWS), _RADIUS[scene[f"size_{number}"]]])
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
    _draw_sky(slots, sky, rng)
    count = rng.choices((0, 1, 2), (30, 52, 18))[0]
    taken: list[tuple[int, int]] = []
    for number in range(1, count + 1):
        _draw_landscape_object(slots, number, taken, rng)


def _draw_sky(slots: dict[str, str], sky: str, rng: random.Random) -> None:
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
    horizon = _HORIZON_Y[int(slots["horizon"])]
    if kind == "balloon" or kind in words.SHAPES:
        low, high = 0.16, horizon - 0.06
    else:
        foot = _RADIUS[size]
        low, high = max(horizon + 0.06 - foot, 0.2), min(0.94 - foot, horizon + 0.22 - foot / 2)
    rows = [row for row in range(ROWS) if low <= place(row, ROWS) <= max(high, low + 0.09)] or [ROWS // 2]
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
    _put(slots, number, kind, colour, size, spot)


def _put(slots: dict[str, str], number: int, kind: str, colour: str, size: str, spot: tuple[int, int]) -> None:
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
        _put(slots, number, kind, rng.choice(free), size, spot)


# ---------------------------------------------------------------- rendering


def render(scene: Scene) -> NDArray[np.uint8]:
    """The scene's picture, (SIDE, SIDE, 3) RGB; the same scene gives the same bytes."""
    big = _landscape(scene) if scene["kind"] == "landscape" else _backdrop(scene)
    for kind, colour, size, x, y in scene.objects():
        _draw_object(big, kind, colour, _RADIUS[size] * _BIG, x * _BIG, y * _BIG, scene)
    return _styled(big, scene["style"])


def _styled(big: Image.Image, style: str) -> NDArray[np.uint8]:
    if style == "pixel":
        return np.asarray(big.reduce(8).resize((SIDE, SIDE), Image.Resampling.NEAREST), dtype=np.uint8)
    small = big.reduce(2)
    if style == "plain":
        return np.asarray(small, dtype=np.uint8)
    pixels = np.asarray(small, dtype=np.float32)
    if style == "pastel":
        return _bytes(pixels * 0.45 + 255 * 0.55)
    strength = _edge_strength(small)
    return _sketched(pixels, strength) if style == "sketch" else _neon(pixels, strength)


def _bytes(pixels: NDArray[np.floating]) -> NDArray[np.uint8]:
    rounded: NDArray[np.uint8] = np.clip(pixels, 0, 255).astype(np.uint8)
    return rounded


def _edge_strength(small: Image.Image) -> Pixels:
    """(SIDE, SIDE, 1) in [0, 1]."""
    soft = np.asarray(small.filter(ImageFilter.GaussianBlur(0.8)), dtype=np.float32)
    across = np.abs(soft - np.roll(soft, 1, 0)).max(2) + np.abs(soft - np.roll(soft, 1, 1)).max(2)
    across[0] = across[:, 0] = 0
    return np.asarray(np.clip(across / 40, 0, 1)[..., None], dtype=np.float32)


def _sketched(pixels: Pixels, strength: Pixels) -> NDArray[np.uint8]:
    paper = np.float32(0.65) * np.asarray((246, 240, 226), np.float32)
    return _bytes((pixels * 0.35 + paper) * (1 - 0.85 * strength))


def _neon(pixels: Pixels, strength: Pixels) -> NDArray[np.uint8]:
    lines = Image.fromarray((strength[..., 0] * 255).astype(np.uint8))
    glow = np.asarray(lines.filter(ImageFilter.GaussianBlur(2.5)), np.float32)[..., None] / 255
    vivid = pixels / np.maximum(pixels.max(2, keepdims=True), 60) * 255
    return _bytes(pixels * 0.22 + vivid * np.clip(strength + 0.9 * glow, 0, 1))


def _backdrop(scene: Scene) -> Image.Image:
    a, b = RGB[scene["colour_a"]], RGB[scene["colour_b"]]
    layout, pattern = int(scene["layout"]), scene["pattern"]
    step = (32, 43, 51)[layout % 3]
    image = Image.new("RGB", (_BIG, _BIG), a)
    draw = ImageDraw.Draw(image)
    if pattern == "gradient":
        ramp = np.linspace(0, 1, _BIG, dtype=np.float32)[:, None, None]
        flat = np.broadcast_to(np.asarray(a) * (1 - ramp) + np.asarray(b) * ramp, (_BIG, _BIG, 3))
        return Image.fromarray(flat.astype(np.uint8))
    if pattern == "stripes":
        for at in range(step, _BIG, 2 * step):
            box = (0, at, _BIG, at + step - 1) if layout < 3 else (at, 0, at + step - 1, _BIG)
            draw.rectangle(box, fill=b)
    elif pattern == "checkerboard":
        for row in range(0, _BIG, step):
            for column in range(row // step % 2 * step, _BIG, 2 * step):
                draw.rectangle((column, row, column + step - 1, row + step - 1), fill=b)
    elif pattern == "dots":
        for y in range(step // 2, _BIG + step, step):
            for x in range(step // 2, _BIG + step, step):
                draw.ellipse(_around(x, y, step * 0.29), fill=b)
    return image


def _around(x: float, y: float, r: float) -> tuple[float, float, float, float]:
    return (x - r, y - r, x + r, y + r)


@lru_cache(maxsize=64)
def _gradient(sky: str, rows: int) -> Pixels:
    """(rows, 1, 3): the sky's three colours from top to horizon."""
    stops = np.asarray(_SKY[sky], dtype=np.float32)
    at = np.linspace(0, 2, rows)
    return np.stack([np.interp(at, (0, 1.15, 2), stops[:, c]) for c in range(3)], -1)[:, None].astype(np.float32)


@lru_cache(maxsize=1)
def _axes() -> tuple[Pixels, Pixels]:
    axis = np.arange(_BIG, dtype=np.float32)
    return axis[None, :], axis[:, None]


def _ambient(scene: Scene) -> NDArray[np.float64]:
    return np.asarray(_AMBIENT.get(scene["sky"], (1, 1, 1)) if scene["kind"] == "landscape" else (1, 1, 1))


def _lit(colour: tuple[int, ...], scene: Scene, shade: float = 1.0) -> tuple[int, int, int]:
    red, green, blue = (np.asarray(colour) * _ambient(scene) * shade).clip(0, 255).astype(int)
    return int(red), int(green), int(blue)


def _landscape(scene: Scene) -> Image.Image:
    horizon = int(_HORIZON_Y[int(scene["horizon"])] * _BIG)
    pixels = np.empty((_BIG, _BIG, 3), dtype=np.float32)
    pixels[:horizon] = _gradient(scene["sky"], horizon)
    pixels[horizon:] = _ground(scene, _BIG - horizon)
    light = _light_spot(scene, horizon)
    if light:
        _glow(pixels, scene, light, horizon)
    image = Image.fromarray(pixels.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    if scene["stars"] == "stars":
        _stars(draw, int(scene["layout"]), horizon)
    if light:
        _disc(draw, scene, light, horizon)
    if scene["extra"] == "rainbow":
        _rainbow(draw, horizon)
    _back(draw, scene, horizon)
    if scene["clouds"] != NONE:
        _clouds(draw, scene)
    if scene["extra"] == "lightning":
        _lightning(draw, int(scene["layout"]), horizon)
    _ground_marks(draw, scene, horizon, light)
    return image


def _light_spot(scene: Scene, horizon: int) -> tuple[float, float, float] | None:
    """(x, y, radius) in pixels of the sun or moon."""
    if scene["light"] == NONE:
        return None
    radius = _BIG * (0.11 if scene["light"] == "sun" else 0.085)
    y = {"high": 0.28 * horizon, "middle": 0.55 * horizon, "low": horizon - radius * 0.25}[scene["light_y"]]
    return place(int(scene["light_x"]), COLUMNS) * _BIG, y, radius


def _ground(scene: Scene, rows: int) -> Pixels:
    far, near = (np.asarray(c, dtype=np.float32) for c in _GROUND[scene["ground"]])
    ramp = np.linspace(0, 1, rows, dtype=np.float32)[:, None, None] ** 0.8
    ground = far * (1 - ramp) + near * ramp
    if scene["ground"] in ("sea", "snow"):
        mirrored = np.asarray(_SKY[scene["sky"]][2], dtype=np.float32)
        share = (0.55 if scene["ground"] == "sea" else 0.25) * (1 - ramp * 0.8)
        ground = ground * (1 - share) + mirrored * share
    return np.asarray(ground * _ambient(scene), dtype=np.float32)


def _glow(pixels: Pixels, scene: Scene, light: tuple[float, float, float], horizon: int) -> None:
    x, y, radius = light
    across, down = _axes()
    distance = (across - x) ** 2 + (down[:horizon] - y) ** 2
    spread = radius * (2.6 if scene["light"] == "sun" else 1.8)
    strength = (0.75 if scene["light"] == "sun" else 0.35) * np.exp(-distance / spread**2)
    colour = np.asarray(RGB[scene["light_colour"]], dtype=np.float32)
    pixels[:horizon] += (colour - pixels[:horizon]) * strength[..., None]


def _disc(draw: ImageDraw.ImageDraw, scene: Scene, light: tuple[float, float, float], horizon: int) -> None:
    x, y, radius = light
    colour = RGB[scene["light_colour"]]
    bright = tuple(int(c + (255 - c) * 0.25) for c in colour)
    if y + radius > horizon:
        half = math.sqrt(max(radius**2 - (horizon - y) ** 2, 0))
        angle = math.degrees(math.atan2(horizon - y, half))
        draw.chord(_around(x, y, radius), 180 - angle, 360 + angle, fill=bright)
    else:
        draw.ellipse(_around(x, y, radius), fill=bright)
        if scene["light"] == "moon":
            for dx, dy, r in ((-0.3, -0.25, 0.2), (0.3, 0.1, 0.26), (-0.15, 0.42, 0.16)):
                draw.ellipse(_around(x + dx * radius, y + dy * radius, r * radius), fill=_shade(bright, 0.84))


def _shade(colour: tuple[int, ...], factor: float) -> tuple[int, ...]:
    return tuple(min(255, int(c * factor)) for c in colour)


def _stars(draw: ImageDraw.ImageDraw, layout: int, horizon: int) -> None:
    rng = random.Random(900 + layout)
    for _ in range(34):
        x, y, r = rng.random() * _BIG, rng.random() * 190, rng.choice((2.0, 2.6, 3.4))
        if y < horizon - 12:
            draw.ellipse(_around(x, y, r), fill=(255, 250, 220))


def _rainbow(draw: ImageDraw.ImageDraw, horizon: int) -> None:
    for band, name in enumerate(("red", "orange", "yellow", "green", "blue", "purple")):
        radius = _BIG * 0.46 - band * 8
        draw.arc(_around(_BIG / 2, horizon, radius), 180, 360, fill=RGB[name], width=9)


def _back(draw: ImageDraw.ImageDraw, scene: Scene, horizon: int) -> None:
    back = scene["back"]
    if back == NONE:
        return
    named = scene["back_colour"]
    rng = random.Random(70 + int(scene["layout"]))
    {"mountains": _mountains, "hills": _hills, "forest": _forest, "city": _city}[back](draw, scene, horizon, named, rng)


def _mountains(draw: ImageDraw.ImageDraw, scene: Scene, horizon: int, named: str, rng: random.Random) -> None:
    colour = _lit(RGB[named] if named != NONE else (104, 108, 132), scene)
    peaks = [(rng.uniform(-0.05, 0.2) + i * 0.3, rng.uniform(0.2, 0.34)) for i in range(4)]
    for index, (x, height) in enumerate(peaks):
        px, top, half = x * _BIG, horizon - height * _BIG, height * _BIG * 0.85
        side = _shade(colour, 1.0 - 0.1 * (index % 2))
        draw.polygon([(px - half, horizon), (px, top), (px + half, horizon)], fill=side)
        draw.polygon([(px, top), (px + half, horizon), (px + half * 0.2, horizon)], fill=_shade(side, 0.78))
        cap = height * _BIG * 0.27
        draw.polygon(
            [(px, top), (px - cap * 0.85, top + cap), (px - cap * 0.2, top + cap * 0.75), (px + cap * 0.85, top + cap)],
            fill=_lit((245, 248, 252), scene),
        )


def _hills(draw: ImageDraw.ImageDraw, scene: Scene, horizon: int, named: str, rng: random.Random) -> None:
    default = {"desert": (214, 160, 92), "snow": (214, 226, 240)}.get(scene["ground"], (84, 140, 76))
    colour = _lit(RGB[named] if named != NONE else default, scene)
    for index in range(3):
        x, r = (index * 0.42 + rng.uniform(-0.08, 0.12)) * _BIG, rng.uniform(0.26, 0.36) * _BIG
        draw.chord(
            (x - r * 1.3, horizon - r * 0.62, x + r * 1.3, horizon + r * 0.62),
            180,
            360,
            fill=_shade(colour, (1.0, 0.84, 0.93)[index]),
        )


def _forest(draw: ImageDraw.ImageDraw, scene: Scene, horizon: int, named: str, rng: random.Random) -> None:
    colour = _lit((34, 96, 52), scene)
    for index in range(11):
        x, height = (index * 0.1 + rng.uniform(-0.03, 0.03)) * _BIG, rng.uniform(0.13, 0.22) * _BIG
        shade = _shade(colour, (1.0, 0.75, 0.88)[index % 3])
        draw.polygon([(x - height * 0.38, horizon), (x, horizon - height), (x + height * 0.38, horizon)], fill=shade)


def _city(draw: ImageDraw.ImageDraw, scene: Scene, horizon: int, named: str, rng: random.Random) -> None:
    dark = scene["sky"] in ("night", "sunset", "storm", "purple")
    x = -4.0
    while x < _BIG:
        width, height = rng.choice((22, 28, 34)), rng.uniform(0.12, 0.34) * _BIG
        colour = _lit(rng.choice(((84, 90, 112), (110, 114, 132), (66, 72, 96))), scene, 0.6 if dark else 1.0)
        draw.rectangle((x, horizon - height, x + width - 3, horizon), fill=colour)
        window = (255, 220, 120) if dark else (190, 215, 235)
        for wy in range(int(horizon - height) + 6, horizon - 8, 12):
            for wx in range(int(x) + 4, int(x) + width - 8, 9):
                if rng.random() < 0.6:
                    draw.rectangle((wx, wy, wx + 4, wy + 6), fill=window)
        x += width


def _clouds(draw: ImageDraw.ImageDraw, scene: Scene) -> None:
    rng = random.Random(500 + int(scene["layout"]))
    white = scene["clouds"] == "white"
    colour = (255, 255, 255) if white else (70, 74, 86)
    if scene["sky"] == "sunset" and white:
        colour = (255, 205, 190)
    if scene["sky"] == "night":
        colour = (52, 56, 80)
    count = 3 if white else 5
    for index in range(count):
        x, y = ((index + rng.uniform(0.2, 0.8)) / count) * _BIG, rng.uniform(0.07, 0.24) * _BIG
        r = rng.uniform(0.05, 0.07) * _BIG * (1.0 if white else 1.4)
        for dx, dy, k in ((-1.1, 0.2, 0.75), (0, -0.25, 1.0), (1.0, 0.1, 0.8), (0.3, 0.35, 0.8), (-0.5, 0.35, 0.7)):
            draw.ellipse(
                (x + (dx - k) * r, y + (dy - k * 0.72) * r, x + (dx + k) * r, y + (dy + k * 0.72) * r), fill=colour
            )


def _lightning(draw: ImageDraw.ImageDraw, layout: int, horizon: int) -> None:
    rng = random.Random(300 + layout)
    x, y = rng.uniform(0.25, 0.75) * _BIG, 0.18 * _BIG
    points = [(x, y)]
    while y < horizon - 6:
        x, y = x + rng.choice((-22, 16)), y + rng.uniform(14, 26)
        points.append((x, min(y, horizon)))
    draw.line(points, fill=(255, 246, 170), width=8, joint="curve")


def _ground_marks(
    draw: ImageDraw.ImageDraw, scene: Scene, horizon: int, light: tuple[float, float, float] | None
) -> None:
    rng = random.Random(40 + int(scene["layout"]))
    ground = scene["ground"]
    if ground == "sea":
        _waves(draw, scene, horizon, light, rng)
    elif ground == "meadow":
        for _ in range(26):
            x, y = rng.random() * _BIG, rng.uniform(horizon + 14, _BIG)
            draw.line((x, y, x + rng.uniform(-4, 4), y - 10), fill=_lit((36, 92, 40), scene), width=3)
    elif ground == "desert":
        for y, shade in ((0.3, 0.94), (0.62, 0.87)):
            top = horizon + y * (_BIG - horizon)
            x = rng.uniform(-0.3, 0.5) * _BIG
            draw.chord((x, top, x + _BIG * 1.1, top + 90), 180, 360, fill=_lit(_GROUND["desert"][1], scene, shade))
    else:
        x = rng.uniform(-0.2, 0.6) * _BIG
        draw.chord((x, horizon + 26, x + _BIG * 0.9, horizon + 110), 180, 360, fill=_lit((226, 236, 250), scene, 0.97))


def _waves(
    draw: ImageDraw.ImageDraw, scene: Scene, horizon: int, light: tuple[float, float, float] | None, rng: random.Random
) -> None:
    for _ in range(16):
        x, y, half = rng.random() * _BIG, rng.uniform(horizon + 10, _BIG), rng.uniform(8, 20)
        draw.line((x - half, y, x + half, y), fill=_lit((150, 200, 235), scene, 0.9), width=3)
    if light is None:
        return
    colour = _shade(RGB[scene["light_colour"]], 1.05 if scene["light"] == "sun" else 0.9)
    y, wide = horizon + 5.0, light[2] * 0.95
    while y < _BIG:
        half = wide * rng.uniform(0.45, 1.0)
        draw.line((light[0] - half, y, light[0] + half, y), fill=colour, width=5)
        y, wide = y + 11, wide * 0.93


# ---------------------------------------------------------------- objects


def _draw_object(image: Image.Image, kind: str, name: str, r: float, x: float, y: float, scene: Scene) -> None:
    """Draw one object centred at (x, y) with half-height r, in pixels of the big picture."""
    draw = ImageDraw.Draw(image)
    colour = _lit(RGB[name], scene, 1.12 if scene["sky"] == "night" and scene["kind"] == "landscape" else 1.0)
    dark = _shade(colour, 0.62) if max(colour) > 60 else (70, 70, 80)
    if kind in _OUTLINES:
        points = [(x + px * r, y + py * r) for px, py in _OUTLINES[kind]]
        draw.polygon(points, fill=colour)
        draw.line([*points, points[0]], fill=dark, width=4, joint="curve")
    elif kind == "circle":
        draw.ellipse(_around(x, y, r), fill=colour, outline=dark, width=4)
    elif kind == "ring":
        draw.ellipse(_around(x, y, r), outline=colour, width=int(r * 0.42))
    else:
        _THING[kind](draw, x, y, r, colour, dark, _lit((250, 244, 226), scene))


def _star() -> list[tuple[float, float]]:
    return [
        (math.sin(math.pi * i / 5) * (1.08, 0.45)[i % 2], -math.cos(math.pi * i / 5) * (1.08, 0.45)[i % 2])
        for i in range(10)
    ]


def _heart() -> list[tuple[float, float]]:
    turns = [2 * math.pi * i / 40 for i in range(40)]
    return [
        (
            math.sin(t) ** 3 * 1.05,
            -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 15,
        )
        for t in turns
    ]


def _crescent() -> list[tuple[float, float]]:
    outer = [(math.cos(t), math.sin(t)) for t in (math.radians(d) for d in range(55, 306, 10))]
    inner = [(0.32 + 0.72 * math.cos(t), 0.82 * math.sin(t)) for t in (math.radians(d) for d in range(290, 69, -10))]
    return [(x + 0.15, y) for x, y in outer + inner]


_OUTLINES: dict[str, list[tuple[float, float]]] = {
    "square": [(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
    "triangle": [(0, -1), (1.05, 0.85), (-1.05, 0.85)],
    "star": _star(),
    "heart": _heart(),
    "diamond": [(0, -1.1), (0.72, 0), (0, 1.1), (-0.72, 0)],
    "cross": [
        (-0.34, -1),
        (0.34, -1),
        (0.34, -0.34),
        (1, -0.34),
        (1, 0.34),
        (0.34, 0.34),
        (0.34, 1),
        (-0.34, 1),
        (-0.34, 0.34),
        (-1, 0.34),
        (-1, -0.34),
        (-0.34, -0.34),
    ],
    "crescent": _crescent(),
}

_RGB = tuple[int, ...]
_Draw = ImageDraw.ImageDraw


def _house(draw: _Draw, x: float, y: float, r: float, colour: _RGB, dark: _RGB, pale: _RGB) -> None:
    draw.rectangle((x - r * 0.8, y - r * 0.15, x + r * 0.8, y + r), fill=colour)
    draw.polygon([(x - r, y - r * 0.15), (x, y - r), (x + r, y - r * 0.15)], fill=dark)
    draw.rectangle((x - r * 0.16, y + r * 0.4, x + r * 0.2, y + r), fill=dark)
    for side in (-0.58, 0.38):
        draw.rectangle((x + side * r, y + r * 0.12, x + (side + 0.24) * r, y + r * 0.42), fill=(255, 232, 150))


def _tree(draw: _Draw, x: float, y: float, r: float, colour: _RGB, dark: _RGB, pale: _RGB) -> None:
    draw.rectangle((x - r * 0.14, y + r * 0.2, x + r * 0.14, y + r), fill=(104, 66, 36))
    for dx, dy, k in ((-0.42, 0.0, 0.48), (0.42, 0.0, 0.48), (0, -0.42, 0.58), (0, 0.05, 0.5)):
        draw.ellipse(_around(x + dx * r, y + dy * r, k * r), fill=colour)
    draw.ellipse(_around(x - r * 0.15, y - r * 0.5, r * 0.2), fill=_shade(colour, 1.2))


def _boat(draw: _Draw, x: float, y: float, r: float, colour: _RGB, dark: _RGB, pale: _RGB) -> None:
    draw.line((x, y - r, x, y + r * 0.5), fill=(90, 60, 36), width=max(4, int(r * 0.1)))
    draw.polygon([(x + r * 0.1, y - r * 0.95), (x + r * 0.8, y + r * 0.4), (x + r * 0.1, y + r * 0.4)], fill=colour)
    draw.polygon([(x - r * 0.1, y - r * 0.7), (x - r * 0.65, y + r * 0.4), (x - r * 0.1, y + r * 0.4)], fill=pale)
    draw.polygon(
        [(x - r, y + r * 0.5), (x + r, y + r * 0.5), (x + r * 0.62, y + r), (x - r * 0.62, y + r)], fill=colour
    )


def _castle(draw: _Draw, x: float, y: float, r: float, colour: _RGB, dark: _RGB, pale: _RGB) -> None:
    draw.rectangle((x - r * 0.6, y - r * 0.1, x + r * 0.6, y + r), fill=colour)
    for side in (-1.0, 0.52):
        draw.rectangle((x + side * r, y - r * 0.5, x + (side + 0.48) * r, y + r), fill=_shade(colour, 0.88))
        draw.polygon(
            [
                (x + (side - 0.08) * r, y - r * 0.5),
                (x + (side + 0.24) * r, y - r),
                (x + (side + 0.56) * r, y - r * 0.5),
            ],
            fill=dark,
        )
    for step in (-0.5, -0.1, 0.3):
        draw.rectangle((x + step * r, y - r * 0.3, x + (step + 0.2) * r, y - r * 0.1), fill=colour)
    draw.chord((x - r * 0.24, y + r * 0.3, x + r * 0.24, y + r * 1.7), 180, 360, fill=dark)


def _cactus(draw: _Draw, x: float, y: float, r: float, colour: _RGB, dark: _RGB, pale: _RGB) -> None:
    draw.rounded_rectangle((x - r * 0.22, y - r, x + r * 0.22, y + r), r * 0.22, fill=colour)
    for side, top in ((-1, 0.0), (1, -0.25)):
        near, far = sorted((x + side * r * 0.2, x + side * r * 0.72))
        draw.rounded_rectangle((near, y + top * r + r * 0.22, far, y + top * r + r * 0.52), r * 0.12, fill=colour)
        mid = x + side * r * 0.6
        draw.rounded_rectangle(
            (mid - r * 0.15, y + (top - 0.4) * r, mid + r * 0.15, y + (top + 0.5) * r), r * 0.14, fill=colour
        )
    draw.line((x, y - r * 0.7, x, y + r * 0.85), fill=dark, width=4)


def _balloon(draw: _Draw, x: float, y: float, r: float, colour: _RGB, dark: _RGB, pale: _RGB) -> None:
    draw.line((x - r * 0.5, y, x - r * 0.16, y + r * 0.75), fill=dark, width=3)
    draw.line((x + r * 0.5, y, x + r * 0.16, y + r * 0.75), fill=dark, width=3)
    draw.ellipse((x - r * 0.72, y - r, x + r * 0.72, y + r * 0.42), fill=colour)
    draw.ellipse((x - r * 0.26, y - r, x + r * 0.26, y + r * 0.42), fill=pale)
    draw.rectangle((x - r * 0.2, y + r * 0.7, x + r * 0.2, y + r), fill=(120, 78, 42))


def _fish(draw: _Draw, x: float, y: float, r: float, colour: _RGB, dark: _RGB, pale: _RGB) -> None:
    draw.polygon([(x + r * 0.4, y), (x + r * 1.1, y - r * 0.55), (x + r * 1.1, y + r * 0.55)], fill=dark)
    draw.ellipse((x - r * 1.1, y - r * 0.6, x + r * 0.6, y + r * 0.6), fill=colour)
    draw.polygon([(x - r * 0.4, y - r * 0.5), (x + r * 0.3, y - r * 0.5), (x, y - r * 0.95)], fill=dark)
    draw.ellipse(_around(x - r * 0.66, y - r * 0.14, r * 0.17), fill=(255, 255, 255))
    draw.ellipse(_around(x - r * 0.7, y - r * 0.14, r * 0.09), fill=(10, 10, 10))


def _flower(draw: _Draw, x: float, y: float, r: float, colour: _RGB, dark: _RGB, pale: _RGB) -> None:
    draw.rectangle((x - r * 0.07, y, x + r * 0.07, y + r), fill=(46, 120, 52))
    draw.ellipse((x + r * 0.05, y + r * 0.5, x + r * 0.5, y + r * 0.72), fill=(46, 120, 52))
    for turn in range(6):
        angle = math.pi * turn / 3
        draw.ellipse(
            _around(x + math.sin(angle) * r * 0.42, y - r * 0.32 - math.cos(angle) * r * 0.42, r * 0.3), fill=colour
        )
    draw.ellipse(_around(x, y - r * 0.32, r * 0.26), fill=(255, 214, 70) if colour[2] > 60 else (120, 74, 30))


def _mushroom(draw: _Draw, x: float, y: float, r: float, colour: _RGB, dark: _RGB, pale: _RGB) -> None:
    draw.rounded_rectangle((x - r * 0.3, y - r * 0.1, x + r * 0.3, y + r), r * 0.18, fill=pale)
    draw.chord((x - r, y - r, x + r, y + r * 0.9), 180, 360, fill=colour)
    for dx, dy, k in ((-0.5, -0.3, 0.14), (0.05, -0.62, 0.17), (0.52, -0.28, 0.13)):
        draw.ellipse(_around(x + dx * r, y + dy * r, k * r), fill=(255, 255, 255))


_THING = {
    "house": _house,
    "tree": _tree,
    "boat": _boat,
    "castle": _castle,
    "cactus": _cactus,
    "balloon": _balloon,
    "fish": _fish,
    "flower": _flower,
    "mushroom": _mushroom,
}


def replace(scene: Scene, **slots: str) -> Scene:
    """The scene with some slots changed."""
    return dataclasses.replace(scene, values=tuple(slots.get(name, scene[name]) for name in SLOTS))
