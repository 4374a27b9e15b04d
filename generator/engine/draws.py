"""All chance of a step, drawn before it: what follows is a function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from generator.config import GenerateConfig
from generator.engine import cutouts
from generator.engine.augment import apply as augment
from generator.engine.augment.chance import Chance
from generator.engine.windows import Cuts
from generator.wishes import augmentations as augment_spec
from generator.wishes.augmentations import Augmentation

Frame = tuple[int, int]
"""Width and height in pixels of what is cut."""


@dataclass(frozen=True, kw_only=True)
class Cutting:
    """How cutouts are taken, out of a config."""

    count: int
    pooled: bool
    """The whole of it every time, instead of crops."""
    power: float
    min_fraction: float
    whole_every: int
    clamped: bool
    augmentations: tuple[Augmentation, ...]
    noise: float
    """Largest factor of the gaussian noise on each cutout."""

    @classmethod
    def of(cls, config: GenerateConfig) -> Cutting:
        """The settings about cutouts, parsed."""
        return cls(
            count=config.cutouts,
            pooled=config.cut_method == "pooling",
            power=config.cut_power,
            min_fraction=config.cut_min_fraction,
            whole_every=config.whole_every,
            clamped=config.cut_clamp,
            augmentations=augment_spec.parse(config.augmentations),
            noise=config.cut_noise,
        )

    def boxes(self, generator: torch.Generator, frame: Frame, size: int) -> Tensor:
        """Where to cut for a guide that reads squares of `size`, (N, 3) as cutouts.draw has it."""
        return cutouts.draw(
            generator,
            self.count,
            *frame,
            size,
            power=self.power,
            min_fraction=self.min_fraction,
            whole_every=self.whole_every,
        )


@dataclass(frozen=True)
class Look:
    """What one guide sees of one region in one step."""

    boxes: Tensor | None
    """(N, 3) on the CPU; None = all of it, N times."""
    changes: tuple[augment.Drawn, ...]
    noise: Tensor | None
    """(N, 3, S, S) on the device, to be added at last."""


@dataclass(frozen=True)
class Draws:
    """All chance of one step."""

    shifts: tuple[int, ...]
    """Pixels by which the picture is turned along each of its rings."""
    looks: tuple[Look, ...]
    """Guide by guide, and for each region by region."""
    cuts: Cuts | None = None
    """Where the windows of a picture that is decoded in several begin; None = in one."""


def draw(
    cutting: Cutting,
    chance: Chance,
    whole: Frame,
    rings: Sequence[int],
    frames: Sequence[Frame],
    sizes: Sequence[int],
    first_cuts: Sequence[range] = (),
) -> Draws:
    """Draw a step. The order is part of what a seed means, so it stays.

    whole: the picture's frame   rings: its axes of (B, C, H, W) that are rings   frames: of each region that is looked
    at   sizes: of the cutouts of each guide   first_cuts: between windows down and across may be; () = one window
    """
    lengths = [{2: whole[1], 3: whole[0]}[axis] for axis in rings]
    shifts = tuple(int(torch.randint(length, (), generator=chance.draws)) for length in lengths)
    cuts = _cuts(first_cuts, chance) if first_cuts else None
    return Draws(shifts, tuple(_looks(cutting, chance, frames, sizes)), cuts)


def _cuts(first_cuts: Sequence[range], chance: Chance) -> Cuts:
    down, across = (places[int(torch.randint(len(places), (), generator=chance.draws))] for places in first_cuts)
    return down, across


def _looks(cutting: Cutting, chance: Chance, frames: Sequence[Frame], sizes: Sequence[int]) -> Iterator[Look]:
    for size in sizes:
        for frame in frames:
            boxes = None if cutting.pooled else cutting.boxes(chance.draws, frame, size)
            changes = augment.draw(cutting.augmentations, chance, cutting.count, size)
            yield Look(boxes, changes, _noise(cutting, chance, size))


def _noise(cutting: Cutting, chance: Chance, size: int) -> Tensor | None:
    """Gaussian noise, of a factor of its own for each cutout."""
    if not cutting.noise:
        return None
    factors = cutting.noise * chance.uniform_noise(cutting.count, 1, 1, 1)
    return chance.normal_noise(cutting.count, 3, size, size).mul_(factors)
