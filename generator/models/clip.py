"""CLIP (Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021), frozen.

The names of the weights are those of openai-clip, so that its checkpoints load; the weights never learn here. What
nothing reads is not computed: only the class token leaves the last layer of a vision transformer, and only the pooled
query that of a ResNet.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from generator.models.clip_resnet import Bottleneck, ModifiedResNet
from generator.models.clip_sizes import ARCHITECTURES, HEAD_WIDTH, CLIPArchitecture, architecture_of
from generator.models.clip_vit import BlockSizes, LayerNorm, Patches, Transformer, VisionTransformer, freeze

__all__ = ["ARCHITECTURES", "CLIP", "CLIPArchitecture", "architecture_of"]


class CLIP(nn.Module):
    """Both towers; call prepare() once the weights are in place."""

    def __init__(self, sizes: CLIPArchitecture) -> None:
        super().__init__()
        self.sizes = sizes
        self.visual = VisionTransformer(sizes) if sizes.patch else ModifiedResNet(sizes)
        width = sizes.text_width
        self.transformer = Transformer(BlockSizes(width, width // HEAD_WIDTH, 4 * width, sizes.gelu), sizes.text_layers)
        self.token_embedding = nn.Embedding(sizes.tokens, sizes.text_width)
        self.positional_embedding = nn.Parameter(torch.empty(sizes.context, sizes.text_width))
        self.ln_final = LayerNorm(sizes.text_width)
        self.text_projection = nn.Parameter(torch.empty(sizes.text_width, sizes.width))
        self.logit_scale = nn.Parameter(torch.empty(()))

    def prepare(self, dtype: torch.dtype = torch.float32) -> CLIP:
        """Freeze the weights, normalisations in float32, all others in `dtype`; derive what is computed from them."""
        freeze(self, dtype)
        for module in self.modules():
            if isinstance(module, (Patches, ModifiedResNet, Bottleneck)):
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
