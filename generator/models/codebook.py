"""The codebook: rows (K, C) that every cell of a latent is one of."""

import sys

import torch
from torch import Tensor

_PLAIN_ROWS, _NARROW = 2048, 64
_AT_ONCE, _BLOCK = 2**18, 64
"""Sums that a processor's cache holds while they are looked through; rows that are looked through as one."""


def nearest_codes(latent: Tensor, codebook: Tensor) -> Tensor:
    """Index of the nearest codebook row of every cell; of equally near ones the lowest.

    latent: (B, C, h, w)   codebook: (K, C)   returns: (B, h, w) int64
    """
    cells = latent.movedim(1, -1).reshape(-1, latent.shape[1])  # (B * h * w, C)
    # Two sums that round differently, where two rows are equally near: what was drawn with the first is repeated so.
    nearest = _by_one_product(cells, codebook) if _is_short(codebook) else _by_distance(cells, codebook)
    return nearest.view(latent.shape[0], *latent.shape[2:])


def floats_while_choosing(cells: int, codebook: Tensor) -> int:
    """How many numbers `nearest_codes` holds at its largest moment, for so many cells."""
    if not _is_short(codebook):
        return 2 * cells * len(codebook)
    at_once = min(cells, _cells_at_once(codebook))
    return (1 if at_once == cells else 2) * at_once * len(codebook)


def _is_short(codebook: Tensor) -> bool:
    return len(codebook) > _PLAIN_ROWS and codebook.shape[1] <= _NARROW


def _cells_at_once(codebook: Tensor) -> int:
    """Cells that one product looks at: few on a CPU, whose cache is small, all of them elsewhere."""
    return max(1, _AT_ONCE // len(codebook)) if codebook.device.type == "cpu" else sys.maxsize


def _by_distance(cells: Tensor, codebook: Tensor) -> Tensor:
    squared = cells.square().sum(dim=1, keepdim=True) + codebook.square().sum(dim=1)
    squared -= 2 * cells @ codebook.T  # in place: with thousands of cells and rows this is the step's largest value
    return squared.argmin(dim=1)


def _by_one_product(cells: Tensor, codebook: Tensor) -> Tensor:
    """Without the cell's own square, which makes no row nearer: half the time where rows are many and narrow."""
    squared, rows = codebook.square().sum(dim=1), codebook.T
    at_once = min(max(1, len(cells)), _cells_at_once(codebook))
    sums = (torch.addmm(squared, some, rows, alpha=-2) for some in torch.split(cells, at_once))
    return torch.cat([_first_lowest(some) for some in sums])


def _first_lowest(sums: Tensor) -> Tensor:
    """Index of the lowest value of each row of (N, K), the first where several are: argmin, the quick way on a CPU.

    The lowest value alone is found five times as fast as its place: so first in which block of columns it is.
    """
    count, width = sums.shape
    if width % _BLOCK:
        return sums.argmin(dim=1)
    blocks = sums.view(count, width // _BLOCK, _BLOCK)
    block = blocks.amin(dim=2).argmin(dim=1)
    within = blocks[torch.arange(count, device=sums.device), block].argmin(dim=1)
    return block * _BLOCK + within


def rows_of(codes: Tensor, codebook: Tensor) -> Tensor:
    """Codes (B, h, w) as the latent (B, C, h, w) of their codebook rows."""
    return codebook[codes].movedim(-1, 1).contiguous()


def codebook_range(codebook: Tensor) -> tuple[Tensor, Tensor]:
    """Lowest and highest value of each channel over the codebook, each (1, C, 1, 1)."""
    return codebook.amin(dim=0).view(1, -1, 1, 1), codebook.amax(dim=0).view(1, -1, 1, 1)


def codebook_deviation(codebook: Tensor) -> Tensor:
    """Standard deviation of each channel over the codebook, (1, C, 1, 1); a constant channel counts as 1e-6."""
    return codebook.std(dim=0, correction=0).clamp(min=1e-6).view(1, -1, 1, 1)
