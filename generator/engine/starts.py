"""Where a run starts: a latent (1, C, h, w) from a plan, a picture, noise or nothing much."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.engine.latents import upsample
from generator.engine.windows import Windows, encoded
from generator.models.base import ImageModel, Models
from generator.models.codebook import codebook_deviation, rows_of
from generator.pictures.load import read_picture
from generator.wishes.prompts import Prompt

GREY_NOISE = 0.1
"""Noise on the grey start, in codebook standard deviations: without it every cell moves alike."""
OCTAVES = (2, 4, 8, 16, 32, 64)
"""Cells along the shorter side of each layer of the fractal start; each has half the contrast of the one before."""

Start = Callable[[GenerateConfig, ImageModel, torch.Generator], Tensor]


def initial(
    config: GenerateConfig, models: Models, prompts: Sequence[Prompt], generator: torch.Generator
) -> tuple[Tensor, str]:
    """The latent a run starts from, (1, C, h, w) on the models' device, and what was planned in words.

    generator: the run's own, on the CPU, so that a start is the same on every device; most starts draw from it.
    """
    words = ""
    if config.start == "predicted":
        latent, words = _predicted(config, models, prompts)
    elif config.start in DRAWN:
        latent = DRAWN[config.start](config, models.image, generator)
    else:
        latent = _encode(config, models.image, read_picture(config.start, config.width, config.height))
    if config.start_noise:
        noise = torch.randn(latent.shape, generator=generator).to(latent.device)
        latent = latent + config.start_noise * codebook_deviation(models.image.codebook) * noise
    return latent, words


def grid(config: GenerateConfig, factor: int) -> tuple[int, int]:
    """Rows and columns of codes of a picture; sizes the model cannot make raise UsageError."""
    wrong = {name: side for name, side in (("width", config.width), ("height", config.height)) if side % factor}
    if wrong:
        near = " ".join(f"--{name} {max(factor, round(side / factor) * factor)}" for name, side in wrong.items())
        verb = "is" if len(wrong) == 1 else "are each"
        needs = f"a {' and a '.join(wrong)} that {verb} a multiple of {factor}"
        raise UsageError(f"This model needs {needs}.", hint=f"use {near}")
    return config.height // factor, config.width // factor


def _predicted(config: GenerateConfig, models: Models, prompts: Sequence[Prompt]) -> tuple[Tensor, str]:
    """Rows of the codes that the start model plans for the heaviest prompt of the first scene."""
    if models.start is None:
        raise UsageError("This model cannot predict a start.", hint="use --start grey or --start noise")
    first = [prompt for prompt in prompts if prompt.scene == 0]
    heaviest = max(first, key=lambda prompt: prompt.weight, default=Prompt("", 0.0))
    if heaviest.weight <= 0:
        raise UsageError("A predicted start needs a prompt with a weight above 0.", hint="add one, or use --start grey")
    plan = models.start.predict(heaviest.text, config.seed, *grid(config, models.image.factor))
    codebook = models.image.codebook
    return rows_of(plan.codes[None].to(codebook.device), codebook), plan.words


def _noise(config: GenerateConfig, image: ImageModel, generator: torch.Generator) -> Tensor:
    """A uniformly drawn codebook row in every cell."""
    codes = torch.randint(len(image.codebook), (1, *grid(config, image.factor)), generator=generator)
    return rows_of(codes.to(image.codebook.device), image.codebook)


def _uniform(config: GenerateConfig, image: ImageModel, generator: torch.Generator) -> Tensor:
    """2 U with U uniform on [0, 1) in every number, whatever the codebook: the start of the pooling notebook."""
    shape = (1, image.codebook.shape[1], *grid(config, image.factor))
    return 2 * torch.rand(shape, generator=generator).to(image.codebook.device)


def _grey(config: GenerateConfig, image: ImageModel, generator: torch.Generator) -> Tensor:
    """The encoding of middle grey with a little noise."""
    flat = _encode(config, image, torch.full((1, 3, config.height, config.width), 0.5))
    noise = torch.randn(flat.shape, generator=generator).to(flat.device)
    return flat + GREY_NOISE * codebook_deviation(image.codebook) * noise


def _painted(
    paint: Callable[[int, int, torch.Generator], Tensor],
    config: GenerateConfig,
    image: ImageModel,
    generator: torch.Generator,
) -> Tensor:
    """The encoding of a picture that `paint` draws for a width and a height."""
    return _encode(config, image, paint(config.width, config.height, generator))


def paint_pixels(width: int, height: int, generator: torch.Generator) -> Tensor:
    """Every pixel a colour of its own: (1, 3, height, width), uniform on [0, 1)."""
    return torch.rand((1, 3, height, width), generator=generator)


def paint_gradient(width: int, height: int, generator: torch.Generator) -> Tensor:
    """Four random colours in the corners, blended between: (1, 3, height, width) in [0, 1]."""
    corners = torch.rand((1, 3, 2, 2), generator=generator)
    across, down = torch.linspace(0, 1, width), torch.linspace(0, 1, height)[:, None]
    top, bottom = (corners[..., row, :1, None] * (1 - across) + corners[..., row, 1:, None] * across for row in (0, 1))
    return top * (1 - down) + bottom * down


def paint_fractal(width: int, height: int, generator: torch.Generator) -> Tensor:
    """Coloured noise of many sizes, coarse ones strongest, contrast stretched: (1, 3, height, width) in [0, 1]."""
    total, shorter = torch.zeros(1, 3, height, width), min(width, height)
    for octave, cells in enumerate(OCTAVES):
        rows, columns = (max(1, min(side, round(cells * side / shorter))) for side in (height, width))
        grid_of_noise = torch.rand((1, 3, rows, columns), generator=generator)
        total += 0.5**octave * upsample(grid_of_noise, height, width)
    low, high = total.amin(dim=(2, 3), keepdim=True), total.amax(dim=(2, 3), keepdim=True)
    return (total - low) / (high - low).clamp(min=1e-6)


DRAWN: Mapping[str, Start] = {
    "noise": _noise,
    "uniform": _uniform,
    "grey": _grey,
    "pixels": partial(_painted, paint_pixels),
    "gradient": partial(_painted, paint_gradient),
    "fractal": partial(_painted, paint_fractal),
}


def _encode(config: GenerateConfig, image: ImageModel, picture: Tensor) -> Tensor:
    return encoded(image, picture.to(image.codebook.device), Windows.of(config, image.factor))
