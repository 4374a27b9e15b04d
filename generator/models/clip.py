"""CLIP (Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021), frozen.

The names of the weights are those of openai-clip, so that its checkpoints load; the weights never learn here. What
nothing reads is not computed: only the class token leaves the last layer of a vision transformer, and only the pooled
query that of a ResNet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from generator.models.frozen import convolve, quick_gelu

HEAD_WIDTH = 64
MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)
"""Of the pixels in [0, 1] that CLIP was trained on, for red, green and blue."""


@dataclass(frozen=True, kw_only=True)
class CLIPArchitecture:
    """The sizes of one CLIP."""

    width: int
    """Length of an embedding (D)."""
    side: int
    """Pixels of the square picture it reads (S)."""
    image_width: int
    patch: int = 0
    """Pixels of a patch's side; 0 = a ResNet."""
    image_layers: tuple[int, ...]
    """Layers of the vision transformer, or blocks of the ResNet's four stages."""
    text_width: int = 512
    text_layers: int = 12
    context: int = 77
    tokens: int = 49408


_B32 = CLIPArchitecture(width=512, side=224, image_width=768, patch=32, image_layers=(12,))
_L14 = CLIPArchitecture(width=768, side=224, image_width=1024, patch=14, image_layers=(24,), text_width=768)
_RN50 = CLIPArchitecture(width=1024, side=224, image_width=64, image_layers=(3, 4, 6, 3))
ARCHITECTURES: dict[str, CLIPArchitecture] = {
    "RN50": _RN50,
    "RN101": replace(_RN50, width=512, image_layers=(3, 4, 23, 3)),
    "RN50x4": CLIPArchitecture(width=640, side=288, image_width=80, image_layers=(4, 6, 10, 6), text_width=640),
    "RN50x16": CLIPArchitecture(width=768, side=384, image_width=96, image_layers=(6, 8, 18, 8), text_width=768),
    "RN50x64": CLIPArchitecture(width=1024, side=448, image_width=128, image_layers=(3, 15, 36, 10), text_width=1024),
    "ViT-B/32": _B32,
    "ViT-B/16": replace(_B32, patch=16),
    "ViT-L/14": _L14,
    "ViT-L/14@336px": replace(_L14, side=336),
}
"""The published models by name; the sizes of a loaded one are read off its tensors, see architecture_of."""


def architecture_of(tensors: Mapping[str, Tensor]) -> CLIPArchitecture:
    """The sizes of the CLIP with these weights; KeyError or ValueError when they are of something else."""
    context, text_width = tensors["positional_embedding"].shape
    sizes = _vit_sizes(tensors) if "visual.proj" in tensors else _resnet_sizes(tensors)
    return replace(
        sizes,
        width=tensors["text_projection"].shape[1],
        text_width=text_width,
        text_layers=_count(tensors, "transformer.resblocks."),
        context=context,
        tokens=len(tensors["token_embedding.weight"]),
    )


def _vit_sizes(tensors: Mapping[str, Tensor]) -> CLIPArchitecture:
    image_width, _, patch, _ = tensors["visual.conv1.weight"].shape
    side = patch * _square_root(len(tensors["visual.positional_embedding"]) - 1)
    layers = (_count(tensors, "visual.transformer.resblocks."),)
    return CLIPArchitecture(width=0, side=side, image_width=image_width, patch=patch, image_layers=layers)


def _resnet_sizes(tensors: Mapping[str, Tensor]) -> CLIPArchitecture:
    blocks = tuple(_count(tensors, f"visual.layer{stage}.") for stage in range(1, 5))
    side = 32 * _square_root(len(tensors["visual.attnpool.positional_embedding"]) - 1)
    return CLIPArchitecture(
        width=0, side=side, image_width=len(tensors["visual.layer1.0.conv1.weight"]), image_layers=blocks
    )


def _count(tensors: Mapping[str, Tensor], prefix: str) -> int:
    return len({key[len(prefix) :].split(".")[0] for key in tensors if key.startswith(prefix)})


def _square_root(area: int) -> int:
    return math.isqrt(area)


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
        scaled = weight / _colours(DEVIATION, weight)
        self.patches = scaled.flatten(1).to(self.conv1.weight.dtype)
        self.patch_bias = -(scaled * _colours(MEAN, weight)).sum((1, 2, 3)).to(self.conv1.weight.dtype)

    def forward(self, pixels: Tensor) -> Tensor:
        side = self.conv1.kernel_size[0]
        rows, columns = (length // side for length in pixels.shape[2:])
        cells = pixels.reshape(len(pixels), 3, rows, side, columns, side).permute(0, 2, 4, 1, 3, 5)
        cells = cells.reshape(len(pixels), rows * columns, -1)
        tokens = F.linear(cells, self.patches, self.patch_bias)
        x = torch.cat((self.class_embedding.expand(len(tokens), 1, -1), tokens), 1) + self.positional_embedding
        embedded: Tensor = self.ln_post(self.transformer.first(self.ln_pre(x))) @ self.proj
        return embedded


def _colours(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, device=like.device, dtype=like.dtype).view(1, 3, 1, 1)


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
        self.mean, self.deviation = _colours(MEAN, self.conv1.weight), _colours(DEVIATION, self.conv1.weight)

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


class CLIP(nn.Module):
    """Both towers; call prepare() once the weights are in place."""

    def __init__(self, sizes: CLIPArchitecture) -> None:
        super().__init__()
        self.sizes = sizes
        self.visual = VisionTransformer(sizes) if sizes.patch else ModifiedResNet(sizes)
        self.transformer = Transformer(sizes.text_width, sizes.text_layers)
        self.token_embedding = nn.Embedding(sizes.tokens, sizes.text_width)
        self.positional_embedding = nn.Parameter(torch.empty(sizes.context, sizes.text_width))
        self.ln_final = LayerNorm(sizes.text_width)
        self.text_projection = nn.Parameter(torch.empty(sizes.text_width, sizes.width))
        self.logit_scale = nn.Parameter(torch.empty(()))

    @torch.no_grad()
    def prepare(self, dtype: torch.dtype = torch.float32) -> CLIP:
        """Freeze the weights, all but the normalisations in `dtype`, and derive what is computed from them."""
        self.eval().requires_grad_(False)
        for module in self.modules():
            if not isinstance(module, (LayerNorm, nn.BatchNorm2d)):
                for parameter in module.parameters(recurse=False):
                    parameter.data = parameter.data.to(dtype)
        for module in self.modules():
            if isinstance(module, (VisionTransformer, ModifiedResNet, Bottleneck)):
                module.prepare()
        return self

    @property
    def dtype(self) -> torch.dtype:
        """What the towers compute in."""
        return self.text_projection.dtype

    def encode_image(self, pixels: Tensor) -> Tensor:
        """(N, 3, S, S) in [0, 1] -> (N, D)."""
        encoded: Tensor = self.visual(pixels.to(self.dtype))
        return encoded

    def encode_tokens(self, tokens: Tensor) -> Tensor:
        """(P, T) int64, each row ending in the end token and zeros, T up to the context -> (P, D)."""
        end = tokens.argmax(1)  # the end token is the highest
        tokens = tokens[:, : int(end.max()) + 1]  # nothing looks at what comes after it
        x = self.token_embedding(tokens) + self.positional_embedding[: tokens.shape[1]]
        x = self.ln_final(self.transformer(x, causal=True))
        encoded: Tensor = x[torch.arange(len(x), device=x.device), end] @ self.text_projection
        return encoded
