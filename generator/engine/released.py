"""Less memory at the same result: gradients taken piece by piece, and a decoder that is run twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
from torch import Tensor


class _Carry(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        ctx.save_for_backward(gradient)
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradients[0] * gradient, None, None


def released(x: Tensor, losses: Callable[[Tensor], Iterable[Tensor]]) -> Tensor:
    """The sum of losses of x, a scalar differentiable in x, of which only one at a time is remembered.

    losses: x -> scalars, made one after the other. Each one's gradient is taken, and what it needed is let go, before
    the next is made. Same value and gradient as the plain sum, up to the order of additions.
    """
    leaf = x.detach().requires_grad_()
    total, gradient = x.new_zeros(()), torch.zeros_like(x)
    for loss in losses(leaf):
        (added,) = torch.autograd.grad(loss, leaf)
        gradient += added
        total = total + loss.detach()
    return cast(Tensor, _Carry.apply(x, total, gradient))  # type: ignore[no-untyped-call]  # torch ships it untyped


def released_rows(x: Tensor, loss_of: Callable[[Tensor], Tensor], rows: int) -> Tensor:
    """The mean over the rows of x of a loss that is such a mean itself, so many rows at a time; see released.

    loss_of: (n, …) rows of x -> the mean over them, a scalar.
    """
    total = x.new_zeros(())
    gradients: list[Tensor] = []
    for part in torch.split(x.detach(), rows):
        leaf = part.requires_grad_()
        loss = loss_of(leaf) * (len(part) / len(x))
        gradients += torch.autograd.grad(loss, leaf)
        total = total + loss.detach()
    return cast(Tensor, _Carry.apply(x, total, torch.cat(gradients)))  # type: ignore[no-untyped-call]  # torch ships it untyped


def recomputed(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """function(x), of which nothing is remembered but x: it is called again on the way back (Chen et al. 2016)."""
    from torch.utils.checkpoint import checkpoint

    return cast(Tensor, checkpoint(function, x, use_reentrant=False, preserve_rng_state=False))
