"""The aesthetic predictor: what it costs by hand, that it counts once, and that a run follows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from generator.config import GenerateConfig
from generator.engine.loop import generate
from generator.engine.objective import Aesthetic
from generator.events import Step
from generator.models.aesthetic import AestheticHead
from generator.models.base import Models

Config = Callable[..., GenerateConfig]


def head(width: int, seed: int = 0) -> AestheticHead:
    """Scores around 5, of either side."""
    weight = torch.randn(width, generator=torch.Generator().manual_seed(seed))
    return AestheticHead(5 * functional.normalize(weight, dim=0), torch.tensor(5.0))


@pytest.fixture
def judged(models: Models, toy_models: Callable[..., Models]) -> Models:
    fine = toy_models(image=type(models.image)(codes=4000))
    return replace(fine, aesthetic=(head(fine.guides[0].width),))


def losses_of(models: Models, config: GenerateConfig) -> list[float]:
    return [event.loss() for event in generate(config, models) if isinstance(event, Step)]


def score_of(models: Models, config: GenerateConfig) -> float:
    """What the guide's whole picture scores in the end."""
    *_, finished = generate(config, models)
    guide = models.guides[0]
    seen = functional.interpolate(finished.image()[None], (guide.size, guide.size), mode="bilinear")  # type: ignore[union-attr]  # never None here
    return float(head(guide.width).scores(guide.encode_image(seen).float()))


def test_the_score_by_hand_and_the_length_of_an_embedding_does_not_count() -> None:
    judge = AestheticHead(torch.tensor([3.0, 4.0]), torch.tensor(1.0))
    embeddings = torch.tensor([[1.0, 0.0], [0.0, 2.0], [30.0, 40.0]])
    torch.testing.assert_close(judge.scores(embeddings), torch.tensor([4.0, 5.0, 6.0]))


def test_heads_count_alike_and_once_whatever_a_guide_counts() -> None:
    judge = AestheticHead(torch.tensor([3.0, 4.0]), torch.tensor(1.0))
    two = Aesthetic(2.0, (judge, None, judge))
    embeddings = torch.tensor([[1.0, 0.0]])  # scores 4 of 10
    first, second = two.of_guide(0, 0.5), two.of_guide(2, 0.1)
    assert first is not None
    assert second is not None
    assert two.of_guide(1, 0.4) is None
    assert 0.5 * float(first(embeddings)) + 0.1 * float(second(embeddings)) == pytest.approx(2.0 * 0.6)
    assert Aesthetic(0.0, (judge,)).of_guide(0, 1.0) is None
    assert Aesthetic(1.0, ()).of_guide(0, 1.0) is None


def test_a_run_becomes_what_the_head_calls_beautiful_or_ugly(judged: Models, toy_config: Config) -> None:
    config = toy_config(steps=60, step_size=0.1)
    plain = score_of(judged, config)
    assert score_of(judged, replace(config, aesthetic=5.0)) > plain + 0.2
    assert score_of(judged, replace(config, aesthetic=-5.0)) < plain - 0.2


@pytest.mark.parametrize("prompt", ["sea", "sea @left | fog @right", "sea | fog @left | sky @right"])
def test_it_joins_the_loss_once_however_many_regions_are_looked_at(
    judged: Models, toy_config: Config, prompt: str
) -> None:
    config = toy_config(steps=1, prompt=prompt)
    constant = replace(judged, aesthetic=(AestheticHead(torch.zeros(judged.guides[0].width), torch.tensor(4.0)),))
    added = losses_of(constant, replace(config, aesthetic=3.0))[0] - losses_of(judged, config)[0]
    assert added == pytest.approx(3.0 * 0.6, rel=1e-4)


def test_looking_in_batches_is_the_same(judged: Models, toy_config: Config) -> None:
    config = toy_config(steps=3, step_size=0.1, aesthetic=2.0)
    assert losses_of(judged, replace(config, cut_batch=3)) == pytest.approx(losses_of(judged, config), rel=1e-4)


def test_a_guide_that_does_not_count_takes_its_head_along(
    models: Models, toy_guide: Any, toy_models: Callable[..., Models]
) -> None:
    first, second = head(4, 1), head(4, 2)
    several = toy_models(guides=(toy_guide(), toy_guide(), toy_guide()), aesthetic=(first, None, second))
    assert several.with_guides_that_count((1.0, 0.0, 3.0)).aesthetic == (first, second)
    assert several.with_guides_that_count((0.0, 1.0, 1.0)).aesthetic == (None, second)
    assert models.with_guides_that_count(()).aesthetic == ()


def test_off_it_changes_no_bit(judged: Models, models: Models, toy_config: Config) -> None:
    pictures: list[Tensor] = []
    for each in (judged, replace(judged, aesthetic=())):
        *_, finished = generate(toy_config(steps=3), each)
        pictures.append(finished.image())  # type: ignore[union-attr]  # never None here
    assert torch.equal(*pictures)
