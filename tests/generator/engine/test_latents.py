"""The latent: its starts, its quantisation, its clamps and the pyramid."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.engine.latents import (
    Latent,
    clamp_to_codebook,
    clamp_with_grad,
    quantise,
    replace_grad,
    upsample,
)
from generator.engine.starts import grid, initial
from generator.models.base import Models
from generator.models.codebook import codebook_deviation, nearest_codes, rows_of
from generator.pictures.load import read_picture
from generator.wishes import prompts

Config = Callable[..., GenerateConfig]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# Gradient tricks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "gradient", "passes"),
    [
        (0.5, 1.0, True),
        (0.5, -1.0, True),
        (0.0, -1.0, True),
        (1.0, 1.0, True),
        (1.5, 1.0, True),  # descent brings it down, back inside
        (1.5, -1.0, False),
        (-0.5, -1.0, True),
        (-0.5, 1.0, False),
        (1.5, 0.0, True),
    ],
)
def test_clamp_with_grad_passes_what_leads_back(x: float, gradient: float, passes: bool) -> None:
    value = torch.tensor([x], requires_grad=True)
    clamped = clamp_with_grad(value, 0.0, 1.0)
    assert clamped.item() == min(max(x, 0.0), 1.0)
    clamped.backward(torch.tensor([gradient]))  # type: ignore[no-untyped-call]  # torch ships it untyped
    assert value.grad is not None
    assert float(value.grad) == (gradient if passes else 0.0)


def test_clamp_with_grad_per_channel() -> None:
    x = torch.full((1, 2, 1, 1), 3.0, requires_grad=True)
    low, high = torch.tensor([0.0, 0.0]).view(1, 2, 1, 1), torch.tensor([1.0, 5.0]).view(1, 2, 1, 1)
    clamped = clamp_with_grad(x, low, high)
    assert clamped.flatten().tolist() == [1.0, 3.0]
    (gradient,) = torch.autograd.grad(-clamped.sum(), x)
    assert gradient.flatten().tolist() == [0.0, -1.0]


def test_replace_grad_has_the_first_value_and_the_second_gradient() -> None:
    a, b = torch.tensor([[1.0, 2.0]], requires_grad=True), torch.tensor([[5.0], [6.0]], requires_grad=True)
    replaced = replace_grad(a.expand(2, 2), b)
    assert replaced.tolist() == [[1.0, 2.0], [1.0, 2.0]]
    gradients = torch.autograd.grad(
        (replaced * torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum(), (a, b), materialize_grads=True
    )
    assert not gradients[0].any()
    assert gradients[1].tolist() == [[3.0], [7.0]]


# Quantisation -----------------------------------------------------------------------------------------------


def test_every_quantised_cell_is_exactly_the_nearest_codebook_row(models: Models) -> None:
    codebook = models.image.codebook
    latent = random(2, codebook.shape[1], 3, 4)
    quantised = quantise(latent, codebook)
    rows = {tuple(row) for row in codebook.tolist()}
    cells = quantised.movedim(1, -1).reshape(-1, codebook.shape[1])
    assert all(tuple(cell) in rows for cell in cells.tolist())
    distances = torch.cdist(latent.movedim(1, -1).reshape(-1, codebook.shape[1]).double(), codebook.double())
    assert torch.equal(cells, codebook[distances.argmin(dim=1)])


def test_what_is_decoded_are_codebook_rows_in_a_real_step(
    models: Models, toy_models: Callable[..., Models], toy_config: Config
) -> None:
    from generator.engine.loop import generate

    seen: list[Tensor] = []

    class Watching:
        codebook, factor, encode = models.image.codebook, models.image.factor, models.image.encode

        def decode(self, latent: Tensor) -> Tensor:
            seen.append(latent.detach().clone())
            return models.image.decode(latent)

    for options in ({}, {"offset_levels": 2, "per_dimension_steps": True}):
        list(generate(toy_config(step_size=0.3, **options), toy_models(image=Watching())))
    rows = {tuple(row) for row in models.image.codebook.tolist()}
    assert len(seen) == 14
    assert not torch.equal(seen[0], seen[5])
    for latent in seen:
        assert all(tuple(cell) in rows for cell in latent.movedim(1, -1).flatten(0, 2).tolist())


def test_rows_quantise_to_themselves(models: Models) -> None:
    codes = torch.randint(24, (1, 4, 6), generator=torch.Generator().manual_seed(1))
    latent = rows_of(codes, models.image.codebook)
    assert torch.equal(nearest_codes(latent, models.image.codebook), codes)
    assert torch.equal(quantise(latent, models.image.codebook), latent)


def test_equally_near_rows_give_the_lowest_index() -> None:
    codebook = torch.tensor([[9.0, 9.0], [1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]])
    latent = torch.tensor([[0.0, 0.0], [1.0, 0.0]]).T.reshape(1, 2, 1, 2)
    assert nearest_codes(latent, codebook).flatten().tolist() == [1, 1]


def test_quantising_passes_the_gradient_straight_through(models: Models) -> None:
    latent = random(1, 5, 3, 4).requires_grad_()
    weights = random(1, 5, 3, 4, seed=1)
    (gradient,) = torch.autograd.grad((quantise(latent, models.image.codebook) * weights).sum(), latent)
    assert torch.equal(gradient, weights)


def test_clamp_to_codebook_is_per_channel() -> None:
    codebook = torch.tensor([[0.0, -5.0], [1.0, 5.0]])
    latent = torch.tensor([-1.0, -7.0]).view(1, 2, 1, 1)
    assert clamp_to_codebook(latent, codebook).flatten().tolist() == [0.0, -5.0]
    assert clamp_to_codebook(-latent, codebook).flatten().tolist() == [1.0, 5.0]


# Starts -----------------------------------------------------------------------------------------------------


def start_of(config: GenerateConfig, models: Models, seed: int = 3) -> tuple[Tensor, str]:
    return initial(config, models, prompts.parse(config.prompt), torch.Generator().manual_seed(seed))


def test_noise_draws_rows_with_the_runs_own_generator(models: Models, toy_config: Config) -> None:
    before = torch.get_rng_state()
    start, words = start_of(toy_config(), models)
    codes = torch.randint(24, (1, 4, 6), generator=torch.Generator().manual_seed(3))
    assert torch.equal(start, rows_of(codes, models.image.codebook))
    assert words == ""
    assert not torch.equal(start, start_of(toy_config(), models, seed=4)[0])
    assert torch.equal(torch.get_rng_state(), before)


def test_grey_is_encoded_grey_with_a_little_noise(models: Models, toy_config: Config) -> None:
    start, _ = start_of(toy_config(start="grey", width=256, height=256), models)
    clean = models.image.encode(torch.full((1, 3, 256, 256), 0.5))
    noise = (start - clean) / codebook_deviation(models.image.codebook)
    assert noise.std(dim=(0, 2, 3)).tolist() == pytest.approx([0.1] * 5, rel=0.1)
    assert torch.equal(start, start_of(toy_config(start="grey", width=256, height=256), models)[0])


def test_predicted_is_the_rows_of_the_planned_codes(models: Models, toy_config: Config) -> None:
    assert models.start is not None
    start, words = start_of(toy_config(start="predicted"), models)
    plan = models.start.predict("sunset over the sea", 3, 4, 6)
    assert torch.equal(start[0], rows_of(plan.codes[None], models.image.codebook)[0])
    assert start.shape == (1, 5, 4, 6)
    assert words == "a plan for sunset over the sea"


def test_predicted_follows_the_heaviest_prompt(models: Models, toy_config: Config) -> None:
    config = toy_config(start="predicted", prompt="fog | boat:3 | sunset:-9")
    assert start_of(config, models)[1] == "a plan for boat"


def test_predicted_needs_a_start_model_and_something_to_draw(
    toy_models: Callable[..., Models], toy_config: Config
) -> None:
    for prompt, models in (("sunset", toy_models(start=None)), ("sunset:-1", toy_models())):
        with pytest.raises(UsageError) as caught:
            start_of(toy_config(start="predicted", prompt=prompt), models)
        assert "--start grey" in caught.value.hint


def test_sizes_the_model_cannot_make_are_refused_with_the_nearest(toy_config: Config) -> None:
    assert grid(toy_config(), 8) == (2, 3)
    with pytest.raises(UsageError) as caught:
        grid(toy_config(width=120), 16)
    assert "--width 128" in caught.value.hint


def save(folder: Path, name: str, image: Image.Image, **options: Any) -> str:
    path = folder / name
    image.save(path, **options)
    return str(path)


def test_a_picture_is_resized_and_encoded(models: Models, toy_config: Config, tmp_path: Path) -> None:
    path = save(tmp_path, "red.png", Image.new("RGB", (50, 10), (255, 0, 51)))
    picture = read_picture(path, 24, 16)
    assert picture.shape == (1, 3, 16, 24)
    assert picture[0, :, 0, 0].tolist() == pytest.approx([1.0, 0.0, 0.2])
    start, words = start_of(toy_config(start=path), models)
    assert torch.equal(start, models.image.encode(picture))
    assert words == ""


def test_a_picture_of_the_right_size_keeps_its_pixels_and_axes(tmp_path: Path) -> None:
    image = Image.new("RGB", (24, 16))
    image.putpixel((5, 2), (255, 128, 0))
    picture = read_picture(save(tmp_path, "dot.png", image), 24, 16)
    assert picture[0, :, 2, 5].tolist() == pytest.approx([1.0, 128 / 255, 0.0])
    assert float(picture.sum()) == pytest.approx(1 + 128 / 255)


def test_grey_palette_and_turned_pictures_are_read(tmp_path: Path) -> None:
    assert read_picture(save(tmp_path, "l.png", Image.new("L", (8, 8), 255)), 8, 8).min() == 1.0
    assert read_picture(save(tmp_path, "p.gif", Image.new("P", (8, 8))), 8, 8).shape == (1, 3, 8, 8)
    turned = Image.new("RGB", (16, 8))
    turned.putpixel((0, 0), (255, 255, 255))
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    picture = read_picture(save(tmp_path, "t.png", turned, exif=exif), 8, 16)
    assert float(picture[0, 0, 0, 7]) == 1.0


def test_pictures_that_cannot_be_read_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path(save(tmp_path, "whole.png", Image.effect_noise((64, 64), 50).convert("RGB")))
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:2000])
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    for name in ("missing.png", "cut.png", "text.png", "empty.png", ".", "nul\0byte.png"):
        with pytest.raises(UsageError) as caught:
            read_picture(str(tmp_path / name), 16, 16)
        assert caught.value.hint
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3000)  # Pillow's own limit, lowered: 64 x 64 is above it
    with pytest.raises(UsageError, match="too large"):
        read_picture(str(whole), 16, 16)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(UsageError, match="too large"):
        read_picture(str(whole), 16, 16)


# What Adam moves --------------------------------------------------------------------------------------------


def test_the_plain_latent_is_the_parameter_and_is_clamped_after_the_step(models: Models) -> None:
    codebook = models.image.codebook
    start = rows_of(torch.zeros((1, 4, 6), dtype=torch.int64), codebook)
    latent = Latent(start, codebook, 1, per_dimension_steps=False)
    assert latent.compose() is latent.parameters[0]
    with torch.no_grad():
        latent.parameters[0].add_(100.0)
    assert latent.compose().max().item() > 50  # not clamped on the way
    latent.after_step()
    assert torch.equal(latent.compose(), codebook.amax(dim=0).view(1, -1, 1, 1).expand(1, -1, 4, 6))
    assert torch.equal(latent.start, start)


@pytest.mark.parametrize("per_dimension_steps", [False, True])
@pytest.mark.parametrize("levels", [2, 3, 5])
def test_the_pyramid_starts_at_zero_and_composes_to_the_start_exactly(
    models: Models, levels: int, per_dimension_steps: bool
) -> None:
    codebook = models.image.codebook
    start = rows_of(torch.arange(5 * 7).view(1, 5, 7) % 24, codebook)
    latent = Latent(start, codebook, levels, per_dimension_steps=per_dimension_steps)
    sides = [tuple(parameter.shape[2:]) for parameter in latent.parameters]
    expected = [(math.ceil(5 / 2**k), math.ceil(7 / 2**k)) for k in range(levels)]
    assert sides == expected[::-1]
    assert not any(parameter.any() for parameter in latent.parameters)
    assert torch.equal(latent.compose(), start)


def test_levels_weigh_less_from_coarse_to_fine(models: Models) -> None:
    latent = Latent(torch.zeros((1, 5, 4, 4)), models.image.codebook, 3, per_dimension_steps=False)
    for j, parameter in enumerate(latent.parameters):
        with torch.no_grad():
            parameter.fill_(1.0)
        torch.testing.assert_close(latent.offset(), torch.full((1, 5, 4, 4), 0.7**j))
        with torch.no_grad():
            parameter.zero_()


def test_offsets_are_scaled_per_channel_by_the_codebook_deviation(models: Models) -> None:
    codebook = models.image.codebook
    start = codebook.mean(dim=0).view(1, -1, 1, 1).expand(1, -1, 3, 3).clone()
    latent = Latent(start, codebook, 1, per_dimension_steps=True)
    with torch.no_grad():
        latent.parameters[0].fill_(0.01)
    moved = (latent.compose() - start)[0, :, 0, 0]
    torch.testing.assert_close(moved, 0.01 * codebook.std(dim=0, correction=0), rtol=1e-4, atol=1e-6)


def test_the_composed_latent_is_clamped_on_the_way_and_can_come_back(models: Models) -> None:
    codebook = models.image.codebook
    latent = Latent(torch.zeros((1, 5, 4, 4)), codebook, 2, per_dimension_steps=False)
    with torch.no_grad():
        latent.parameters[1].fill_(100.0)
    composed = latent.compose()
    assert torch.equal(composed, codebook.amax(dim=0).view(1, -1, 1, 1).expand_as(composed))
    outward = torch.autograd.grad(-composed.sum(), latent.parameters, retain_graph=True)
    inward = torch.autograd.grad(composed.sum(), latent.parameters)
    assert not any(gradient.any() for gradient in outward)
    assert all(gradient.all() for gradient in inward)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 3), (3, 2), (4, 7)])
def test_upsampling_is_torchs_bilinear(rows: int, columns: int) -> None:
    level = random(1, 5, rows, columns)
    expected = functional.interpolate(level, (7, 9), mode="bilinear", align_corners=False)
    torch.testing.assert_close(upsample(level, 7, 9), expected, rtol=1e-5, atol=1e-6)


def test_a_constant_channel_does_no_harm() -> None:
    codebook = torch.tensor([[1.0, 2.0], [1.0, 4.0]])
    latent = Latent(torch.tensor([1.0, 3.0]).view(1, 2, 1, 1), codebook, 2, per_dimension_steps=True)
    gradients = torch.autograd.grad(latent.compose().square().sum(), latent.parameters)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
