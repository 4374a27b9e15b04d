"""Resampling matrices on a device, out of what the host computed once per side: the same numbers, bit for bit.

A step's matrices are megabytes of zeros around a few numbers a row. These taps are kept on the device for each side
that has been cut so far; a step then sends where it cuts, 24 bytes a cutout.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from generator.devices import to_device

MakeMatrix = Callable[[int, int], Tensor]
"""(source, target) -> (target, source) float32 on the host."""


class Taps:
    """What is not zero in the matrices of all sides that a guide's cutouts of a picture can have."""

    def __init__(self, make: MakeMatrix, sides: range, size: int, taps: int, device: torch.device) -> None:
        """taps: the most numbers between the first and the last of a row that are not zero, both included."""
        self.make, self.sides, self.size, self.taps, self.device = make, sides, size, taps, device
        self._known: set[int] = set()
        self._first = torch.zeros((len(sides), size), dtype=torch.int64, device=device)
        self._weights = torch.zeros((len(sides), size, taps), device=device)
        self._steps = torch.arange(taps, device=device)

    def matrices(self, boxes: Tensor, width: int, height: int) -> tuple[Tensor, Tensor]:
        """Of boxes (N, 3) on the CPU, each at its offset, zero elsewhere: down (N, S, H) and across (N, S, W)."""
        self._learn({side for side in boxes[:, 2].tolist() if side not in self._known})
        left, top, side = to_device(boxes, self.device).unbind(1)
        slots = side - self.sides.start
        first, weights = self._first[slots], self._weights[slots]
        return self._placed(first + top[:, None], weights, height), self._placed(first + left[:, None], weights, width)

    def _placed(self, first: Tensor, weights: Tensor, length: int) -> Tensor:
        """Rows of taps at their places among `length` zeros."""
        room = max(length, length + self.taps - self.sides.start)  # taps of a side that is shorter than they are
        rows = weights.new_zeros((*first.shape, room))
        rows.scatter_(2, first[..., None] + self._steps, weights)
        return rows if room == length else rows[..., :length].contiguous()

    def _learn(self, sides: set[int]) -> None:
        """Send the taps of sides that were never cut before."""
        if not sides:
            return
        found = [_taps_of(self.make(side, self.size), self.taps) for side in sorted(sides)]
        slots = to_device(torch.tensor(sorted(sides)) - self.sides.start, self.device)
        self._first.index_copy_(0, slots, to_device(torch.stack([first for first, _ in found]), self.device))
        self._weights.index_copy_(0, slots, to_device(torch.stack([weights for _, weights in found]), self.device))
        self._known |= sides


def _taps_of(matrix: Tensor, taps: int) -> tuple[Tensor, Tensor]:
    """First column (target,) and weights (target, taps) of a matrix (target, source)."""
    source = matrix.shape[1]
    padded = torch.nn.functional.pad(matrix, (0, max(0, taps - source)))
    first = (matrix != 0).int().argmax(dim=1).clamp(max=max(0, source - taps))
    return first, padded.gather(1, first[:, None] + torch.arange(taps))


@lru_cache(maxsize=8)
def taps_for(make: MakeMatrix, frame: tuple[int, int], size: int, device: torch.device, reach: float) -> Taps:
    """The taps of cutouts of a picture of this frame, kept for the next step.

    reach: how far a row sees at most where it shrinks by 1, in pixels on either side
    """
    longest = min(frame)
    shortest = min(longest, size)
    shrinks = max(1.0, longest / size)
    taps = min(longest, 2 * math.ceil(reach * shrinks) + 4)
    return Taps(make, range(shortest, longest + 1), size, taps, device)
