"""The other ways to walk downhill, each with a state of tensors alone; generator.engine.adam is the usual one.

torch.optim pulls in the compiler when its first optimiser is made, and its state is a pickle's; these are the same
arithmetic (compared in the tests), with torch's own settings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from generator.config import GenerateConfig
from generator.engine.adam import BETA_MEAN, BETA_SQUARE, EPSILON, Adam

ADAGRAD_EPSILON = 1e-10
RMSPROP_MEMORY = 0.99
ADAMP_ANGLE = 0.1
"""The cosine, times the root of how many numbers there are, below which AdamP takes a gradient for tangential."""


class Optimiser(Protocol):
    """Moves parameters against their gradients."""

    def step(self, gradients: Sequence[Tensor], count: int, step_size: float) -> None:
        """Move every parameter once; count = steps including this one, from 1."""
        ...

    def named_state(self) -> Mapping[str, Sequence[Tensor]]:
        """Name -> one tensor per parameter, as they live in here."""
        ...


Rule = Callable[[Tensor, Sequence[Tensor], int], Tensor]
"""(gradient, this parameter's state, count) -> way down for a step size of 1; the state changes in place."""
Bend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(way, parameter, gradient) -> the way that is taken, seen where the parameter stands."""


def make_optimiser(config: GenerateConfig, parameters: Sequence[Tensor]) -> Optimiser:
    """The optimiser that a config names."""
    if config.optimiser == "adam":
        return Adam(parameters, shared_moment=config.shared_moment)
    decay = config.weight_decay if config.optimiser == "adamw" else 0.0
    return Descent(parameters, WAYS[config.optimiser], decay)


@dataclass(frozen=True)
class OptimiserRule:
    """A rule and the names of the tensors it keeps per number."""

    rule: Rule
    keeps: tuple[str, ...]
    bend: Bend | None = None


class Descent:
    """A rule on a handful of parameters, with decoupled weight decay (Loshchilov and Hutter 2019)."""

    def __init__(self, parameters: Sequence[Tensor], way: OptimiserRule, weight_decay: float) -> None:
        self.parameters, self.way, self.weight_decay = parameters, way, weight_decay
        self.kept = [[torch.zeros_like(p, requires_grad=False) for _ in way.keeps] for p in parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], count: int, step_size: float) -> None:
        """Move every parameter once; count = steps including this one, from 1."""
        for parameter, gradient, kept in zip(self.parameters, gradients, self.kept, strict=True):
            if self.weight_decay:
                parameter.mul_(1 - step_size * self.weight_decay)
            down = self.way.rule(gradient, kept, count)
            if self.way.bend is not None:
                down = self.way.bend(down, parameter, gradient)
            parameter.sub_(step_size * down)

    def named_state(self) -> Mapping[str, Sequence[Tensor]]:
        """One group per kept name."""
        return {f"adam.{name}": [kept[i] for kept in self.kept] for i, name in enumerate(self.way.keeps)}


def _moments(gradient: Tensor, mean: Tensor, square: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Unbiased mean and root of the mean square, as Adam keeps them."""
    mean.lerp_(gradient, 1 - BETA_MEAN)
    square.mul_(BETA_SQUARE).addcmul_(gradient, gradient, value=1 - BETA_SQUARE)
    return mean / (1 - BETA_MEAN**count), (square / (1 - BETA_SQUARE**count)).sqrt()


def _adam(gradient: Tensor, kept: Sequence[Tensor], count: int) -> Tensor:
    mean, root = _moments(gradient, kept[0], kept[1], count)
    return mean / (root + EPSILON)


def _adamax(gradient: Tensor, kept: Sequence[Tensor], count: int) -> Tensor:
    """Adam with the largest gradient instead of the root mean square (Kingma and Ba 2015, algorithm 2)."""
    mean, largest = kept
    mean.lerp_(gradient, 1 - BETA_MEAN)
    largest.copy_(torch.maximum(largest * BETA_SQUARE, gradient.abs() + EPSILON))
    return mean / (1 - BETA_MEAN**count) / largest


def _adagrad(gradient: Tensor, kept: Sequence[Tensor], count: int) -> Tensor:
    """Duchi, Hazan and Singer 2011: the sum of all squares never shrinks."""
    kept[0].addcmul_(gradient, gradient)
    return gradient / (kept[0].sqrt() + ADAGRAD_EPSILON)


def _rmsprop(gradient: Tensor, kept: Sequence[Tensor], count: int) -> Tensor:
    """Tieleman and Hinton 2012."""
    kept[0].mul_(RMSPROP_MEMORY).addcmul_(gradient, gradient, value=1 - RMSPROP_MEMORY)
    return gradient / (kept[0].sqrt() + EPSILON)


def _radam(gradient: Tensor, kept: Sequence[Tensor], count: int) -> Tensor:
    """Liu et al. 2020 (arXiv 1908.03265): no adapting until enough squares were seen to trust their mean."""
    mean, root = _moments(gradient, kept[0], kept[1], count)
    most = 2 / (1 - BETA_SQUARE) - 1
    seen = most - 2 * count * BETA_SQUARE**count / (1 - BETA_SQUARE**count)
    if seen <= 5:
        return mean
    trust = math.sqrt((seen - 4) * (seen - 2) * most / ((most - 4) * (most - 2) * seen))
    return trust * mean / (root + EPSILON / math.sqrt(1 - BETA_SQUARE**count))


def _diffgrad(gradient: Tensor, kept: Sequence[Tensor], count: int) -> Tensor:
    """Dubey et al. 2020 (arXiv 1909.11015): Adam, slower where the gradient hardly changes."""
    mean, square, before = kept
    friction = torch.sigmoid((before - gradient).abs())
    before.copy_(gradient)
    unbiased, root = _moments(gradient, mean, square, count)
    return friction * unbiased / (root + EPSILON)


def _without_growth(down: Tensor, parameter: Tensor, gradient: Tensor) -> Tensor:
    """AdamP's projection (Heo et al. 2021, arXiv 2006.08217): where the gradient is nearly at right angles to the
    parameter, as under a normalisation, the way loses what would only make the parameter longer.
    """
    if parameter.dim() < 2:
        return down
    cosine = functional.cosine_similarity(gradient.flatten(), parameter.flatten(), dim=0).abs()
    direction: Tensor = parameter / (torch.linalg.vector_norm(parameter) + EPSILON)
    along: Tensor = (direction * down).sum() * direction
    return torch.where(cosine >= ADAMP_ANGLE / math.sqrt(parameter.numel()), down, down - along)


WAYS: Mapping[str, OptimiserRule] = {
    "adamw": OptimiserRule(_adam, ("mean", "square")),
    "adamax": OptimiserRule(_adamax, ("mean", "largest")),
    "adagrad": OptimiserRule(_adagrad, ("square",)),
    "rmsprop": OptimiserRule(_rmsprop, ("square",)),
    "radam": OptimiserRule(_radam, ("mean", "square")),
    "diffgrad": OptimiserRule(_diffgrad, ("mean", "square", "before")),
    "adamp": OptimiserRule(_adam, ("mean", "square"), bend=_without_growth),
}
