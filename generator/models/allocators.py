"""What the allocators of memory take beside the tensors that are alive, as measured."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Allocator:
    """How much more than the living tensors a device has to hold, by what they belong to."""

    picture_spread: float
    """Holes per MiB that the decoder keeps for the way back, beyond the first few."""
    picture_free_mib: float
    picture_limit_mib: float
    guide_spread: float
    """Holes per MiB of the guides."""
    library_mib: float
    """Copies of weights in the order that a library's convolutions like, and its workspaces."""

    def spread_mib(self, picture_mib: float, guides_mib: float) -> float:
        """MiB of holes beside so many MiB that are alive; a part of the decoder's serve the guides."""
        beyond = max(0.0, picture_mib - self.picture_free_mib)
        return math.hypot(min(self.picture_spread * beyond, self.picture_limit_mib), self.guide_spread * guides_mib)


HEAP = Allocator(picture_spread=2.2, picture_free_mib=20.0, picture_limit_mib=240.0, guide_spread=0.6, library_mib=52.0)
"""glibc 2.36 on a CPU, fitted to the table of docs/memory.md.

torch asks for aligned memory. glibc before 2.39 cuts it out of a larger piece and hands the rests to the thread's
cache, where they never grow together again, so that a hole is too small for the next tensor of the same size (its bug
30723). Pieces above 32 MiB come from the system and go back to it, hence the limit.
"""
BLOCKS = Allocator(
    picture_spread=0.1, picture_free_mib=0.0, picture_limit_mib=math.inf, guide_spread=0.1, library_mib=128.0
)
"""torch's caching allocator of CUDA: pieces of 2 MiB and more, cuBLAS's fixed workspace, cuDNN's. Never measured."""


def allocator_of(device_type: str) -> Allocator:
    """The allocator behind cpu, cuda or mps."""
    return HEAP if device_type == "cpu" else BLOCKS
