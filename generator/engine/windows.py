"""A large picture through the networks in windows that overlap: the memory of one window, and no seam between two.

The picture as a whole is put together without remembering anything, and the guides look at all of it. On the way back
every window is decoded a second time, by itself, and its cells get their share of the gradient (Chen et al. 2016, place
by place instead of layer by layer). Only the decoder's view ends at a window's edge, and that is blended over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor

from dreamrig.errors import UsageError
from generator.config import SIZE_MULTIPLE, GenerateConfig
from generator.devices import release_memory, to_device
from generator.engine.latents import quantise
from generator.models.base import ImageModel
from generator.pictures.tiles import Span, even_cuts, fade, spans_between

FEWEST_CELLS = 24
"""Of a side of a window: of fewer too little is left without the margins."""
CPU = torch.device("cpu")
Network = Callable[[Tensor], Tensor]
Cuts = tuple[int, int]
"""The first cut down and across, in cells; 0 in a direction that is not cut."""


@dataclass(frozen=True)
class Overlap:
    """How much more than its own cells a window sees on every side, in cells."""

    rim: int
    """Seen and thrown away, since the decoder misses what lies beyond."""
    blend: int
    """Length over which two windows fade into each other, half of it on either side of the cut."""

    @property
    def margin(self) -> int:
        """Rim and half of the blending."""
        return self.rim + self.blend // 2


ON_THE_WAY = Overlap(rim=2, blend=4)
"""In a step, where the cuts move from one to the next and every window is decoded twice."""
IN_THE_END = Overlap(rim=8, blend=8)
"""In the finished picture: the starter's decoder looks no further than 8 cells, and nothing is kept for a way back."""


@dataclass(frozen=True)
class WindowSide:
    """A window in one direction: which cells it sees, and how much each of its pixels counts."""

    span: Span
    weights: Tensor
    """(seen cells * scale,), float32."""

    @property
    def cells(self) -> slice:
        """Seen by the window."""
        return slice(self.span.seen_from, self.span.seen_to)

    def pixels(self, scale: int) -> slice:
        """The same in pixels, so many to a cell."""
        return slice(self.span.seen_from * scale, self.span.seen_to * scale)


@dataclass(frozen=True)
class Window:
    """A rectangle of a grid of cells."""

    down: WindowSide
    across: WindowSide

    def cells_of(self, latent: Tensor) -> Tensor:
        """What it sees of (B, C, h, w)."""
        return latent[..., self.down.cells, self.across.cells]

    def pixels_of(self, picture: Tensor, scale: int) -> Tensor:
        """The same of (B, 3, h * scale, w * scale)."""
        return picture[..., self.down.pixels(scale), self.across.pixels(scale)]

    def weigh(self, seen: Tensor) -> Tensor:
        """A picture of what it sees, faded out to where others take over."""
        return seen * self.down.weights[:, None] * self.across.weights


@dataclass(frozen=True)
class Windows:
    """How large the windows of a run are, and where they lie."""

    cells: int
    """Longest side of what a window sees in a step, in cells of the latent."""
    factor: int
    """Pixels per cell."""

    @classmethod
    def of(cls, config: GenerateConfig, factor: int) -> Windows | None:
        """Those of a config, None where there are none; UsageError for a size that the model cannot take."""
        if not config.tile:
            return None
        smallest = FEWEST_CELLS * factor
        if config.tile < smallest:
            hint = f"use --tile {smallest} or more; 0 = all at once"
            raise UsageError(f"Windows of {config.tile} pixels are too small for this model.", hint=hint)
        if config.tile % factor:
            step = math.lcm(SIZE_MULTIPLE, factor)
            near = round(config.tile / step) * step
            raise UsageError(f"This model needs a tile that is a multiple of {factor}.", hint=f"use --tile {near}")
        return cls(config.tile // factor, factor)

    def divide(self, grid: Sequence[int]) -> bool:
        """Whether a grid of rows and columns is more than one window."""
        return max(grid) > self.cells

    def first_cuts(self, grid: Sequence[int]) -> tuple[range, ...]:
        """Where the first cut down and the first across may be, so that the pieces at the ends do not become too small.

        A normalisation over all that is seen has other results for a few cells than for many.
        """
        return tuple(self._first_cuts(side) for side in grid)

    def _first_cuts(self, side: int) -> range:
        if side <= self.cells:
            return range(1)
        distance = side // (len(self._even_cuts(side)) - 1)
        least = max(ON_THE_WAY.blend, distance // 3)
        return range(least, distance - least + 1)

    def _even_cuts(self, side: int) -> list[int]:
        return even_cuts(side, self.cells - 2 * ON_THE_WAY.margin) if side > self.cells else [0, side]

    def over(
        self, grid: Sequence[int], scale: int, cuts: Cuts | None = None, device: torch.device = CPU
    ) -> list[Window]:
        """The windows of a grid of rows and columns, together all of it.

        scale: pixels per cell of what they are put together to.   cuts: of a step; None = as in the end.
        """
        overlap = IN_THE_END if cuts is None else ON_THE_WAY
        down, across = (
            [
                replace(part, weights=to_device(part.weights, device))
                for part in self._parts(side, scale, first, overlap)
            ]
            for side, first in zip(grid, cuts or (0, 0), strict=True)
        )
        return [Window(row, column) for row in down for column in across]

    def _parts(self, side: int, scale: int, first: int, overlap: Overlap) -> Iterator[WindowSide]:
        cuts = self._even_cuts(side)
        if first:
            cuts = [0, *(first + cut for cut in cuts[:-1]), side]
        for span in spans_between(cuts, overlap.margin):
            yield WindowSide(span, fade(span, side, overlap.blend, scale))

    # ---- through the networks

    def quantise(self, latent: Tensor, codebook: Tensor) -> Tensor:
        """generator.engine.latents.quantise of so many rows at a time as there are cells in a window."""
        rows = max(1, self.cells**2 // latent.shape[3])
        return torch.cat([quantise(band, codebook) for band in torch.split(latent, rows, dim=2)], dim=2)

    def decode(self, network: Network, latent: Tensor, cuts: Cuts | None = None) -> Tensor:
        """network(latent), (B, C, h, w) -> (B, 3, h * factor, w * factor) float32, differentiable in the latent."""
        if not self.divide(latent.shape[2:]):
            return network(latent)
        windows = self.over(latent.shape[2:], self.factor, cuts, latent.device)
        return cast(Tensor, _InWindows.apply(latent, network, windows, self.factor))  # type: ignore[no-untyped-call]  # torch ships it untyped

    @torch.no_grad()
    def encode(self, network: Network, picture: Tensor) -> Tensor:
        """network(picture), (B, 3, H, W) -> (B, C, H / factor, W / factor) float32."""
        grid = [side // self.factor for side in picture.shape[2:]]
        if not self.divide(grid):
            return network(picture).float()
        whole: Tensor | None = None
        for window in self.over(grid, 1, device=picture.device):
            seen = window.weigh(network(window.pixels_of(picture, self.factor)).float())
            _let_go(picture.device)
            whole = seen.new_zeros((*seen.shape[:2], *grid)) if whole is None else whole
            window.cells_of(whole).add_(seen)
        assert whole is not None
        return whole


def encoded(image: ImageModel, picture: Tensor, windows: Windows | None) -> Tensor:
    """The latent (B, C, h, w) of a picture (B, 3, H, W) in float32; windows: None = all at once."""
    return image.encode(picture).float() if windows is None else windows.encode(image.encode, picture)


class _InWindows(torch.autograd.Function):
    """Put together without a graph; on the way back one window after the other is decoded again."""

    @staticmethod
    def forward(ctx: Any, latent: Tensor, network: Network, windows: Sequence[Window], factor: int) -> Tensor:
        ctx.save_for_backward(latent)
        ctx.network, ctx.windows, ctx.factor = network, windows, factor
        rows, columns = latent.shape[2:]
        whole = latent.new_zeros((len(latent), 3, rows * factor, columns * factor), dtype=torch.float32)
        for window in windows:
            seen = network(window.cells_of(latent)).float()
            window.pixels_of(whole, factor).add_(window.weigh(seen))
            _let_go(latent.device)
        return whole

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (latent,) = ctx.saved_tensors
        total = torch.zeros_like(latent)
        for window in ctx.windows:
            leaf = window.cells_of(latent).detach().requires_grad_()
            with torch.enable_grad():
                seen = ctx.network(leaf).float()
            wanted = window.weigh(window.pixels_of(gradients[0], ctx.factor))
            (added,) = torch.autograd.grad(seen, leaf, wanted)
            window.cells_of(total).add_(added)
            _let_go(latent.device)
        return total, None, None, None


def _let_go(device: torch.device) -> None:
    """Windows are of many sizes; what one leaves on a heap (half of its memory) is too small a hole for the next."""
    if device.type == "cpu":
        release_memory(device)
