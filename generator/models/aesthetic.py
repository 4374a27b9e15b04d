"""LAION's aesthetic predictor: a linear head on the embeddings of a CLIP, trained on what people called beautiful.

Source: LAION-AI/aesthetic-predictor, version 1; a score of 1 is poor, 10 is excellent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from dreamrig.errors import NotReadyError
from generator.models.names import HEADS, require_head
from generator.weights import registry


@dataclass(frozen=True)
class AestheticHead:
    """The head of one CLIP."""

    weight: Tensor
    """(D,) float32, on the device of the CLIP."""
    bias: Tensor
    """Scalar."""

    def scores(self, embeddings: Tensor) -> Tensor:
        """(N, D), not normalised -> (N,), about 1 to 10."""
        return functional.normalize(embeddings, dim=-1) @ self.weight + self.bias


def load_heads(
    guides: Sequence[str], device: torch.device, folder: Path | None = None
) -> tuple[AestheticHead | None, ...]:
    """The head of each guide, None where there is none; UsageError where no guide has one.

    folder: the converted weights; None = the user's own. NotReadyError where they are missing or no such heads.
    """
    require_head(guides)
    names = [HEADS.get(guide) for guide in guides]
    registry.require_ready([name for name in names if name], folder)
    return tuple(None if name is None else _load(name, device, folder) for name in names)


def _load(name: str, device: torch.device, folder: Path | None) -> AestheticHead:
    tensors = registry.converted_tensors(name, folder)
    weight, bias = tensors.get("weight"), tensors.get("bias")
    if weight is None or bias is None or weight.shape[0] != 1 or bias.shape != (1,):
        raise NotReadyError(f"{name} is no linear head.", hint=f"run: dreamrig weights fetch {name} --again")
    return AestheticHead(weight[0].to(device), bias[0].to(device))
