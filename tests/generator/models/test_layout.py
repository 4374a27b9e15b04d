"""The CLIP that keeps place: the plainest scene of a caption, its principal components, its training, its gradient."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from generator.models.tiny.clip import LayoutCLIP
from generator.starter import words
from generator.starter.making.captions import Caption, caption
from generator.starter.making.loop import Schedule
from generator.starter.making.plainest import plainest
from generator.starter.making.render import render
from generator.starter.making.train_layout import (
    Layouts,
    open_layouts,
    principal_components,
    thumbnails,
    train_layout,
)
from generator.starter.world import SLOTS, Scene, draw_scene, hides_object, replace

PLACES = ("x_1", "x_2", "light_x")
"""Slots that captions state as a side, not as a column."""
COLOURS = ("colour_a", "colour_b")
"""Of a backdrop; but in a gradient the words may name them in any order."""


def captioned(count: int, seed: int = 31) -> list[tuple[Scene, Caption]]:
    rng = random.Random(seed)
    scenes = [draw_scene(rng) for _ in range(count)]
    return [(scene, caption(scene, rng)) for scene in scenes]


def test_the_plainest_scene_has_all_that_its_caption_states() -> None:
    for scene, one in captioned(4000):
        plain = plainest(scene, one)
        for slot, value in one.stated.items():
            if slot not in (*PLACES, *COLOURS):
                assert plain[slot] == value, (one.text, slot)
        stated = {one.stated[slot] for slot in COLOURS if slot in one.stated}
        assert stated <= {plain[slot] for slot in COLOURS}, one.text
        assert not hides_object(plain), one.text


def test_sides_are_kept() -> None:
    columns = {"left": range(4), "middle": range(4, 8), "right": range(8, 12)}
    seen = set()
    for scene, one in captioned(2500):
        plain = plainest(scene, one)
        for slot in PLACES:
            if slot in one.stated:
                seen.add((slot[0], one.stated[slot]))
                assert int(plain[slot]) in columns[one.stated[slot]], one.text
        if " left of " in one.text:
            seen.add(("left of", ""))
            assert (int(plain["x_1"]) < int(plain["x_2"])) == (int(scene["x_1"]) < int(scene["x_2"])), one.text
    assert len(seen) >= 6


def test_the_same_words_have_one_plainest_scene() -> None:
    """Else the mean of several would be learnt, which shows nothing: stripes of two orders are grey."""
    found: dict[str, Scene] = {}
    repeated = 0
    for scene, one in captioned(12_000):
        repeated += one.text in found
        plain = replace(
            plainest(scene, one), clouds="none"
        )  # "clouds" alone may state dark ones, three times in 60,000
        assert plain == found.setdefault(one.text, plain), one.text
    assert repeated > 200


def test_what_the_caption_leaves_open_changes_nothing() -> None:
    rng = random.Random(4)
    fixed = {"x_1", "x_2"}  # of these the words may say which is less, without a slot
    for scene, one in captioned(300):
        free = [slot for slot in SLOTS if slot not in one.stated and slot not in fixed]
        other = replace(scene, **{slot: rng.choice(SLOTS[slot]) for slot in free})
        assert plainest(other, one) == plainest(scene, one), one.text


def test_the_first_named_thing_is_the_left_one() -> None:
    for scene, one in captioned(600):
        if {"object_1", "object_2"} <= set(one.stated) and " of " not in one.text:
            plain = plainest(scene, one)
            first, second = (2, 1) if one.swapped else (1, 2)
            assert int(plain[f"x_{first}"]) < int(plain[f"x_{second}"])


def test_principal_components_are_orthonormal_and_the_strongest() -> None:
    rng = np.random.default_rng(5)
    pictures = rng.integers(0, 256, (400, 32, 32, 3), dtype=np.uint8)
    pictures[:, :16] = rng.integers(0, 256, (400, 1, 1, 3), dtype=np.uint8)  # three strong ways to differ
    mean, basis = principal_components(pictures, 6)
    pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).flatten(1).float() / 255
    torch.testing.assert_close(mean, pixels.mean(0))
    torch.testing.assert_close(basis @ basis.T, torch.eye(6), atol=1e-4, rtol=0)
    spread = ((pixels - mean) @ basis.T).var(0)
    assert float(spread[2]) > 20 * float(spread[3])
    assert (basis.gather(1, basis.abs().argmax(1, keepdim=True)) > 0).all()


def test_thumbnails_are_what_the_image_tower_sees_of_a_whole_picture() -> None:
    scene, _ = captioned(1)[0]
    picture = render(scene)
    tower = LayoutCLIP(words.TOKEN_COUNT, words.CONTEXT, dimensions=3 * 32 * 32)
    tower.basis.copy_(torch.eye(3 * 32 * 32))
    pixels = torch.tensor(picture).permute(2, 0, 1)[None].float() / 255
    seen = tower.encode_image(F.avg_pool2d(pixels, 2))[0, :-1] + tower.mean
    own = torch.from_numpy(thumbnails(picture[None])).permute(0, 3, 1, 2).flatten().float() / 255
    assert float((seen - own).abs().max()) <= 0.51 / 255


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> Layouts:
    return open_layouts(tmp_path_factory.mktemp("layouts"), seed=1, count=1200, workers=1)


def test_layouts_are_made_once_and_anew_for_another_seed(layouts: Layouts, tmp_path: Path) -> None:
    assert (len(layouts), layouts.thumbnails.shape) == (1200, (1200, 32, 32, 3))
    folder = tmp_path / "layouts"
    first = open_layouts(folder, seed=1, count=30, workers=1)
    assert first.texts == layouts.texts[:30]
    made = (folder / "thumbnails.npy").stat().st_mtime_ns
    open_layouts(folder, seed=1, count=30, workers=1)
    assert (folder / "thumbnails.npy").stat().st_mtime_ns == made
    assert open_layouts(folder, seed=2, count=30, workers=1).texts != first.texts


def test_training_brings_texts_to_their_pictures_and_leaves_the_image_tower_alone(
    layouts: Layouts, tmp_path: Path
) -> None:
    schedule = Schedule(steps=25, learning_rate=2e-3, warmup=5, average=0.5)
    model = train_layout(layouts, tmp_path, schedule, seed=1)
    mean, basis = principal_components(layouts.thumbnails, len(model.basis))
    assert torch.equal(model.basis, basis)
    pictures = torch.from_numpy(layouts.thumbnails[:200]).permute(0, 3, 1, 2).flatten(1).float() / 255
    wanted = F.linear(pictures - mean, basis)
    tokens = torch.tensor([words.tokens(text) for text in layouts.texts[:200]])
    with torch.no_grad():
        said = model.encode_tokens(tokens)[:, :-1]
    assert float((said - wanted).square().sum()) < 0.8 * float(wanted.square().sum())


def test_at_any_picture_the_gradient_is_what_the_text_s_picture_has_more(layouts: Layouts) -> None:
    """The property that draws: downhill from grey, and from another picture, lies the picture itself."""
    from generator.engine.losses import spherical

    model = LayoutCLIP(words.TOKEN_COUNT, words.CONTEXT)
    mean, basis = principal_components(layouts.thumbnails, len(model.basis))
    model.mean.copy_(mean)
    model.basis.copy_(basis)
    pictures = torch.from_numpy(layouts.thumbnails[:12]).permute(0, 3, 1, 2).float() / 255
    for begin in (torch.full((3, 32, 32), 0.5), pictures[0]):
        for picture in pictures[1:]:
            here = F.interpolate(begin[None], scale_factor=2).requires_grad_()
            aim = model.encode_image(F.interpolate(picture[None], scale_factor=2))
            (gradient,) = torch.autograd.grad(spherical(model.encode_image(here), aim).sum(), here)
            lacking = F.linear((picture - begin).flatten()[None], basis) @ basis
            downhill = -F.avg_pool2d(gradient, 2).flatten(1)
            assert float(F.cosine_similarity(downhill, lacking)) > 0.9
