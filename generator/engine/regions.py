"""Parts of the picture that a prompt can be for, and masks from picture files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dreamrig.errors import UsageError
from generator.pictures.opening import open_picture

SMALLEST_SIDE = 8
"""Pixels; a guide sees nothing in less."""
# (left, top, right, bottom) in fractions of the picture.
RECTANGLES: Mapping[str, tuple[float, float, float, float]] = {
    "left": (0.0, 0.0, 0.5, 1.0),
    "right": (0.5, 0.0, 1.0, 1.0),
    "top": (0.0, 0.0, 1.0, 0.5),
    "bottom": (0.0, 0.5, 1.0, 1.0),
    "centre": (0.25, 0.25, 0.75, 0.75),
    "top-left": (0.0, 0.0, 0.5, 0.5),
    "top-right": (0.5, 0.0, 1.0, 0.5),
    "bottom-left": (0.0, 0.5, 0.5, 1.0),
    "bottom-right": (0.5, 0.5, 1.0, 1.0),
}


@dataclass(frozen=True)
class Region:
    """A rectangle of the picture, and which of its pixels count."""

    left: int
    top: int
    right: int
    bottom: int
    """Pixels, right and bottom not included."""
    mask: Tensor | None = None
    """(1, 1, bottom - top, right - left) in [0, 1] on the run's device; None = all of it."""

    @property
    def frame(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.right - self.left, self.bottom - self.top

    def view(self, picture: Tensor) -> Tensor:
        """The rectangle of a picture (1, 3, H, W); outside of the mask it is seen but gets no gradient."""
        part = picture[..., self.top : self.bottom, self.left : self.right]
        return part if self.mask is None else self.mask * part + (1 - self.mask) * part.detach()


def find_region(name: str, masks: Mapping[str, Tensor], width: int, height: int) -> Region | None:
    """The region of a name as prompts read it, None for ""; UsageError where it is too small to be seen.

    masks: name -> (1, 1, H, W) in [0, 1].
    """
    if not name:
        return None
    if name in masks:
        _require_light(name, masks[name])
        region = _around(masks[name])
    else:
        sides = RECTANGLES.get(name) or tuple(float(side) for side in name.split(","))
        left, right = round(sides[0] * width), round(sides[2] * width)
        top, bottom = round(sides[1] * height), round(sides[3] * height)
        region = Region(left, top, right, bottom)
    if min(region.right - region.left, region.bottom - region.top) < SMALLEST_SIDE:
        raise UsageError(
            f"The region @{name} is less than {SMALLEST_SIDE} pixels wide or high.", hint="use a larger one"
        )
    return region


def _require_light(name: str, mask: Tensor) -> None:
    """UsageError where nothing of a mask is anything but black."""
    if not float(mask.amax()) > 0:
        what = f"The mask of the region @{name} is all black (or transparent), so that nothing is in it."
        raise UsageError(what, hint="paint white what belongs to the region")


def _around(mask: Tensor) -> Region:
    """The smallest rectangle that holds all of a mask; an empty mask gives an empty one."""
    rows, columns = (mask[0, 0].amax(dim=axis).nonzero().flatten() for axis in (1, 0))
    if not len(rows):
        return Region(0, 0, 0, 0)
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    return Region(left, top, right, bottom, mask[..., top:bottom, left:right])


def read_mask(path: str, width: int, height: int) -> Tensor:
    """A picture file as (1, 1, height, width) float32: its brightness from 0 (black) to 1 (white), areas averaged.

    Where the picture is transparent it counts as black. UsageError for what is no picture.
    """
    opened = open_picture(path, "RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", opened.size, "black"), opened).convert("L")
    pixels = np.asarray(flat.resize((width, height), Image.Resampling.BOX), dtype=np.float32) / 255
    return torch.from_numpy(pixels.copy())[None, None]


def cell_mask(mask: Tensor, factor: int) -> Tensor:
    """A mask per latent cell, (1, 1, H, W) -> (1, 1, H / factor, W / factor): 1 where any pixel counts for half."""
    rows, columns = mask.shape[2] // factor, mask.shape[3] // factor
    return (mask.view(1, 1, rows, factor, columns, factor).amax(dim=(3, 5)) >= 0.5).float()
