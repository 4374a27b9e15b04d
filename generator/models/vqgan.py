"""The VQGAN of Esser, Rombach and Ommer ("Taming Transformers for High-Resolution Image Synthesis", 2020), frozen.

The names of the weights are those of taming-transformers, so that its checkpoints load; the weights never learn here.
Pictures have the range [-1, 1] in this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn

from generator.models.codebook import nearest_codes, rows_of
from generator.models.vqgan_layers import Conv, Downsample, Level, Middle, NormSilu, Upsample, order_of


@dataclass(frozen=True, kw_only=True)
class VQGANArchitecture:
    """The sizes of one VQGAN."""

    codes: int
    """Rows of the codebook (K)."""
    channels: int = 128
    multipliers: tuple[int, ...] = (1, 1, 2, 2, 4)
    """Channels of each level in units of `channels`, the full resolution first; each level halves the sides."""
    res_blocks: int = 2
    """Residual blocks of a level in the encoder; the decoder has one more."""
    attention_levels: tuple[int, ...] = (4,)
    """Levels with attention after each residual block."""
    code_width: int = 256
    """Length of a codebook row (C)."""
    z_channels: int = 256
    gumbel: bool = False
    """The codebook was learnt through a Gumbel softmax over logits, not by distances."""

    @property
    def factor(self) -> int:
        """Pixels per code along one side."""
        return int(2 ** (len(self.multipliers) - 1))

    def width(self, level: int) -> int:
        """Channels of a level."""
        return self.channels * self.multipliers[level]


F16 = VQGANArchitecture(codes=1024)
ARCHITECTURES: dict[str, VQGANArchitecture] = {
    "imagenet-f16-1024": F16,
    "imagenet-f16-16384": replace(F16, codes=16384),
    "openimages-gumbel-f8": VQGANArchitecture(codes=8192, multipliers=(1, 1, 2, 4), attention_levels=(3,), gumbel=True),
    "sflckr-f16": F16,
    "coco-f16": replace(F16, codes=8192),
    "faceshq-f16": F16,
    "wikiart-f16-1024": F16,
    "wikiart-f16-16384": replace(F16, codes=16384),
    "ade20k-f16": replace(F16, codes=4096),
    "ffhq-f16": F16,
    "celebahq-f16": F16,
}
"""Model name -> sizes as published; those of a checkpoint are read off its own tensors, see architecture_of."""


def architecture_of(tensors: Mapping[str, Tensor]) -> VQGANArchitecture:
    """The sizes of the VQGAN with these weights; KeyError or ValueError when they are of something else."""
    gumbel = "quantize.embed.weight" in tensors
    codes, code_width = tensors["quantize.embed.weight" if gumbel else "quantize.embedding.weight"].shape
    channels = len(tensors["encoder.conv_in.weight"])
    levels = 1 + max(_numbers(tensors, "encoder.down."))
    widths = [len(tensors[f"encoder.down.{level}.block.0.conv1.weight"]) for level in range(levels)]
    return VQGANArchitecture(
        codes=codes,
        channels=channels,
        multipliers=tuple(width // channels for width in widths),
        res_blocks=1 + max(_numbers(tensors, "encoder.down.0.block.")),
        attention_levels=tuple(k for k in range(levels) if f"encoder.down.{k}.attn.0.q.weight" in tensors),
        code_width=code_width,
        z_channels=tensors["post_quant_conv.weight"].shape[0],
        gumbel=gumbel,
    )


def _numbers(tensors: Mapping[str, Tensor], prefix: str) -> set[int]:
    return {int(key[len(prefix) :].split(".")[0]) for key in tensors if key.startswith(prefix)}


class Encoder(nn.Module):
    """(B, 3, H, W) -> (B, z_channels, H / f, W / f)."""

    def __init__(self, sizes: VQGANArchitecture) -> None:
        super().__init__()
        last = len(sizes.multipliers) - 1
        self.conv_in = Conv(3, sizes.channels, 3, padding=1)
        self.down = nn.ModuleList()
        width = sizes.channels
        for number in range(last + 1):
            attention = number in sizes.attention_levels
            level = Level(width, sizes.width(number), sizes.res_blocks, attention=attention)
            width = sizes.width(number)
            level.downsample = Downsample(width) if number < last else None
            self.down.append(level)
        self.mid = Middle(width)
        self.norm_out = NormSilu(width)
        self.conv_out = Conv(width, sizes.z_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
        encoded: Tensor = self.conv_out(self.norm_out(self.mid(x)))
        return encoded


class Decoder(nn.Module):
    """(B, z_channels, h, w) -> (B, 3, h f, w f)."""

    def __init__(self, sizes: VQGANArchitecture) -> None:
        super().__init__()
        last = len(sizes.multipliers) - 1
        width = sizes.width(last)
        self.conv_in = Conv(sizes.z_channels, width, 3, padding=1)
        self.mid = Middle(width)
        levels = []
        for number in range(last, -1, -1):
            attention = number in sizes.attention_levels
            level = Level(width, sizes.width(number), sizes.res_blocks + 1, attention=attention)
            width = sizes.width(number)
            level.upsample = Upsample(width) if number else None
            levels.append(level)
        self.up = nn.ModuleList(reversed(levels))
        self.norm_out = NormSilu(width)
        self.conv_out = Conv(width, 3, 3, padding=1)

    def stages(self) -> Iterator[Callable[[Tensor], Tensor]]:
        """The decoder in pieces, to be applied one after the other; the finest level, the largest, in several."""
        yield lambda z: self.mid(self.conv_in(z))
        yield from reversed(self.up[1:])
        finest = self.up[0]
        assert isinstance(finest, Level)
        yield from finest.steps()
        yield lambda x: self.conv_out(self.norm_out(x))

    def forward(self, z: Tensor) -> Tensor:
        for stage in self.stages():
            z = stage(z)
        return z


class DistanceQuantiser(nn.Module):
    """The codebook of VQ-VAE (van den Oord et al. 2017): the nearest row."""

    def __init__(self, sizes: VQGANArchitecture) -> None:
        super().__init__()
        self.embedding = nn.Embedding(sizes.codes, sizes.code_width)

    @property
    def codebook(self) -> Tensor:
        return self.embedding.weight

    def codes(self, latent: Tensor) -> Tensor:
        """(B, C, h, w) -> indices (B, h, w)."""
        return nearest_codes(latent, self.codebook)


class GumbelQuantiser(nn.Module):
    """The codebook of a Gumbel softmax (Jang et al. 2016): the row with the largest logit."""

    def __init__(self, sizes: VQGANArchitecture) -> None:
        super().__init__()
        self.proj = nn.Conv2d(sizes.z_channels, sizes.codes, 1)
        self.embed = nn.Embedding(sizes.codes, sizes.code_width)

    @property
    def codebook(self) -> Tensor:
        return self.embed.weight

    def codes(self, hidden: Tensor) -> Tensor:
        """(B, C, h, w) -> indices (B, h, w); the most likely ones, where taming-transformers draws."""
        logits: Tensor = self.proj(hidden)
        return logits.argmax(1)


class VQGAN(nn.Module):
    """Encoder, codebook and decoder; call prepare() once the weights are in place."""

    def __init__(self, sizes: VQGANArchitecture) -> None:
        super().__init__()
        self.sizes = sizes
        self.encoder = Encoder(sizes)
        self.decoder = Decoder(sizes)
        self.quantize: DistanceQuantiser | GumbelQuantiser
        self.quantize = GumbelQuantiser(sizes) if sizes.gumbel else DistanceQuantiser(sizes)
        self.quant_conv = Conv(sizes.z_channels, sizes.code_width, 1)
        self.post_quant_conv = Conv(sizes.code_width, sizes.z_channels, 1)
        self.checkpointed = False
        """Keep only what enters each piece of the decoder and compute the rest anew on the way back: less memory, the
        same bits, half a decoder more work."""

    def prepare(self, *, channels_last: bool = False, decoder: torch.dtype = torch.float32) -> VQGAN:
        """Freeze the weights, in float32 whatever they came in, lay them out, derive what is computed from them.

        decoder: what its convolutions and its attention compute in; pictures and latents are float32 outside.
        """
        self.float().eval().requires_grad_(False)
        for module in (self.post_quant_conv, *self.decoder.modules()):
            if isinstance(module, nn.Conv2d):
                module.to(decoder)
        order = torch.channels_last if channels_last else torch.contiguous_format
        for parameter in self.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=order)
        for module in self.modules():
            if isinstance(module, Upsample):
                module.prepare()
        return self

    @property
    def codebook(self) -> Tensor:
        """(K, C)."""
        return self.quantize.codebook

    def encode(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1] -> latent (B, C, H / f, W / f).

        Not quantised; but of a Gumbel codebook, whose logits are no place in the latent space, the chosen rows.
        """
        hidden: Tensor = self.quant_conv(self.encoder(self._laid_out(image)))
        if isinstance(self.quantize, GumbelQuantiser):
            return rows_of(self.quantize.codes(hidden), self.codebook)
        return hidden.contiguous()

    def decode(self, latent: Tensor) -> Tensor:
        """(B, C, h, w) -> picture (B, 3, h f, w f), nominally in [-1, 1]."""
        x = self.post_quant_conv(self._laid_out(latent.to(self.post_quant_conv.weight.dtype)))
        for stage in self.decoder.stages():
            x = self._checkpoint(stage, x) if self.checkpointed else stage(x)
        picture: Tensor = x.float().contiguous()
        return picture

    def _laid_out(self, x: Tensor) -> Tensor:
        return x.contiguous(memory_format=order_of(self.decoder.conv_in))

    @staticmethod
    def _checkpoint(stage: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        from torch.utils.checkpoint import checkpoint

        return cast(Tensor, checkpoint(stage, x, use_reentrant=False, preserve_rng_state=False))
