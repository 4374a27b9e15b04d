"""The picture in the format that its file's name asks for, with the recipe inside: PNG, JPEG, WebP."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from dreamrig.errors import UsageError
from generator.pictures import containers, exif
from generator.pictures.png import encode_png, render_parameters, render_xmp
from generator.pictures.recipe import Recipe

if TYPE_CHECKING:
    from PIL import Image

JPEG_QUALITY = 95


def encode_picture(picture: Image.Image, recipe: Recipe, suffix: str) -> bytes:
    """The bytes of a file with this suffix that carries the public part of the recipe.

    PNG and WebP keep every pixel; JPEG does not, with quality 95 and full colour resolution.
    UsageError where the recipe does not fit into a JPEG.
    """
    kind = suffix.lower()
    if kind == ".png":
        return encode_png(picture, recipe)
    block, packet = metadata_blocks(recipe)
    if kind == ".webp":
        return _encode_webp(picture, block, packet)
    return _encode_jpeg(picture, block, packet)


def metadata_blocks(recipe: Recipe) -> tuple[bytes, bytes]:
    """EXIF block and XMP packet of a recipe's public part."""
    public = recipe.public()
    text = json.dumps(public.to_dict(), ensure_ascii=False, sort_keys=True)
    return exif.build(text, render_parameters(public), public.tool), render_xmp(public).encode()


def _encode_webp(picture: Image.Image, block: bytes, packet: bytes) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", lossless=True, exif=containers.EXIF_HEAD + block, xmp=packet)
    return buffer.getvalue()


def _encode_jpeg(picture: Image.Image, block: bytes, packet: bytes) -> bytes:
    if len(containers.EXIF_HEAD + block) > containers.LARGEST_SEGMENT:
        raise UsageError("The recipe is too long for a JPEG.", hint="name the picture .png or .webp")
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0, exif=containers.EXIF_HEAD + block)
    return containers.add_xmp_to_jpeg(buffer.getvalue(), packet)
