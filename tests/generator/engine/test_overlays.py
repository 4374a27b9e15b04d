"""A picture laid over the growing one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.engine import loop as engine
from generator.engine.latents import Latent
from generator.engine.overlays import load_overlay
from generator.events import Checkpointed, Finished, Step
from generator.models.base import Models

ToyConfig = Callable[..., GenerateConfig]


@pytest.fixture
def logo(tmp_path: Path) -> str:
    """Red on the left third, see-through on the rest."""
    picture = Image.new("RGBA", (24, 16), (0, 0, 0, 0))
    picture.paste((255, 0, 0, 255), (0, 0, 8, 16))
    picture.save(tmp_path / "logo.png")
    return str(tmp_path / "logo.png")


def draw(config: GenerateConfig, models: Models, **more: Any) -> tuple[Tensor, list[Tensor], Any]:
    """The last picture, those of all steps, and the last checkpoint but one."""
    steps, states, final = [], [], torch.empty(0)
    for event in engine.generate(config, models, **more):
        if isinstance(event, Step):
            steps.append(event.image())
        elif isinstance(event, Checkpointed):
            states.append(event.state)
        elif isinstance(event, Finished):
            final = event.image()
    return final, steps, states[0]


def test_when_it_is_due(toy_config: ToyConfig, logo: str) -> None:
    cpu = torch.device("cpu")

    def due(**changes: int) -> list[int]:
        overlay = load_overlay(toy_config(overlay=logo, steps=9, **changes), cpu)
        assert overlay is not None
        return [step for step in range(9) if overlay.is_due(step)]

    assert due(overlay_every=2) == [0, 2, 4]
    assert due(overlay_every=2, overlay_until=8) == [0, 2, 4, 6]
    assert due(overlay_every=0) == [0]
    assert load_overlay(toy_config(), cpu) is None


@pytest.mark.parametrize("shape", [{}, {"offset_levels": 3}, {"offset_levels": 2, "per_dimension_steps": True}])
def test_cells_below_it_become_its_encoding_and_the_others_stay(
    shape: dict[str, Any], toy_config: ToyConfig, models: Models, logo: str
) -> None:
    config = toy_config(overlay=logo, overlay_alpha=1.0, **shape)
    book = models.image.codebook
    start = book[torch.arange(24) % len(book)].T.reshape(1, -1, 4, 6).clone()
    levels, per_dimension = config.offset_levels, config.per_dimension_steps
    latent = Latent(start, book, levels, per_dimension_steps=per_dimension)
    overlay = load_overlay(config, torch.device("cpu"))
    assert overlay is not None
    overlay.lay(latent, models.image, models.image.decode)
    painted = models.image.decode(start).clone()
    painted[..., :8] = torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1)
    low, high = book.amin(0).view(1, -1, 1, 1), book.amax(0).view(1, -1, 1, 1)
    expected = models.image.encode(painted).clamp(low, high)
    assert torch.allclose(latent.compose()[..., :2], expected[..., :2], atol=1e-5)
    assert torch.allclose(latent.compose()[..., 2:], start[..., 2:], atol=1e-5)
    assert torch.equal(latent.start, start)


def test_half_a_cover_is_half_of_both(toy_config: ToyConfig, models: Models, logo: str) -> None:
    overlay = load_overlay(toy_config(overlay=logo, overlay_alpha=0.5), torch.device("cpu"))
    assert overlay is not None
    assert overlay.cover[..., :8].unique().tolist() == [0.5]
    assert overlay.cover[..., 8:].unique().tolist() == [0.0]


def test_a_run_with_it_differs_and_one_that_is_resumed_does_not(
    toy_config: ToyConfig, models: Models, logo: str
) -> None:
    changes = {"steps": 8, "checkpoint_every": 3, "overlay_every": 2, "overlay_until": 7}
    config = toy_config(overlay=logo, **changes)
    with_it, steps, state = draw(config, models)
    without, plain, _ = draw(toy_config(steps=8, checkpoint_every=3), models)
    assert not torch.equal(steps[0], plain[0])
    assert not torch.equal(with_it, without)
    resumed, _, _ = draw(config, models, resume=state)
    assert torch.equal(resumed, with_it)


def test_no_picture_is_named(toy_config: ToyConfig, models: Models, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    for name in ("text.png", "absent.png"):
        with pytest.raises(UsageError, match=name) as caught:
            list(engine.generate(toy_config(overlay=str(tmp_path / name)), models))
        assert caught.value.hint
