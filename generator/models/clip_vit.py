"""CLIP's transformers, frozen, with the names of openai-clip's weights."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from generator.models.clip_sizes import CLIPArchitecture
from generator.models.frozen import quick_gelu

HEAD_WIDTH = 64
MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)
"""Of the pixels in [0, 1] that CLIP was trained on, for red, green and blue."""


class LayerNorm(nn.LayerNorm):
    """Computed in float32, whatever comes in."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float()).to(x.dtype)


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
        width = x.shape[-1]
        (query,) = self._split(F.linear(x[:, :1], self.in_proj_weight[:width], self.in_proj_bias[:width]), 1)
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
    """Two linear maps with the quick GELU between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, 4 * width)
        self.c_proj = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.c_proj(quick_gelu(self.c_fc(x)))
        return mixed


class TransformerBlock(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)); (B, T, W)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = SelfAttention(width, heads)
        self.ln_1 = LayerNorm(width)
        self.mlp = FeedForward(width)
        self.ln_2 = LayerNorm(width)

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

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(TransformerBlock(width, width // HEAD_WIDTH) for _ in range(layers))

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


class VisionTransformer(nn.Module):
    """(N, 3, S, S) in [0, 1] -> (N, D); the pixel normalisation is in the patch weights."""

    patches: Tensor
    patch_bias: Tensor

    def __init__(self, sizes: CLIPArchitecture) -> None:
        super().__init__()
        width = sizes.image_width
        self.conv1 = nn.Conv2d(3, width, sizes.patch, sizes.patch, bias=False)
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.positional_embedding = nn.Parameter(torch.empty((sizes.side // sizes.patch) ** 2 + 1, width))
        self.ln_pre = LayerNorm(width)
        self.transformer = Transformer(width, *sizes.image_layers)
        self.ln_post = LayerNorm(width)
        self.proj = nn.Parameter(torch.empty(width, sizes.width))

    def prepare(self) -> None:
        """Derive the patch weights, in which (pixel - mean) / deviation is included."""
        weight = self.conv1.weight.detach().float()
        scaled = weight / colours(DEVIATION, weight)
        self.patches = scaled.flatten(1).to(self.conv1.weight.dtype)
        self.patch_bias = -(scaled * colours(MEAN, weight)).sum((1, 2, 3)).to(self.conv1.weight.dtype)

    def forward(self, pixels: Tensor) -> Tensor:
        side = self.conv1.kernel_size[0]
        rows, columns = (length // side for length in pixels.shape[2:])
        cells = pixels.reshape(len(pixels), 3, rows, side, columns, side).permute(0, 2, 4, 1, 3, 5)
        cells = cells.reshape(len(pixels), rows * columns, -1)
        tokens = F.linear(cells, self.patches, self.patch_bias)
        x = torch.cat((self.class_embedding.expand(len(tokens), 1, -1), tokens), 1) + self.positional_embedding
        embedded: Tensor = self.ln_post(self.transformer.first(self.ln_pre(x))) @ self.proj
        return embedded


def colours(values: tuple[float, ...], like: Tensor) -> Tensor:
    """One number per colour, to go with (N, 3, H, W)."""
    return torch.tensor(values, device=like.device, dtype=like.dtype).view(1, 3, 1, 1)
