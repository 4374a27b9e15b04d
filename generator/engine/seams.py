"""Pictures that can be put beside themselves: the latent is a ring, and the guide sees across its ends."""

from __future__ import annotations

import torch
from torch import Tensor

AROUND_CELLS = 4
"""Cells of the other side that the decoder sees beyond each end."""
DIRECTIONS = {"no": (), "x": (3,), "y": (2,), "both": (2, 3)}
"""Axes of (B, C, H, W) that are rings."""


def extend(latent: Tensor, seamless: str) -> Tensor:
    """The latent with up to AROUND_CELLS cells of its other end on both sides of each ring."""
    for axis in DIRECTIONS[seamless]:
        length = latent.shape[axis]
        around = min(AROUND_CELLS, length)
        parts = (latent.narrow(axis, length - around, around), latent, latent.narrow(axis, 0, around))
        latent = torch.cat(parts, dim=axis)
    return latent


def trim(picture: Tensor, seamless: str, height: int, width: int) -> Tensor:
    """The middle (B, 3, height, width) of a picture of an extended latent."""
    for axis in DIRECTIONS[seamless]:
        length = {2: height, 3: width}[axis]
        picture = picture.narrow(axis, (picture.shape[axis] - length) // 2, length)
    return picture


def turn(picture: Tensor, seamless: str, generator: torch.Generator) -> Tensor:
    """The picture rolled along its rings by as much as the generator, on the CPU, says; nothing drawn without rings."""
    axes = DIRECTIONS[seamless]
    shifts = [int(torch.randint(picture.shape[axis], (), generator=generator)) for axis in axes]
    return torch.roll(picture, shifts, axes) if axes else picture
