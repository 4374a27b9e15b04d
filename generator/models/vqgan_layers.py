"""The layers of a VQGAN's encoder and decoder, frozen, with the names of taming-transformers' weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from generator.models.frozen import convolve, double, norm_silu, upsample_kernels

GROUPS, EPSILON = 32, 1e-6


class Conv(nn.Conv2d):
    """A frozen convolution."""

    def forward(self, x: Tensor) -> Tensor:
        return convolve(x, self.weight, self.bias, self.stride[0], cast(int, self.padding[0]))


class NormSilu(nn.GroupNorm):
    """Frozen group normalisation, then x * sigmoid(x)."""

    def __init__(self, channels: int) -> None:
        super().__init__(GROUPS, channels, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return norm_silu(x, self.weight, self.bias, self.num_groups, self.eps)


class ResBlock(nn.Module):
    """x + conv(silu(norm(conv(silu(norm(x)))))), x through a 1x1 convolution where the width changes."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.norm1 = NormSilu(inside)
        self.conv1 = Conv(inside, outside, 3, padding=1)
        self.norm2 = NormSilu(outside)
        self.conv2 = Conv(outside, outside, 3, padding=1)
        self.nin_shortcut = None if inside == outside else Conv(inside, outside, 1)

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.conv2(self.norm2(self.conv1(self.norm1(x))))
        # Nobody else holds the convolution's result, and its own backward pass does not need it.
        return inner.add_(x if self.nin_shortcut is None else self.nin_shortcut(x))


class SpatialAttention(nn.Module):
    """x plus attention of every place to every place, with one head as wide as x."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, channels, eps=EPSILON)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(channels, channels, 1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        rows = self.norm(x.float()).to(x.dtype).flatten(2).mT  # (B, h * w, C)
        query, key, value = (F.linear(rows, conv.weight[:, :, 0, 0], conv.bias) for conv in (self.q, self.k, self.v))
        seen = (query @ key.mT * x.shape[1] ** -0.5).softmax(-1) @ value
        mixed = F.linear(seen, self.proj_out.weight[:, :, 0, 0], self.proj_out.bias)
        added: Tensor = x + mixed.mT.view(x.shape)
        return added


class Downsample(nn.Module):
    """Half the sides; one row and one column of zeros at the far edges only."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Conv(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        halved: Tensor = self.conv(F.pad(x, (0, 1, 0, 1)))
        return halved


class Upsample(nn.Module):
    """Twice the sides by repeating, then a convolution; done as one convolution of the small picture."""

    kernels: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def prepare(self) -> None:
        """Derive the kernels from the weights, once these are in place."""
        self.kernels = upsample_kernels(self.conv.weight.detach()).contiguous(memory_format=order_of(self.conv))

    def forward(self, x: Tensor) -> Tensor:
        assert self.conv.bias is not None
        return double(x, self.kernels, self.conv.bias)


def order_of(conv: nn.Conv2d) -> torch.memory_format:
    """Which order of axes its weights were laid out in."""
    last = conv.weight.is_contiguous(memory_format=torch.channels_last) and not conv.weight.is_contiguous()
    return torch.channels_last if last else torch.contiguous_format


class Middle(nn.Module):
    """Two residual blocks with attention between them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block_1 = ResBlock(channels, channels)
        self.attn_1 = SpatialAttention(channels)
        self.block_2 = ResBlock(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.block_2(self.attn_1(self.block_1(x)))
        return mixed


class Level(nn.Module):
    """Residual blocks, each followed by attention where the level has it, then the change of the sides if any."""

    def __init__(self, inside: int, outside: int, blocks: int, *, attention: bool) -> None:
        super().__init__()
        self.block = nn.ModuleList(ResBlock(outside if number else inside, outside) for number in range(blocks))
        self.attn = nn.ModuleList(SpatialAttention(outside) for _ in range(blocks if attention else 0))
        self.downsample: Downsample | None = None
        self.upsample: Upsample | None = None

    def steps(self) -> Iterator[Callable[[Tensor], Tensor]]:
        """The level in pieces, to be applied one after the other."""
        if len(self.attn):
            yield from (nn.Sequential(*both) for both in zip(self.block, self.attn, strict=True))
        else:
            yield from self.block
        yield from (change for change in (self.downsample, self.upsample) if change is not None)

    def forward(self, x: Tensor) -> Tensor:
        for step in self.steps():
            x = step(x)
        return x
