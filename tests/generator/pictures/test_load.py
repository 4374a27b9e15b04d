"""Picture files of all kinds, as what a person sees in them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dreamrig.errors import UsageError
from generator.pictures.load import read_picture, read_picture_within
from generator.pictures.opening import open_picture


def pixels(path: Path, mode: str = "RGB") -> np.ndarray:
    return np.asarray(open_picture(str(path), mode))


@pytest.mark.parametrize(
    ("name", "values", "mode"),
    [
        ("deep.png", np.linspace(0, 65535, 16).astype(np.uint16), "I;16"),
        ("whole.tif", np.linspace(0, 65535, 16).astype(np.int32), "I"),
        ("bytes.tif", np.linspace(0, 255, 16).astype(np.int32), "I"),
        ("shares.tif", np.linspace(0, 1, 16, dtype=np.float32), "F"),
        ("numbers.tif", np.linspace(0, 255, 16, dtype=np.float32), "F"),
    ],
)
def test_a_ramp_of_more_than_eight_bits_stays_a_ramp(name: str, values: np.ndarray, mode: str, tmp_path: Path) -> None:
    picture = Image.fromarray(np.tile(values, (4, 1)))
    assert picture.mode == mode
    picture.save(tmp_path / name)
    np.testing.assert_allclose(pixels(tmp_path / name)[2, :, 1], np.linspace(0, 255, 16), atol=1)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P"])
def test_what_is_transparent_is_seen_on_white(mode: str, tmp_path: Path) -> None:
    """Its hidden colour is black here, as programs like to leave it."""
    picture = Image.new("RGBA", (4, 2), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (2, 0, 4, 2))
    if mode == "P":
        flat = Image.new("P", (4, 2), 0)
        flat.putpalette([0, 0, 0, 0, 0, 0])
        flat.paste(1, (2, 0, 4, 2))
        flat.save(tmp_path / "a.png", transparency=0)
    else:
        picture.convert(mode).save(tmp_path / ("a.tif" if mode == "PA" else "a.png"))
    path = next(tmp_path.iterdir())
    assert pixels(path)[0, :, 0].tolist() == [255, 255, 0, 0]
    assert pixels(path, "RGBA")[0, :, 3].tolist() == [0, 0, 255, 255]


def test_other_kinds_are_read_upright_and_in_their_colours(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "print.jpg", quality=95)
    assert pixels(tmp_path / "print.jpg")[4, 4].tolist() == pytest.approx([255, 0, 0], abs=4)
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert pixels(tmp_path / "moving.gif")[0, 0].tolist() == [255, 0, 0]
    sideways = Image.new("RGB", (16, 8), "white")
    sideways.paste((255, 0, 0), (0, 0, 16, 4))
    exif = sideways.getexif()
    exif[274] = 6  # turn by 90 degrees clockwise to see it: what is on top comes to the right
    sideways.save(tmp_path / "held.png", exif=exif)
    upright = pixels(tmp_path / "held.png")
    assert upright.shape == (16, 8, 3)
    assert upright[8, [0, 7]].tolist() == [[255, 255, 255], [255, 0, 0]]


def test_a_single_pixel_fills_the_picture_and_a_large_one_is_shrunk(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), (255, 128, 0)).save(tmp_path / "one.png")
    expected = torch.tensor([1.0, 128 / 255, 0.0])[None, :, None, None].expand(1, 3, 16, 24)
    torch.testing.assert_close(read_picture(str(tmp_path / "one.png"), 24, 16), expected)
    Image.new("RGB", (400, 100)).save(tmp_path / "wide.png")
    assert read_picture_within(str(tmp_path / "wide.png"), 10_000).shape == (1, 3, 50, 200)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello", "not a picture"),
        (b"", "not a picture"),
        (None, "no picture"),
        (b"\x89PNG\r\n\x1a\n", "not a picture"),
    ],
)
def test_what_is_no_picture_is_said(content: bytes | None, words: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UsageError, match=words):
        open_picture(str(tmp_path / "a.png"), "RGB")


def test_a_bomb_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("1", (64, 64)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(UsageError, match="too large"):
        open_picture(str(tmp_path / "bomb.png"), "RGB")


def test_a_photograph_of_a_hundred_megapixels_is_shrunk_while_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is made small here, not the picture large."""
    left_red = Image.new("RGB", (400, 300), "blue")
    left_red.paste((255, 0, 0), (0, 0, 200, 300))
    exif = left_red.getexif()
    exif[274] = 8  # turn by 90 degrees counterclockwise to see it: what is on the left comes to the bottom
    left_red.save(tmp_path / "phone.jpg", exif=exif, quality=95)
    assert pixels(tmp_path / "phone.jpg").shape == (400, 300, 3)
    for most, shape in (
        (120_000, (400, 300, 3)),
        (119_999, (200, 150, 3)),
        (29_999, (100, 75, 3)),
        (2000, (50, 38, 3)),
    ):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
        seen = pixels(tmp_path / "phone.jpg")
        assert seen.shape == shape
        assert seen[-1, 0].tolist() == pytest.approx([255, 0, 0], abs=6)
        assert seen[0, 0].tolist() == pytest.approx([0, 0, 255], abs=6)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(UsageError, match="too large"):
        open_picture(str(tmp_path / "phone.jpg"), "RGB")


@pytest.mark.parametrize(("brand", "words"), [(b"heic", "a HEIC picture"), (b"mif1", "a HEIC picture")])
def test_a_picture_of_a_telephone_names_what_reads_it(brand: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0" + b"mif1heic" + bytes(100))
    with pytest.raises(UsageError, match=words) as caught:
        open_picture(str(tmp_path / "a.heic"), "RGB")
    assert "pip install pillow-heif" in caught.value.hint


def test_devices_pipes_and_folders_are_no_pictures(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", "/dev/zero", tmp_path):
        with pytest.raises(UsageError, match="it is no regular file"):
            open_picture(str(path), "RGB")
