"""The start of a picture of things: they are there, in their colours, lit, and another seed is another picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from generator.config import GenerateConfig
from generator.engine.loop import generate
from generator.events import Finished
from generator.models.base import Models
from generator.models.likes import DEFAULTS, PAINTED_OVER, settle
from generator.models.staged import StagedStart
from generator.models.starter import load_starter
from generator.models.tiny import collage, surfaces
from generator.starter.bodies import WHOLE
from generator.starter.lexicon import lexicon
from generator.starter.materials import MATERIALS
from generator.starter.reading import names_more


@pytest.fixture(scope="module")
def models() -> Iterator[Models]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield load_starter()
    torch.set_num_threads(threads)


def picture(models: Models, text: str, seed: int = 1, rows: int = 32, columns: int = 32) -> Tensor:
    assert models.start is not None
    codes = models.start.predict(text, seed, rows, columns).codes
    decoded: Tensor = models.image.decode(models.image.codebook[codes].movedim(-1, 0)[None])[0].clamp(0, 1)
    return decoded


def words(models: Models, text: str, seed: int = 1) -> str:
    assert models.start is not None
    return models.start.predict(text, seed, 8, 8).words


def test_a_seed_repeats_its_picture_whatever_else_is_random(models: Models) -> None:
    first = picture(models, "a cat in space", 5)
    torch.manual_seed(77)
    assert torch.equal(first, picture(models, "a cat in space", 5))


def test_three_seeds_are_visibly_different(models: Models) -> None:
    for text in ("a cat", "an astronaut riding a horse", "a hamburger"):
        shown = [picture(models, text, seed) for seed in (1, 2, 3)]
        for one in range(3):
            assert float((shown[one] - shown[one - 1]).abs().mean()) > 0.05, text


def test_the_same_seed_puts_the_moon_elsewhere_for_another_prompt(models: Models) -> None:
    """Of a moon the column is what chance decides."""
    places = set()
    for text in ("a cat and the moon", "a dog and the moon", "a fox and the moon", "an owl and the moon"):
        sky = picture(models, text, 1)[:, :60].mean(0)
        places.add(int(sky.mean(0).argmax()) // 24)
    assert len(places) > 1


@pytest.mark.parametrize(("colour", "channel"), [("red", 0), ("green", 1), ("blue", 2)])
def test_a_thing_is_recoloured(models: Models, colour: str, channel: int) -> None:
    plain, painted = (picture(models, f"a big {said} elephant on a white background", 2) for said in ("", colour))
    others = [other for other in range(3) if other != channel]

    def amount(shown: Tensor) -> float:
        return float((shown[channel] - shown[others].amax(0) > 0.2).float().mean())

    assert amount(painted) > 0.1
    assert amount(painted) > 5 * amount(plain) + 0.05


def test_the_plan_tells_things_relations_and_scene(models: Models) -> None:
    assert words(models, "two blue cats on a castle at night").startswith("2 x blue cat on castle, night sky")
    assert "made of pizza" in words(models, "a castle made of pizza")
    assert "neon style" in words(models, "a neon robot")
    assert "underwater" in words(models, "a mermaid underwater")


def test_at_night_things_are_darker_than_by_day(models: Models) -> None:
    day, night = (picture(models, f"a big polar bear {when}", 3) for when in ("in daylight", "at night"))
    assert float(night[:, 140:200, 80:180].mean()) < float(day[:, 140:200, 80:180].mean())


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (16, 28), (40, 20), (48, 48)])
def test_things_come_in_any_shape_of_picture(models: Models, rows: int, columns: int) -> None:
    shown = picture(models, "a red fox on a white background", 1, rows, columns)
    assert shown.shape == (3, 8 * rows, 8 * columns)
    assert float((shown[0] - shown[2] > 0.3).float().mean()) > 0.02


def test_a_prompt_without_a_thing_is_a_scene_of_its_other_words(models: Models) -> None:
    assert "storm sky" in words(models, "a lighthouse in a storm")
    assert words(models, "qqq")


def test_every_drawing_is_drawn(models: Models) -> None:
    """None is empty, none fills its whole square with a flat colour, and no two are the same."""
    library = models.start._library  # type: ignore[union-attr]  # the door is predict
    seen = []
    for start in range(0, len(library.codes), 200):
        drawn = library.draw(library.embedding(torch.arange(start, min(start + 200, len(library.codes)))))
        assert float(drawn.min()) >= 0
        assert float((drawn[:, :3] - drawn[:, 3:]).max()) <= 0
        shares = drawn[:, 3].mean((1, 2))
        assert float(shares.min()) > 0.01
        assert float(drawn[:, :3].flatten(1).std(1).min()) > 0.02
        seen += [tuple(row.tolist()) for row in (drawn[:, :3].mean((2, 3)) * 1e4).round()]
    assert len(set(seen)) > 0.99 * len(seen)


# ---- pixels --------------------------------------------------------------------------------------------------------


def disc(colour: tuple[float, float, float], side: int = 40) -> Tensor:
    at = torch.arange(side) - side / 2 + 0.5
    alpha = ((at[:, None] ** 2 + at[None] ** 2) < (0.45 * side) ** 2).float()[None]
    return torch.cat((alpha * torch.tensor(colour)[:, None, None], alpha))


def test_crop_keeps_what_shows() -> None:
    drawing = torch.zeros(4, 20, 30)
    drawing[:, 4:9, 10:25] = 1
    assert collage.crop(drawing).shape == (4, 5, 15)
    assert collage.crop(torch.zeros(4, 6, 6)).shape == (4, 6, 6)


def test_the_head_is_where_the_top_is() -> None:
    drawing = torch.zeros(4, 60, 40)
    drawing[3, :, 5:15] = 1
    assert collage.head_of(drawing) == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("colour", sorted(collage.RGB))
def test_recolouring_gives_the_colour_and_keeps_the_outline(colour: str) -> None:
    orange = disc((0.9, 0.5, 0.1))
    orange[:3, 18:22, 18:22] = 0.02  # an eye
    painted = collage.recolour(orange, colour)
    assert torch.equal(painted[3], orange[3])
    middle = painted[:3, 10:16, 16:24].mean((1, 2))
    assert float((middle - torch.tensor(collage.RGB[colour])).abs().max()) < 0.12
    assert float(painted[:3, 19:21, 19:21].max()) < 0.1


def test_laying_cuts_off_what_is_outside() -> None:
    canvas = torch.zeros(3, 30, 30)
    collage.lay(canvas, disc((1.0, 0, 0)), -20, -20)
    assert float(canvas[0, 0, 0]) == 1
    assert float(canvas[0, 25:, 25:].max()) == 0
    collage.lay(canvas, disc((1.0, 0, 0)), 90, 0)
    assert canvas.shape == (3, 30, 30)


def test_a_shadow_lies_at_the_foot_away_from_the_light() -> None:
    canvas = torch.ones(3, 60, 60)
    collage.shadow(canvas, 30, 40, 20, 1.0)
    row = canvas[0, 40]
    assert 0.5 < float(row.min()) < 0.75
    assert int(row.argmin()) > 30
    assert float(canvas[0, 5].min()) > 0.99


@pytest.mark.parametrize("style", ["pixel", "pastel", "neon", "sketch"])
def test_styles_change_a_picture_within_range(style: str) -> None:
    plain = torch.rand(3, 64, 96, generator=torch.Generator().manual_seed(1))
    shown = collage.styled(plain, style).clamp(0, 1)
    assert shown.shape == plain.shape
    assert float((shown - plain).abs().mean()) > 0.05
    assert collage.styled(plain, "plain") is plain


@pytest.mark.parametrize(
    ("material", "is_so"),
    [
        ("gold", lambda r, g, b: r > 0.7 and r > g > b + 0.25),
        ("chocolate", lambda r, g, b: 0.5 > r > g > b),
        ("silver", lambda r, g, b: max(r, g, b) - min(r, g, b) < 0.1),
        ("glass", lambda r, g, b: b > r),
    ],
)
def test_a_thing_made_of_a_material_looks_like_it(
    models: Models, material: str, is_so: Callable[[float, float, float], bool]
) -> None:
    start = models.start
    assert isinstance(start, StagedStart)
    staged = start.stage(f"a teapot made of {material} on a white background", 7, 32, 32)
    (pot,) = staged.placed
    row, column = round(256 * (pot.foot - 0.45 * pot.height)), round(256 * pot.x)
    middle = staged.picture[:, row - 12 : row + 12, column - 12 : column + 12].flatten(1).median(1).values
    assert is_so(*middle.tolist())
    assert f"made of {material}" in words(models, f"a teapot made of {material}", 7)


def test_every_material_keeps_the_outline_and_takes_a_colour() -> None:
    drawing = torch.zeros(4, 24, 24)
    drawing[3, 4:20, 4:20] = 1
    drawing[:3, 4:20, 4:20] = torch.linspace(0.1, 0.9, 16)
    for name, material in MATERIALS.items():
        made = surfaces.in_material(drawing, name)
        assert bool((made[3] <= drawing[3]).all())
        assert bool((made[3] > 0).eq(drawing[3] > 0).all()), name
        assert bool((made[:3] <= made[3:] + 1e-6).all())
        assert bool((made[3] < 1)[4:20, 4:20].any()) == (material.clear > 0)
        red = surfaces.in_material(drawing, name, "red")[:, 4:20, 4:20].flatten(1).mean(1)
        assert float(red[0]) > float(red[2]), name


def test_of_an_animal_the_whole_body_is_drawn_where_there_is_one(models: Models) -> None:
    start, known = models.start, lexicon()
    assert isinstance(start, StagedStart)
    for name, artists in WHOLE.items():
        thing = next(thing for thing in known.things if thing.name == name)
        drawn = {start.stage(f"a {name}", seed, 8, 8).placed[0].drawing for seed in range(8)}
        assert {known.artists[number] for number in drawn} <= set(artists)
        assert drawn <= set(known.drawings[thing.number])


def test_a_cat_is_still_a_cat_after_a_prompt_of_a_cat_is_painted_over_it(models: Models, tmp_path: Path) -> None:
    """Issue: with the large steps of a prompt that CLIP knows nothing of the cat is left."""
    before = picture(models, "a cat on a meadow", 1, 16, 16)
    source = tmp_path / "cat.png"
    pixels = (before.movedim(0, -1) * 255).round().to(torch.uint8).numpy()
    Image.fromarray(pixels).save(source)

    def lost(**given: Any) -> float:
        config = settle(DEFAULTS, {"start": str(source), "seed": 1, **given}, unknown=names_more("a cat at sunset"))
        *_, finished = generate(GenerateConfig.from_dict({**config, "prompt": "a cat at sunset"}), models)
        assert isinstance(finished, Finished)
        return float((finished.image().cpu() - before).abs().mean())

    softly = lost()
    assert 0.005 < softly < 0.08
    assert lost(**{**PAINTED_OVER, "steps": 20}) > 1.5 * softly
