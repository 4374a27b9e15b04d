"""The terms of the loss that do not look at the prompts: config field -> what its weight is multiplied with.

They are made once per run, with what they need of the config; a step only calls them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from generator.config import GenerateConfig
from generator.engine.likenesses import Compare, compares
from generator.engine.losses import boundary_tv, pull_to_start
from generator.engine.pixel_art import nearest_colours
from generator.models.base import FeatureModel
from generator.wishes.colours import parse_colours

MIRRORS = {"vertical": ((3,),), "horizontal": ((2,),), "both": ((3,), (2,))}
"""Axes of (B, 3, H, W) that each mirror turns round."""


@dataclass(frozen=True)
class Anchor:
    """What a run began with, and the scale of its numbers."""

    start: Tensor
    """(1, C, h, w)"""
    picture: Tensor | None
    """(1, 3, H, W) of the start, only where pixel_pull is not 0."""
    deviation: Tensor
    """(1, C, 1, 1), of the codebook."""
    factor: int
    """Pixels per code."""
    pictures: Mapping[str, Tensor] = field(default_factory=dict)
    """What generator.engine.likenesses.read_pictures gave."""
    perceptual: FeatureModel | None = None
    """For style and content; None = nobody asked for them."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture of the start."""
        rows, columns = self.start.shape[2:]
        return rows * self.factor, columns * self.factor


Term = Callable[[Tensor, Tensor, float], Tensor]
"""(latent (1, C, h, w), picture (1, 3, H, W), factor of all pulls in this step) -> scalar."""


def total_variation(picture: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels, both directions added: (B, 3, H, W) -> scalar."""
    across = picture[..., 1:] - picture[..., :-1]
    down = picture[..., 1:, :] - picture[..., :-1, :]
    return across.abs().mean() + down.abs().mean()


def palette_distance(picture: Tensor, colours: Tensor) -> Tensor:
    """Mean squared distance of the pixels to the nearest of the colours (P, 3): scalar."""
    pixels = picture.movedim(1, -1).reshape(-1, 3)
    return (pixels - nearest_colours(pixels, colours)).square().mean()


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


def _pull(config: GenerateConfig, anchor: Anchor) -> Term:
    return lambda latent, picture, pull: pull * pull_to_start(latent, anchor.start, anchor.deviation)


def _boundary_tv(config: GenerateConfig, anchor: Anchor) -> Term:
    return lambda latent, picture, pull: boundary_tv(picture, anchor.factor)


def _to_init(config: GenerateConfig, anchor: Anchor) -> Term:
    """Half the mean squared distance of the latent to the start, or to zero, as the notebooks have it."""
    target = anchor.start if config.init_target == "start" else torch.zeros_like(anchor.start)
    return lambda latent, picture, pull: pull * (latent - target).square().mean() / 2


def _to_start_picture(config: GenerateConfig, anchor: Anchor) -> Term:
    before = anchor.picture
    assert before is not None
    return lambda latent, picture, pull: pull * (picture - before).square().mean()


def _tv(config: GenerateConfig, anchor: Anchor) -> Term:
    return lambda latent, picture, pull: total_variation(picture)


def _palette(config: GenerateConfig, anchor: Anchor) -> Term:
    colours = _colours(config.palette_colours, anchor)
    return lambda latent, picture, pull: palette_distance(picture, colours)


def _symmetry(config: GenerateConfig, anchor: Anchor) -> Term:
    return lambda latent, picture, pull: asymmetry(picture, config.symmetry_axis)


def _edge(config: GenerateConfig, anchor: Anchor) -> Term:
    colour = _colours(config.edge_colour, anchor)[0]
    return lambda latent, picture, pull: border_distance(picture, colour, config.edge_width)


def _saturation(config: GenerateConfig, anchor: Anchor) -> Term:
    return lambda latent, picture, pull: -colourfulness(picture)


def _of_picture(compare: Compare) -> Term:
    return lambda latent, picture, pull: compare(picture)


def _colours(text: str, anchor: Anchor) -> Tensor:
    """(P, 3) in [0, 1], where the picture will be."""
    return torch.tensor(parse_colours(text), device=anchor.start.device)


TERMS: Mapping[str, Callable[[GenerateConfig, Anchor], Term]] = {
    "pull": _pull,
    "boundary_tv": _boundary_tv,
    "init_weight": _to_init,
    "pixel_pull": _to_start_picture,
    "tv": _tv,
    "palette": _palette,
    "symmetry": _symmetry,
    "edge": _edge,
    "saturation": _saturation,
}
"""Config field, the weight -> what makes its term."""


@dataclass(frozen=True)
class Restraints:
    """Those a run asks for, each with its weight."""

    terms: tuple[tuple[float, Term], ...]

    @classmethod
    def of(cls, config: GenerateConfig, anchor: Anchor) -> Restraints:
        """The terms whose weight in the config is not 0, and the likenesses whose picture is there."""
        weights: dict[str, float] = {name: getattr(config, name) for name in TERMS}
        terms = [(weight, TERMS[name](config, anchor)) for name, weight in weights.items() if weight]
        likenesses = compares(config, anchor.pictures, anchor.perceptual, anchor.size)
        return cls((*terms, *((weight, _of_picture(compare)) for weight, compare in likenesses)))

    def __call__(self, latent: Tensor, picture: Tensor, pull: float) -> Tensor:
        """Sum of weight * term: scalar."""
        total = picture.new_zeros(())
        for weight, term in self.terms:
            total = total + weight * term(latent, picture, pull)
        return total
