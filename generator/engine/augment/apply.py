"""Cutouts changed at random, so that what only one exact crop shows counts for little.

All cutouts of a step at once, where they are; everything that is left to chance is drawn before (`draw`). How often and
how much is that of the kornia 0.5.4 classes the notebooks used, mishaps included; generator.wishes.augmentations names
them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from generator.devices import to_device, to_like
from generator.engine.augment import colour, geometry
from generator.engine.augment.chance import Chance
from generator.engine.augment.draws import DECIDED_TOGETHER, DRAW, DRAW_NOISE, INWARDS, Numbers, crop_margin
from generator.wishes.augmentations import Augmentation


@dataclass(frozen=True)
class Drawn:
    """One augmentation of one step."""

    augmentation: Augmentation
    chosen: Tensor
    """Which cutouts it changes, (n,) int64, rising, on the CPU."""
    numbers: Numbers
    noise: Tensor | None = None
    """(n, ...) on the cutouts' device; None where the augmentation needs none, or changes nothing."""


def draw(augmentations: Sequence[Augmentation], chance: Chance, count: int, size: int) -> tuple[Drawn, ...]:
    """What happens to `count` cutouts of side `size` in one step."""
    return tuple(_draw_one(augmentation, chance, count, size) for augmentation in augmentations)


def _draw_one(augmentation: Augmentation, chance: Chance, count: int, size: int) -> Drawn:
    name = augmentation.name
    share_coin = augmentation.is_on("together") or name in DECIDED_TOGETHER
    coins = chance.uniform(1 if share_coin else count).expand(count)
    chosen = (coins < augmentation.number("p")).nonzero()[:, 0]
    numbers = DRAW[name](augmentation, chance.uniform, count, size) if name in DRAW else {}
    noise = DRAW_NOISE[name](chance, len(chosen), size) if name in DRAW_NOISE and len(chosen) else None
    return Drawn(augmentation, chosen, {name: rows[chosen] for name, rows in numbers.items()}, noise)


def apply(images: Tensor, drawn: Sequence[Drawn]) -> Tensor:
    """Cutouts (N, 3, S, S) after everything that was drawn, in its order."""
    for one in drawn:
        change = APPLY[one.augmentation.name]
        if len(one.chosen) == len(images):
            images = change(images, one)
        elif len(one.chosen):
            places = to_device(one.chosen, images.device)
            images = images.index_copy(0, places, change(images.index_select(0, places), one))
    return images


# Applying ---------------------------------------------------------------------------------------------------


def _flip(images: Tensor, drawn: Drawn) -> Tensor:
    return images.flip(3)


def _sharpness(images: Tensor, drawn: Drawn) -> Tensor:
    return colour.sharpen(images, drawn.numbers["factor"])


def _affine(images: Tensor, drawn: Drawn) -> Tensor:
    size = images.shape[-1]
    there = geometry.affine_matrix(drawn.numbers["degrees"], drawn.numbers["shift"], drawn.numbers["shear"], size)
    spanned = geometry.misaligned(size)
    back = spanned @ there.inverse() @ spanned.inverse()
    return geometry.read(images, geometry.mapped(back, size, images), drawn.augmentation.word("padding"))


def _perspective(images: Tensor, drawn: Drawn) -> Tensor:
    size = images.shape[-1]
    corners = (1 - INWARDS) / 2 * (size - 1)
    there = geometry.perspective_matrix(
        corners.expand_as(drawn.numbers["inwards"]), corners + INWARDS * drawn.numbers["inwards"]
    )
    return geometry.read(images, geometry.mapped(geometry.misaligned(size) @ there.inverse(), size, images))


def _rotation(images: Tensor, drawn: Drawn) -> Tensor:
    degrees, size = drawn.numbers["degrees"], images.shape[-1]
    back = geometry.affine_matrix(degrees, degrees.new_zeros(len(degrees), 2), torch.zeros_like(degrees), size)
    return geometry.read(images, geometry.mapped(back, size, images))


def _jitter(images: Tensor, drawn: Drawn) -> Tensor:
    steps: list[Callable[[Tensor], Tensor]] = [
        lambda images: colour.brighten(images, drawn.numbers["brightness"]),
        lambda images: colour.contrast(images, drawn.numbers["contrast"]),
        lambda images: colour.saturate(images, drawn.numbers["saturation"]),
        lambda images: colour.turn_hue(images, drawn.numbers["hue"] * (2 * torch.pi)),
    ]
    for step in drawn.numbers["order"][0].tolist():
        images = steps[step](images)
    return images


def _erasing(images: Tensor, drawn: Drawn) -> Tensor:
    start, length = to_like(drawn.numbers["box"], images)[:, :, None].chunk(2, dim=1)  # (n, 2, 1)
    side = torch.arange(images.shape[-1], device=images.device)
    across, down = ((side >= start) & (side < start + length)).unbind(1)  # (n, S)
    return torch.where((down[:, :, None] & across[:, None])[:, None], images.new_zeros(()), images)


def _noise(images: Tensor, drawn: Drawn) -> Tensor:
    return images + to_like(drawn.numbers["factor"], images).view(-1, 1, 1, 1) * _noise_of(drawn)


def _gaussian(images: Tensor, drawn: Drawn) -> Tensor:
    return images + drawn.augmentation.number("std") * _noise_of(drawn)


def _elastic(images: Tensor, drawn: Drawn) -> Tensor:
    sigma, alpha = drawn.augmentation.number("sigma"), drawn.augmentation.number("alpha")
    return geometry.read(images, geometry.displaced(2 * _noise_of(drawn) - 1, sigma, alpha))


def _thinplate(images: Tensor, drawn: Drawn) -> Tensor:
    weights = geometry.spline_weights(drawn.numbers["moved"])
    return geometry.read(images, geometry.splined(weights, images.shape[-1], images))


def _crop(images: Tensor, drawn: Drawn) -> Tensor:
    margin = crop_margin(drawn.augmentation, images.shape[-1])
    return geometry.shifted(images, drawn.numbers["offset"], margin) if margin else images


def _resizedcrop(images: Tensor, drawn: Drawn) -> Tensor:
    return geometry.stretched(images, drawn.numbers["start"], drawn.numbers["length"])


def _noise_of(drawn: Drawn) -> Tensor:
    assert drawn.noise is not None
    return drawn.noise


APPLY: Mapping[str, Callable[[Tensor, Drawn], Tensor]] = {
    "flip": _flip,
    "sharpness": _sharpness,
    "affine": _affine,
    "perspective": _perspective,
    "jitter": _jitter,
    "erasing": _erasing,
    "noise": _noise,
    "gaussian": _gaussian,
    "rotation": _rotation,
    "elastic": _elastic,
    "thinplate": _thinplate,
    "crop": _crop,
    "resizedcrop": _resizedcrop,
}
