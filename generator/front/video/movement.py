"""How a picture moves from one frame to the next: magnified, turned, shifted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dreamrig.errors import UsageError
from generator.front.video.tracks import Track, parse_track

if TYPE_CHECKING:
    from PIL import Image

Border = Literal["reflect", "wrap", "edge"]
BORDERS: tuple[Border, ...] = ("reflect", "wrap", "edge")
LIMITS = {"zoom": (0.5, 2.0), "rotate": (-180.0, 180.0), "shift-x": (-1024.0, 1024.0), "shift-y": (-1024.0, 1024.0)}
STILL = {"zoom": "1", "rotate": "0", "shift-x": "0", "shift-y": "0"}


@dataclass(frozen=True)
class Motion:
    """What happens between two frames."""

    zoom: float = 1.0
    """Magnification about the centre."""
    rotate: float = 0.0
    """Degrees, clockwise."""
    shift_x: float = 0.0
    """Pixels to the right."""
    shift_y: float = 0.0
    """Pixels down."""


@dataclass(frozen=True)
class Movement:
    """A step for every frame, and what comes in from outside of the picture."""

    zoom: Track
    rotate: Track
    shift_x: Track
    shift_y: Track
    border: Border = "reflect"

    @classmethod
    def parse(cls, texts: dict[str, str], border: str) -> Movement:
        """From the flags zoom, rotate, shift-x, shift-y and border; UsageError for what cannot be meant."""
        if border not in BORDERS:
            raise UsageError(f"There is no border {border!r}.", hint=f"use one of: {', '.join(BORDERS)}")
        given = {**STILL, **texts}
        zoom, rotate, shift_x, shift_y = (parse_track(name, given[name], *LIMITS[name]) for name in STILL)
        return cls(zoom, rotate, shift_x, shift_y, border)

    def to_texts(self) -> dict[str, str]:
        """The tracks by flag, as `parse` reads them back."""
        return dict(zip(STILL, map(str, (self.zoom, self.rotate, self.shift_x, self.shift_y)), strict=True))

    def at(self, frame: int) -> Motion:
        """The step that leads to a frame."""
        return Motion(*(track.at(frame) for track in (self.zoom, self.rotate, self.shift_x, self.shift_y)))


def move(picture: Image.Image, step: Motion, border: Border) -> Image.Image:
    """The picture moved by one step, same size; bicubic, and the same pixels where nothing moves.

    A point p of the result shows what was at c + R(-angle) (p - c - shift) / zoom, c being the centre.
    """
    from PIL import Image

    if step == Motion():
        return picture.copy()
    width, height = picture.size
    pad = max(width, height)
    angle = math.radians(step.rotate)
    a, b = math.cos(angle) / step.zoom, math.sin(angle) / step.zoom
    left, top = width / 2 + step.shift_x, height / 2 + step.shift_y
    matrix = (a, b, width / 2 + pad - a * left - b * top, -b, a, height / 2 + pad + b * left - a * top)
    return _padded(picture, pad, border).transform(
        picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
    )


def _padded(picture: Image.Image, pad: int, border: Border) -> Image.Image:
    import numpy as np
    from PIL import Image

    mode = {"reflect": "symmetric", "wrap": "wrap", "edge": "edge"}[border]
    pixels = np.asarray(picture.convert("RGB"))
    return Image.fromarray(np.pad(pixels, ((pad, pad), (pad, pad), (0, 0)), mode=mode))  # type: ignore[call-overload]  # the mode is a plain str to mypy
