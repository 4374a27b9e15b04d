"""A scene's picture: landscape or backdrop, then the objects, then the style."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from generator.starter.making.brush import RGB, Pixels, around
from generator.starter.making.landscape import draw_landscape
from generator.starter.making.things import draw_thing
from generator.starter.world import BIG, RADIUS, SIDE, Scene


def render(scene: Scene, side: int = SIDE) -> NDArray[np.uint8]:
    """The scene's picture, (side, side, 3) RGB, side a multiple of SIDE; the same scene gives the same bytes."""
    big = draw_landscape(scene) if scene["kind"] == "landscape" else _backdrop(scene)
    for kind, colour, size, x, y in scene.objects():
        draw_thing(big, kind, colour, RADIUS[size] * BIG, x * BIG, y * BIG, scene)
    return _styled(big, scene["style"], side)


def _styled(big: Image.Image, style: str, side: int) -> NDArray[np.uint8]:
    if style == "pixel":
        return np.asarray(big.reduce(8).resize((side, side), Image.Resampling.NEAREST), dtype=np.uint8)
    small = big.reduce(2) if side == SIDE else big.resize((side, side), Image.Resampling.LANCZOS)
    if style == "plain":
        return np.asarray(small, dtype=np.uint8)
    pixels = np.asarray(small, dtype=np.float32)
    if style == "pastel":
        return _bytes(pixels * 0.45 + 255 * 0.55)
    strength = _edge_strength(small, side / SIDE)
    return _sketched(pixels, strength) if style == "sketch" else _neon(pixels, strength, side / SIDE)


def _bytes(pixels: NDArray[np.floating]) -> NDArray[np.uint8]:
    rounded: NDArray[np.uint8] = np.clip(pixels, 0, 255).astype(np.uint8)
    return rounded


def _edge_strength(small: Image.Image, scale: float) -> Pixels:
    """(side, side, 1) in [0, 1]; lines are `scale` pixels wide."""
    soft = np.asarray(small.filter(ImageFilter.GaussianBlur(0.8 * scale)), dtype=np.float32) * np.float32(scale)
    across = np.abs(soft - np.roll(soft, 1, 0)).max(2) + np.abs(soft - np.roll(soft, 1, 1)).max(2)
    across[0] = across[:, 0] = 0
    return np.asarray(np.clip(across / 40, 0, 1)[..., None], dtype=np.float32)


def _sketched(pixels: Pixels, strength: Pixels) -> NDArray[np.uint8]:
    paper = np.float32(0.65) * np.asarray((246, 240, 226), np.float32)
    return _bytes((pixels * 0.35 + paper) * (1 - 0.85 * strength))


def _neon(pixels: Pixels, strength: Pixels, scale: float) -> NDArray[np.uint8]:
    lines = Image.fromarray((strength[..., 0] * 255).astype(np.uint8))
    glow = np.asarray(lines.filter(ImageFilter.GaussianBlur(2.5 * scale)), np.float32)[..., None] / 255
    vivid = pixels / np.maximum(pixels.max(2, keepdims=True), 60) * 255
    return _bytes(pixels * 0.22 + vivid * np.clip(strength + 0.9 * glow, 0, 1))


def _backdrop(scene: Scene) -> Image.Image:
    a, b = RGB[scene["colour_a"]], RGB[scene["colour_b"]]
    layout, pattern = int(scene["layout"]), scene["pattern"]
    step = (32, 43, 51)[layout % 3]
    image = Image.new("RGB", (BIG, BIG), a)
    draw = ImageDraw.Draw(image)
    if pattern == "gradient":
        ramp = np.linspace(0, 1, BIG, dtype=np.float32)[:, None, None]
        flat = np.broadcast_to(np.asarray(a) * (1 - ramp) + np.asarray(b) * ramp, (BIG, BIG, 3))
        return Image.fromarray(flat.astype(np.uint8))
    if pattern == "stripes":
        for at in range(step, BIG, 2 * step):
            box = (0, at, BIG, at + step - 1) if layout < 3 else (at, 0, at + step - 1, BIG)
            draw.rectangle(box, fill=b)
    elif pattern == "checkerboard":
        for row in range(0, BIG, step):
            for column in range(row // step % 2 * step, BIG, 2 * step):
                draw.rectangle((column, row, column + step - 1, row + step - 1), fill=b)
    elif pattern == "dots":
        for y in range(step // 2, BIG + step, step):
            for x in range(step // 2, BIG + step, step):
                draw.ellipse(around(x, y, step * 0.29), fill=b)
    return image
