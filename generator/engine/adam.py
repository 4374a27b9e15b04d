"""Adam on a handful of tensors (Kingma and Ba 2015, algorithm 1), written out.

torch.optim pulls in the compiler when its first optimiser is made (about a second and a half), and its state is a
pickle's; this is the same arithmetic, with a state that is two tensors per parameter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

BETA_MEAN = 0.9
BETA_SQUARE = 0.999
EPSILON = 1e-8


class Adam:
    """First and second moments of the gradients of some parameters.

    shared_moment: one second moment per parameter, the mean over its numbers (Adam-mini, Zhang et al. 2024, arXiv
    2406.16793). The step then has the direction of the averaged gradient, where Adam's own moves every number alike.
    """

    def __init__(self, parameters: Sequence[Tensor], *, shared_moment: bool = False) -> None:
        self.parameters, self.shared_moment = parameters, shared_moment
        self.means = [torch.zeros_like(parameter, requires_grad=False) for parameter in parameters]
        self.squares = [parameter.new_zeros(() if shared_moment else parameter.shape) for parameter in parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], count: int, step_size: float) -> None:
        """Move every parameter once; count = steps including this one, from 1."""
        unbias_mean = 1 - BETA_MEAN**count
        unbias_square = math.sqrt(1 - BETA_SQUARE**count)
        for parameter, gradient, mean, square in zip(self.parameters, gradients, self.means, self.squares, strict=True):
            mean.lerp_(gradient, 1 - BETA_MEAN)
            if self.shared_moment:
                square.lerp_(gradient.square().mean(), 1 - BETA_SQUARE)
            else:
                square.mul_(BETA_SQUARE).addcmul_(gradient, gradient, value=1 - BETA_SQUARE)
            parameter.addcdiv_(mean, (square.sqrt() / unbias_square).add_(EPSILON), value=-step_size / unbias_mean)

    def named_state(self) -> Mapping[str, Sequence[Tensor]]:
        """Name -> one tensor per parameter, as they live in here."""
        return {"adam.mean": self.means, "adam.square": self.squares}
