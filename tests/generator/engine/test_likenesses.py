"""Outlines, style and content of another picture: values by hand, gradients, and where they lead on the toys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

from dreamrig.errors import UsageError
from generator.engine.likenesses import (
    at_size,
    compares,
    feature_term,
    gram,
    outline_term,
    outlines,
    read_pictures,
    relative,
    style_distance,
)
from generator.engine.loop import generate, state_from_bytes, state_to_bytes
from generator.events import Checkpointed
from generator.models.base import Models
from generator.models.likes import DEFAULTS
from generator.models.perceptual import Perceptual
from generator.pictures.load import read_picture
from generator.work.plan import Plan


def noise(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def small_vgg(*, window: int = 3) -> Perceptual:
    """Convolutions, ReLUs that work in place, a pool: laid out as VGG, random."""
    generator = torch.Generator().manual_seed(5)
    layers: list[nn.Module] = []
    for inside, outside in ((3, 8), (8, 12)):
        convolution = nn.Conv2d(inside, outside, window, padding=window // 2)
        with torch.no_grad():
            spread = (2 / (inside * window**2)) ** 0.5
            convolution.weight.copy_(spread * torch.randn(convolution.weight.shape, generator=generator))
            convolution.bias.zero_()
        layers += [convolution, nn.ReLU(inplace=True)]
    return Perceptual(nn.Sequential(*layers[:2], nn.MaxPool2d(2), *layers[2:], nn.ReLU()), (1, 4), 3)


@pytest.fixture
def painting(tmp_path: Path) -> str:
    """Yellow and blue stripes, of another shape than the toys' pictures."""
    picture = Image.new("RGB", (60, 40), "navy")
    draw = ImageDraw.Draw(picture)
    for left in range(0, 60, 8):
        draw.rectangle((left, 0, left + 3, 39), fill="gold")
    picture.save(tmp_path / "painting.png")
    return str(tmp_path / "painting.png")


@pytest.fixture
def fine(models: Models, toy_models: Callable[..., Models]) -> Models:
    """Few codes are too far apart for a gradient to tell."""
    return toy_models(image=type(models.image)(codes=4000), perceptual=small_vgg())


def drawn(models: Models, config: Any) -> Tensor:
    *_, finished = generate(config, models)
    return finished.image()[None]  # type: ignore[union-attr]  # never None here


# ---- outlines


def test_the_outline_of_a_step() -> None:
    step = torch.zeros(1, 3, 5, 6)
    step[..., 3:] = 0.5
    found = outlines(step)
    assert found.shape == (1, 1, 3, 4)
    assert torch.allclose(found[0, 0], torch.tensor([0.0, 0.5, 0.5, 0.0]).expand(3, 4), atol=1e-5)
    assert torch.allclose(outlines(step.transpose(2, 3))[0, 0], found[0, 0].T, atol=1e-6)
    assert float(outlines(torch.full((1, 3, 4, 4), 0.7)).max()) < 1e-5
    blue = step * torch.tensor([0.0, 0.0, 1.0]).view(1, 3, 1, 1)
    torch.testing.assert_close(outlines(blue), outlines(step) / 3, rtol=0, atol=1e-5)  # a third of the brightness


def test_outlines_are_a_share_and_know_no_colour() -> None:
    target = noise(1, 3, 16, 24)
    term = outline_term(target)
    assert float(term(target)) == 0.0
    assert float(term(1 - target)) == pytest.approx(0.0, abs=1e-8)  # the same outlines
    assert float(term(torch.full_like(target, 0.5))) == pytest.approx(1.0, abs=1e-3)  # none at all


# ---- style and content


def test_the_gram_matrix_by_hand() -> None:
    activations = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # 2 channels, 1 x 2 places
    assert torch.equal(gram(activations), torch.tensor([[2.5, 5.5], [5.5, 12.5]]))
    assert float(style_distance([torch.ones(2, 2)], [torch.full((2, 2), 2.0)])) == pytest.approx(0.25)
    assert float(relative(torch.zeros(3), torch.ones(3))) == pytest.approx(1.0)


def test_style_knows_no_place_and_content_does() -> None:
    picture = noise(1, 3, 8, 8)
    network = small_vgg(window=1)
    style = feature_term(network, picture, None, 1.0, 1.0)
    content = feature_term(network, None, picture, 1.0, 1.0)
    assert float(style(picture)) == pytest.approx(0.0, abs=1e-8)
    assert float(style(picture.flip(3))) == pytest.approx(0.0, abs=1e-8)
    assert float(content(picture)) == 0.0
    assert float(content(picture.flip(3))) > 0.1
    assert float(style(noise(1, 3, 8, 8, seed=1) / 2)) > 0.1
    both = feature_term(network, picture, picture.flip(3), 2.0, 3.0)
    assert float(both(noise(1, 3, 8, 8, seed=1))) == pytest.approx(
        2 * float(style(noise(1, 3, 8, 8, seed=1)))
        + 3 * float(feature_term(network, None, picture.flip(3), 1.0, 1.0)(noise(1, 3, 8, 8, seed=1))),
        rel=1e-5,
    )


def test_gradients() -> None:
    network = small_vgg()
    network.layers.double()
    picture = noise(1, 3, 16, 12, dtype=torch.float64).requires_grad_()
    target = noise(1, 3, 16, 12, dtype=torch.float64, seed=1)
    for term in (outline_term(target), feature_term(network, target, target.flip(3), 1.0, 1.0)):
        assert torch.autograd.gradcheck(term, (picture,), fast_mode=True)


# ---- runs


@pytest.mark.parametrize("name", ["outline", "style", "content"])
def test_a_run_takes_after_the_picture(fine: Models, toy_config: Any, painting: str, name: str) -> None:
    config = toy_config(steps=60, step_size=0.1)
    asked = replace(config, **{name: painting, f"{name}_weight": 5.0})
    target = next(iter(read_pictures(asked, torch.device("cpu")).values()))
    measure = {
        "outline": outline_term(target),
        "style": feature_term(small_vgg(), target, None, 1.0, 1.0),
        "content": feature_term(small_vgg(), None, target, 1.0, 1.0),
    }[name]
    assert float(measure(drawn(fine, asked))) < 0.8 * float(measure(drawn(fine, config)))


@pytest.mark.parametrize("size", [(8, 12), (4, 6), (32, 48)])
def test_a_picture_of_another_size_is_compared_with_the_same_picture_at_that_size(
    toy_config: Any, painting: str, size: tuple[int, int]
) -> None:
    config = toy_config(outline=painting, content=painting, content_weight=2.0)
    pictures = read_pictures(config, torch.device("cpu"))
    terms = [compare for _, compare in compares(config, pictures, small_vgg(), size)]
    there = at_size(pictures["likeness.content"], size)
    assert there.shape[2:] == size
    assert [float(term(there)) for term in terms] == pytest.approx([0.0, 0.0], abs=1e-8)
    other = [float(term(noise(1, 3, *size))) for term in terms]
    assert all(0.1 < value < 100 for value in other)


def test_only_places_are_brought_to_the_size_of_the_picture(toy_config: Any, painting: str) -> None:
    config = toy_config(outline=painting, style=painting, content=painting, content_weight=0)
    found = read_pictures(config, torch.device("cpu"))
    assert list(found) == ["likeness.outline", "likeness.style"]
    assert torch.equal(found["likeness.outline"], read_picture(painting, config.width, config.height))
    height, width = found["likeness.style"].shape[2:]
    assert width / height == pytest.approx(1.5, rel=0.1)
    assert width * height <= config.width * config.height


def test_resumed_is_the_same_bytes_even_without_the_files(fine: Models, toy_config: Any, painting: str) -> None:
    config = toy_config(style=painting, content=painting, outline=painting, step_size=0.3)
    whole = [event for event in generate(config, fine) if isinstance(event, Checkpointed)]
    half = next(event.state for event in whole if event.state.step == 3)
    Path(painting).unlink()
    rest = [event for event in generate(config, fine, resume=state_from_bytes(state_to_bytes(half)))
            if isinstance(event, Checkpointed)]  # fmt: skip
    assert state_to_bytes(rest[-1].state) == state_to_bytes(whole[-1].state)


@pytest.mark.parametrize("name", ["outline", "style", "content"])
def test_a_plan_of_the_start_network_does_not_stand_in_the_way(name: str, painting: str) -> None:
    def start_of(defaults: Mapping[str, Any], **given: Any) -> str:
        return Plan(prompt="fog", given=given).to_config(defaults).start

    assert start_of(DEFAULTS) == "predicted"
    assert start_of(DEFAULTS, **{name: painting}) == "grey"
    assert start_of(DEFAULTS, **{name: painting, "start": "predicted"}) == "predicted"
    assert start_of({"start": "noise"}, **{name: painting}) == "noise"


@pytest.mark.parametrize("name", ["outline", "style", "content"])
def test_a_weight_of_0_reads_no_file_and_no_file_is_an_error(
    fine: Models, models: Models, toy_config: Any, name: str
) -> None:
    plain = drawn(models, toy_config(steps=2))
    assert torch.equal(drawn(models, toy_config(steps=2, **{name: "absent.png", f"{name}_weight": 0})), plain)
    with pytest.raises(UsageError, match=r"absent\.png"):
        drawn(fine, toy_config(steps=2, **{name: "absent.png"}))
