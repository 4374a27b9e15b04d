"""Pixel art: squares of one colour, and no colour but those of a palette, exactly; the gradient passes through both.

It is the last thing that happens to a decoded picture, so guides, restraints and the file see the same pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from generator.config import GenerateConfig
from generator.engine.latents import replace_grad
from generator.wishes.colours import parse_colours


def to_blocks(picture: Tensor, side: int) -> Tensor:
    """Every block of side x side pixels replaced by its mean: (B, 3, H, W) -> (B, 3, H, W), differentiable.

    Blocks are counted from the top left; where the side does not divide the picture, the last ones are cut off.
    """
    if side == 1:
        return picture
    height, width = picture.shape[2:]
    means = functional.avg_pool2d(picture, side, ceil_mode=True)
    batch, channels, rows, columns = means.shape
    # Not repeat_interleave or interpolate, whose gradients on CUDA are added up in any order.
    spread = means[:, :, :, None, :, None].expand(-1, -1, -1, side, -1, side)
    return spread.reshape(batch, channels, rows * side, columns * side)[..., :height, :width]


@torch.no_grad()
def nearest_colours(pixels: Tensor, colours: Tensor) -> Tensor:
    """For every one of the pixels (N, 3) the nearest of the colours (P, 3), by squared distance: (N, 3)."""
    distances = torch.stack([(pixels - colour).square().sum(dim=1) for colour in colours])  # (P, N)
    return colours[distances.argmin(dim=0)]


def to_palette(picture: Tensor, colours: Tensor) -> Tensor:
    """Every pixel of (B, 3, H, W) the nearest of the colours (P, 3); the gradient passes straight through."""
    batch, channels, height, width = picture.shape
    nearest = nearest_colours(picture.movedim(1, -1).reshape(-1, channels), colours)
    return replace_grad(nearest.reshape(batch, height, width, channels).movedim(-1, 1), picture)


@dataclass(frozen=True)
class PixelArt:
    """What a picture is brought to, as its last step."""

    side: int
    """Pixels along a block; 1 = as it is."""
    colours: Tensor | None
    """(P, 3) in [0, 1], the only ones allowed; None = any."""

    @classmethod
    def of(cls, config: GenerateConfig, device: torch.device) -> PixelArt | None:
        """As a config has it; None where it asks for neither."""
        if not is_pixel_art(config):
            return None
        allowed = parse_colours(config.palette_colours) if config.palette_exact else None
        return cls(config.block_size, None if allowed is None else torch.tensor(allowed, device=device))

    def __call__(self, picture: Tensor) -> Tensor:
        """(1, 3, H, W) -> (1, 3, H, W); the gradient is that of the blocks' means."""
        blocks = to_blocks(picture, self.side)
        return blocks if self.colours is None else to_palette(blocks, self.colours)


def is_pixel_art(config: GenerateConfig) -> bool:
    """Whether the picture has hard edges that no enlargement may soften."""
    return config.block_size > 1 or config.palette_exact
