"""CLIP's transformers, frozen, with the names of openai-clip's weights; SigLIP is built of the same blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from generator.models.clip_sizes import CLIPArchitecture, Colour, Gelu
from generator.models.frozen import quick_gelu

GELUS: dict[Gelu, Callable[[Tensor], Tensor]] = {
    "quick": quick_gelu,
    "exact": F.gelu,
    "tanh": partial(F.gelu, approximate="tanh"),
}
EPSILON = 1e-5
"""Of the normalisations, but for SigLIP's."""


@dataclass(frozen=True)
class BlockSizes:
    """Of one layer of a transformer."""

    width: int
    heads: int
    hidden: int
    """Numbers between the two linear maps."""
    gelu: Gelu = "quick"
    epsilon: float = EPSILON


class LayerNorm(nn.LayerNorm):
    """Computed in float32, whatever comes in."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float()).to(x.dtype)


def freeze(network: nn.Module, dtype: torch.dtype) -> None:
    """For good: no weight learns, normalisations are in float32, all else is in `dtype`."""
    network.eval().requires_grad_(False)
    for module in network.modules():
        of_module = torch.float32 if isinstance(module, (LayerNorm, nn.BatchNorm2d)) else dtype
        for parameter in module.parameters(recurse=False):
            parameter.data = parameter.data.to(of_module)


class SelfAttention(nn.Module):
    """Multi-head attention with the names of torch's own."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, *, causal: bool = False) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        query, key, value = self._split(F.linear(x, self.in_proj_weight, self.in_proj_bias), 3)
        return self._merge(attend(query, key, value, causal=causal))

    def first(self, x: Tensor) -> Tensor:
        """The first token of forward() alone: (B, T, W) -> (B, 1, W)."""
        return self.asked(x[:, :1], x)

    def asked(self, asking: Tensor, x: Tensor) -> Tensor:
        """What other tokens read of x: (B, A, W), (B, T, W) -> (B, A, W)."""
        width = x.shape[-1]
        (query,) = self._split(F.linear(asking, self.in_proj_weight[:width], self.in_proj_bias[:width]), 1)
        key, value = self._split(F.linear(x, self.in_proj_weight[width:], self.in_proj_bias[width:]), 2)
        return self._merge(attend(query, key, value))

    def _split(self, projected: Tensor, parts: int) -> tuple[Tensor, ...]:
        """(B, T, parts * W) -> `parts` times (B, heads, T, W / heads)."""
        batch, tokens = projected.shape[:2]
        return projected.view(batch, tokens, parts, self.heads, -1).permute(2, 0, 3, 1, 4).unbind()

    def _merge(self, seen: Tensor) -> Tensor:
        merged: Tensor = self.out_proj(seen.transpose(1, 2).flatten(2))
        return merged


def attend(query: Tensor, key: Tensor, value: Tensor, *, causal: bool = False) -> Tensor:
    """Scaled dot-product attention over the last two axes: (..., T, d) -> (..., T, d)."""
    if query.device.type != "cpu":
        return F.scaled_dot_product_attention(query, key, value, is_causal=causal)
    # Written out: torch's fused attention is slower backward on a CPU for so few tokens.
    scores = query * query.shape[-1] ** -0.5 @ key.mT
    if causal:
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(later, -torch.inf)
    seen: Tensor = scores.softmax(-1) @ value
    return seen


class FeedForward(nn.Module):
    """Two linear maps with a GELU between them."""

    def __init__(self, sizes: BlockSizes) -> None:
        super().__init__()
        self.c_fc = nn.Linear(sizes.width, sizes.hidden)
        self.c_proj = nn.Linear(sizes.hidden, sizes.width)
        self.activate = GELUS[sizes.gelu]

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.c_proj(self.activate(self.c_fc(x)))
        return mixed


class TransformerBlock(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)); (B, T, W)."""

    def __init__(self, sizes: BlockSizes) -> None:
        super().__init__()
        self.attn = SelfAttention(sizes.width, sizes.heads)
        self.ln_1 = LayerNorm(sizes.width, sizes.epsilon)
        self.mlp = FeedForward(sizes)
        self.ln_2 = LayerNorm(sizes.width, sizes.epsilon)

    def forward(self, x: Tensor, *, causal: bool = False) -> Tensor:
        x = x + self.attn(self.ln_1(x), causal=causal)
        mixed: Tensor = x + self.mlp(self.ln_2(x))
        return mixed

    def first(self, x: Tensor) -> Tensor:
        """The first token of forward() alone: (B, T, W) -> (B, 1, W)."""
        x = x[:, :1] + self.attn.first(self.ln_1(x))
        mixed: Tensor = x + self.mlp(self.ln_2(x))
        return mixed


class Transformer(nn.Module):
    """A stack of blocks."""

    def __init__(self, sizes: BlockSizes, layers: int) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(TransformerBlock(sizes) for _ in range(layers))

    def forward(self, x: Tensor, *, causal: bool = False) -> Tensor:
        for block in self.resblocks:
            x = block(x, causal=causal)
        return x

    def first(self, x: Tensor) -> Tensor:
        """The first token of forward() alone: (B, T, W) -> (B, W)."""
        *before, last = self.resblocks
        for block in before:
            x = block(x)
        return cast(TransformerBlock, last).first(x)[:, 0]


class Patches(nn.Conv2d):
    """(N, 3, S, S) in [0, 1] -> (N, (S / side)^2, W); the pixel normalisation is in the weights once it is prepared."""

    patches: Tensor
    patch_bias: Tensor

    def __init__(self, sizes: CLIPArchitecture, *, bias: bool = False) -> None:
        super().__init__(3, sizes.image_width, sizes.patch, sizes.patch, bias=bias)
        self.mean, self.deviation = sizes.mean, sizes.deviation

    def prepare(self) -> None:
        """Derive the weights in which (pixel - mean) / deviation is included."""
        weight = self.weight.detach().float()
        scaled = weight / colours(self.deviation, weight)
        shift = -(scaled * colours(self.mean, weight)).sum((1, 2, 3))
        if self.bias is not None:
            shift = shift + self.bias.detach().float()
        self.patches = scaled.flatten(1).to(self.weight.dtype)
        self.patch_bias = shift.to(self.weight.dtype)

    def forward(self, pixels: Tensor) -> Tensor:
        side = self.kernel_size[0]
        rows, columns = (length // side for length in pixels.shape[2:])
        cells = pixels.reshape(len(pixels), 3, rows, side, columns, side).permute(0, 2, 4, 1, 3, 5)
        return F.linear(cells.reshape(len(pixels), rows * columns, -1), self.patches, self.patch_bias)


class VisionTransformer(nn.Module):
    """(N, 3, S, S) in [0, 1] -> (N, D)."""

    def __init__(self, sizes: CLIPArchitecture) -> None:
        super().__init__()
        width = sizes.image_width
        self.conv1 = Patches(sizes)
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.positional_embedding = nn.Parameter(torch.empty(sizes.image_tokens, width))
        self.ln_pre = LayerNorm(width)
        self.transformer = Transformer(BlockSizes(width, sizes.image_heads, 4 * width, sizes.gelu), *sizes.image_layers)
        self.ln_post = LayerNorm(width)
        self.proj = nn.Parameter(torch.empty(width, sizes.width))

    def forward(self, pixels: Tensor) -> Tensor:
        tokens = self.conv1(pixels)
        x = torch.cat((self.class_embedding.expand(len(tokens), 1, -1), tokens), 1) + self.positional_embedding
        embedded: Tensor = self.ln_post(self.transformer.first(self.ln_pre(x))) @ self.proj
        return embedded


def colours(values: Colour, like: Tensor) -> Tensor:
    """One number per colour, to go with (N, 3, H, W)."""
    return torch.tensor(values, device=like.device, dtype=like.dtype).view(1, 3, 1, 1)
