"""One step: the gradient of the objective, and the optimiser. Whatever computes it faster has the same signature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from generator.engine.draws import Draws
from generator.engine.latents import Latent
from generator.engine.objective import Now, Objective, Phases, no_phases
from generator.engine.optimisers import Optimiser


@dataclass(frozen=True)
class Taken:
    """What a step leaves to be seen, all detached and on the device."""

    picture: Tensor
    """(1, 3, H, W) in [0, 1], of before the update."""
    loss: Tensor
    """Scalar, of that picture."""
    is_healthy: Tensor
    """Scalar boolean: loss and gradients are finite. The gradients count, because a NaN latent still quantises to some
    code, and the loss looks healthy again."""


class StepFunction(Protocol):
    """Moves a latent downhill once; the same draws and the same schedule move it by the same."""

    def __call__(self, draws: Draws, now: Now, phases: Phases = no_phases) -> Taken:
        """Take the step."""
        ...


@dataclass(frozen=True)
class EagerStep:
    """Operator by operator, as torch comes to them."""

    latent: Latent
    objective: Objective
    optimiser: Optimiser

    def __call__(self, draws: Draws, now: Now, phases: Phases = no_phases) -> Taken:
        """Take the step."""
        loss, picture = self.objective(self.latent.compose(), draws, now, phases)
        with phases("backward"):
            gradients = torch.autograd.grad(loss, self.latent.parameters)
        return self.move(gradients, loss, picture, now, phases)

    def move(
        self, gradients: Sequence[Tensor], loss: Tensor, picture: Tensor, now: Now, phases: Phases = no_phases
    ) -> Taken:
        """Go down the gradients, one for each parameter, of a loss of a picture."""
        with phases("optimiser"):
            self.optimiser.step(gradients, now.count, now.step_size)
            self.latent.after_step()
        is_healthy = torch.isfinite(loss.detach())
        for gradient in gradients:
            is_healthy = is_healthy & torch.isfinite(gradient).all()
        return Taken(picture.detach(), loss.detach(), is_healthy)
