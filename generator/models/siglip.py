"""SigLIP 2 (Tschannen et al. 2025), frozen: the sigmoid loss's two towers (Zhai et al. 2023).

Built of CLIP's blocks under CLIP's names. Unlike CLIP: no class token, instead a learned question that the head puts to
all patches; texts read in both directions and always filled up to their full length, whose last token speaks for them;
and for what the scalar product of two embeddings means a scale and an offset.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from generator.models.clip_vit import (
    BlockSizes,
    FeedForward,
    LayerNorm,
    Patches,
    SelfAttention,
    Transformer,
    freeze,
)
from generator.models.siglip_sizes import ARCHITECTURES, EPSILON, SigLIPArchitecture, architecture_of

__all__ = ["ARCHITECTURES", "SigLIP", "SigLIPArchitecture", "architecture_of"]


class AttentionHead(nn.Module):
    """What a learned question reads of all tokens: (N, T, W) -> (N, W)."""

    def __init__(self, sizes: BlockSizes) -> None:
        super().__init__()
        self.probe = nn.Parameter(torch.empty(1, 1, sizes.width))
        self.attn = SelfAttention(sizes.width, sizes.heads)
        self.ln = LayerNorm(sizes.width, sizes.epsilon)
        self.mlp = FeedForward(sizes)

    def forward(self, x: Tensor) -> Tensor:
        read = self.attn.asked(self.probe.expand(len(x), 1, -1), x)
        mixed: Tensor = read + self.mlp(self.ln(read))
        return mixed[:, 0]


class PooledVisionTransformer(nn.Module):
    """(N, 3, S, S) in [0, 1] -> (N, W)."""

    def __init__(self, sizes: SigLIPArchitecture) -> None:
        super().__init__()
        block = BlockSizes(sizes.image_width, sizes.image_heads, sizes.image_hidden, sizes.gelu, EPSILON)
        self.conv1 = Patches(sizes, bias=True)
        self.positional_embedding = nn.Parameter(torch.empty(sizes.image_tokens, sizes.image_width))
        self.transformer = Transformer(block, *sizes.image_layers)
        self.ln_post = LayerNorm(sizes.image_width, EPSILON)
        self.head = AttentionHead(block)

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.transformer(self.conv1(pixels) + self.positional_embedding)
        embedded: Tensor = self.head(self.ln_post(x))
        return embedded


class SigLIP(nn.Module):
    """Both towers; call prepare() once the weights are in place."""

    def __init__(self, sizes: SigLIPArchitecture) -> None:
        super().__init__()
        self.sizes = sizes
        width = sizes.text_width
        block = BlockSizes(width, width // sizes.text_head_width, sizes.text_hidden, sizes.gelu, EPSILON)
        self.visual = PooledVisionTransformer(sizes)
        self.transformer = Transformer(block, sizes.text_layers)
        self.token_embedding = nn.Embedding(sizes.tokens, width)
        self.positional_embedding = nn.Parameter(torch.empty(sizes.context, width))
        self.ln_final = LayerNorm(width, EPSILON)
        self.text_projection = nn.Linear(width, sizes.width)
        self.logit_scale = nn.Parameter(torch.empty(()))
        self.logit_bias = nn.Parameter(torch.empty(()))

    def place(self, device: torch.device) -> SigLIP:
        """To a device, all but the table of tokens, which is large: a text takes 64 of its 256,000 rows."""
        for child in self.children():
            if child is not self.token_embedding:
                child.to(device)
        for name, parameter in tuple(self.named_parameters(recurse=False)):
            setattr(self, name, nn.Parameter(parameter.detach().to(device), requires_grad=False))
        return self

    def prepare(self, dtype: torch.dtype = torch.float32) -> SigLIP:
        """Freeze the weights, normalisations in float32, all others in `dtype`; derive what is computed from them."""
        freeze(self, dtype)
        self.visual.conv1.prepare()
        return self

    @property
    def dtype(self) -> torch.dtype:
        """What the towers compute in."""
        return self.text_projection.weight.dtype

    def encode_image(self, pixels: Tensor) -> Tensor:
        """(N, 3, S, S) in [0, 1] -> (N, D)."""
        encoded: Tensor = self.visual(pixels.to(self.dtype))
        return encoded

    def encode_tokens(self, tokens: Tensor) -> Tensor:
        """(P, T) int64, T the whole context, each row ending in what it is filled up with -> (P, D)."""
        rows: Tensor = self.token_embedding(tokens.to(self.token_embedding.weight.device))
        x = self.transformer(rows.to(self.positional_embedding.device) + self.positional_embedding)
        encoded: Tensor = self.text_projection(self.ln_final(x[:, -1]))
        return encoded
