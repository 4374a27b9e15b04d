"""Layers whose weights never learn: as fast as the usual ones or faster, and they keep less for the backward pass.

No gradient reaches the weights. What autograd would keep only for their sake (the input of every convolution), or could
make again cheaply (a normalised picture), is not kept: about a third of the usual memory.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.grad import conv2d_input


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.shape, ctx.stride, ctx.padding = x.shape, stride, padding
        return F.conv2d(x, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        (weight,) = ctx.saved_tensors
        back = conv2d_input(ctx.shape, weight, gradients[0], ctx.stride, ctx.padding)  # type: ignore[no-untyped-call]  # torch ships it untyped
        return back, None, None, None, None


class _NormSilu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> Tensor:
        x = x.contiguous(memory_format=_order(x))
        ctx.layout = (len(x), x.shape[1], x[0, 0].numel(), groups)
        normed, mean, rstd = torch.ops.aten.native_group_norm(x, weight, bias, *ctx.layout, eps)
        ctx.save_for_backward(x, weight, bias, mean, rstd)
        ctx.eps = eps
        return F.silu(normed, inplace=True)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        x, weight, bias, mean, rstd = ctx.saved_tensors
        normed = torch.ops.aten.native_group_norm(x, weight, bias, *ctx.layout, ctx.eps)[0]
        # The kernel reads both as if they were laid out alike, and does not check.
        gradient = _silu_back(gradients[0].contiguous(memory_format=_order(x)), normed)
        mask = [True, False, False]
        back = torch.ops.aten.native_group_norm_backward(gradient, x, mean, rstd, weight, *ctx.layout, mask)
        return back[0], None, None, None, None


class _NormSiluByPlace(torch.autograd.Function):
    """_NormSilu of a picture laid out place by place, where torch's group norm takes none: everywhere but on a CPU."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> Tensor:
        parts = x.float().permute(0, 2, 3, 1).reshape(len(x), -1, groups, x.shape[1] // groups)  # (B, H W, G, C / G)
        variance, mean = torch.var_mean(parts, dim=(1, 3), correction=0)  # (B, G)
        rstd = (variance + eps).rsqrt()
        ctx.save_for_backward(x, weight, bias, mean, rstd)
        return F.silu(_normed(x.float(), weight, bias, mean, rstd), inplace=True).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        narrow, weight, bias, mean, rstd = ctx.saved_tensors
        x = narrow.float()
        channels, groups = x.shape[1], mean.shape[1]
        after = gradients[0].float().contiguous(memory_format=torch.channels_last)
        gradient = _silu_back(after, _normed(x, weight, bias, mean, rstd))
        # With y = w (x - m) r + b: dx = r (w g - mean(w g) - y' mean(w g y')), y' = (x - m) r, means over the group.
        count = channels // groups * x[0, 0].numel()
        sums = (gradient.sum((2, 3)) * weight).view(len(x), groups, -1).sum(2)
        products = ((gradient * x).sum((2, 3)) * weight).view(len(x), groups, -1).sum(2)
        along = rstd * (products - mean * sums) / count
        offset = _per_channel(rstd * (mean * rstd * along - sums / count), channels)
        back = gradient.mul_(_per_channel(rstd, channels) * weight.view(1, -1, 1, 1))
        back.addcmul_(x, _per_channel(rstd.square() * along, channels), value=-1)
        return back.add_(offset).to(narrow.dtype), None, None, None, None


def _normed(x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, rstd: Tensor) -> Tensor:
    """The group norm of x with mean and one over deviation (B, G) known."""
    scale = _per_channel(rstd, x.shape[1]) * weight.view(1, -1, 1, 1)
    return (x * scale).add_(bias.view(1, -1, 1, 1) - _per_channel(mean, x.shape[1]) * scale)


def _per_channel(of_groups: Tensor, channels: int) -> Tensor:
    """(B, G) -> (B, C, 1, 1)."""
    batch, groups = of_groups.shape
    return of_groups[:, :, None].expand(batch, groups, channels // groups).reshape(batch, channels, 1, 1)


class _QuickGELU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return (x * QUICK).sigmoid_().mul_(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return _silu_back(gradients[0], x * QUICK)


def _silu_back(gradient: Tensor, x: Tensor) -> Tensor:
    """The gradient through silu(x), written over x."""
    return cast(Tensor, torch.ops.aten.silu_backward.grad_input(gradient, x, grad_input=x))


QUICK = 1.702
"""Of x * sigmoid(1.702 x), the approximation of the GELU that CLIP was trained with (Hendrycks and Gimpel 2016)."""


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int = 1, padding: int = 0) -> Tensor:
    """conv2d, differentiable in x alone."""
    return cast(Tensor, _Convolve.apply(x, weight, bias, stride, padding))  # type: ignore[no-untyped-call]  # torch ships it untyped


def norm_silu(x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> Tensor:
    """silu(group_norm(x)), differentiable in x alone; only x is kept, the rest is made again on the way back."""
    by_place = x.device.type != "cpu" and _order(x) is torch.channels_last
    function = _NormSiluByPlace if by_place else _NormSilu
    return cast(Tensor, function.apply(x, weight, bias, groups, eps))  # type: ignore[no-untyped-call]  # torch ships it untyped


def quick_gelu(x: Tensor) -> Tensor:
    """x * sigmoid(1.702 x)."""
    # With y = 1.702 x this is silu(y) / 1.702, and its slope in x is the slope of silu at y.
    return cast(Tensor, _QuickGELU.apply(x))  # type: ignore[no-untyped-call]  # torch ships it untyped


def _order(x: Tensor) -> torch.memory_format:
    """Which of the two dense orders of axes x has, the usual one where it has neither."""
    last = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
    return torch.channels_last if last else torch.contiguous_format


def upsample_kernels(weight: Tensor) -> Tensor:
    """3x3 kernels after a nearest doubling -> equal 2x2 kernels before it: (O, I, 3, 3) -> (4 O, I, 2, 2).

    Of the doubled picture an even row sees the rows i - 1, i, i and an odd one i, i, i + 1 of the small one, so that
    taps that meet the same pixel add up beforehand: 16 products per small pixel instead of 36. The blocks of O are the
    phases (even, even), (even, odd), (odd, even), (odd, odd) of row and column.
    """
    wide = weight.double()
    rows = (torch.stack((wide[:, :, 0], wide[:, :, 1] + wide[:, :, 2]), 2),
            torch.stack((wide[:, :, 0] + wide[:, :, 1], wide[:, :, 2]), 2))  # fmt: skip
    phases = []
    for row in rows:
        phases.append(torch.stack((row[..., 0], row[..., 1] + row[..., 2]), 3))
        phases.append(torch.stack((row[..., 0] + row[..., 1], row[..., 2]), 3))
    return torch.cat(phases).to(weight.dtype)


def double(x: Tensor, kernels: Tensor, bias: Tensor) -> Tensor:
    """The nearest doubling of x and its 3x3 convolution in one: (B, I, h, w) -> (B, O, 2 h, 2 w).

    kernels: of upsample_kernels   bias: (O,)
    """
    rows, columns = x.shape[2:]
    every = convolve(
        x, kernels, bias.repeat(4), padding=1
    )  # (B, 4 O, h + 1, w + 1): one row and column of each is not used
    phases = every.view(len(x), 2, 2, -1, rows + 1, columns + 1)
    even, odd = (phases[:, a, :, :, a : a + rows] for a in range(2))
    lines = [torch.stack((part[:, 0, ..., :columns], part[:, 1, ..., 1:]), -1).flatten(-2) for part in (even, odd)]
    return torch.stack(lines, -2).flatten(2, 3)
