"""The shipped starter: its files, its protocols, and that its pictures are of what was asked for."""

import hashlib
import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from dreamrig.errors import NotReadyError, UsageError
from generator.config import GenerateConfig
from generator.engine.loop import generate
from generator.events import Finished, Step
from generator.models.base import Models
from generator.models.likes import DEFAULTS, FIRST, NAME, SECOND
from generator.models.starter import load_starter
from generator.starter import shipped as weights
from generator.starter import words
from generator.starter.making.captions import caption
from generator.starter.making.render import render
from generator.starter.making.train_vqgan import to_images
from generator.starter.world import draw_scene
from generator.work.plan import Plan


@pytest.fixture(scope="module")
def models() -> Iterator[Models]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield load_starter()
    torch.set_num_threads(threads)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(weights.STARTER_FOLDER, tmp_path / "weights"))


def start_picture(models: Models, text: str, seed: int = 1, rows: int = 16, columns: int = 16) -> Tensor:
    assert models.start is not None
    codes = models.start.predict(text, seed, rows, columns).codes
    picture: Tensor = models.image.decode(models.image.codebook[codes].movedim(-1, 0)[None])[0].clamp(0, 1)
    return picture


def test_the_files_are_those_of_the_manifest_and_at_most_40_mb() -> None:
    manifest = weights.read_manifest()
    files = {path.name for path in weights.STARTER_FOLDER.iterdir() if path.name != "manifest.json"}
    assert files == set(manifest["files"])
    assert files == {name for starter in manifest["starters"].values() for name in starter}
    assert sum((weights.STARTER_FOLDER / name).stat().st_size for name in files) <= 40_000_000


@pytest.mark.parametrize("name", weights.files_of(NAME, weights.read_manifest()))
def test_a_damaged_short_or_missing_file_is_named(copied: Path, name: str) -> None:
    file = copied / name
    whole = file.read_bytes()
    file.write_bytes(whole[:-7])
    with pytest.raises(NotReadyError, match=rf"{name} has \d+ bytes"):
        load_starter(folder=copied)
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(NotReadyError, match=f"{name} is damaged") as caught:
        load_starter(folder=copied)
    assert "git checkout" in caught.value.hint
    file.unlink()
    with pytest.raises(NotReadyError, match="is missing"):
        load_starter(folder=copied)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": 3}'])
def test_a_broken_manifest_is_no_traceback(copied: Path, text: str) -> None:
    (copied / "manifest.json").write_text(text)
    with pytest.raises(NotReadyError):
        load_starter(folder=copied)


def test_a_file_the_manifest_does_not_list_is_not_loaded(copied: Path) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    del manifest["files"]["clip.safetensors"]
    (copied / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(NotReadyError, match="does not list"):
        load_starter(folder=copied)


@pytest.mark.parametrize("number", [0, 1])
def test_shapes_are_those_of_the_protocols(models: Models, number: int) -> None:
    guide = models.guides[number]
    assert models.image.codebook.dtype == torch.float32
    latent = models.image.encode(torch.rand(1, 3, 64, 96))
    assert latent.shape == (1, models.image.codebook.shape[1], 8, 12)
    assert models.image.decode(latent).shape == (1, 3, 64, 96)
    assert guide.encode_text(["a", "the sea"]).shape == (2, guide.width)
    assert guide.encode_image(torch.rand(3, 3, guide.size, guide.size)).shape == (3, guide.width)
    assert not any(parameter.requires_grad for parameter in (models.image.codebook,))


@pytest.mark.parametrize("number", [0, 1])
def test_padding_and_company_do_not_change_a_text(models: Models, number: int) -> None:
    alone = models.guides[number].encode_text(["a red house"])
    among = models.guides[number].encode_text(["a blue boat on the sea at night with stars", "a red house"])[1:]
    assert torch.allclose(alone, among, atol=1e-4)


def test_quantised_renders_are_rebuilt_faithfully(models: Models) -> None:
    rng = random.Random(21)
    pictures = to_images(np.stack([render(draw_scene(rng)) for _ in range(24)]))
    latent = models.image.encode(pictures)
    codes = torch.cdist(latent.movedim(1, -1).flatten(0, 2), models.image.codebook).argmin(1)
    rows = models.image.codebook[codes].view(24, 16, 16, -1).movedim(-1, 1)
    mse = F.mse_loss(models.image.decode(rows).clamp(0, 1), pictures, reduction="none").mean((1, 2, 3))
    assert float((-10 * mse.log10()).mean()) > 24


def test_the_guide_finds_the_caption_of_a_picture_it_has_not_seen(models: Models) -> None:
    rng = random.Random(22)
    scenes = [draw_scene(rng) for _ in range(64)]
    texts = [caption(scene, rng, full=True).text for scene in scenes]
    pictures = to_images(np.stack([render(scene) for scene in scenes]))
    guide = models.guides[0]
    said = F.normalize(guide.encode_text(texts), dim=1)
    seen = F.normalize(guide.encode_image(F.avg_pool2d(pictures, 2)), dim=1)
    top1 = ((said @ seen.T).argmax(1) == torch.arange(64)).float().mean()
    assert float(top1) > 0.5  # chance: 0.016


def test_a_plan_says_what_the_prompt_says(models: Models) -> None:
    assert models.start is not None
    for seed in range(1, 6):
        plan = models.start.predict("a red house in the snow at night", seed, 16, 16).words
        for part in ("night sky", "snow", "red house"):
            assert part in plan
    assert "sunset sky, sea" in models.start.predict("sunset over the ocean", 1, 16, 16).words


def test_an_object_is_not_hidden_by_a_backdrop_of_its_colour_unless_asked_for(models: Models) -> None:
    assert models.start is not None
    for seed in range(12):
        plan = models.start.predict("a pink square with a diamond", seed, 4, 4).words
        assert "pink square" in plan
        assert "pink background" not in plan, plan
    asked = models.start.predict("a red heart on a red background", 1, 4, 4).words
    assert "red heart" in asked
    assert "red background" in asked


def test_a_seed_repeats_its_start_and_another_seed_differs(models: Models) -> None:
    first, again, other = (start_picture(models, "sunset over the sea", seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert float((first - other).abs().mean()) > 0.01


EARLIER = {
    FIRST: (
        "672f1bfdaf1d8b1acecea6e3ee20d991b424381b62b6c504d18e1ea6459d4cbb",
        16,
        {
            "sunset over the sea": "4d8cc516eecd85ff",
            "a red house in the snow at night": "ba3319e536a3d6f4",
            "a whale on the sea with a tower": "2e85d02a2de7a979",  # a fish and a castle to it
            "a meadow with a lemon tulip": "dfc2e8972887a705",
        },
    ),
    SECOND: (
        "92968f203afe43fb558a0b88915c653afa33bd02cb47dc0095b862f618446efb",
        32,
        {
            "sunset over the sea": "8a75a6d00d61ac51",
            "a cat in space": "466b7d8fe4bc4c48",
            "a blue dragon on a castle at night": "ed8c8aa20662fa4c",
            "un renard dans la neige": "7a12893ad39f3a4d",
        },
    ),
}
"""Each starter before this one: its digest, the cells of a side, and its codes as its release drew them."""


@pytest.mark.parametrize("name", EARLIER)
def test_an_earlier_starter_draws_what_it_drew(name: str) -> None:
    """Recipes of its time are repeated with it."""
    sha256, cells, drawn = EARLIER[name]
    starter = load_starter(name=name)
    assert starter.sha256 == sha256
    assert starter.start is not None
    for text, digest in drawn.items():
        codes = starter.start.predict(text, 7, cells, cells).codes
        assert hashlib.sha256(codes.numpy().tobytes()).hexdigest()[:16] == digest, text


@pytest.mark.parametrize("cells", [16, 32, 48])
def test_stars_are_dots_and_corners_are_sky_on_every_grid(models: Models, cells: int) -> None:
    """A painter of one grid had a red corner and blotches in finer ones."""
    text = "a starry night over the sea"
    assert models.start is not None
    plans = {seed: models.start.predict(text, seed, 4, 4).words for seed in range(40)}
    moonless = next(seed for seed, plan in plans.items() if "moon" not in plan and "clouds" not in plan)
    picture = start_picture(models, text, moonless, cells, cells)
    corner = picture[:, : cells // 2, : cells // 2]
    assert float((corner[0] - corner[2]).max()) < 0.25, "redder than blue"
    sky = picture.mean(0)[: int(8 * cells * 0.4)]
    bright = float((sky > 0.45).float().mean())
    assert 0.0005 < bright < 0.05


@pytest.mark.parametrize("cells", [16, 32, 48])
def test_a_checkerboard_has_two_colours_on_every_grid(models: Models, cells: int) -> None:
    picture = start_picture(models, "blue and yellow checkerboard", 3, cells, cells)
    yellowness = picture[0] - picture[2]
    assert float((yellowness.abs() > 0.35).float().mean()) > 0.85
    assert 0.3 < float((yellowness > 0).float().mean()) < 0.7


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (16, 28), (24, 12), (32, 32)])
def test_starts_come_in_any_shape(models: Models, rows: int, columns: int) -> None:
    picture = start_picture(models, "sunset over the sea", 1, rows, columns)
    assert picture.shape == (3, rows * 8, columns * 8)
    upper, lower = picture[:, : rows * 4].mean((1, 2)), picture[:, rows * 6 :].mean((1, 2))
    assert float(upper[0]) > float(upper[2])  # a warm sky
    assert float(upper[0]) > float(lower[0])  # over a darker sea


def test_a_red_house_is_red_and_a_blue_one_blue(models: Models) -> None:
    red, blue = (start_picture(models, f"a big {colour} circle on a white background", 3) for colour in ("red", "blue"))
    assert float((red[0] - red[2]).max()) > 0.4
    assert float((blue[2] - blue[0]).max()) > 0.4


def run(models: Models, **given: object) -> tuple[list[float], Tensor]:
    """Losses of all steps and the last picture of `a red house on a meadow`."""
    config = Plan(prompt="a red house on a meadow", given={"seed": 1, "steps": 12, **given}).to_config(models.defaults)
    losses: list[float] = []
    for event in generate(config, models):
        if isinstance(event, Step):
            losses.append(event.loss())
        elif isinstance(event, Finished):
            return losses, event.image()
    raise AssertionError("no picture")


def test_the_loop_lowers_its_loss_from_grey(models: Models) -> None:
    losses, _ = run(models, start="grey")
    assert max(losses[-3:]) < 0.7 * losses[0]


def painted(models: Models, text: str, **given: object) -> Tensor:
    """The picture that the loop makes of a text from grey, (3, H, W)."""
    config = Plan(prompt=text, given={"seed": 1, "start": "grey", **given}).to_config(models.defaults)
    (last,) = (event for event in generate(config, models) if isinstance(event, Finished))
    return last.image().clamp(0, 1)


@pytest.mark.parametrize(("colour", "channel"), [("red", 0), ("green", 1), ("blue", 2)])
def test_from_grey_the_loop_paints_a_thing_in_its_colour_before_its_ground(
    models: Models, colour: str, channel: int
) -> None:
    picture = painted(models, f"a big {colour} square on a white background", steps=40)
    middle, corner = picture[:, 56:80, 56:80].mean((1, 2)), picture[:, :16, :16].mean((1, 2))
    others = [other for other in range(3) if other != channel]
    assert float(middle[channel] - middle[others].max()) > 0.25
    assert float(corner.min()) > 0.8


def test_from_grey_a_thing_comes_where_the_words_say(models: Models) -> None:
    left, right = (
        painted(models, f"a red circle {side} of a blue square on a white background", steps=40)
        for side in ("left", "right")
    )
    redness = [(picture[0] - picture[2])[40:88] for picture in (left, right)]
    assert float(redness[0][:, :64].mean()) > 0.1 > -0.1 > float(redness[0][:, 64:].mean())
    assert float(redness[1][:, :64].mean()) < -0.1 < 0.1 < float(redness[1][:, 64:].mean())


def test_from_grey_a_pattern_comes_in_both_its_colours(models: Models) -> None:
    picture = painted(models, "blue and yellow stripes", steps=40)
    across = (picture[0] - picture[2]).mean(1)  # yellow above 0, blue below, in each row
    assert float(across.max()) > 0.4 > -0.4 > float(across.min())


def test_a_predicted_start_is_guided_by_the_clip_that_forgets_place(models: Models) -> None:
    assert models.guide_weights == (1.0, 0.0)
    alone = replace(models, guides=models.guides[:1], guide_weights=())
    assert torch.equal(run(models)[1], run(alone)[1])


def test_the_loop_changes_a_predicted_start_and_keeps_its_scene(models: Models) -> None:
    _, last = run(models, step_size=0.02)  # the default is half of it, which few codes follow in 12 steps
    change = float((start_picture(models, "a red house on a meadow", 1, 32, 32) - last).abs().mean())
    assert 0 < change < 0.08


def test_the_defaults_are_fields_of_the_config() -> None:
    flat = {name: value for name, value in DEFAULTS.items() if not name.startswith("start=")}
    for start in ("start=grey", "start=noise"):
        GenerateConfig(prompt="x", **{**flat, **DEFAULTS[start]})


def test_a_prompt_of_too_many_words_is_refused_not_cut(models: Models) -> None:
    models.guides[0].encode_text(["red " * (words.CONTEXT - 1)])
    with pytest.raises(UsageError, match="the starter reads 31"):
        models.guides[0].encode_text(["a", "red " * words.CONTEXT])


def test_unknown_words_are_named(models: Models) -> None:
    unknown = models.guides[0].unknown_words("a hous by the sea")
    assert list(unknown) == ["hous"]
    assert unknown["hous"][0] == "house"
