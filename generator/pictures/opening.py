"""Picture files opened carefully: turned upright, in eight bits a colour, in the mode that is wanted. No torch."""

from __future__ import annotations

import importlib
import warnings
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import jpeg_factory

from dreamrig.errors import RigError, UsageError
from dreamrig.extras import pip_command
from dreamrig.paths import given, open_given
from generator.pictures.containers import JPEG_SIGNATURE
from generator.pictures.paths import LARGEST_PICTURE_BYTES

LARGEST_JPEG_PIXELS = 256_000_000
"""The largest cameras of phones have 200 million. A progressive one keeps 3 bytes of each while it is decoded."""
HEAD_BYTES = 12
_HEIC = ("a HEIC", "pillow_heif", "save it as JPEG, or let dreamrig read it", ("pillow-heif",))
_AVIF = ("an AVIF", "pillow_heif", "save it as JPEG, or let dreamrig read it", ("--upgrade", "pillow"))
NEEDS_PLUGIN = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), _HEIC),
    **dict.fromkeys((b"avif", b"avis"), _AVIF),
}
"""Major brand of the file (ISO/IEC 23008-12, annex B; AV1 Image File Format, 6) -> what Pillow may not read alone."""


def open_picture(path: str, mode: str) -> Image.Image:
    """A picture file upright and in a mode of Pillow's ("RGB"); anything but one of sane size raises UsageError.

    Of a moving picture the first frame. Where it is transparent, white shows through, unless the mode holds alpha. A
    JPEG that is too large for memory is shrunk while it is decoded.
    """
    file = given(path, "the picture")
    try:
        with warnings.catch_warnings(), open_given(file, LARGEST_PICTURE_BYTES) as opened:
            warnings.simplefilter("ignore")  # what Pillow makes of damaged tags is nothing to act on
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with _decoder(opened) as picture:
                return _in_mode(_in_eight_bits(ImageOps.exif_transpose(picture)), mode)
    except FileNotFoundError:
        raise UsageError(f"There is no picture {path}.", hint="give the path of a PNG or JPEG file") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UsageError(f"The picture {path} is too large to open.", hint="scale it down first") from None
    except (RigError, MemoryError):
        raise
    except Exception as error:  # Pillow's readers of forty formats raise whatever damage leads them to
        raise UsageError(f"{path} is not a picture that can be read.", hint="use a PNG or JPEG file") from error


def _decoder(file: IO[bytes]) -> Image.Image:
    """The opened picture, its pixels not yet read."""
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if head.startswith(JPEG_SIGNATURE):
        return _jpeg(file)
    try:
        return Image.open(file)
    except UnidentifiedImageError:
        known = NEEDS_PLUGIN.get(head[8:12]) if head[4:8] == b"ftyp" else None
        if known is None:
            raise
        file.seek(0)
        return _by_plugin(file, *known)


def _jpeg(file: IO[bytes]) -> Image.Image:
    """A JPEG with as many of its pixels as fit: its decoder leaves out three of four, or more, at no cost."""
    picture = jpeg_factory(file)
    width, height = picture.size
    most = Image.MAX_IMAGE_PIXELS or LARGEST_JPEG_PIXELS
    if width * height > LARGEST_JPEG_PIXELS:
        raise Image.DecompressionBombError
    if width * height > most:  # smaller ones whole: the same file gives the same picture as ever
        factor = next(factor for factor in (2, 4, 8) if width * height <= most * factor**2 or factor == 8)
        picture.draft(None, (width // factor, height // factor))
        if picture.width * picture.height > most:
            raise Image.DecompressionBombError
    return picture


def _by_plugin(file: IO[bytes], kind: str, package: str, hint: str, wanted: tuple[str, ...]) -> Image.Image:
    """A picture that Pillow reads with the help of a package; UsageError that names it where it is not there."""
    try:
        importlib.import_module(package).register_heif_opener()
        return Image.open(file)
    except (ImportError, AttributeError, UnidentifiedImageError):
        hint = f"{hint}: {pip_command(*wanted)}"
        raise UsageError(f"This is {kind} picture, which cannot be read here as it is.", hint=hint) from None


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
