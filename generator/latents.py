"""The latent: where it starts, how it is quantised and clamped, and which numbers Adam really moves."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from dreamrig.errors import UsageError
from generator.codebook import codebook_deviation, codebook_range, nearest_codes, rows_of
from generator.config import GenerateConfig
from generator.models.base import ImageModel, Models
from generator.prompts import Prompt

GREY_NOISE = 0.1
"""Noise on the grey start, in codebook standard deviations: without it every cell moves alike."""
LEVEL_DECAY = 0.7
"""Each finer level of the offset pyramid moves this much less."""


class _ReplaceGrad(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, gradient_to: Tensor) -> Tensor:
        ctx.shape = gradient_to.shape
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, gradients[0].sum_to_size(ctx.shape)


class _ClampWithGrad(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        clamped = torch.clamp(x, low, high)
        ctx.save_for_backward(x, clamped)
        return clamped

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        x, clamped = ctx.saved_tensors
        return gradients[0] * (gradients[0] * (x - clamped) >= 0), None, None


def replace_grad(value: Tensor, gradient_to: Tensor) -> Tensor:
    """The first tensor's value; the gradient goes, summed to its shape, to the second and none to the first."""
    return cast(Tensor, _ReplaceGrad.apply(value, gradient_to))  # type: ignore[no-untyped-call]  # torch ships it untyped


def clamp_with_grad(x: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
    """An ordinary clamp whose gradient passes wherever a descent step does not lead further outside.

    low, high: numbers, or tensors that broadcast to x. Within the range the gradient always passes.
    """
    bounds = (torch.as_tensor(bound, dtype=x.dtype, device=x.device) for bound in (low, high))
    return cast(Tensor, _ClampWithGrad.apply(x, *bounds))  # type: ignore[no-untyped-call]  # torch ships it untyped


def quantise(latent: Tensor, codebook: Tensor) -> Tensor:
    """Every cell replaced by its nearest codebook row, exactly; the gradient passes straight through.

    latent: (B, C, h, w)   codebook: (K, C)   returns: (B, C, h, w)
    """
    with torch.no_grad():
        quantised = rows_of(nearest_codes(latent, codebook), codebook)
    return replace_grad(quantised, latent)


def clamp_to_codebook(latent: Tensor, codebook: Tensor) -> Tensor:
    """The latent with every channel brought into the codebook's range of that channel."""
    low, high = codebook_range(codebook)
    return torch.clamp(latent, low, high)


# Starts -----------------------------------------------------------------------------------------------------


def initial(
    config: GenerateConfig, models: Models, prompts: Sequence[Prompt], generator: torch.Generator
) -> tuple[Tensor, str]:
    """The latent a run starts from, (1, C, h, w) on the models' device, and what was planned in words.

    generator: the run's own, on the CPU, so that a start is the same on every device; `noise` and `grey` draw from it.
    """
    if config.start == "predicted":
        return _predicted(config, models, prompts)
    if config.start == "noise":
        return _noise(config, models.image, generator), ""
    if config.start == "grey":
        return _grey(config, models.image, generator), ""
    picture = read_picture(config.start, config.width, config.height)
    return models.image.encode(picture.to(models.image.codebook.device)).float(), ""


def grid(config: GenerateConfig, factor: int) -> tuple[int, int]:
    """Rows and columns of codes of a picture; sizes the model cannot make raise UsageError."""
    for name, pixels in (("width", config.width), ("height", config.height)):
        if pixels % factor:
            near = max(factor, round(pixels / factor) * factor)
            raise UsageError(f"This model needs a {name} that is a multiple of {factor}.", hint=f"use --{name} {near}")
    return config.height // factor, config.width // factor


def _predicted(config: GenerateConfig, models: Models, prompts: Sequence[Prompt]) -> tuple[Tensor, str]:
    """Rows of the codes that the start model plans for the heaviest prompt."""
    if models.start is None:
        raise UsageError("This model cannot predict a start.", hint="use --start grey or --start noise")
    heaviest = max(prompts, key=lambda prompt: prompt.weight)
    if heaviest.weight <= 0:
        raise UsageError("A predicted start needs a prompt with a weight above 0.", hint="add one, or use --start grey")
    plan = models.start.predict(heaviest.text, config.seed, *grid(config, models.image.factor))
    codebook = models.image.codebook
    return rows_of(plan.codes[None].to(codebook.device), codebook), plan.words


def _noise(config: GenerateConfig, image: ImageModel, generator: torch.Generator) -> Tensor:
    """A uniformly drawn codebook row in every cell."""
    codes = torch.randint(len(image.codebook), (1, *grid(config, image.factor)), generator=generator)
    return rows_of(codes.to(image.codebook.device), image.codebook)


def _grey(config: GenerateConfig, image: ImageModel, generator: torch.Generator) -> Tensor:
    """The encoding of middle grey with a little noise."""
    device = image.codebook.device
    flat = image.encode(torch.full((1, 3, config.height, config.width), 0.5, device=device)).float()
    noise = torch.randn(flat.shape, generator=generator).to(device)
    return flat + GREY_NOISE * codebook_deviation(image.codebook) * noise


def read_picture(path: str, width: int, height: int) -> Tensor:
    """A picture file as (1, 3, height, width) float32 in [0, 1]: RGB, turned upright, Lanczos-resized to exactly this.

    Anything but a readable picture of sane size raises UsageError.
    """
    file = Path(path).expanduser()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as opened:
                upright = ImageOps.exif_transpose(opened).convert("RGB")
    except FileNotFoundError:
        raise UsageError(
            f"There is no picture {path}.", hint="--start takes predicted, grey, noise, or the path of an image"
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UsageError(f"The picture {path} is too large to open.", hint="scale it down first") from None
    except (OSError, ValueError, SyntaxError, EOFError):
        raise UsageError(f"{path} is not a picture that can be read.", hint="use a PNG or JPEG file") from None
    pixels = np.asarray(upright.resize((width, height), Image.Resampling.LANCZOS), dtype=np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()


# What Adam moves --------------------------------------------------------------------------------------------


class Latent:
    """The numbers that are optimised and the latent they stand for.

    The plain way (offset_levels 1, no per_dimension_steps) moves the latent itself and clamps it to the codebook's
    range after each step. Every other way moves offsets from the start that begin at 0, and clamps the sum on the
    way to the decoder: there the offsets of several levels share one cell, so none can be clamped alone.
    """

    def __init__(self, start: Tensor, codebook: Tensor, levels: int, *, per_dimension_steps: bool) -> None:
        self.start = start
        self.is_plain = levels == 1 and not per_dimension_steps
        self._low, self._high = codebook_range(codebook)
        self._scale = codebook_deviation(codebook) if per_dimension_steps else torch.ones_like(self._low)
        self.parameters = [start.clone()] if self.is_plain else _level_grids(start, levels)
        for parameter in self.parameters:
            parameter.requires_grad_()

    def compose(self) -> Tensor:
        """The unquantised latent (1, C, h, w), differentiable in the parameters."""
        if self.is_plain:
            return self.parameters[0]
        return clamp_with_grad(self.start + self._scale * self.offset(), self._low, self._high)

    def offset(self) -> Tensor:
        """Sum of all levels, each brought up to the start's grid, coarsest first and heaviest."""
        rows, columns = self.start.shape[2:]
        grids = (LEVEL_DECAY**j * upsample(level, rows, columns) for j, level in enumerate(self.parameters))
        return sum(grids, torch.zeros_like(self.start))

    @torch.no_grad()
    def after_step(self) -> None:
        """Bring the plain latent back into the codebook's range."""
        if self.is_plain:
            self.parameters[0].clamp_(self._low, self._high)


def _level_grids(start: Tensor, levels: int) -> list[Tensor]:
    """Zero offsets, coarsest first; level k (0 = finest) has sides ceil(side / 2^k)."""
    batch, channels, rows, columns = start.shape
    sides = [(math.ceil(rows / 2**k), math.ceil(columns / 2**k)) for k in reversed(range(levels))]
    return [start.new_zeros((batch, channels, *side)) for side in sides]


def upsample(level: Tensor, rows: int, columns: int) -> Tensor:
    """Bilinear, corners not aligned; as two matrix products, whose gradient is deterministic on every device.

    level: (B, C, r, c)   returns: (B, C, rows, columns)
    """
    down = bilinear_matrix(level.shape[2], rows).to(level)
    across = bilinear_matrix(level.shape[3], columns).to(level)
    return down @ level @ across.T


@cache
def bilinear_matrix(source: int, target: int) -> Tensor:
    """(target, source) float32 weights of bilinear interpolation; the identity when the sides are equal."""
    if source == target:
        return torch.eye(source)
    centres = (torch.arange(target, dtype=torch.float64) + 0.5) * source / target - 0.5
    distance = (centres.clamp(0, source - 1)[:, None] - torch.arange(source, dtype=torch.float64)).abs()
    return (1 - distance).clamp(min=0).float()
