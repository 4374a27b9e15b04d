"""Looks at the loss and says when it has stopped falling: for the plateau schedule and for ending early."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SMOOTHING = 0.9
"""A step's loss depends on where it was cut; its moving average falls or does not."""
LEAST_GAIN = 1e-3
"""What counts as lower, as a fraction."""
CUT = 0.5
"""Of the step size at each plateau."""


class LossWatch:
    """Five numbers: moving average, its lowest, steps since the lowest, steps since the last cut, step-size factor."""

    def __init__(self, patience: int, stop_after: int) -> None:
        """Steps without a lower loss until the factor is cut (patience) and until the end (stop_after); 0 = never."""
        self.patience, self.stop_after = patience, stop_after
        self.numbers = torch.tensor([math.nan, math.inf, 0.0, 0.0, 1.0], dtype=torch.float64)

    def see(self, loss: float) -> None:
        """Take in the loss of one more step."""
        average, lowest, since_lowest, since_cut, factor = self.numbers.tolist()
        average = loss if math.isnan(average) else SMOOTHING * average + (1 - SMOOTHING) * loss
        if lowest == math.inf or average < lowest - LEAST_GAIN * abs(lowest):
            lowest, since_lowest, since_cut = average, 0, 0
        else:
            since_lowest, since_cut = since_lowest + 1, since_cut + 1
        if self.patience and since_cut >= self.patience:
            factor, since_cut = factor * CUT, 0
        self.numbers.copy_(torch.tensor([average, lowest, since_lowest, since_cut, factor], dtype=torch.float64))

    @property
    def factor(self) -> float:
        """Of the step size."""
        return float(self.numbers[4])

    @property
    def has_settled(self) -> bool:
        """Whether the run may end."""
        return bool(self.stop_after) and float(self.numbers[2]) >= self.stop_after


class Average:
    """The moving average of the latent (exponential, without the bias of its beginning)."""

    def __init__(self, like: Tensor, decay: float) -> None:
        self.decay, self.total = decay, torch.zeros_like(like, requires_grad=False)

    @torch.no_grad()
    def see(self, latent: Tensor) -> None:
        """Take in one more latent."""
        self.total.lerp_(latent, 1 - self.decay)

    def value(self, count: int) -> Tensor:
        """The average of the `count` latents seen so far, at least one."""
        return self.total / (1 - self.decay**count)
