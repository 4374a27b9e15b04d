"""Picture files in, as tensors of the size that is wanted."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from generator.pictures.opening import open_picture


def read_picture(path: str, width: int, height: int) -> Tensor:
    """A picture file as (1, 3, height, width) float32 in [0, 1]: RGB, upright, Lanczos-resized to exactly this."""
    return _to_tensor(open_picture(path, "RGB").resize((width, height), Image.Resampling.LANCZOS))


def read_picture_within(path: str, pixels: int) -> Tensor:
    """A picture file as (1, 3, h, w) float32 in [0, 1], its shape kept, shrunk where it has more than `pixels`."""
    opened = open_picture(path, "RGB")
    scale = min(1.0, math.sqrt(pixels / (opened.width * opened.height)))
    size = (max(1, round(opened.width * scale)), max(1, round(opened.height * scale)))
    return _to_tensor(opened.resize(size, Image.Resampling.LANCZOS))


def _to_tensor(picture: Image.Image) -> Tensor:
    pixels = np.asarray(picture, dtype=np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()
