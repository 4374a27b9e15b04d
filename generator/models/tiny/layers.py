"""What the starter's networks are built of: residual convolutions, attention, a reader of words."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvBlock(nn.Module):
    """x + conv(silu(conv(silu(x)))), the last convolution starting at zero; (B, C, H, W) -> same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        zero(self.second)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = x + self.second(F.silu(self.first(F.silu(x))))
        return mixed


def zero(layer: nn.Module) -> None:
    """Let a residual branch start at zero."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


def up(inside: int, outside: int) -> nn.Sequential:
    """Twice the side: (B, inside, H, W) -> (B, outside, 2 H, 2 W)."""
    return nn.Sequential(nn.Conv2d(inside, 4 * outside, 1), nn.PixelShuffle(2))


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


class ResidualPerceptron(nn.Module):
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
        self.blocks = nn.ModuleList(
            nn.ModuleList((Attention(width, heads), ResidualPerceptron(width))) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        mask = (tokens != 0)[:, None, None, :]
        x = self.embed(tokens) + self.position[: tokens.shape[1]]
        for block in self.blocks:
            assert isinstance(block, nn.ModuleList)
            attend, feed = block
            x = feed(attend(x, mask=mask))
        return self.norm(x), mask
