"""How much memory one step of the full-size networks needs, from their sizes alone."""

from __future__ import annotations

from dataclasses import dataclass

from generator.models.clip import HEAD_WIDTH, CLIPArchitecture
from generator.models.vqgan import VQGANArchitecture

MIB = 2**20
FLOAT_BYTES = 4
DECODER_SCRATCH = 6
"""Pictures of the full resolution's width that exist beside those kept, at the decoder's worst moment."""
GUIDE_SCRATCH = 2.5
"""The same of a guide's widest layer."""


@dataclass(frozen=True)
class Footprint:
    """A VQGAN and the CLIPs that guide it. Floats count activations and their gradients, never weights."""

    image: VQGANArchitecture
    guides: tuple[CLIPArchitecture, ...]
    checkpointed: bool = False

    def step_mib(self, width: int, height: int, cutouts: int) -> float:
        """MiB of one step on top of the weights.

        What the decoder keeps for the way back is there all the time; what the guides keep, and later the decoder's
        scratch, comes on top of it.
        """
        pixels = width * height
        guides = cutouts * (sum(map(guide_kept, self.guides)) + max(map(guide_scratch, self.guides), default=0.0))
        decoder: float = DECODER_SCRATCH * self.image.channels * pixels
        if self.checkpointed:
            decoder += max(self.stage_floats(pixels))
        return (self.decoder_kept(pixels) + max(guides, decoder)) * FLOAT_BYTES / MIB

    def decoder_kept(self, pixels: int) -> float:
        """Floats that the decoder keeps for the way back: of checkpointed stages what enters them, else all."""
        return sum(self._entering(pixels)) if self.checkpointed else sum(self.stage_floats(pixels))

    def stage_floats(self, pixels: int) -> list[float]:
        """Floats kept inside each stage of the decoder: the middle, the levels from coarse to fine, the end."""
        last = len(self.image.multipliers) - 1
        stages = [self._blocks(pixels, last, [self.image.width(last)] * 3) + self._attention(pixels, last)]
        inside = self.image.width(last)
        for level in range(last, -1, -1):
            widths = [inside] + [self.image.width(level)] * (self.image.res_blocks + 1)
            attentions = self.image.res_blocks + 1 if level in self.image.attention_levels else 0
            stages.append(self._blocks(pixels, level, widths) + attentions * self._attention(pixels, level))
            inside = self.image.width(level)
        return [*stages, inside * pixels]

    def _entering(self, pixels: int) -> list[float]:
        last = len(self.image.multipliers) - 1
        first = pixels / 4**last * self.image.z_channels
        levels = [pixels / 4**level * self.image.width(min(level + 1, last)) for level in range(last, -1, -1)]
        return [first, *levels, self.image.width(0) * pixels]

    def _blocks(self, pixels: int, level: int, widths: list[int]) -> float:
        """Residual blocks from width to width: what enters, and what leaves the first convolution."""
        places: float = pixels / 4**level
        return places * (sum(widths[:-1]) + sum(widths[1:]))

    def _attention(self, pixels: int, level: int) -> float:
        """What enters, queries, keys, values, and the weight of every place for every other."""
        places: float = pixels / 4**level
        return places * (4 * self.image.width(level) + places)


def guide_kept(sizes: CLIPArchitecture) -> float:
    """Floats that a guide keeps of one cutout for the way back."""
    if not sizes.patch:
        return _resnet_kept(sizes)
    tokens, width = _tokens(sizes), sizes.image_width
    # Both inputs of the normalisations, queries, keys, values, the attention's weights, the hidden layer.
    layer = tokens * (9 * width + width // HEAD_WIDTH * tokens)
    last = tokens * 3 * width  # where only one token asks
    return (sizes.image_layers[0] - 1) * layer + last


def _resnet_kept(sizes: CLIPArchitecture) -> float:
    """What leaves each rectifier."""
    places: float = (sizes.side // 2) ** 2
    kept = 2 * sizes.image_width * places  # the stem
    places /= 4
    for stage, blocks in enumerate(sizes.image_layers):
        planes, shrunk = sizes.image_width << stage, places / 4 if stage else places
        kept += planes * (2 * places + 4 * shrunk) + (blocks - 1) * planes * 6 * shrunk
        places = shrunk
    return kept


def guide_scratch(sizes: CLIPArchitecture) -> float:
    """Floats beside those kept of one cutout, at the worst moment."""
    if sizes.patch:
        return GUIDE_SCRATCH * _tokens(sizes) * 4 * sizes.image_width
    return GUIDE_SCRATCH * sizes.image_width * (sizes.side // 2) ** 2


def _tokens(sizes: CLIPArchitecture) -> int:
    return int((sizes.side // sizes.patch) ** 2 + 1)
