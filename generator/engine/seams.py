"""Pictures that can be put beside themselves: the latent is a ring, and the guide sees across its ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

AROUND_CELLS = 4
"""Cells of the other side that the decoder sees beyond each end."""
DIRECTIONS: Mapping[str, tuple[int, ...]] = {"no": (), "x": (3,), "y": (2,), "both": (2, 3)}
"""Axes of (B, C, H, W) that are rings."""


def extend(latent: Tensor, rings: Sequence[int]) -> Tensor:
    """The latent with up to AROUND_CELLS cells of its other end on both sides of each of the axes that are rings."""
    for axis in rings:
        length = latent.shape[axis]
        around = min(AROUND_CELLS, length)
        parts = (latent.narrow(axis, length - around, around), latent, latent.narrow(axis, 0, around))
        latent = torch.cat(parts, dim=axis)
    return latent


def extended(grid: Sequence[int], rings: Sequence[int]) -> tuple[int, ...]:
    """Rows and columns of what `extend` makes of so many."""
    return tuple(
        side + 2 * min(AROUND_CELLS, side) if axis in rings else side for axis, side in zip((2, 3), grid, strict=True)
    )


def trim(picture: Tensor, rings: Sequence[int], width: int, height: int) -> Tensor:
    """The middle (B, 3, height, width) of a picture of an extended latent."""
    for axis in rings:
        length = {2: height, 3: width}[axis]
        picture = picture.narrow(axis, (picture.shape[axis] - length) // 2, length)
    return picture


def turn(picture: Tensor, rings: Sequence[int], shifts: Sequence[int]) -> Tensor:
    """The picture rolled along its rings by so many pixels each."""
    return torch.roll(picture, tuple(shifts), tuple(rings)) if rings else picture
