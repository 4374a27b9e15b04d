"""The predicted start: composer (text to scene slots) and painter (slots to a latent grid)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from generator.models.tiny.layers import Attention, ConvBlock, ResidualPerceptron, TextEncoder, zero


class Composer(nn.Module):
    """Text -> scene slots, one slot after another; slot i may take sizes[i] values."""

    def __init__(self, tokens: int, context: int, sizes: Sequence[int], width: int = 128, layers: int = 2) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        self.text = TextEncoder(tokens, context, width)
        self.begin = nn.Parameter(torch.zeros(width))
        self.embed = nn.Embedding(sum(sizes), width)
        self.position = nn.Parameter(torch.randn(len(sizes), width) * 0.02)
        self.blocks = nn.ModuleList(
            nn.ModuleList((Attention(width, 4), Attention(width, 4), ResidualPerceptron(width))) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, sum(sizes))
        offsets = [sum(sizes[:index]) for index in range(len(sizes))]
        self.register_buffer("offsets", torch.tensor(offsets), persistent=False)

    offsets: Tensor

    def forward(self, tokens: Tensor, slots: Tensor) -> Tensor:
        """Logits (B, n + 1, sum of sizes) of the slots after the given ones, (B, n) int64, n < len(sizes)."""
        memory, mask = self.text(tokens)
        return self.continue_from(memory, mask, slots)

    def continue_from(self, memory: Tensor, mask: Tensor, slots: Tensor) -> Tensor:
        """As forward, from the encoded text."""
        given = self.embed(slots + self.offsets[: slots.shape[1]])
        begin = self.begin.expand(len(slots), 1, -1).to(given.dtype)
        x = torch.cat((begin, given), 1) + self.position[: slots.shape[1] + 1]
        for block in self.blocks:
            assert isinstance(block, nn.ModuleList)
            look, read, feed = block
            x = feed(read(look(x, causal=True), memory, mask))
        logits: Tensor = self.head(self.norm(x))
        return logits

    def slot_logits(self, logits: Tensor, slot: int) -> Tensor:
        """The part of (..., sum of sizes) that belongs to one slot: (..., sizes[slot])."""
        start = int(self.offsets[slot])
        return logits[..., start : start + self.sizes[slot]]


class CellBlock(nn.Module):
    """A residual perceptron in every cell, starting at zero; (B, C, h, w) -> same."""

    def __init__(self, channels: int, expansion: int = 3) -> None:
        super().__init__()
        self.wide = nn.Conv2d(channels, expansion * channels, 1)
        self.narrow = nn.Conv2d(expansion * channels, channels, 1)
        zero(self.narrow)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = x + self.narrow(F.silu(self.wide(F.silu(x))))
        return mixed


class ScenePainter(nn.Module):
    """Scene slots -> latent grid of any size.

    Every cell sees the scene as a whole, and where it lies relative to each part (the canvas, the light, the horizon,
    two objects) in units of that part's radius, as in compositional pattern-producing networks.
    A part is told its own slots only: which colour belongs to which object need not be learnt.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        parts: Sequence[Sequence[int]],
        latent_width: int,
        channels: int = 128,
        blocks: int = 2,
    ) -> None:
        """parts: the slots that canvas, light, horizon, object 1 and 2 see; both objects share their weights."""
        super().__init__()
        self.sizes, self.part_slots = tuple(sizes), tuple(map(tuple, parts))
        self.scene = nn.Sequential(nn.Linear(sum(sizes), 256), nn.SiLU(), nn.Linear(256, channels))
        widths = [sum(sizes[slot] for slot in slots) for slots in self.part_slots[:4]]
        octaves = (_CANVAS_WAVES, _PART_WAVES, _PART_WAVES, _PART_WAVES)
        self.parts = nn.ModuleList(_Part(*both, channels) for both in zip(widths, octaves, strict=True))
        pairs = [(CellBlock(channels), ConvBlock(channels)) for _ in range(blocks)]
        self.blocks = nn.Sequential(*(block for pair in pairs for block in pair))
        self.out = nn.Conv2d(channels, latent_width, 1)
        self.register_buffer("mean", torch.zeros(latent_width))
        self.register_buffer("spread", torch.ones(latent_width))

    mean: Tensor
    spread: Tensor

    def set_scale(self, mean: Tensor, spread: Tensor) -> None:
        """Mean and standard deviation of each latent dimension, which the output is scaled with."""
        self.mean.copy_(mean)
        self.spread.copy_(spread)

    def forward(self, slots: Tensor, spots: Tensor, rows: int, columns: int) -> Tensor:
        """Latent (B, C, rows, columns), not quantised.

        slots: (B, n) int64   spots: (B, 5, 3), x, y and radius of canvas, light, horizon and both objects, as fractions
        """
        one_hot = [F.one_hot(slots[:, i], size).to(spots.dtype) for i, size in enumerate(self.sizes)]
        grid = _cells(rows, columns, spots)
        x = self.scene(torch.cat(one_hot, 1))[:, :, None, None].expand(-1, -1, rows, columns)
        *behind, thing = self.parts
        for index, part in enumerate((*behind, thing, thing)):
            own = torch.cat([one_hot[slot] for slot in self.part_slots[index]], 1)
            x = part(x, own, spots[:, index], grid)
        latent: Tensor = self.out(self.blocks(x)) * self.spread[:, None, None] + self.mean[:, None, None]
        return latent


_CANVAS_WAVES, _PART_WAVES = 6, 4
"""Octaves of Fourier features: patterns need fine ones across the picture, objects coarser ones across themselves."""


def _cells(rows: int, columns: int, like: Tensor) -> Tensor:
    """(1, 2, rows, columns): x and y of the cells' centres as fractions."""
    y = (torch.arange(rows, device=like.device, dtype=like.dtype) + 0.5) / rows
    x = (torch.arange(columns, device=like.device, dtype=like.dtype) + 0.5) / columns
    return torch.stack((x.expand(rows, -1), y[:, None].expand(-1, columns)))[None]


def _waves(offset: Tensor, scale: float, octaves: int) -> Tensor:
    """Fourier features of (B, 2, rows, columns): (B, 2 + 4 * octaves, rows, columns)."""
    angles = torch.cat([offset * (scale * 2**k) for k in range(octaves)], 1)
    return torch.cat((offset, angles.sin(), angles.cos()), 1)


class _Part(nn.Module):
    """One part laid over what is there: its features and its coverage, from the place relative to it and its slots."""

    def __init__(self, width: int, octaves: int, channels: int) -> None:
        super().__init__()
        self.octaves = octaves
        self.what = nn.Sequential(nn.Linear(width, 192), nn.SiLU(), nn.Linear(192, 4 * channels))
        self.where = nn.Conv2d(3 + 4 * octaves, channels, 1)
        self.middle = nn.Conv2d(channels, channels, 1)
        self.mix = nn.Conv2d(channels, 2 * channels, 1)

    def forward(self, x: Tensor, own: Tensor, spot: Tensor, grid: Tensor) -> Tensor:
        rows, columns = grid.shape[-2:]
        sides = torch.tensor((columns, rows), device=spot.device, dtype=spot.dtype) / min(rows, columns)
        # In units of the radius, which is a fraction of the shorter side: a ball stays round in a wide picture.
        offset = (grid - spot[:, :2, None, None]) * sides[:, None, None] / spot[:, 2, None, None, None].clamp(min=0.05)
        near = torch.exp(-0.5 * offset.square().sum(1, keepdim=True))
        gain, shift, second_gain, second_shift = self.what(own)[:, :, None, None].chunk(4, 1)
        where = self.where(torch.cat((_waves(offset.clamp(-4, 4), 0.8, self.octaves), near), 1))
        middle = self.middle(F.silu(where * (1 + gain) + shift))
        features, coverage = self.mix(F.silu(middle * (1 + second_gain) + second_shift)).chunk(2, 1)
        laid: Tensor = x + torch.sigmoid(coverage - 1) * (features - x)
        return laid
