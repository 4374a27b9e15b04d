"""Pictures as PNG, JPEG and WebP: what is inside, the way back, and files that strangers made."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dreamrig.errors import RigError, UsageError
from generator.config import GenerateConfig
from generator.pictures import containers, exif
from generator.pictures.formats import encode_picture, metadata_blocks
from generator.pictures.png import render_parameters
from generator.pictures.reading import read_recipe
from generator.pictures.recipe import Recipe

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".WEBP")


def make_recipe(**changes: Any) -> Recipe:
    config = GenerateConfig(**{"prompt": "fog över 海", "start": "grey", "seed": 7} | changes)
    return Recipe(config=config.to_dict(), steps_done=5, weights={"name": "toy", "sha256": "00"})


def noise_picture(width: int = 24, height: int = 16) -> Image.Image:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def write(path: Path, recipe: Recipe) -> Path:
    path.write_bytes(encode_picture(noise_picture(), recipe, path.suffix))
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_carries_the_recipe(suffix: str, tmp_path: Path) -> None:
    recipe = make_recipe(start="/home/me/secret/photo.png")
    path = write(tmp_path / f"picture{suffix}", recipe)
    assert read_recipe(path) == recipe.public()
    assert b"secret" not in path.read_bytes()


@pytest.mark.parametrize(("suffix", "kind"), [(".png", "PNG"), (".jpg", "JPEG"), (".webp", "WEBP")])
def test_the_suffix_decides_the_format_and_only_jpeg_loses_pixels(suffix: str, kind: str, tmp_path: Path) -> None:
    with Image.open(write(tmp_path / f"picture{suffix}", make_recipe())) as opened:
        assert opened.format == kind
        different = np.abs(np.asarray(opened.convert("RGB"), int) - np.asarray(noise_picture(), int))
    assert (different.max() > 0) == (kind == "JPEG")
    assert different.mean() < 6


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_other_readers_find_the_line_of_parameters_and_the_word_of_the_iptc(suffix: str, tmp_path: Path) -> None:
    recipe = make_recipe()
    with Image.open(write(tmp_path / f"picture{suffix}", recipe)) as opened:
        comment = opened.getexif().get_ifd(0x8769)[0x9286]
        assert comment.removeprefix(b"UNICODE\0").decode("utf-16-be") == render_parameters(recipe.public())
        assert b"trainedAlgorithmicMedia" in opened.info["xmp"]


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
def test_exiftool_finds_no_fault(tmp_path: Path) -> None:
    for suffix in (".jpg", ".webp"):
        path = write(tmp_path / f"picture{suffix}", make_recipe())
        told = subprocess.run(["exiftool", "-validate", "-j", path], capture_output=True, check=True).stdout
        assert "Error" not in json.loads(told)[0]


def test_a_recipe_too_long_for_a_jpeg_names_a_format_that_takes_it(tmp_path: Path) -> None:
    recipe = Recipe(config={**make_recipe().config, "prompt": "x" * 70_000})
    with pytest.raises(UsageError) as caught:
        encode_picture(noise_picture(), recipe, ".jpg")
    assert ".webp" in caught.value.hint
    assert read_recipe(write(tmp_path / "long.webp", recipe)).config["prompt"] == "x" * 70_000


def test_equal_pictures_are_equal_bytes() -> None:
    for suffix in (".png", ".jpg", ".webp"):
        made = [encode_picture(noise_picture(), make_recipe(), suffix) for _ in range(2)]
        assert made[0] == made[1]


@pytest.mark.parametrize("save", ["JPEG", "WEBP"])
def test_a_picture_of_others_is_none_of_ours(save: str, tmp_path: Path) -> None:
    path = tmp_path / "theirs"
    others = Image.Exif()
    others[0x8769] = {0x927C: b"Nikon\0 something", 0x9286: b"ASCII\0\0\0hello"}
    noise_picture().save(path, save, exif=others)
    with pytest.raises(UsageError, match="carries no dreamrig recipe"):
        read_recipe(path)


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
@given(data=st.data())
def test_damaged_pictures_never_give_a_traceback(
    suffix: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    good = bytearray(encode_picture(noise_picture(), make_recipe(), suffix))
    for _ in range(data.draw(st.integers(1, 8))):
        good[data.draw(st.integers(0, min(len(good), 3000) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / f"damaged{suffix}"
    path.write_bytes(good[: data.draw(st.integers(0, len(good)))])
    with contextlib.suppress(RigError):
        assert isinstance(read_recipe(path), Recipe)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_exif_block_without_a_recipe(data: bytes) -> None:
    assert exif.find_recipe(data) is None
    assert exif.find_recipe(b"II*\0" + data) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_an_mp4_without_a_comment(data: bytes) -> None:
    containers.find_mp4_comment(io.BytesIO(data))
    nested = data
    for name in (b"data", b"\xa9cmt", b"ilst"):
        nested = (len(nested) + 8).to_bytes(4, "big") + name + nested
    found = containers.find_mp4_comment(io.BytesIO(box(b"moov", box(b"udta", box(b"meta", bytes(4) + nested)))))
    assert found == (data[8:] if len(data) >= 8 else None)


def box(name: bytes, content: bytes) -> bytes:
    return (len(content) + 8).to_bytes(4, "big") + name + content


def test_an_animation_gets_its_metadata_in_the_container() -> None:
    buffer = io.BytesIO()
    noise_picture().save(buffer, "WEBP", save_all=True, append_images=[Image.new("RGB", (24, 16))])
    block, packet = metadata_blocks(make_recipe())
    data = containers.add_metadata_to_webp(buffer.getvalue(), block, packet)
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.n_frames == 2  # type: ignore[attr-defined]  # a WebP has it
        assert opened.info["xmp"] == packet
    found = containers.find_exif(io.BytesIO(data), "webp")
    assert found is not None
    assert json.loads(exif.find_recipe(found) or b"")["steps_done"] == 5
