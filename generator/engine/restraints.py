"""The terms of the loss that do not look at the prompts: config field -> what its weight is multiplied with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from generator.config import GenerateConfig
from generator.engine import schedules
from generator.engine.losses import boundary_tv, pull_to_start
from generator.wishes.colours import parse_colours

MIRRORS = {"vertical": ((3,),), "horizontal": ((2,),), "both": ((3,), (2,))}
"""Axes of (B, 3, H, W) that each mirror turns round."""


@dataclass(frozen=True)
class Sight:
    """What a term may look at."""

    config: GenerateConfig
    latent: Tensor
    """(1, C, h, w), not quantised."""
    picture: Tensor
    """(1, 3, H, W) in [0, 1]."""
    start: Tensor
    """(1, C, h, w)"""
    start_picture: Tensor | None
    """(1, 3, H, W), only where pixel_pull is not 0."""
    deviation: Tensor
    """(1, C, 1, 1), of the codebook."""
    factor: int
    step: int

    @property
    def fade(self) -> float:
        """Factor of all pulls to the start in this step."""
        return schedules.pull_factor(self.config, self.step)

    def colours(self, text: str) -> Tensor:
        """(P, 3) in [0, 1], where the picture is."""
        return self.picture.new_tensor(parse_colours(text))


def total_variation(picture: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels, both directions added: (B, 3, H, W) -> scalar."""
    across = picture[..., 1:] - picture[..., :-1]
    down = picture[..., 1:, :] - picture[..., :-1, :]
    return across.abs().mean() + down.abs().mean()


def palette_distance(picture: Tensor, colours: Tensor) -> Tensor:
    """Mean squared distance of the pixels to the nearest of the colours (P, 3): scalar."""
    pixels = picture.movedim(1, -1).reshape(-1, 3)
    with torch.no_grad():
        distances = torch.stack([(pixels - colour).square().sum(dim=1) for colour in colours])  # (P, pixels)
        nearest = colours[distances.argmin(dim=0)]
    return (pixels - nearest).square().mean()


def asymmetry(picture: Tensor, axis: str) -> Tensor:
    """Mean squared difference to the mirror images, averaged over the mirrors: scalar."""
    mirrors = MIRRORS[axis]
    differences = [(picture - picture.flip(axes)).square().mean() for axes in mirrors]
    return torch.stack(differences).mean()


def border_distance(picture: Tensor, colour: Tensor, width: float) -> Tensor:
    """Mean squared distance of the border to a colour (3,); width: fraction of the shorter side, at least one pixel."""
    height, across = picture.shape[2:]
    pixels = max(1, round(width * min(height, across)))
    border = picture.new_ones((height, across))
    border[pixels : height - pixels, pixels : across - pixels] = 0.0
    squared = (picture - colour.view(1, 3, 1, 1)).square() * border
    return squared.sum() / (3 * border.sum())


def colourfulness(picture: Tensor) -> Tensor:
    """Mean over the pixels of the standard deviation of red, green and blue: 0 = grey; scalar."""
    spread = (picture - picture.mean(dim=1, keepdim=True)).square().mean(dim=1)
    return (spread + 1e-8).sqrt().mean()


def _to_init(sight: Sight) -> Tensor:
    """Half the mean squared distance of the latent to the start, or to zero, as the notebooks have it."""
    target = sight.start if sight.config.init_target == "start" else torch.zeros_like(sight.start)
    return sight.fade * (sight.latent - target).square().mean() / 2


def _to_start_picture(sight: Sight) -> Tensor:
    assert sight.start_picture is not None
    return sight.fade * (sight.picture - sight.start_picture).square().mean()


TERMS: Mapping[str, Callable[[Sight], Tensor]] = {
    "pull": lambda s: s.fade * pull_to_start(s.latent, s.start, s.deviation),
    "boundary_tv": lambda s: boundary_tv(s.picture, s.factor),
    "init_weight": _to_init,
    "pixel_pull": _to_start_picture,
    "tv": lambda s: total_variation(s.picture),
    "palette": lambda s: palette_distance(s.picture, s.colours(s.config.palette_colours)),
    "symmetry": lambda s: asymmetry(s.picture, s.config.symmetry_axis),
    "edge": lambda s: border_distance(s.picture, s.colours(s.config.edge_colour)[0], s.config.edge_width),
    "saturation": lambda s: -colourfulness(s.picture),
}


def restraint(sight: Sight) -> Tensor:
    """Sum of weight * term over the terms whose weight in the config is not 0: scalar."""
    total = sight.picture.new_zeros(())
    for name, term in TERMS.items():
        weight: float = getattr(sight.config, name)
        if weight:
            total = total + weight * term(sight)
    return total
