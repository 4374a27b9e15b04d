"""Pictures and the recipe inside them."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zlib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dreamrig.errors import RigError, UsageError
from generator.config import GenerateConfig
from generator.events import Finished, Preview
from generator.pictures.png import encode_png, enlarge_smoothly, to_picture
from generator.pictures.reading import SIGNATURE, read_recipe
from generator.pictures.recipe import Recipe, describe_start_image, differences
from generator.runs.folder import new_run
from generator.sinks.picture import LargePictureSink, PictureSink, preview_sink

IMAGE = torch.linspace(0, 1, 3 * 16 * 24).view(3, 16, 24)


def make_recipe(**changes: object) -> Recipe:
    config = GenerateConfig(**{"prompt": "sunset over the sea", "seed": 7, **changes})  # type: ignore[arg-type]  # values of mixed types on purpose
    versions = {"python": "3.11.7", "torch": "2.13.0", "platform": "Linux-6.1-mine-x86_64-with-glibc2.36"}
    weights = {"name": "starter", "sha256": "ab" * 32}
    return Recipe(config=config.to_dict(), steps_done=60, versions=versions, weights=weights, machine={"device": "cpu"})


def make_png(recipe: Recipe | None = None) -> bytes:
    return encode_png(to_picture(IMAGE), recipe or make_recipe())


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_recipe(tmp_path: Path, data: bytes, *, packed: bool = False) -> Path:
    """A PNG whose dreamrig chunk holds these bytes."""
    body = b"dreamrig\0" + bytes([packed, 0]) + b"\0\0" + (zlib.compress(data) if packed else data)
    path = tmp_path / "made.png"
    path.write_bytes(SIGNATURE + chunk(b"IHDR", bytes(13)) + chunk(b"iTXt", body) + chunk(b"IEND", b""))
    return path


def test_pixels_are_the_image_rounded_and_clamped() -> None:
    picture = to_picture(torch.tensor([[[-1.0, 0.5]], [[0.0, 1.0]], [[2.0, 0.2]]]))
    assert (picture.mode, picture.size) == ("RGB", (2, 1))
    assert list(picture.tobytes()) == [0, 0, 255, 128, 255, 51]


def test_the_same_recipe_makes_the_same_bytes_and_holds_no_time() -> None:
    assert make_png() == make_png()
    assert b"tIME" not in make_png()


def test_the_recipe_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(make_png())
    found = read_recipe(path)
    assert found.to_config() == GenerateConfig(prompt="sunset over the sea", seed=7)
    assert found.weights["sha256"] == "ab" * 32
    assert found.steps_done == 60
    assert found.versions["platform"] == "Linux-x86_64-with-glibc2.36"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1).filter(lambda text: text.strip())
)
def test_any_prompt_round_trips(tmp_path: Path, prompt: str) -> None:
    recipe = Recipe(config={"prompt": prompt, "width": 24, "height": 16, "steps": 1, "seed": 0, "start": "grey"})
    path = tmp_path / "picture.png"
    path.write_bytes(make_png(recipe))
    assert read_recipe(path).config["prompt"] == prompt
    with Image.open(path) as picture:
        assert picture.info["parameters"].startswith(f"{prompt}\n")


def test_parameters_are_in_the_common_style() -> None:
    with Image.open(io.BytesIO(make_png())) as picture:
        assert picture.info["parameters"] == (
            "sunset over the sea\n"
            "Steps: 60, Sampler: VQGAN+CLIP Adam, CFG scale: 1, Seed: 7, Size: 128x128, "
            "Model: dreamrig-starter, Version: dreamrig 0.1.0"
        )


@pytest.mark.parametrize(
    ("start", "expected"), [("grey", "trainedAlgorithmicMedia"), ("/x/me.jpg", "compositeWithTrainedAlgorithmicMedia")]
)
def test_xmp_says_that_a_model_made_it(start: str, expected: str) -> None:
    with Image.open(io.BytesIO(make_png(make_recipe(start=start)))) as picture:
        packet = picture.info["XML:com.adobe.xmp"]
    root = ET.fromstring(packet.partition("?>")[2].rpartition("<?")[0])
    (description,) = root.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    source = description.attrib["{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"]
    assert source == f"http://cv.iptc.org/newscodes/digitalsourcetype/{expected}"
    assert "sunset" not in packet


def test_a_start_image_is_named_but_not_where_it_lies(tmp_path: Path) -> None:
    photo = tmp_path / "secret folder" / "me.jpg"
    photo.parent.mkdir()
    photo.write_bytes(b"a photo")
    recipe = Recipe(config=make_recipe(start=str(photo)).config, start_image=describe_start_image(str(photo)))
    data = make_png(recipe)
    assert b"secret folder" not in data
    (tmp_path / "picture.png").write_bytes(data)
    found = read_recipe(tmp_path / "picture.png")
    assert found.start_image == {"name": "me.jpg", "sha256": hashlib.sha256(b"a photo").hexdigest()}
    with pytest.raises(UsageError, match=r"me\.jpg") as caught:
        found.to_config()
    assert "--start" in caught.value.hint


@pytest.mark.parametrize(
    ("size", "expected"),
    [((128, 128), (512, 512)), ((16, 32), (512, 1024)), ((256, 192), (1024, 768)), ((4096, 16), (4096, 16))],
)
def test_the_large_picture(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert enlarge_smoothly(Image.new("RGB", size)).size == expected


def test_sinks_write_picture_and_large_picture_and_remove_the_preview(tmp_path: Path) -> None:
    run, out = new_run(prompt="x", seed=1, steps=2, base=tmp_path / "runs"), tmp_path / "out.png"
    preview_sink(run)(Preview(0, lambda: IMAGE))
    with Image.open(run.folder / "preview.jpg") as preview:
        assert (preview.format, preview.size, dict(preview.getexif())) == ("JPEG", to_picture(IMAGE).size, {})
    (run.folder / "preview.png").write_bytes(b"of an earlier version")
    finished = Finished(2, lambda: IMAGE, "done", 1.0)
    PictureSink(run, make_recipe(), out)(finished)
    LargePictureSink(run, make_recipe())(finished)
    assert not list(run.folder.glob("preview.*"))
    assert out.read_bytes() == (run.folder / "picture.png").read_bytes()
    assert read_recipe(out).steps_done == 2
    assert read_recipe(run.folder / "picture-large.png") == read_recipe(out)
    with Image.open(run.folder / "picture-large.png") as large:
        assert large.size == (768, 512)


def test_a_file_that_appeared_meanwhile_is_kept(tmp_path: Path) -> None:
    run, out = new_run(prompt="x", seed=1, steps=2, base=tmp_path / "runs"), tmp_path / "out.png"
    out.write_text("mine")
    with pytest.raises(RigError, match="exists"):
        PictureSink(run, make_recipe(), out)(Finished(2, lambda: IMAGE, "done", 1.0))
    assert out.read_text() == "mine"
    assert (run.folder / "picture.png").exists()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a PNG"),
        (b"\xff\xd8\xff\xe0 a jpeg", "no dreamrig recipe"),
        (b"GIF89a, another kind of picture", "not a PNG"),
        (SIGNATURE, "no dreamrig recipe"),
        (SIGNATURE + b"\xff\xff\xff\xffiTXt" + b"x" * 50, "no dreamrig recipe"),
    ],
)
def test_what_is_no_picture_of_ours_is_refused_in_words(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "foreign.png"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=message):
        read_recipe(path)


def test_other_programs_pictures_are_refused_in_words(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", "a cat\nSteps: 20")
    info.add_itxt("prompt", "{}", zip=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "foreign.png", pnginfo=info)
    with pytest.raises(UsageError, match="no dreamrig recipe"):
        read_recipe(tmp_path / "foreign.png")
    with pytest.raises(UsageError, match="Cannot read"):
        read_recipe(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"schema": 1, "config": {"seed": NaN}}',
        b'{"schema": 1, "config": []}',
        b'{"schema": 1, "versions": {"torch": 2}}',
        b'{"schema": 1, "versions": 3}',
        b'{"schema": 1, "steps_done": "3"}',
        b'{"schema": 99}',
    ],
)
def test_damaged_recipes_are_refused_in_words(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(UsageError):
        read_recipe(with_recipe(tmp_path, text))


def test_a_compressed_recipe_is_read_but_a_bomb_is_not(tmp_path: Path) -> None:
    text = json.dumps(make_recipe().to_dict()).encode()
    assert read_recipe(with_recipe(tmp_path, text, packed=True)) == make_recipe().public()
    with pytest.raises(UsageError, match="damaged"):
        read_recipe(with_recipe(tmp_path, b" " * 50_000_000, packed=True))


def test_a_cut_or_flipped_file_never_gives_a_wrong_recipe(tmp_path: Path) -> None:
    data, path = make_png(), tmp_path / "picture.png"
    path.write_bytes(data)
    whole = read_recipe(path)
    for length in range(0, len(data), 97):
        path.write_bytes(data[:length])
        try:
            assert read_recipe(path) == whole
        except UsageError:
            continue
    for place in range(0, len(data), 23):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x01]) + data[place + 1 :])
        try:
            assert read_recipe(path) == whole
        except UsageError:
            continue


def test_settings_of_a_later_version_are_named(tmp_path: Path) -> None:
    facts = {"schema": 1, "config": {"prompt": "x", "hologram": True}}
    with pytest.raises(UsageError, match="hologram"):
        read_recipe(with_recipe(tmp_path, json.dumps(facts).encode())).to_config()


def test_differences_name_what_may_change_the_pixels() -> None:
    old = make_recipe()
    kernel = {**old.versions, "platform": "Linux-6.2-other-x86_64-with-glibc2.36"}
    assert differences(old, Recipe(**{**vars(old), "versions": kernel})) == []
    new = {**vars(old), "versions": {**kernel, "torch": "2.14.0"}, "weights": {**old.weights, "sha256": "cd" * 32}}
    assert differences(old, Recipe(**new)) == [
        "torch was 2.13.0, is 2.14.0",
        "weights sha256 was abababababab…, is cdcdcdcdcdcd…",
    ]
