"""The library of things: one learned embedding for every drawing, and the decoder that draws it."""

import torch
from torch import Tensor, nn

from generator.models.tiny.layers import ConvBlock, up, zero

SIDE = 96
"""Side of a decoded drawing, in pixels."""
GRID = 6
"""An embedding is a grid of 6x6 cells, each of which knows 16x16 pixels."""


class ThingDecoder(nn.Module):
    """Embedding -> drawing: a linear map of every cell to its pixels, and a convolutional correction from zero.

    Like the VQGAN's decoder it starts at the principal components of patches, which is most of the way.
    """

    def __init__(self, width: int = 64, channels: int = 224) -> None:
        super().__init__()
        self.linear = nn.ConvTranspose2d(width, 4, SIDE // GRID, SIDE // GRID)
        self.layers = nn.Sequential(
            nn.Conv2d(width, channels, 3, padding=1),
            ConvBlock(channels),
            up(channels, 128),
            ConvBlock(128),
            up(128, 80),
            ConvBlock(80),
            up(80, 40),
            ConvBlock(40),
            nn.SiLU(),
            nn.Conv2d(40, 16, 3, padding=1),
            nn.PixelShuffle(2),
        )
        zero(self.layers[-2])

    def forward(self, embeddings: Tensor) -> Tensor:
        """(B, width, 6, 6) -> (B, 4, 96, 96): red, green and blue times alpha, and alpha; nominally in [0, 1]."""
        drawn: Tensor = self.linear(embeddings) + self.layers(embeddings)
        return drawn


class ThingLibrary(nn.Module):
    """Every drawing's embedding as bytes, the scale of each dimension, and their decoder."""

    codes: Tensor
    scale: Tensor

    def __init__(self, drawings: int, width: int = 64) -> None:
        super().__init__()
        self.decoder = ThingDecoder(width)
        self.register_buffer("codes", torch.zeros(drawings, width, GRID, GRID, dtype=torch.int8))
        self.register_buffer("scale", torch.ones(width))

    def embedding(self, drawings: Tensor) -> Tensor:
        """(B) int64 -> (B, width, 6, 6)."""
        return self.codes[drawings].to(self.scale.dtype) * self.scale[:, None, None]

    def draw(self, embeddings: Tensor) -> Tensor:
        """(B, width, 6, 6) -> (B, 4, 96, 96) in [0, 1], colours times alpha and never above it."""
        drawn = self.decoder(embeddings).clamp(0, 1)
        # What is nearly nothing is nothing, what is nearly whole is whole: no haze around things, no veil on them.
        alpha = ((drawn[:, 3:] - 0.06) / 0.88).clamp(0, 1)
        return torch.cat((torch.minimum(drawn[:, :3], alpha), alpha), 1)
