"""The losses that look at no prompt: values by hand, gradients by finite differences, and where they lead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.engine.restraints import (
    TERMS,
    asymmetry,
    border_distance,
    colourfulness,
    palette_distance,
    total_variation,
)
from generator.wishes.colours import parse_colours

RED = torch.tensor([1.0, 0.0, 0.0])


def noise(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


def test_every_term_is_a_setting_that_is_off_by_default() -> None:
    config = GenerateConfig(prompt="x")
    assert [getattr(config, name) for name in TERMS] == [0.0] * len(TERMS)


def test_total_variation_of_a_ramp() -> None:
    ramp = torch.arange(4.0)[None, None, None].expand(1, 3, 5, 4)
    assert float(total_variation(ramp)) == pytest.approx(1.0)
    assert float(total_variation(torch.ones(1, 3, 4, 4))) == 0.0


def test_the_palette_counts_only_the_nearest_colour() -> None:
    picture = torch.zeros(1, 3, 1, 2)
    picture[0, :, 0, 0] = torch.tensor([0.9, 0.0, 0.0])
    picture[0, :, 0, 1] = torch.tensor([0.0, 0.2, 0.0])
    colours = torch.stack([torch.zeros(3), RED])
    assert float(palette_distance(picture, colours)) == pytest.approx((0.01 + 0.04) / 6)


def test_symmetry_is_nothing_for_a_mirror_image() -> None:
    half = noise(1, 3, 6, 4)
    mirrored = torch.cat([half, half.flip(3)], dim=3)
    assert float(asymmetry(mirrored, "vertical")) == 0.0
    assert float(asymmetry(mirrored, "horizontal")) > 0.01
    assert float(asymmetry(mirrored.transpose(2, 3), "horizontal")) == 0.0
    both = (asymmetry(half, "vertical") + asymmetry(half, "horizontal")) / 2
    assert float(asymmetry(half, "both")) == pytest.approx(float(both))


def test_the_border_is_as_wide_as_said_and_the_middle_is_free() -> None:
    picture = RED.view(1, 3, 1, 1).repeat(1, 1, 10, 20)
    picture[..., 2:8, 2:18] = 0.3
    assert float(border_distance(picture, RED, 0.2)) == 0.0
    assert float(border_distance(picture, RED, 0.3)) > 0.0
    assert float(border_distance(torch.zeros(1, 3, 10, 20), RED, 0.01)) == pytest.approx(1 / 3)
    assert float(border_distance(torch.zeros(1, 3, 9, 9), RED, 0.5)) == pytest.approx(1 / 3)


def test_grey_has_no_colour_and_red_has_much() -> None:
    assert float(colourfulness(torch.full((1, 3, 2, 2), 0.5))) == pytest.approx(0, abs=1e-3)
    assert float(colourfulness(RED.view(1, 3, 1, 1))) == pytest.approx((2 / 9) ** 0.5, rel=1e-4)


@pytest.mark.parametrize(
    "term",
    [
        total_variation,
        lambda x: palette_distance(x, torch.stack([RED, 1 - RED]).to(x)),
        lambda x: asymmetry(x, "both"),
        lambda x: border_distance(x, RED.to(x), 0.2),
        colourfulness,
    ],
)
def test_gradients(term: Callable[[Tensor], Tensor]) -> None:
    assert torch.autograd.gradcheck(term, (noise(1, 3, 6, 5, dtype=torch.float64).requires_grad_(),))


def final_picture(models: Any, config: GenerateConfig) -> Tensor:
    from generator.engine.loop import generate

    *_, finished = generate(config, models)
    return finished.image()[None]  # type: ignore[union-attr]  # never None here


@pytest.mark.parametrize(
    ("options", "measure"),
    [
        ({"tv": 20.0}, total_variation),
        ({"palette": 50.0, "palette_colours": "red"}, lambda x: palette_distance(x, RED[None])),
        ({"symmetry": 50.0}, lambda x: asymmetry(x, "vertical")),
        ({"edge": 50.0, "edge_colour": "red", "edge_width": 0.25}, lambda x: border_distance(x, RED, 0.25)),
        ({"saturation": 50.0}, lambda x: -colourfulness(x)),
        ({"saturation": -50.0}, colourfulness),
    ],
)
def test_a_run_gets_what_it_asks_for(
    models: Any, toy_models: Any, toy_config: Any, options: dict[str, Any], measure: Callable[[Tensor], Tensor]
) -> None:
    fine = toy_models(image=type(models.image)(codes=4000))  # few codes are too far apart for a gradient to tell
    plain, asked = (final_picture(fine, toy_config(steps=60, step_size=0.1, **more)) for more in ({}, options))
    assert float(measure(asked)) < float(measure(plain)) - 0.02


def test_colours_by_name_and_number() -> None:
    assert parse_colours("black, #ff8000,White") == ((0, 0, 0), (1.0, 128 / 255, 0.0), (1, 1, 1))
    for text in ("", "red,", "blurple", "#12"):
        with pytest.raises(UsageError) as caught:
            parse_colours(text)
        assert caught.value.hint
    for field in ("palette_colours", "edge_colour"):
        with pytest.raises(UsageError, match="blurple"):
            GenerateConfig(prompt="x", **{field: "blurple"})
