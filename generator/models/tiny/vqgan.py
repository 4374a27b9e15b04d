"""The starter's autoencoder: pictures to grids of codes and back."""

import torch
from torch import Tensor, nn

from generator.models.codebook import nearest_codes
from generator.models.tiny.layers import ConvBlock, up, zero

FACTOR = 8
"""Pixels per code along a side (f8)."""
CODES = 8192
"""Rows of the starter's codebook; the two before it had 2,048."""


class TinyVQGAN(nn.Module):
    """f8 vector-quantised autoencoder, 128x128 pixels <-> 16x16 codes.

    encode and decode are each a linear 8x8 patch map (initialised from the PCA of patches by the training script) plus
    a convolutional correction that starts at zero.
    """

    codebook: Tensor

    def __init__(self, width: int = 24, codes: int = 2048, channels: int = 128) -> None:
        super().__init__()
        self.linear_in = nn.Conv2d(3, width, FACTOR, FACTOR)
        self.linear_out = nn.ConvTranspose2d(width, 3, FACTOR, FACTOR)
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 24, 4, 4),
            ConvBlock(24),
            nn.Conv2d(24, 96, 2, 2),
            ConvBlock(96),
            ConvBlock(96),
            nn.SiLU(),
            nn.Conv2d(96, width, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(width, channels, 3, padding=1),
            ConvBlock(channels),
            ConvBlock(channels),
            up(channels, channels // 2),
            ConvBlock(channels // 2),
            ConvBlock(channels // 2),
            up(channels // 2, channels // 4),
            ConvBlock(channels // 4),
            nn.SiLU(),
            nn.Conv2d(channels // 4, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )
        zero(self.encoder[-1])
        zero(self.decoder[-2])
        self.register_buffer("codebook", torch.zeros(codes, width))

    def encode(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> latent (B, width, H/8, W/8), not quantised."""
        image = image - 0.5
        latent: Tensor = self.linear_in(image) + self.encoder(image)
        return latent

    def decode(self, latent: Tensor) -> Tensor:
        """(B, width, h, w) -> (B, 3, 8h, 8w), nominally in [0, 1], not clamped."""
        image: Tensor = self.linear_out(latent) + self.decoder(latent) + 0.5
        return image

    def nearest(self, latent: Tensor) -> Tensor:
        """Index of the nearest codebook row of every cell: (B, width, h, w) -> (B, h, w)."""
        return nearest_codes(latent, self.codebook)
