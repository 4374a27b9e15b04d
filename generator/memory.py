"""Will it fit? Said before a run starts, not after the machine has swapped for ten minutes."""

from __future__ import annotations

import math
from dataclasses import replace

from dreamrig.errors import NotReadyError
from generator.config import SIZE_MULTIPLE, SMALLEST_SIDE, GenerateConfig
from generator.models.base import Models

MIB = 2**20
FLOAT_BYTES = 4
SAFETY = 1.15
"""Allocators round up and keep pieces."""
UNKNOWN_NETWORK_FLOATS_PER_PIXEL = 2000
"""For networks without a hint of their own: roughly a 128-channel VQGAN decoder with its gradients."""


def estimate_memory_mib(config: GenerateConfig, models: Models) -> float:
    """Upper estimate of the MiB a run takes at its peak on top of the loaded networks, on CPU or CUDA.

    Counted, each in float32 and with its gradient where it has one: the decoded picture, the resample matrices and
    half-resampled rows of the largest guide's cutouts, the cutouts, the distances of every cell to every codebook
    row, the latent with its offsets and Adam's moments; plus what the networks themselves say (Models.memory_mib).
    """
    own = _picture_floats(config) + _cutout_floats(config, models) + _latent_floats(config, models)
    return SAFETY * (own * FLOAT_BYTES / MIB + _network_mib(config, models))


def largest_size_that_fits(available_mib: float, config: GenerateConfig, models: Models) -> int:
    """Largest width, a multiple of 8 and the model's factor, at which the same shape of picture fits; 0 = none."""
    step = math.lcm(SIZE_MULTIPLE, models.image.factor)
    for width in range(config.width - config.width % step, SMALLEST_SIDE - 1, -step):
        height = height_for(width, config, models)
        if estimate_memory_mib(replace(config, width=width, height=height), models) <= available_mib:
            return width
    return 0


def height_for(width: int, config: GenerateConfig, models: Models) -> int:
    """The height that keeps the config's aspect at another width, as near as the model's multiples allow."""
    step = math.lcm(SIZE_MULTIPLE, models.image.factor)
    smallest = math.ceil(SMALLEST_SIDE / step) * step
    return max(smallest, round(width * config.height / config.width / step) * step)


def require_fit(config: GenerateConfig, models: Models, available_mib: float | None) -> None:
    """Raise NotReadyError, naming the largest size that fits, when the run would not; None = unknown, let it try."""
    if available_mib is None or estimate_memory_mib(config, models) <= available_mib:
        return
    width = largest_size_that_fits(available_mib, config, models)
    hint = "no size fits: close other programs, or use fewer cutouts"
    if width:
        hint = f"the largest size that fits: --width {width} --height {height_for(width, config, models)}"
    raise NotReadyError(
        f"{config.width}x{config.height} with {config.cutouts} cutouts needs about "
        f"{estimate_memory_mib(config, models):.0f} MiB; {available_mib:.0f} MiB are free.",
        hint=hint,
    )


def _picture_floats(config: GenerateConfig) -> int:
    """Decoded, clamped, both gradients, one copy for a sink."""
    return 5 * 3 * config.width * config.height


def _cutout_floats(config: GenerateConfig, models: Models) -> int:
    """All guides, since all are held until the backward pass."""
    floats = 0
    for guide in models.guides:
        matrices = guide.size * (config.width + config.height)
        rows = 3 * 3 * guide.size * config.width  # product, its transposed copy, gradient
        squares = 6 * 3 * guide.size**2  # cut, clamped, noise, sum, gradients
        floats += config.cutouts * (matrices + rows + squares)
    return floats


def _latent_floats(config: GenerateConfig, models: Models) -> int:
    codes, channels = models.image.codebook.shape
    cells = (config.width // models.image.factor) * (config.height // models.image.factor)
    return cells * (4 * codes + 12 * channels)


def _network_mib(config: GenerateConfig, models: Models) -> float:
    if models.memory_mib is not None:
        return models.memory_mib(config.width, config.height, config.cutouts)
    return UNKNOWN_NETWORK_FLOATS_PER_PIXEL * config.width * config.height * FLOAT_BYTES / MIB
