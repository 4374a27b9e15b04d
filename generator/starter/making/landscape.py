"""Landscapes: sky, ground, light, stars, clouds and what stands on the horizon."""

import math
import random
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from generator.starter.making.brush import RGB, Pixels, ambient, around, lit, shade
from generator.starter.world import BIG, HORIZON_Y, NONE, Scene, light_spot

_SKY: dict[str, tuple[tuple[int, int, int], ...]] = {
    "day": ((62, 128, 220), (120, 180, 240), (205, 232, 250)),
    "sunset": ((72, 44, 120), (226, 84, 92), (255, 190, 92)),
    "night": ((6, 8, 30), (14, 20, 58), (36, 46, 100)),
    "storm": ((44, 48, 60), (74, 80, 92), (124, 130, 138)),
    "pink": ((240, 120, 175), (250, 165, 200), (255, 218, 228)),
    "purple": ((74, 36, 134), (120, 76, 180), (200, 156, 226)),
    "green": ((34, 128, 84), (90, 180, 120), (196, 238, 190)),
}
_GROUND: dict[str, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "sea": ((70, 150, 205), (18, 62, 130)),
    "meadow": ((120, 190, 80), (44, 112, 48)),
    "desert": ((240, 208, 140), (206, 152, 84)),
    "snow": ((246, 250, 255), (205, 220, 238)),
}


def draw_landscape(scene: Scene) -> Image.Image:
    """The landscape of a scene, (BIG, BIG), without its objects."""
    horizon = int(HORIZON_Y[int(scene["horizon"])] * BIG)
    pixels = np.empty((BIG, BIG, 3), dtype=np.float32)
    pixels[:horizon] = _gradient(scene["sky"], horizon)
    pixels[horizon:] = _ground(scene, BIG - horizon)
    light = light_spot(scene, horizon)
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


@lru_cache(maxsize=64)
def _gradient(sky: str, rows: int) -> Pixels:
    """(rows, 1, 3): the sky's three colours from top to horizon."""
    stops = np.asarray(_SKY[sky], dtype=np.float32)
    at = np.linspace(0, 2, rows)
    return np.stack([np.interp(at, (0, 1.15, 2), stops[:, c]) for c in range(3)], -1)[:, None].astype(np.float32)


@lru_cache(maxsize=1)
def _axes() -> tuple[Pixels, Pixels]:
    axis = np.arange(BIG, dtype=np.float32)
    return axis[None, :], axis[:, None]


def _ground(scene: Scene, rows: int) -> Pixels:
    far, near = (np.asarray(c, dtype=np.float32) for c in _GROUND[scene["ground"]])
    ramp = np.linspace(0, 1, rows, dtype=np.float32)[:, None, None] ** 0.8
    ground = far * (1 - ramp) + near * ramp
    if scene["ground"] in ("sea", "snow"):
        mirrored = np.asarray(_SKY[scene["sky"]][2], dtype=np.float32)
        share = (0.55 if scene["ground"] == "sea" else 0.25) * (1 - ramp * 0.8)
        ground = ground * (1 - share) + mirrored * share
    return np.asarray(ground * ambient(scene), dtype=np.float32)


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
        draw.chord(around(x, y, radius), 180 - angle, 360 + angle, fill=bright)
    else:
        draw.ellipse(around(x, y, radius), fill=bright)
        if scene["light"] == "moon":
            for dx, dy, r in ((-0.3, -0.25, 0.2), (0.3, 0.1, 0.26), (-0.15, 0.42, 0.16)):
                draw.ellipse(around(x + dx * radius, y + dy * radius, r * radius), fill=shade(bright, 0.84))


def _stars(draw: ImageDraw.ImageDraw, layout: int, horizon: int) -> None:
    rng = random.Random(900 + layout)
    for _ in range(34):
        x, y, r = rng.random() * BIG, rng.random() * 190, rng.choice((2.0, 2.6, 3.4))
        if y < horizon - 12:
            draw.ellipse(around(x, y, r), fill=(255, 250, 220))


def _rainbow(draw: ImageDraw.ImageDraw, horizon: int) -> None:
    for band, name in enumerate(("red", "orange", "yellow", "green", "blue", "purple")):
        radius = BIG * 0.46 - band * 8
        draw.arc(around(BIG / 2, horizon, radius), 180, 360, fill=RGB[name], width=9)


def _back(draw: ImageDraw.ImageDraw, scene: Scene, horizon: int) -> None:
    back = scene["back"]
    if back == NONE:
        return
    named = scene["back_colour"]
    rng = random.Random(70 + int(scene["layout"]))
    {"mountains": _mountains, "hills": _hills, "forest": _forest, "city": _city}[back](draw, scene, horizon, named, rng)


def _mountains(draw: ImageDraw.ImageDraw, scene: Scene, horizon: int, named: str, rng: random.Random) -> None:
    colour = lit(RGB[named] if named != NONE else (104, 108, 132), scene)
    peaks = [(rng.uniform(-0.05, 0.2) + i * 0.3, rng.uniform(0.2, 0.34)) for i in range(4)]
    for index, (x, height) in enumerate(peaks):
        px, top, half = x * BIG, horizon - height * BIG, height * BIG * 0.85
        side = shade(colour, 1.0 - 0.1 * (index % 2))
        draw.polygon([(px - half, horizon), (px, top), (px + half, horizon)], fill=side)
        draw.polygon([(px, top), (px + half, horizon), (px + half * 0.2, horizon)], fill=shade(side, 0.78))
        cap = height * BIG * 0.27
        draw.polygon(
            [(px, top), (px - cap * 0.85, top + cap), (px - cap * 0.2, top + cap * 0.75), (px + cap * 0.85, top + cap)],
            fill=lit((245, 248, 252), scene),
        )


def _hills(draw: ImageDraw.ImageDraw, scene: Scene, horizon: int, named: str, rng: random.Random) -> None:
    default = {"desert": (214, 160, 92), "snow": (214, 226, 240)}.get(scene["ground"], (84, 140, 76))
    colour = lit(RGB[named] if named != NONE else default, scene)
    for index in range(3):
        x, r = (index * 0.42 + rng.uniform(-0.08, 0.12)) * BIG, rng.uniform(0.26, 0.36) * BIG
        draw.chord(
            (x - r * 1.3, horizon - r * 0.62, x + r * 1.3, horizon + r * 0.62),
            180,
            360,
            fill=shade(colour, (1.0, 0.84, 0.93)[index]),
        )


def _forest(draw: ImageDraw.ImageDraw, scene: Scene, horizon: int, named: str, rng: random.Random) -> None:
    colour = lit((34, 96, 52), scene)
    for index in range(11):
        x, height = (index * 0.1 + rng.uniform(-0.03, 0.03)) * BIG, rng.uniform(0.13, 0.22) * BIG
        side = shade(colour, (1.0, 0.75, 0.88)[index % 3])
        draw.polygon([(x - height * 0.38, horizon), (x, horizon - height), (x + height * 0.38, horizon)], fill=side)


def _city(draw: ImageDraw.ImageDraw, scene: Scene, horizon: int, named: str, rng: random.Random) -> None:
    dark = scene["sky"] in ("night", "sunset", "storm", "purple")
    x = -4.0
    while x < BIG:
        width, height = rng.choice((22, 28, 34)), rng.uniform(0.12, 0.34) * BIG
        colour = lit(rng.choice(((84, 90, 112), (110, 114, 132), (66, 72, 96))), scene, 0.6 if dark else 1.0)
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
        x, y = ((index + rng.uniform(0.2, 0.8)) / count) * BIG, rng.uniform(0.07, 0.24) * BIG
        r = rng.uniform(0.05, 0.07) * BIG * (1.0 if white else 1.4)
        for dx, dy, k in ((-1.1, 0.2, 0.75), (0, -0.25, 1.0), (1.0, 0.1, 0.8), (0.3, 0.35, 0.8), (-0.5, 0.35, 0.7)):
            draw.ellipse(
                (x + (dx - k) * r, y + (dy - k * 0.72) * r, x + (dx + k) * r, y + (dy + k * 0.72) * r), fill=colour
            )


def _lightning(draw: ImageDraw.ImageDraw, layout: int, horizon: int) -> None:
    rng = random.Random(300 + layout)
    x, y = rng.uniform(0.25, 0.75) * BIG, 0.18 * BIG
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
            x, y = rng.random() * BIG, rng.uniform(horizon + 14, BIG)
            draw.line((x, y, x + rng.uniform(-4, 4), y - 10), fill=lit((36, 92, 40), scene), width=3)
    elif ground == "desert":
        for y, factor in ((0.3, 0.94), (0.62, 0.87)):
            top = horizon + y * (BIG - horizon)
            x = rng.uniform(-0.3, 0.5) * BIG
            draw.chord((x, top, x + BIG * 1.1, top + 90), 180, 360, fill=lit(_GROUND["desert"][1], scene, factor))
    else:
        x = rng.uniform(-0.2, 0.6) * BIG
        draw.chord((x, horizon + 26, x + BIG * 0.9, horizon + 110), 180, 360, fill=lit((226, 236, 250), scene, 0.97))


def _waves(
    draw: ImageDraw.ImageDraw, scene: Scene, horizon: int, light: tuple[float, float, float] | None, rng: random.Random
) -> None:
    for _ in range(16):
        x, y, half = rng.random() * BIG, rng.uniform(horizon + 10, BIG), rng.uniform(8, 20)
        draw.line((x - half, y, x + half, y), fill=lit((150, 200, 235), scene, 0.9), width=3)
    if light is None:
        return
    colour = shade(RGB[scene["light_colour"]], 1.05 if scene["light"] == "sun" else 0.9)
    y, wide = horizon + 5.0, light[2] * 0.95
    while y < BIG:
        half = wide * rng.uniform(0.45, 1.0)
        draw.line((light[0] - half, y, light[0] + half, y), fill=colour, width=5)
        y, wide = y + 11, wide * 0.93
