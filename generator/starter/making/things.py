"""The kinds of object: shapes by their outlines, things by a few strokes each."""

import math

from PIL import Image, ImageDraw

from generator.starter.making.brush import RGB, Colour, around, lit, shade
from generator.starter.world import Scene


def draw_thing(image: Image.Image, kind: str, name: str, r: float, x: float, y: float, scene: Scene) -> None:
    """Draw one object centred at (x, y) with half-height r, in pixels of the big picture."""
    draw = ImageDraw.Draw(image)
    colour = lit(RGB[name], scene, 1.12 if scene["sky"] == "night" and scene["kind"] == "landscape" else 1.0)
    dark = shade(colour, 0.62) if max(colour) > 60 else (70, 70, 80)
    if kind in _OUTLINES:
        points = [(x + px * r, y + py * r) for px, py in _OUTLINES[kind]]
        draw.polygon(points, fill=colour)
        draw.line([*points, points[0]], fill=dark, width=4, joint="curve")
    elif kind == "circle":
        draw.ellipse(around(x, y, r), fill=colour, outline=dark, width=4)
    elif kind == "ring":
        draw.ellipse(around(x, y, r), outline=colour, width=int(r * 0.42))
    else:
        _THING[kind](draw, x, y, r, colour, dark, lit((250, 244, 226), scene))


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

_Draw = ImageDraw.ImageDraw


def _house(draw: _Draw, x: float, y: float, r: float, colour: Colour, dark: Colour, pale: Colour) -> None:
    draw.rectangle((x - r * 0.8, y - r * 0.15, x + r * 0.8, y + r), fill=colour)
    draw.polygon([(x - r, y - r * 0.15), (x, y - r), (x + r, y - r * 0.15)], fill=dark)
    draw.rectangle((x - r * 0.16, y + r * 0.4, x + r * 0.2, y + r), fill=dark)
    for side in (-0.58, 0.38):
        draw.rectangle((x + side * r, y + r * 0.12, x + (side + 0.24) * r, y + r * 0.42), fill=(255, 232, 150))


def _tree(draw: _Draw, x: float, y: float, r: float, colour: Colour, dark: Colour, pale: Colour) -> None:
    draw.rectangle((x - r * 0.14, y + r * 0.2, x + r * 0.14, y + r), fill=(104, 66, 36))
    for dx, dy, k in ((-0.42, 0.0, 0.48), (0.42, 0.0, 0.48), (0, -0.42, 0.58), (0, 0.05, 0.5)):
        draw.ellipse(around(x + dx * r, y + dy * r, k * r), fill=colour)
    draw.ellipse(around(x - r * 0.15, y - r * 0.5, r * 0.2), fill=shade(colour, 1.2))


def _boat(draw: _Draw, x: float, y: float, r: float, colour: Colour, dark: Colour, pale: Colour) -> None:
    draw.line((x, y - r, x, y + r * 0.5), fill=(90, 60, 36), width=max(4, int(r * 0.1)))
    draw.polygon([(x + r * 0.1, y - r * 0.95), (x + r * 0.8, y + r * 0.4), (x + r * 0.1, y + r * 0.4)], fill=colour)
    draw.polygon([(x - r * 0.1, y - r * 0.7), (x - r * 0.65, y + r * 0.4), (x - r * 0.1, y + r * 0.4)], fill=pale)
    draw.polygon(
        [(x - r, y + r * 0.5), (x + r, y + r * 0.5), (x + r * 0.62, y + r), (x - r * 0.62, y + r)], fill=colour
    )


def _castle(draw: _Draw, x: float, y: float, r: float, colour: Colour, dark: Colour, pale: Colour) -> None:
    draw.rectangle((x - r * 0.6, y - r * 0.1, x + r * 0.6, y + r), fill=colour)
    for side in (-1.0, 0.52):
        draw.rectangle((x + side * r, y - r * 0.5, x + (side + 0.48) * r, y + r), fill=shade(colour, 0.88))
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


def _cactus(draw: _Draw, x: float, y: float, r: float, colour: Colour, dark: Colour, pale: Colour) -> None:
    draw.rounded_rectangle((x - r * 0.22, y - r, x + r * 0.22, y + r), r * 0.22, fill=colour)
    for side, top in ((-1, 0.0), (1, -0.25)):
        near, far = sorted((x + side * r * 0.2, x + side * r * 0.72))
        draw.rounded_rectangle((near, y + top * r + r * 0.22, far, y + top * r + r * 0.52), r * 0.12, fill=colour)
        mid = x + side * r * 0.6
        draw.rounded_rectangle(
            (mid - r * 0.15, y + (top - 0.4) * r, mid + r * 0.15, y + (top + 0.5) * r), r * 0.14, fill=colour
        )
    draw.line((x, y - r * 0.7, x, y + r * 0.85), fill=dark, width=4)


def _balloon(draw: _Draw, x: float, y: float, r: float, colour: Colour, dark: Colour, pale: Colour) -> None:
    draw.line((x - r * 0.5, y, x - r * 0.16, y + r * 0.75), fill=dark, width=3)
    draw.line((x + r * 0.5, y, x + r * 0.16, y + r * 0.75), fill=dark, width=3)
    draw.ellipse((x - r * 0.72, y - r, x + r * 0.72, y + r * 0.42), fill=colour)
    draw.ellipse((x - r * 0.26, y - r, x + r * 0.26, y + r * 0.42), fill=pale)
    draw.rectangle((x - r * 0.2, y + r * 0.7, x + r * 0.2, y + r), fill=(120, 78, 42))


def _fish(draw: _Draw, x: float, y: float, r: float, colour: Colour, dark: Colour, pale: Colour) -> None:
    draw.polygon([(x + r * 0.4, y), (x + r * 1.1, y - r * 0.55), (x + r * 1.1, y + r * 0.55)], fill=dark)
    draw.ellipse((x - r * 1.1, y - r * 0.6, x + r * 0.6, y + r * 0.6), fill=colour)
    draw.polygon([(x - r * 0.4, y - r * 0.5), (x + r * 0.3, y - r * 0.5), (x, y - r * 0.95)], fill=dark)
    draw.ellipse(around(x - r * 0.66, y - r * 0.14, r * 0.17), fill=(255, 255, 255))
    draw.ellipse(around(x - r * 0.7, y - r * 0.14, r * 0.09), fill=(10, 10, 10))


def _flower(draw: _Draw, x: float, y: float, r: float, colour: Colour, dark: Colour, pale: Colour) -> None:
    draw.rectangle((x - r * 0.07, y, x + r * 0.07, y + r), fill=(46, 120, 52))
    draw.ellipse((x + r * 0.05, y + r * 0.5, x + r * 0.5, y + r * 0.72), fill=(46, 120, 52))
    for turn in range(6):
        angle = math.pi * turn / 3
        draw.ellipse(
            around(x + math.sin(angle) * r * 0.42, y - r * 0.32 - math.cos(angle) * r * 0.42, r * 0.3), fill=colour
        )
    draw.ellipse(around(x, y - r * 0.32, r * 0.26), fill=(255, 214, 70) if colour[2] > 60 else (120, 74, 30))


def _mushroom(draw: _Draw, x: float, y: float, r: float, colour: Colour, dark: Colour, pale: Colour) -> None:
    draw.rounded_rectangle((x - r * 0.3, y - r * 0.1, x + r * 0.3, y + r), r * 0.18, fill=pale)
    draw.chord((x - r, y - r, x + r, y + r * 0.9), 180, 360, fill=colour)
    for dx, dy, k in ((-0.5, -0.3, 0.14), (0.05, -0.62, 0.17), (0.52, -0.28, 0.13)):
        draw.ellipse(around(x + dx * r, y + dy * r, k * r), fill=(255, 255, 255))


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
