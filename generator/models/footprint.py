"""How much memory one step of the full-size networks needs, from their sizes alone."""

from __future__ import annotations

from dataclasses import dataclass

from dreamrig.words import MIB
from generator.models.allocators import HEAP, Allocator
from generator.models.clip_sizes import CLIPArchitecture
from generator.models.vqgan import VQGANArchitecture

FLOAT_BYTES = 4
DECODER_SCRATCH = 3
"""Tensors of the full resolution and its width beside those kept, at the worst moment of the decoder's way back."""
RECOMPUTING_SCRATCH = 2
"""The same where a block is computed anew and kept only then."""
VIT_SCRATCH = 6
"""Tensors of all tokens beside those kept, at the worst moment of a vision transformer's way back."""
PIXEL_SCRATCH = 3
"""The same of a ResNet, in cutouts."""

REFERENCE_DECODER, REFERENCE_VIT, REFERENCE_RESNET = 4.1, 1.7, 2.2
"""How many times as much the networks of taming-transformers and openai-clip keep; tests count it."""


@dataclass(frozen=True)
class Footprint:
    """A VQGAN and the CLIPs that guide it. Floats count activations and their gradients, never weights."""

    image: VQGANArchitecture
    guides: tuple[CLIPArchitecture, ...]
    checkpointed: bool = False
    guide_bytes: int = FLOAT_BYTES
    """Of one number inside a guide: 2 in half precision."""
    allocator: Allocator = HEAP
    is_reference: bool = False
    """These are the networks of the reference packages, whose decoder is computed anew as a whole if it is."""

    def step_mib(self, width: int, height: int, cutouts: int) -> float:
        """MiB that a device holds for one step on top of the weights: living tensors and what their allocator adds."""
        guides = self.guides_mib(cutouts)
        kept = self.decoder_kept(width * height) * FLOAT_BYTES / MIB
        alive = self.alive_mib(width, height, cutouts)
        return alive + self.allocator.spread_mib(kept, guides) + self.allocator.library_mib

    def alive_mib(self, width: int, height: int, cutouts: int) -> float:
        """MiB of the tensors that are alive at the worst moment.

        What the decoder keeps for the way back is there all the time; what the guides keep, and later the decoder's
        scratch, comes on top of it.
        """
        pixels = width * height
        kept, scratch = (floats * FLOAT_BYTES / MIB for floats in (self.decoder_kept(pixels), self._scratch(pixels)))
        guides = self.guides_mib(cutouts)
        if self.is_reference:
            kept = REFERENCE_DECODER * sum(self.stage_floats(pixels)) * FLOAT_BYTES / MIB
            if self.checkpointed:
                return max(guides, kept + scratch)
        return kept + max(guides, scratch)

    def guides_mib(self, cutouts: int) -> float:
        """MiB of the guides that look at so many cutouts at once."""
        floats = sum(map(self._guide_kept, self.guides)) + max(map(guide_scratch, self.guides), default=0.0)
        return cutouts * floats * self.guide_bytes / MIB

    def _guide_kept(self, sizes: CLIPArchitecture) -> float:
        if not self.is_reference:
            return guide_kept(sizes)
        return guide_kept(sizes) * (REFERENCE_VIT if sizes.patch else REFERENCE_RESNET)

    def _scratch(self, pixels: int) -> float:
        """Floats beside those kept while the decoder's gradient is computed."""
        pictures: float = self.image.channels * pixels
        if self.checkpointed:
            return RECOMPUTING_SCRATCH * pictures + max(self.stage_floats(pixels))
        return DECODER_SCRATCH * pictures

    def decoder_kept(self, pixels: int) -> float:
        """Floats that the decoder keeps for the way back: of checkpointed stages what enters them, else all."""
        return sum(self._entering(pixels)) if self.checkpointed else sum(self.stage_floats(pixels))

    def stage_floats(self, pixels: int) -> list[float]:
        """Floats kept inside each stage of the decoder: middle, coarse levels, finest level block by block, end."""
        last = len(self.image.multipliers) - 1
        width = self.image.width(last)
        stages = [4 * width * pixels / 4**last + self._attention(pixels, last)]
        for level in range(last, -1, -1):
            blocks = self._blocks(pixels, level)
            stages += [sum(blocks)] if level else blocks
        return [*stages, self.image.width(0) * pixels]

    def _entering(self, pixels: int) -> list[float]:
        last = len(self.image.multipliers) - 1
        first = pixels / 4**last * self.image.z_channels
        levels = [pixels / 4**level * self.image.width(min(level + 1, last)) for level in range(last, -1, -1)]
        return [first, *levels, (self.image.res_blocks + 1) * self.image.width(0) * pixels]

    def _blocks(self, pixels: int, level: int) -> list[float]:
        """Of each residual block what enters it and what leaves its first convolution, and its attention."""
        places: float = pixels / 4**level
        width, above = self.image.width(level), self.image.width(min(level + 1, len(self.image.multipliers) - 1))
        attention = self._attention(pixels, level) if level in self.image.attention_levels else 0.0
        insides = [above] + [width] * self.image.res_blocks
        return [places * (inside + width) + attention for inside in insides]

    def _attention(self, pixels: int, level: int) -> float:
        """What enters, queries, keys, values, and the weight of every place for every other."""
        places: float = pixels / 4**level
        return places * (4 * self.image.width(level) + places)


def guide_kept(sizes: CLIPArchitecture) -> float:
    """Floats that a guide keeps of one cutout for the way back."""
    if not sizes.patch:
        return _resnet_kept(sizes)
    tokens, width = sizes.image_tokens, sizes.image_width
    # Both inputs of the normalisations, queries, keys, values, the attention's weights, the hidden layer.
    hidden = sizes.image_hidden or 4 * width
    layer = tokens * (5 * width + hidden + sizes.image_heads * tokens)
    last = tokens * 3 * width  # where only one token asks
    return sizes.image_whole_layers * layer + last


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
        return VIT_SCRATCH * sizes.image_tokens * sizes.image_width
    return PIXEL_SCRATCH * 3 * sizes.side**2
