"""The latent: how it is quantised and clamped, and which numbers the optimiser really moves."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor

from generator.devices import constant
from generator.models.codebook import codebook_deviation, codebook_range, nearest_codes, rows_of

LEVEL_DECAY = 0.7
"""Each finer level of the offset pyramid moves this much less."""


class _ReplaceGrad(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, gradient_to: Tensor) -> Tensor:
        ctx.shape = gradient_to.shape
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, gradients[0].sum_to_size(ctx.shape)


class _ClampWithGrad(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, low: Any, high: Any) -> Tensor:
        clamped = torch.clamp(x, low, high)
        ctx.save_for_backward(x, clamped)
        return clamped

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        x, clamped = ctx.saved_tensors
        return gradients[0] * (gradients[0] * (x - clamped) >= 0), None, None


def replace_grad(value: Tensor, gradient_to: Tensor) -> Tensor:
    """The first tensor's value; the gradient goes, summed to its shape, to the second and none to the first."""
    return cast(Tensor, _ReplaceGrad.apply(value, gradient_to))  # type: ignore[no-untyped-call]  # torch ships it untyped


def clamp_with_grad(x: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
    """An ordinary clamp whose gradient passes wherever a descent step does not lead further outside.

    low, high: two numbers, or two tensors that broadcast to x. Within the range the gradient always passes.
    """
    return cast(Tensor, _ClampWithGrad.apply(x, low, high))  # type: ignore[no-untyped-call]  # torch ships it untyped


def quantise(latent: Tensor, codebook: Tensor) -> Tensor:
    """Every cell replaced by its nearest codebook row, exactly; the gradient passes straight through.

    latent: (B, C, h, w)   codebook: (K, C)   returns: (B, C, h, w)
    """
    with torch.no_grad():
        quantised = rows_of(nearest_codes(latent, codebook), codebook)
    return replace_grad(quantised, latent)


def clamp_to_codebook(latent: Tensor, codebook: Tensor) -> Tensor:
    """The latent with every channel brought into the codebook's range of that channel."""
    low, high = codebook_range(codebook)
    return torch.clamp(latent, low, high)


# What Adam moves --------------------------------------------------------------------------------------------


class Latent:
    """The numbers that are optimised and the latent they stand for.

    The plain way (offset_levels 1, no per_dimension_steps) moves the latent itself and clamps it to the codebook's
    range after each step. Every other way moves offsets from the start that begin at 0, and clamps the sum on the
    way to the decoder: there the offsets of several levels share one cell, so none can be clamped alone.
    """

    def __init__(
        self, start: Tensor, codebook: Tensor, levels: int, *, per_dimension_steps: bool, mask: Tensor | None = None
    ) -> None:
        """mask: (1, 1, h, w), 0 where the start is to stay; None = nowhere."""
        self.start, self.mask = start, mask
        self.is_plain = levels == 1 and not per_dimension_steps
        self._low, self._high = codebook_range(codebook)
        self._scale = codebook_deviation(codebook) if per_dimension_steps else torch.ones_like(self._low)
        self.parameters = [start.clone()] if self.is_plain else _level_grids(start, levels)
        for parameter in self.parameters:
            parameter.requires_grad_()

    def compose(self) -> Tensor:
        """The unquantised latent (1, C, h, w), differentiable in the parameters."""
        if self.mask is None:
            return self._moved()
        return torch.where(self.mask > 0, self._moved(), self.start)

    def _moved(self) -> Tensor:
        if self.is_plain:
            return self.parameters[0]
        return clamp_with_grad(self.start + self._scale * self.offset(), self._low, self._high)

    def offset(self) -> Tensor:
        """Sum of all levels, each brought up to the start's grid, coarsest first and heaviest."""
        rows, columns = self.start.shape[2:]
        grids = (LEVEL_DECAY**j * upsample(level, rows, columns) for j, level in enumerate(self.parameters))
        return sum(grids, torch.zeros_like(self.start))

    @torch.no_grad()
    def move_to(self, target: Tensor) -> None:
        """Make `compose` give `target` (1, C, h, w) but for the clamp to the codebook's range; the start stays."""
        if self.is_plain:
            self.parameters[0].copy_(target)
        else:  # the finest level has a number for every cell
            missing = target - (self.start + self._scale * self.offset())
            self.parameters[-1] += missing / (self._scale * LEVEL_DECAY ** (len(self.parameters) - 1))
        self.after_step()

    @torch.no_grad()
    def after_step(self) -> None:
        """Bring the plain latent back into the codebook's range."""
        if self.is_plain:
            self.parameters[0].clamp_(self._low, self._high)


def _level_grids(start: Tensor, levels: int) -> list[Tensor]:
    """Zero offsets, coarsest first; level k (0 = finest) has sides ceil(side / 2^k)."""
    batch, channels, rows, columns = start.shape
    sides = [(math.ceil(rows / 2**k), math.ceil(columns / 2**k)) for k in reversed(range(levels))]
    return [start.new_zeros((batch, channels, *side)) for side in sides]


def upsample(level: Tensor, rows: int, columns: int) -> Tensor:
    """Bilinear, corners not aligned; as two matrix products, whose gradient is deterministic on every device.

    level: (B, C, r, c)   returns: (B, C, rows, columns)
    """
    down = constant(bilinear_matrix, level.shape[2], rows, like=level)
    across = constant(bilinear_matrix, level.shape[3], columns, like=level)
    return down @ level @ across.T


@cache
def bilinear_matrix(source: int, target: int) -> Tensor:
    """(target, source) float32 weights of bilinear interpolation; the identity when the sides are equal."""
    if source == target:
        return torch.eye(source)
    centres = (torch.arange(target, dtype=torch.float64) + 0.5) * source / target - 0.5
    distance = (centres.clamp(0, source - 1)[:, None] - torch.arange(source, dtype=torch.float64)).abs()
    return (1 - distance).clamp(min=0).float()
