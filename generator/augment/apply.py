"""Cutouts changed at random, so that what only one exact crop shows counts for little.

All cutouts of a step at once, where they are. What is drawn comes from a CPU generator (`draw`) and is the same on
every device; noise of every pixel comes from a generator on the device (`apply`). How often and how much is that of the
kornia 0.5.4 classes the notebooks used, mishaps included; generator.wishes.augmentations names them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from generator.augment import colour, geometry
from generator.augment.draws import DECIDED_TOGETHER, DRAW, INWARDS, Numbers, Uniform, crop_margin
from generator.devices import to_like
from generator.wishes.augmentations import Augmentation


@dataclass(frozen=True)
class Drawn:
    """One augmentation of one step."""

    augmentation: Augmentation
    chosen: Tensor
    """Which cutouts it changes, (n,) int64, rising."""
    numbers: Numbers


def draw(augmentations: Sequence[Augmentation], generator: torch.Generator, count: int, size: int) -> list[Drawn]:
    """What happens to `count` cutouts of side `size` in one step. generator: on the CPU."""

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    return [_draw_one(augmentation, uniform, count, size) for augmentation in augmentations]


def _draw_one(augmentation: Augmentation, uniform: Uniform, count: int, size: int) -> Drawn:
    share_coin = augmentation.is_on("together") or augmentation.name in DECIDED_TOGETHER
    coins = uniform(1 if share_coin else count).expand(count)
    chosen = (coins < augmentation.number("p")).nonzero()[:, 0]
    numbers = DRAW[augmentation.name](augmentation, uniform, count, size) if augmentation.name in DRAW else {}
    return Drawn(augmentation, chosen, {name: rows[chosen] for name, rows in numbers.items()})


def apply(images: Tensor, drawn: Sequence[Drawn], noise: torch.Generator) -> Tensor:
    """Cutouts (N, 3, S, S) after everything that was drawn, in its order. noise: on the cutouts' device."""
    for one in drawn:
        change = APPLY[one.augmentation.name]
        if len(one.chosen) == len(images):
            images = change(images, one.numbers, one.augmentation, noise)
        elif len(one.chosen):
            places = one.chosen.to(images.device, non_blocking=True)
            changed = change(images.index_select(0, places), one.numbers, one.augmentation, noise)
            images = images.index_copy(0, places, changed)
    return images


# Applying ---------------------------------------------------------------------------------------------------


def _flip(images: Tensor, numbers: Numbers, spec: Augmentation, noise: torch.Generator) -> Tensor:
    return images.flip(3)


def _sharpness(images: Tensor, numbers: Numbers, spec: Augmentation, noise: torch.Generator) -> Tensor:
    return colour.sharpen(images, numbers["factor"])


def _affine(images: Tensor, numbers: Numbers, spec: Augmentation, noise: torch.Generator) -> Tensor:
    size = images.shape[-1]
    there = geometry.affine_matrix(numbers["degrees"], numbers["shift"], numbers["shear"], size)
    spanned = geometry.misaligned(size)
    back = spanned @ there.inverse() @ spanned.inverse()
    return geometry.read(images, geometry.mapped(back, size, images), spec.word("padding"))


def _perspective(images: Tensor, numbers: Numbers, spec: Augmentation, noise: torch.Generator) -> Tensor:
    size = images.shape[-1]
    corners = (1 - INWARDS) / 2 * (size - 1)
    there = geometry.perspective_matrix(corners.expand_as(numbers["inwards"]), corners + INWARDS * numbers["inwards"])
    return geometry.read(images, geometry.mapped(geometry.misaligned(size) @ there.inverse(), size, images))


def _rotation(images: Tensor, numbers: Numbers, spec: Augmentation, noise: torch.Generator) -> Tensor:
    degrees, size = numbers["degrees"], images.shape[-1]
    back = geometry.affine_matrix(degrees, degrees.new_zeros(len(degrees), 2), torch.zeros_like(degrees), size)
    return geometry.read(images, geometry.mapped(back, size, images))


def _jitter(images: Tensor, numbers: Numbers, spec: Augmentation, noise: torch.Generator) -> Tensor:
    steps: list[Callable[[Tensor], Tensor]] = [
        lambda images: colour.brighten(images, numbers["brightness"]),
        lambda images: colour.contrast(images, numbers["contrast"]),
        lambda images: colour.saturate(images, numbers["saturation"]),
        lambda images: colour.turn_hue(images, numbers["hue"] * (2 * torch.pi)),
    ]
    for step in numbers["order"][0].tolist():
        images = steps[step](images)
    return images


def _erasing(images: Tensor, numbers: Numbers, spec: Augmentation, noise: torch.Generator) -> Tensor:
    start, length = to_like(numbers["box"], images)[:, :, None].chunk(2, dim=1)  # (n, 2, 1)
    side = torch.arange(images.shape[-1], device=images.device)
    across, down = ((side >= start) & (side < start + length)).unbind(1)  # (n, S)
    return torch.where((down[:, :, None] & across[:, None])[:, None], images.new_zeros(()), images)


def _noise(images: Tensor, numbers: Numbers, spec: Augmentation, noise: torch.Generator) -> Tensor:
    factors = to_like(numbers["factor"], images).view(-1, 1, 1, 1)
    return images + factors * torch.randn(images.shape, generator=noise, device=images.device)


def _gaussian(images: Tensor, numbers: Numbers, spec: Augmentation, noise: torch.Generator) -> Tensor:
    return images + spec.number("std") * torch.randn(images.shape, generator=noise, device=images.device)


def _elastic(images: Tensor, numbers: Numbers, spec: Augmentation, noise: torch.Generator) -> Tensor:
    moves = 2 * torch.rand((len(images), 2, *images.shape[2:]), generator=noise, device=images.device) - 1
    return geometry.read(images, geometry.displaced(moves, spec.number("sigma"), spec.number("alpha")))


def _thinplate(images: Tensor, numbers: Numbers, spec: Augmentation, noise: torch.Generator) -> Tensor:
    weights = geometry.spline_weights(numbers["moved"])
    return geometry.read(images, geometry.splined(weights, images.shape[-1], images))


def _crop(images: Tensor, numbers: Numbers, spec: Augmentation, noise: torch.Generator) -> Tensor:
    margin = crop_margin(spec, images.shape[-1])
    return geometry.shifted(images, numbers["offset"], margin) if margin else images


def _resizedcrop(images: Tensor, numbers: Numbers, spec: Augmentation, noise: torch.Generator) -> Tensor:
    return geometry.stretched(images, numbers["start"], numbers["length"])


APPLY: Mapping[str, Callable[[Tensor, Numbers, Augmentation, torch.Generator], Tensor]] = {
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
