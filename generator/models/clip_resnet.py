"""CLIP's residual networks, frozen, with the names of openai-clip's weights."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from generator.models.clip_sizes import DEVIATION, HEAD_WIDTH, MEAN, CLIPArchitecture
from generator.models.clip_vit import attend, colours
from generator.models.frozen import convolve


class ConvNorm:
    """A convolution with the batch normalisation after it, which in use is part of its weights."""

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        assert norm.running_var is not None
        assert norm.running_mean is not None
        dtype = conv.weight.dtype
        scale = norm.weight.float() * torch.rsqrt(norm.running_var.float() + norm.eps)
        self.weight = (conv.weight.float() * scale[:, None, None, None]).to(dtype)
        self.bias = (norm.bias.float() - norm.running_mean.float() * scale).to(dtype)
        if dtype == torch.float32 and conv.weight.device.type == "cpu":
            self.weight = self.weight.contiguous(memory_format=torch.channels_last)
        self.stride, self.padding = conv.stride[0], cast(int, conv.padding[0])

    def __call__(self, x: Tensor) -> Tensor:
        return convolve(x, self.weight, self.bias, self.stride, self.padding)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions around a shortcut; it halves the sides by averages."""

    folded: tuple[ConvNorm, ConvNorm, ConvNorm]
    shortcut: ConvNorm | None

    def __init__(self, inside: int, planes: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(inside, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, 4 * planes, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * planes)
        self.downsample: nn.ModuleDict | None = None
        if stride > 1 or inside != 4 * planes:
            conv = nn.Conv2d(inside, 4 * planes, 1, bias=False)
            self.downsample = nn.ModuleDict({"0": conv, "1": nn.BatchNorm2d(4 * planes)})

    def prepare(self) -> None:
        """Put the normalisations into the weights."""
        self.folded = (
            ConvNorm(self.conv1, self.bn1), ConvNorm(self.conv2, self.bn2), ConvNorm(self.conv3, self.bn3)
        )  # fmt: skip
        self.shortcut = None
        if self.downsample is not None:
            conv, norm = self.downsample["0"], self.downsample["1"]
            self.shortcut = ConvNorm(cast(nn.Conv2d, conv), cast(nn.BatchNorm2d, norm))

    def forward(self, x: Tensor) -> Tensor:
        first, second, third = self.folded
        inner = third(self._shrink(second(first(x).relu_()).relu_()))
        beside = x if self.shortcut is None else self.shortcut(self._shrink(x))
        return inner.add_(beside).relu_()

    def _shrink(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, self.stride) if self.stride > 1 else x


class AttentionPool(nn.Module):
    """Attention of the mean over all places to the mean and every place: (N, C, h, w) -> (N, D)."""

    def __init__(self, places: int, channels: int, heads: int, width: int) -> None:
        super().__init__()
        self.heads = heads
        self.positional_embedding = nn.Parameter(torch.empty(places + 1, channels))
        self.k_proj, self.q_proj, self.v_proj = (nn.Linear(channels, channels) for _ in range(3))
        self.c_proj = nn.Linear(channels, width)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(2).mT  # (N, h * w, C)
        rows = torch.cat((rows.mean(1, keepdim=True), rows), 1) + self.positional_embedding
        parts = (self.q_proj(rows[:, :1]), self.k_proj(rows), self.v_proj(rows))
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        pooled: Tensor = self.c_proj(attend(query, key, value).transpose(1, 2).flatten(1))
        return pooled


class ModifiedResNet(nn.Module):
    """(N, 3, S, S) in [0, 1] -> (N, D): a stem of three convolutions, four stages, attention instead of pooling."""

    stem: tuple[ConvNorm, ConvNorm, ConvNorm]
    mean: Tensor
    deviation: Tensor

    def __init__(self, sizes: CLIPArchitecture) -> None:
        super().__init__()
        width = sizes.image_width
        self.conv1 = nn.Conv2d(3, width // 2, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width // 2)
        self.conv2 = nn.Conv2d(width // 2, width // 2, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width // 2)
        self.conv3 = nn.Conv2d(width // 2, width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        inside = width
        for stage, blocks in enumerate(sizes.image_layers):
            planes = width * 2**stage
            strides = (2 if stage else 1, *[1] * (blocks - 1))
            widths = (inside, *[4 * planes] * (blocks - 1))
            layer = nn.Sequential(*(Bottleneck(*both) for both in zip(widths, [planes] * blocks, strides, strict=True)))
            self.add_module(f"layer{stage + 1}", layer)
            inside = 4 * planes
        self.attnpool = AttentionPool((sizes.side // 32) ** 2, inside, inside // HEAD_WIDTH, sizes.width)

    def prepare(self) -> None:
        """Put the normalisations into the weights."""
        self.stem = (ConvNorm(self.conv1, self.bn1), ConvNorm(self.conv2, self.bn2), ConvNorm(self.conv3, self.bn3))
        self.mean, self.deviation = colours(MEAN, self.conv1.weight), colours(DEVIATION, self.conv1.weight)

    def forward(self, pixels: Tensor) -> Tensor:
        x = (pixels - self.mean) / self.deviation
        if self.stem[0].weight.is_contiguous(memory_format=torch.channels_last):
            x = x.contiguous(memory_format=torch.channels_last)
        for conv in self.stem:
            x = conv(x).relu_()
        x = F.avg_pool2d(x, 2)
        for stage in range(1, 5):
            x = self.get_submodule(f"layer{stage}")(x)
        pooled: Tensor = self.attnpool(x)
        return pooled
