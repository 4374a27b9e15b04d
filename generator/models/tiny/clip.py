"""The starter's two CLIPs: the one that says how well a view fits a text, and the one that keeps place."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from generator.models.tiny.layers import Attention, ConvBlock, TextEncoder


class TinyCLIP(nn.Module):
    """Convolutional image tower for 64x64 cutouts and a word-level text tower, both to `width` numbers."""

    def __init__(self, tokens: int, context: int, attributes: Sequence[int] = (), width: int = 192) -> None:
        super().__init__()
        self.size, self.width = 64, width
        self.image = nn.Sequential(
            nn.Conv2d(3, 32, 4, 2, 1),
            nn.SiLU(),
            nn.Conv2d(32, 64, 4, 2, 1),
            ConvBlock(64),
            ConvBlock(64),
            nn.SiLU(),
            nn.Conv2d(64, 128, 4, 2, 1),
            ConvBlock(128),
            ConvBlock(128),
            nn.SiLU(),
            nn.Conv2d(128, 192, 4, 2, 1),
            ConvBlock(192),
        )
        self.pooled = nn.LayerNorm(192 * 5)
        self.project = nn.Linear(192 * 5, width)
        self.text = TextEncoder(tokens, context)
        self.text_project = nn.Linear(128, width)
        self.scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.attributes = nn.Linear(192 * 5, sum(attributes)) if attributes else None

    def features(self, cutouts: Tensor) -> Tensor:
        """(N, 3, 64, 64) in [0, 1] -> (N, 960): the mean of the whole and of each quarter."""
        grid = self.image((cutouts - 0.5) * 3)
        # Not adaptive pooling, whose gradient CUDA cannot repeat: torch refuses it in a deterministic run.
        pooled = [grid.mean((2, 3)), F.avg_pool2d(grid, grid.shape[-1] // 2).flatten(1)]
        features: Tensor = self.pooled(torch.cat(pooled, 1))
        return features

    def encode_image(self, cutouts: Tensor) -> Tensor:
        """(N, 3, 64, 64) in [0, 1] -> (N, width), not normalised."""
        encoded: Tensor = self.project(self.features(cutouts))
        return encoded

    def encode_tokens(self, tokens: Tensor) -> Tensor:
        """(P, T) int64 -> (P, width), not normalised; the mean over the words seen."""
        states, mask = self.text(tokens)
        seen = mask[:, 0, 0, :, None].to(states.dtype)
        encoded: Tensor = self.text_project((states * seen).sum(1) / seen.sum(1))
        return encoded


class LayoutCLIP(nn.Module):
    """A CLIP that keeps place: a linear image tower on 32x32 thumbnails, and a word-level text tower.

    Both towers give `dimensions` principal components of a picture and one constant, ANCHOR. The constant makes the
    angle between two embeddings grow with the distance of the pictures, from grey on, so that the gradient at any
    picture is what it lacks of the text's picture, in its place. The towers of a usual CLIP forget place.
    """

    SIDE = 32
    ANCHOR = 16.0

    mean: Tensor
    basis: Tensor

    def __init__(self, tokens: int, context: int, dimensions: int = 384, queries: int = 4, channels: int = 640) -> None:
        super().__init__()
        self.size, self.width = 2 * self.SIDE, dimensions + 1
        pixels = 3 * self.SIDE**2
        self.register_buffer("mean", torch.full((pixels,), 0.5))
        self.register_buffer("basis", torch.zeros(dimensions, pixels))
        self.text = TextEncoder(tokens, context)
        self.queries = nn.Parameter(torch.randn(queries, 128) * 0.5)
        self.read = Attention(128, 4)
        self.head = nn.Sequential(
            nn.Linear(128 * queries, channels),
            nn.GELU(),
            nn.Linear(channels, channels),
            nn.GELU(),
            nn.Linear(channels, dimensions),
        )

    def encode_image(self, cutouts: Tensor) -> Tensor:
        """(N, 3, 64, 64) in [0, 1] -> (N, dimensions + 1), not normalised."""
        thumbnails = F.avg_pool2d(cutouts, cutouts.shape[-1] // self.SIDE).flatten(1)
        return self._anchored(F.linear(thumbnails - self.mean, self.basis))

    def encode_tokens(self, tokens: Tensor) -> Tensor:
        """(P, T) int64 -> (P, dimensions + 1), not normalised."""
        states, mask = self.text(tokens)
        asked = self.queries.expand(len(tokens), -1, -1).to(states.dtype)
        return self._anchored(self.head(self.read(asked, states, mask).flatten(1)))

    def _anchored(self, components: Tensor) -> Tensor:
        return torch.cat((components, components.new_full((len(components), 1), self.ANCHOR)), 1)
