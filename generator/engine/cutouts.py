"""Cutouts: square crops of the picture at the guide's size, all of them as two batched matrix products.

Each crop is resampled in two linear, separable steps: where it shrinks, a Lanczos filter (a = 2, reflect padding),
then bicubic interpolation with corners aligned. Both together are one (S, size) matrix per side length; placed at
the crop's offset they become (N, S, H) and (N, S, W) stacks that read the whole picture at once.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from generator.devices import constant
from generator.engine.resampling import taps_for

LANCZOS_A = 2
BICUBIC_A = -0.75


def draw(
    generator: torch.Generator,
    count: int,
    width: int,
    height: int,
    size: int,
    *,
    power: float = 1.0,
    min_fraction: float = 0.0,
    whole_every: int = 0,
) -> Tensor:
    """Where to cut: (count, 3) int64 rows of (x, y, side) in pixels, drawn from a CPU generator.

    side = int(u^power * (high - low) + low), u uniform on [0, 1), high = min(width, height), low = min(high, size)
    or min_fraction * high where that is more; x and y are uniform over all places where the square fits.
    Every whole_every-th cutout is the largest centred square instead (of a square picture: all of it); the draws
    stay the same for the others.
    """
    high = min(width, height)
    low = min(high, max(size, math.ceil(min_fraction * high)))
    u = torch.rand((count, 3), generator=generator, dtype=torch.float64)
    sides = (u[:, 0] ** power * (high - low) + low).long()
    boxes = torch.stack([_offsets(u[:, 1], width - sides), _offsets(u[:, 2], height - sides), sides], dim=1)
    if whole_every:
        boxes[whole_every - 1 :: whole_every] = torch.tensor([(width - high) // 2, (height - high) // 2, high])
    return boxes


def _offsets(u: Tensor, last: Tensor) -> Tensor:
    """Uniform whole numbers from 0 to last, both included."""
    return torch.minimum((u * (last + 1)).long(), last)


def apply(image: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Cut and resample: image (1, 3, H, W), boxes (N, 3) on the CPU -> (N, 3, S, S), differentiable in the image."""
    channels, height, width = image.shape[1:]
    count = len(boxes)
    down, across = _matrices(boxes, width, height, size, image)  # (N, S, H), (N, S, W)
    by_row = image[0].permute(1, 0, 2).reshape(height, channels * width)  # (H, 3 W)
    rows = (down.view(count * size, height) @ by_row).view(count, size, channels, width)
    rows = rows.transpose(1, 2).reshape(count, channels * size, width)
    return torch.bmm(rows, across.transpose(1, 2)).view(count, channels, size, size)


def _matrices(boxes: Tensor, width: int, height: int, size: int, image: Tensor) -> tuple[Tensor, Tensor]:
    """The resample matrices of all boxes, down and across, where the image is."""
    if image.device.type != "cpu":
        taps = taps_for(resample_matrix, (width, height), size, image.device, LANCZOS_A)
        down, across = taps.matrices(boxes, width, height)
        return down.to(image.dtype), across.to(image.dtype)
    x, y, sides = boxes.unbind(1)
    return _stack(y, sides, height, size).to(image.dtype), _stack(x, sides, width, size).to(image.dtype)


def _stack(offsets: Tensor, sides: Tensor, length: int, size: int) -> Tensor:
    """One (size, length) matrix per cutout: its resample matrix at its offset, zero elsewhere."""
    stack = torch.zeros((len(offsets), size, length))
    for matrix, offset, side in zip(stack, offsets.tolist(), sides.tolist(), strict=True):
        matrix[:, offset : offset + side] = resample_matrix(side, size)
    return stack


def pool(image: Tensor, size: int) -> Tensor:
    """The whole picture at the guide's size: (1, 3, H, W) -> (1, 3, S, S), its shape squeezed to a square.

    Mean of adaptive average and adaptive maximum pooling: output i reads the pixels from floor(i H / S) to
    ceil((i + 1) H / S). Written with products and an index, whose gradients are repeatable on every device.
    """
    down, across = (constant(_mean_matrix, length, size, like=image) for length in image.shape[2:])
    with torch.no_grad():
        places = functional.adaptive_max_pool2d(image, size, return_indices=True)[1].flatten(2)
    largest = image.flatten(2).gather(2, places).view(*image.shape[:2], size, size)
    return (down @ image @ across.T + largest) / 2


@lru_cache(maxsize=64)
def _mean_matrix(source: int, target: int) -> Tensor:
    """(target, source) float32: adaptive average pooling."""
    matrix = torch.zeros((target, source))
    for i in range(target):
        first, end = i * source // target, -(-(i + 1) * source // target)
        matrix[i, first:end] = 1 / (end - first)
    return matrix


@lru_cache(maxsize=512)
def resample_matrix(source: int, target: int) -> Tensor:
    """(target, source) float32: Lanczos where it shrinks, then bicubic. Shared by all callers: never write to it."""
    bicubic = bicubic_matrix(source, target)
    both = bicubic @ lanczos_matrix(source, target / source) if target < source else bicubic
    return both.float()


def lanczos_matrix(source: int, ratio: float) -> Tensor:
    """(source, source) float64: the low-pass before shrinking by ratio < 1, edges reflected."""
    kernel = lanczos_kernel(ratio)
    half = len(kernel) // 2
    positions = torch.arange(source)[:, None] + torch.arange(-half, half + 1)  # (source, taps)
    reflected = positions.abs()
    reflected = torch.where(reflected >= source, 2 * (source - 1) - reflected, reflected)
    return _scatter(reflected, kernel.expand(source, -1), source)


def lanczos_kernel(ratio: float) -> Tensor:
    """Weights sinc(t) sinc(t / a) at multiples of ratio for |t| < a, summing to 1; an odd number of them."""
    count = math.ceil(LANCZOS_A / ratio + 1)
    t = torch.arange(-(count - 2), count - 1, dtype=torch.float64) * ratio
    weights = torch.where(t.abs() < LANCZOS_A, torch.sinc(t) * torch.sinc(t / LANCZOS_A), 0.0)
    return weights / weights.sum()


def bicubic_matrix(source: int, target: int) -> Tensor:
    """(target, source) float64: cubic convolution with the corners aligned, edges repeated."""
    scale = (source - 1) / (target - 1) if target > 1 else 0.0
    places = torch.arange(target, dtype=torch.float64) * scale
    first = places.floor()
    taps = first[:, None] + torch.arange(-1, 3, dtype=torch.float64)  # (target, 4)
    weights = _cubic((places[:, None] - taps).abs())
    return _scatter(taps.long().clamp(0, source - 1), weights, source)


def _cubic(t: Tensor) -> Tensor:
    """Keys' cubic convolution kernel at distances t in [0, 2]."""
    a = BICUBIC_A
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    return torch.where(t <= 1, near, far)


def _scatter(positions: Tensor, weights: Tensor, source: int) -> Tensor:
    """Weights (rows, taps) added up at their positions: (rows, source)."""
    matrix = torch.zeros((len(positions), source), dtype=torch.float64)
    return matrix.scatter_add_(1, positions, weights.contiguous())
