"""Picture files in: opened carefully, turned upright, in eight bits a colour, resized."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from dreamrig.errors import UsageError
from generator.pictures.regular import open_regular


def open_picture(path: str, mode: str) -> Image.Image:
    """A picture file upright and in a mode of Pillow's ("RGB"); anything but one of sane size raises UsageError.

    Of a moving picture the first frame. Where it is transparent, white shows through, unless the mode holds alpha.
    """
    file = Path(path).expanduser()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with open_regular(file) as data, Image.open(data) as opened:
                return _in_mode(_in_eight_bits(ImageOps.exif_transpose(opened)), mode)
    except FileNotFoundError:
        raise UsageError(f"There is no picture {path}.", hint="give the path of a PNG or JPEG file") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UsageError(f"The picture {path} is too large to open.", hint="scale it down first") from None
    except (OSError, ValueError, SyntaxError, EOFError):
        raise UsageError(f"{path} is not a picture that can be read.", hint="use a PNG or JPEG file") from None


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """Grey of 16 bits, whole numbers or fractions as grey of 8 bits; Pillow would cut off all above 255."""
    if not picture.mode.startswith(("I", "F")):
        return picture
    grey = np.nan_to_num(np.asarray(picture, dtype=np.float64))
    most = float(grey.max())
    white = 1.0 if most <= 1 and picture.mode == "F" else 255.0 if most <= 255 and picture.mode != "I;16" else 65535.0
    return Image.fromarray((grey / white * 255).round().clip(0, 255).astype(np.uint8))


def _in_mode(picture: Image.Image, mode: str) -> Image.Image:
    """Converted; colours that lie below full transparency are nobody's to see."""
    if mode.endswith("A") or not picture.has_transparency_data:
        return picture.convert(mode)
    seen = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert(mode)


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
