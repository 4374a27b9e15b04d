"""What an augmentation draws: how far to turn, where to erase, whose corners to move.

One function per name, from its settings and a source of uniform numbers to one row of numbers per cutout, all on the
CPU. The distributions are those of kornia 0.5.4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor

from generator.engine.augment import geometry
from generator.engine.augment.chance import Chance
from generator.wishes.augmentations import Augmentation, Range

Numbers = Mapping[str, Tensor]
"""What was drawn, one row per changed cutout, on the CPU."""


class Uniform(Protocol):
    """A source of uniform numbers."""

    def __call__(self, *shape: int) -> Tensor:
        """Numbers on [0, 1), float64, in this shape."""


def _within(u: Tensor, bounds: Range) -> Tensor:
    return bounds[0] + u * (bounds[1] - bounds[0])


def _both_ways(u: Tensor, most: float) -> Tensor:
    return (2 * u - 1) * most


def _draw_sharpness(spec: Augmentation, uniform: Uniform, count: int, size: int) -> Numbers:
    return {"factor": uniform(count) * spec.number("factor")}


def _draw_affine(spec: Augmentation, uniform: Uniform, count: int, size: int) -> Numbers:
    most = torch.tensor([spec.number("translate_x"), spec.number("translate_y")], dtype=torch.float64) * size
    return {
        "degrees": _both_ways(uniform(count), spec.number("degrees")),
        "shift": (2 * uniform(count, 2) - 1) * most,
        "shear": _both_ways(uniform(count), spec.number("shear")),
    }


def _draw_rotation(spec: Augmentation, uniform: Uniform, count: int, size: int) -> Numbers:
    return {"degrees": _both_ways(uniform(count), spec.number("degrees"))}


# From the top left clockwise: which way is inwards.
INWARDS = torch.tensor([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]], dtype=torch.float64)


def _draw_perspective(spec: Augmentation, uniform: Uniform, count: int, size: int) -> Numbers:
    """Each corner moves inwards by up to half the distortion of a side, both ways separately."""
    return {"inwards": uniform(count, 4, 2) * (spec.number("distortion") * size / 2)}


def _draw_jitter(spec: Augmentation, uniform: Uniform, count: int, size: int) -> Numbers:
    """A factor about 1 for each but hue, which is a fraction of the circle; one order of the four for all cutouts."""
    numbers = {
        name: centre + _both_ways(uniform(count), spec.number(name))
        for name, centre in (("brightness", 1.0), ("contrast", 1.0), ("saturation", 1.0), ("hue", 0.0))
    }
    return {**numbers, "order": uniform(4).argsort().expand(count, 4)}


def _draw_erasing(spec: Augmentation, uniform: Uniform, count: int, size: int) -> Numbers:
    """A rectangle (x, y, width, height) in pixels; its aspect is below 1 as often as above where both are possible."""
    rows = 1 if spec.is_on("together") else count
    area = _within(uniform(rows), spec.range("area")) * size**2
    low, high = spec.range("ratio")
    upright = uniform(rows) < 0.5
    ratio = _within(uniform(rows), (low, high))
    if low < 1 < high:
        first, second = uniform(rows), uniform(rows)
        ratio = torch.where(upright, _within(first, (low, 1.0)), _within(second, (1.0, high)))
    sides = torch.stack([(area / ratio).sqrt(), (area * ratio).sqrt()], dim=1).round().clamp(1, size)
    corner = (uniform(rows, 2) * (size - sides + 1)).floor()
    return {"box": torch.cat([corner, sides], dim=1).expand(count, 4)}


def _draw_noise(spec: Augmentation, uniform: Uniform, count: int, size: int) -> Numbers:
    return {"factor": uniform(count) * spec.number("factor")}


def _draw_thinplate(spec: Augmentation, uniform: Uniform, count: int, size: int) -> Numbers:
    """Where the five points go, on -1..1; each cutout its own even where p decides for all of them."""
    return {"moved": geometry.SPLINE_POINTS + _both_ways(uniform(count, 5, 2), spec.number("scale"))}


def _draw_crop(spec: Augmentation, uniform: Uniform, count: int, size: int) -> Numbers:
    return {"offset": (uniform(count, 2) * (2 * crop_margin(spec, size) + 1)).floor().long()}


TRIALS = 10


def _draw_resizedcrop(spec: Augmentation, uniform: Uniform, count: int, size: int) -> Numbers:
    """A rectangle as start and length, (n, 2) each: the first of ten trials that fits, else as large as can be."""
    low, high = spec.range("ratio")
    area = _within(uniform(count, TRIALS), spec.range("area")) * size**2
    log_low, log_high = torch.tensor([low, high], dtype=torch.float64).log().tolist()
    ratio = _within(uniform(count, TRIALS), (log_low, log_high)).exp()
    lengths = torch.stack([(area / ratio).sqrt(), (area * ratio).sqrt()], dim=2).round()  # (n, 10, 2)
    fits = ((lengths > 0) & (lengths < size)).all(dim=2)
    first = fits.int().cumsum(1).eq(1) & fits
    found = (lengths * first[..., None]).sum(dim=1)
    largest = [size, round(size * low)] if low < 1 else [round(size / low), size]
    found = torch.where(fits.any(dim=1)[:, None], found, torch.tensor(largest, dtype=torch.float64).clamp(1, size))
    return {"start": (uniform(count, 2) * (size - found + 1)).floor(), "length": found}


def crop_margin(spec: Augmentation, size: int) -> int:
    """The mirrored margin in pixels."""
    return round(spec.number("margin") * size)


DECIDED_TOGETHER = frozenset({"crop", "resizedcrop"})
"""Whose p decides once for all cutouts of a step; where to cut is still each one's own."""

DRAW: Mapping[str, Callable[[Augmentation, Uniform, int, int], Numbers]] = {
    "sharpness": _draw_sharpness,
    "affine": _draw_affine,
    "perspective": _draw_perspective,
    "jitter": _draw_jitter,
    "erasing": _draw_erasing,
    "noise": _draw_noise,
    "rotation": _draw_rotation,
    "thinplate": _draw_thinplate,
    "crop": _draw_crop,
    "resizedcrop": _draw_resizedcrop,
}
"""Name -> what is drawn on the CPU, one row per cutout."""


def _normal(chance: Chance, count: int, size: int) -> Tensor:
    return chance.normal_noise(count, 3, size, size)


def _both_axes(chance: Chance, count: int, size: int) -> Tensor:
    return chance.uniform_noise(count, 2, size, size)


DRAW_NOISE: Mapping[str, Callable[[Chance, int, int], Tensor]] = {
    "noise": _normal,
    "gaussian": _normal,
    "elastic": _both_axes,
}
"""Name -> what is drawn on the device for so many cutouts of that size."""
