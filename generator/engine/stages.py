"""Coarse to fine: the legs of a run, each with a grid of codes and a number of cutouts, and what leads to the next.

A small grid costs less in the decoder and says where things are; the next leg begins with what it has come to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from generator.config import SIZE_MULTIPLE, SMALLEST_SIDE, GenerateConfig
from generator.engine.draws import Frame
from generator.engine.latents import upsample
from generator.engine.starts import grid
from generator.wishes.stages import parse_stages


@dataclass(frozen=True)
class Leg:
    """A stretch of a run."""

    first: int
    """Index of its first step."""
    rows: int
    columns: int
    cutouts: int

    def frame(self, factor: int) -> Frame:
        """Width and height of its picture, in pixels."""
        return self.columns * factor, self.rows * factor


def legs_of(config: GenerateConfig, factor: int) -> tuple[Leg, ...]:
    """The stages of a config and what follows them, which is all of it where there are none."""
    rows, columns = grid(config, factor)
    return (*_stages(config, rows, columns), Leg(_steps_in_stages(config), rows, columns, config.cutouts))


def _stages(config: GenerateConfig, rows: int, columns: int) -> Iterator[Leg]:
    first = 0
    for stage in parse_stages(config.stages):
        down, across = (max(1, round(side * stage.share)) for side in (rows, columns))
        yield Leg(first, down, across, stage.cutouts or config.cutouts)
        first += stage.steps


def _steps_in_stages(config: GenerateConfig) -> int:
    return sum(stage.steps for stage in parse_stages(config.stages))


def config_of_start(config: GenerateConfig, factor: int) -> GenerateConfig:
    """The config that a run's start is made with: in windows the size of the first leg, whose picture is enlarged."""
    first = legs_of(config, factor)[0].frame(factor)
    if not config.tile or min(first) < SMALLEST_SIDE or any(side % SIZE_MULTIPLE for side in first):
        return config
    return replace(config, width=first[0], height=first[1], stages="")


def leg_at(legs: Sequence[Leg], step: int) -> Leg:
    """The leg that the step with this index is of."""
    return max((leg for leg in legs if leg.first <= step), key=lambda leg: leg.first)


def sampled(latent: Tensor, leg: Leg) -> Tensor:
    """Of a grid (1, C, h, w) the cells nearest to the middles of a smaller one's, so that codes stay codes."""
    down, across = (
        ((torch.arange(count, device=latent.device) + 0.5) * (length / count)).long()
        for count, length in zip((leg.rows, leg.columns), latent.shape[2:], strict=True)
    )
    return latent[:, :, down][:, :, :, across]


def grown(latent: Tensor, leg: Leg) -> Tensor:
    """A latent (1, C, h, w) on the grid of a leg, bilinear."""
    return upsample(latent, leg.rows, leg.columns)


def enlarged(picture: Tensor, frame: Frame) -> Tensor:
    """A picture (1, 3, h, w) at a width and height, bilinear; itself where it has them."""
    width, height = frame
    if picture.shape[2:] == (height, width):
        return picture
    return functional.interpolate(picture, (height, width), mode="bilinear", align_corners=False)


def enlarged_crisply(picture: Tensor, frame: Frame) -> Tensor:
    """The same bicubic, within [0, 1]: what another leg begins with."""
    width, height = frame
    return functional.interpolate(picture, (height, width), mode="bicubic", align_corners=False).clamp(0, 1)
