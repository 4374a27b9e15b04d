"""Cutouts as the programs of 2021 make them: one after the other in a Python loop, augmented by kornia itself.

Written from the formulas, not from anybody's code. What a run of ours does in one product is spelled out here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from dreamrig.errors import NotReadyError
from dreamrig.extras import pip_command
from generator.engine.cutouts import draw, lanczos_kernel

if TYPE_CHECKING:
    from generator.config import GenerateConfig

Cutter = Callable[[Tensor, int], Tensor]
"""(picture (1, 3, H, W), side S) -> cutouts (N, 3, S, S)."""
Augmentations = Sequence[Callable[[Tensor], Tensor]]


def kornia_augmentations() -> Augmentations:
    """The four that nerdyrodent's script uses when nobody asks, in its order (`Af Pe Ji Er`).

    They draw from torch's global generator, as kornia does. NotReadyError where kornia is not here.
    """
    try:
        kornia: Any = importlib.import_module("kornia.augmentation")
    except ImportError as error:
        raise NotReadyError(
            f"kornia cannot be imported: {error}.", hint=f"run: {pip_command('kornia>=0.9,<0.10')}"
        ) from None
    return (
        kornia.RandomAffine(degrees=15, translate=(0.0, 0.1), shear=5, p=0.7, padding_mode="zeros", keepdim=True),
        kornia.RandomPerspective(distortion_scale=0.7, p=0.7),
        kornia.ColorJitter(brightness=0.1, contrast=0.1, saturation=0.1, hue=0.1, p=0.7),
        kornia.RandomErasing(scale=(0.1, 0.4), ratio=(0.3, 1 / 0.3), same_on_batch=True, p=0.7),
    )


@dataclass(frozen=True)
class PooledCutter:
    """The whole picture pooled anew for each cutout, then augmentations, then noise: the script's own default."""

    count: int
    augmentations: Augmentations
    noise: float
    """Largest factor of the gaussian noise on each cutout."""

    def __call__(self, picture: Tensor, side: int) -> Tensor:
        """(1, 3, H, W) -> (N, 3, S, S)."""
        average, largest = torch.nn.AdaptiveAvgPool2d(side), torch.nn.AdaptiveMaxPool2d(side)
        cut = torch.cat([(average(picture) + largest(picture)) / 2 for _ in range(self.count)])
        for augmentation in self.augmentations:
            cut = augmentation(cut)
        return _noisy(cut, self.noise)


@dataclass(frozen=True)
class CropCutter:
    """Random crops, each resampled by itself: Lanczos where it shrinks, then bicubic; clamped, with noise."""

    config: GenerateConfig
    generator: torch.Generator

    def __call__(self, picture: Tensor, side: int) -> Tensor:
        """(1, 3, H, W) -> (N, 3, S, S)."""
        config = self.config
        boxes = draw(
            self.generator, config.cutouts, config.width, config.height, side,
            power=config.cut_power, min_fraction=config.cut_min_fraction, whole_every=config.whole_every,
        )  # fmt: skip
        crops = (picture[:, :, y : y + size, x : x + size] for x, y, size in boxes.tolist())
        cut = torch.cat([resample(crop, side) for crop in crops])
        return _noisy(cut.clamp(0, 1) if config.cut_clamp else cut, config.cut_noise)


def resample(crop: Tensor, side: int) -> Tensor:
    """A square crop (1, 3, s, s) -> (1, 3, S, S): along each axis by itself, then bicubic with the corners aligned."""
    size = crop.shape[-1]
    if side < size:
        kernel = lanczos_kernel(side / size).to(crop)
        reach, (channels, height, width) = len(kernel) // 2, crop.shape[1:]
        planes = crop.reshape(channels, 1, height, width)
        planes = functional.pad(planes, (0, 0, reach, reach), "reflect")
        planes = functional.conv2d(planes, kernel[None, None, :, None])
        planes = functional.pad(planes, (reach, reach, 0, 0), "reflect")
        crop = functional.conv2d(planes, kernel[None, None, None]).reshape(1, channels, height, width)
    return functional.interpolate(crop, (side, side), mode="bicubic", align_corners=True)


def _noisy(cut: Tensor, noise: float) -> Tensor:
    if not noise:
        return cut
    factors = torch.rand((len(cut), 1, 1, 1), device=cut.device) * noise
    return cut + factors * torch.randn_like(cut)
