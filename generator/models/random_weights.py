"""Weights drawn at random from a fixed seed: as fast as trained ones, for benchmarks and tests, and no picture."""

from __future__ import annotations

import math
import zlib

import torch
from torch import Tensor, nn


def random_tensors(network: nn.Module, name: str) -> dict[str, Tensor]:
    """A tensor for every weight of a network (which may be on the meta device), the same for the same name everywhere.

    Weights of a layer are uniform with the variance 1 / (what a unit reads), so that activations neither die out nor
    grow; normalisations do nothing.
    """
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    return {key: _draw(key, value, generator) for key, value in network.state_dict().items()}


def _draw(key: str, like: Tensor, generator: torch.Generator) -> Tensor:
    if like.dim() > 1:
        limit = math.sqrt(3 / like[0].numel())
        return torch.empty(like.shape, dtype=like.dtype, device="cpu").uniform_(-limit, limit, generator=generator)
    is_one = key.endswith(("weight", "running_var", "logit_scale"))
    return torch.full(like.shape, is_one, dtype=like.dtype, device="cpu")
