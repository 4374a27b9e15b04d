"""What every part of a scene is drawn with: named colours, the scene's ambient light, shades."""

import numpy as np
from numpy.typing import NDArray

from generator.starter.world import Scene

Pixels = NDArray[np.float32]
Colour = tuple[int, ...]

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
_AMBIENT: dict[str, tuple[float, float, float]] = {
    "sunset": (0.98, 0.86, 0.80),
    "night": (0.62, 0.66, 0.82),
    "storm": (0.78, 0.80, 0.84),
}


def around(x: float, y: float, r: float) -> tuple[float, float, float, float]:
    """The box of a circle, as Pillow wants it."""
    return (x - r, y - r, x + r, y + r)


def ambient(scene: Scene) -> NDArray[np.float64]:
    """What the sky does to every colour below it: (3,) factors."""
    return np.asarray(_AMBIENT.get(scene["sky"], (1, 1, 1)) if scene["kind"] == "landscape" else (1, 1, 1))


def lit(colour: tuple[int, ...], scene: Scene, factor: float = 1.0) -> tuple[int, int, int]:
    """`colour` in the light of the scene, made `factor` times as bright."""
    red, green, blue = (np.asarray(colour) * ambient(scene) * factor).clip(0, 255).astype(int)
    return int(red), int(green), int(blue)


def shade(colour: tuple[int, ...], factor: float) -> tuple[int, ...]:
    """`colour` made darker or lighter."""
    return tuple(min(255, int(c * factor)) for c in colour)
