"""What a picture is to have in common with another one: outlines, style, content. None of them looks at the prompts.

Outlines are compared without any network. Style and content are those of Gatys, Ecker and Bethge (arXiv:1508.06576):
the activations of a network that was trained to recognise things, as Gram matrices for style, as they are for content.
All three are relative: 0 = the same, about 1 = nothing in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from generator.config import GenerateConfig
from generator.models.base import FeatureModel
from generator.pictures.load import read_picture, read_picture_within

LIKENESS = "likeness."
"""A checkpoint carries the pictures under these names, so that a resumed run needs no file."""
OUTLINE_SCALES = (1, 2, 4)
"""Outlines are compared as they are, and with the picture that many times smaller: then far ones are felt too."""
SOBEL = 3
"""Pixels along a side that the operator needs."""
SMALLEST = 1e-12
"""For roots and quotients of nothing."""

Compare = Callable[[Tensor], Tensor]
"""picture (1, 3, H, W) -> scalar."""


def read_pictures(config: GenerateConfig, device: torch.device) -> dict[str, Tensor]:
    """The pictures that a config names, each (1, 3, h, w) in [0, 1]; UsageError for one that cannot be read.

    Outlines and content are compared place by place, so theirs are brought to the picture's size; style knows no place.
    """
    size = config.width, config.height
    found = {name: read_picture(getattr(config, name), *size) for name in ("outline", "content") if asked(config, name)}
    if asked(config, "style"):
        found["style"] = read_picture_within(config.style, config.width * config.height)
    return {LIKENESS + name: picture.to(device) for name, picture in found.items()}


def asked(config: GenerateConfig, name: str) -> bool:
    """Whether a config wants this likeness: there is a picture, and it counts."""
    return bool(getattr(config, name).strip()) and getattr(config, f"{name}_weight") != 0.0


def compares(
    config: GenerateConfig, pictures: Mapping[str, Tensor], network: FeatureModel | None, size: tuple[int, int]
) -> Iterator[tuple[float, Compare]]:
    """The likenesses that a config asks for, each with its weight.

    pictures: as read_pictures gave them.   size: height and width of the pictures to compare with them.
    """
    outline, style, content = (pictures.get(LIKENESS + name) for name in ("outline", "style", "content"))
    if outline is not None:
        yield config.outline_weight, outline_term(at_size(outline, size))
    if style is not None or content is not None:
        content = None if content is None else at_size(content, size)
        assert network is not None
        yield 1.0, feature_term(network, style, content, config.style_weight, config.content_weight)


def at_size(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """(1, 3, h, w) -> (1, 3, *size), smoothed where it shrinks; itself where it has the size."""
    if picture.shape[2:] == size:
        return picture
    return functional.interpolate(picture, size, mode="bilinear", antialias=True).clamp(0, 1)


# ---- outlines --------------------------------------------------------------------------------------------------------


def outlines(picture: Tensor) -> Tensor:
    """How much brightness changes at each pixel, by Sobel's operator: (B, 3, H, W) -> (B, 1, H - 2, W - 2).

    Without padding, whose gradients on CUDA are added up in any order.
    """
    grey = picture.mean(dim=1, keepdim=True)
    rows = grey[..., :-2, :] + 2 * grey[..., 1:-1, :] + grey[..., 2:, :]
    columns = grey[..., :-2] + 2 * grey[..., 1:-1] + grey[..., 2:]
    across = rows[..., 2:] - rows[..., :-2]
    down = columns[..., 2:, :] - columns[..., :-2, :]
    return (across.square() + down.square() + SMALLEST).sqrt() / 4


def outline_term(target: Tensor) -> Compare:
    """Squared difference of the outlines to those of a picture (1, 3, H, W), as a share of these; scales averaged."""
    scales = [scale for scale in OUTLINE_SCALES if min(target.shape[2:]) // scale >= SOBEL]
    wanted = [outlines(functional.avg_pool2d(target, scale)) for scale in scales]

    def term(picture: Tensor) -> Tensor:
        scaled = (functional.avg_pool2d(picture, scale) for scale in scales)
        shares = [relative(outlines(here), there) for here, there in zip(scaled, wanted, strict=True)]
        return torch.stack(shares).mean()

    return term


# ---- style and content -----------------------------------------------------------------------------------------------


def gram(activations: Tensor) -> Tensor:
    """What occurs together, wherever it does: (1, C, h, w) -> mean over the places of the products, (C, C)."""
    rows = activations[0].flatten(1)
    return rows @ rows.T / rows.shape[1]


def feature_term(
    network: FeatureModel, style: Tensor | None, content: Tensor | None, style_weight: float, content_weight: float
) -> Compare:
    """Weighted sum of both; one look of the network serves them. style, content: pictures, None = does not count."""
    with torch.no_grad():
        grams = None if style is None else [gram(layer) for layer in network.features(style)[0]]
        wanted = None if content is None else network.features(content)[1]

    def term(picture: Tensor) -> Tensor:
        layers, deep = network.features(picture)
        total = picture.new_zeros(())
        if grams is not None:
            total = total + style_weight * style_distance([gram(layer) for layer in layers], grams)
        if wanted is not None:
            total = total + content_weight * relative(deep, wanted)
        return total

    return term


def style_distance(here: Sequence[Tensor], there: Sequence[Tensor]) -> Tensor:
    """Mean over the layers of the relative difference of their Gram matrices (C, C): scalar."""
    return torch.stack([relative(one, other) for one, other in zip(here, there, strict=True)]).mean()


def relative(here: Tensor, there: Tensor) -> Tensor:
    """Squared distance, as a share of the square of what is wanted: scalar."""
    return (here - there).square().mean() / (there.square().mean() + SMALLEST)
