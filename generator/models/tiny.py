"""The starter's five small networks: VQGAN, two CLIPs, composer (text to scene slots) and painter (slots to latent).

They are norm-free or LayerNorm networks with zero-initialised residual branches (the second CLIP's image tower is
linear): on small data and a CPU they train in minutes where the large originals' layout stayed stuck
(docs/starter-model.md). Nothing here is state-dict compatible with taming-transformers or openai-clip.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from generator.models.codebook import nearest_codes

FACTOR = 8
"""Pixels per code along a side (f8)."""


class ConvBlock(nn.Module):
    """x + conv(silu(conv(silu(x)))), the last convolution starting at zero; (B, C, H, W) -> same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        _zero(self.second)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = x + self.second(F.silu(self.first(F.silu(x))))
        return mixed


def _zero(layer: nn.Module) -> None:
    """Let a residual branch start at zero."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


def _up(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, 4 * outside, 1), nn.PixelShuffle(2))


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
            _up(channels, channels // 2),
            ConvBlock(channels // 2),
            ConvBlock(channels // 2),
            _up(channels // 2, channels // 4),
            ConvBlock(channels // 4),
            nn.SiLU(),
            nn.Conv2d(channels // 4, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )
        _zero(self.encoder[-1])
        _zero(self.decoder[-2])
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


class Attention(nn.Module):
    """Pre-norm multi-head attention, x + attend(x, memory); (B, T, D)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None, causal: bool = False
    ) -> Tensor:
        """mask: (B, 1, 1, T) boolean, True where the memory may be seen."""
        inner = self.norm(x)
        key, value = self.key_value(inner if memory is None else memory).chunk(2, -1)
        query, key, value = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (self.query(inner), key, value))
        # Written out: torch's fused attention is several times slower backward on a CPU for 30 tokens.
        scores = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5
        if causal:
            mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
        if mask is not None:
            scores = scores.masked_fill(~mask, -1e4)
        seen = scores.softmax(-1).to(value.dtype) @ value
        mixed: Tensor = x + self.out(seen.transpose(1, 2).flatten(-2))
        return mixed


class FeedForward(nn.Module):
    """Pre-norm two-layer perceptron, x + mlp(x)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = x + self.layers(x)
        return mixed


class TextEncoder(nn.Module):
    """Bidirectional transformer over word tokens; (B, T) int64 -> (B, T, width) and the padding mask."""

    def __init__(self, tokens: int, context: int, width: int = 128, layers: int = 3, heads: int = 4) -> None:
        super().__init__()
        self.embed = nn.Embedding(tokens, width)
        self.position = nn.Parameter(torch.randn(context, width) * 0.02)
        self.blocks = nn.ModuleList(nn.ModuleList((Attention(width, heads), FeedForward(width))) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        mask = (tokens != 0)[:, None, None, :]
        x = self.embed(tokens) + self.position[: tokens.shape[1]]
        for block in self.blocks:
            assert isinstance(block, nn.ModuleList)
            attend, feed = block
            x = feed(attend(x, mask=mask))
        return self.norm(x), mask


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
            nn.ModuleList((Attention(width, 4), Attention(width, 4), FeedForward(width))) for _ in range(layers)
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
        _zero(self.narrow)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = x + self.narrow(F.silu(self.wide(F.silu(x))))
        return mixed


class Painter(nn.Module):
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
