"""Coarse to fine: small grids first, each leg from where the one before came to; stopped anywhere, the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from generator.config import GenerateConfig
from generator.engine.loop import generate, state_from_bytes, state_to_bytes
from generator.engine.stages import Leg, enlarged, leg_at, legs_of, sampled
from generator.events import Checkpointed, Event, Finished, Preview, Step
from generator.models.base import Models

Config = Callable[..., GenerateConfig]
STAGES = "1/4:2:1, 1/2:2"
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "offsets": {"offset_levels": 2, "per_dimension_steps": True, "pull": 0.3, "start": "predicted"},
    "averaged": {"ema": 0.9, "optimiser": "adamw", "step_schedule": "plateau", "patience": 1},
    "with chance": {"augmentations": "flip noise(0.1)", "cut_noise": 0.1, "seamless": "x", "cut_batch": 2},
}


@pytest.fixture
def staged(toy_config: Config) -> Config:
    def make(**changes: Any) -> GenerateConfig:
        values = {"width": 32, "height": 32, "steps": 7, "stages": STAGES, "step_size": 0.2, "checkpoint_every": 1}
        return toy_config(**(values | changes))

    return make


def last_picture(events: list[Event]) -> Tensor:
    (finished,) = (event for event in events if isinstance(event, Finished))
    return finished.image()


def test_the_legs_of_a_config(staged: Config) -> None:
    legs = legs_of(staged(width=48), 4)
    assert legs == (Leg(0, 2, 3, 1), Leg(2, 4, 6, 4), Leg(4, 8, 12, 4))
    assert [leg_at(legs, step).first for step in (0, 1, 2, 3, 4, 99)] == [0, 0, 2, 2, 4, 4]
    assert legs[0].frame(4) == (12, 8)
    assert legs_of(staged(stages=""), 4) == (Leg(0, 8, 8, 4),)
    assert legs_of(staged(stages="1/64:3"), 4)[0] == Leg(0, 1, 1, 4)  # never nothing


def test_a_smaller_grid_has_cells_of_the_larger_one() -> None:
    latent = torch.arange(64.0).view(1, 1, 8, 8)
    assert sampled(latent, Leg(0, 2, 4, 1))[0, 0].tolist() == [[17, 19, 21, 23], [49, 51, 53, 55]]
    assert torch.equal(sampled(latent, Leg(0, 8, 8, 1)), latent)


def test_a_picture_is_enlarged_only_where_it_is_smaller() -> None:
    picture = torch.rand(1, 3, 4, 8)
    assert enlarged(picture, (8, 4)) is picture
    assert enlarged(torch.full((1, 3, 2, 2), 0.25), (8, 4)).equal(torch.full((1, 3, 4, 8), 0.25))


def test_decoder_and_guide_see_what_each_leg_has_and_the_events_are_full_size(models: Models, staged: Config) -> None:
    grids, counts = [], []
    decode, encode = models.image.decode, models.guides[0].encode_image

    def seen_decode(latent: Tensor) -> Tensor:
        grids.append(tuple(latent.shape[2:]))
        return decode(latent)

    def seen_encode(cut: Tensor) -> Tensor:
        counts.append(len(cut))
        return encode(cut)

    models.image.decode = seen_decode  # type: ignore[method-assign]  # a spy at the door
    models.guides[0].encode_image = seen_encode  # type: ignore[method-assign]  # a spy at the door
    events = list(generate(staged(steps=6, preview_every=1), models))
    assert grids == [(2, 2)] * 2 + [(4, 4)] * 2 + [(8, 8)] * 3  # the last one is the finished picture
    assert counts == [1] * 2 + [4] * 4
    shown = [event.image() for event in events if isinstance(event, Step | Preview | Finished)]
    assert {tuple(picture.shape) for picture in shown} == {(3, 32, 32)}


def test_a_leg_goes_on_where_the_one_before_had_come_to(models: Models, staged: Config) -> None:
    """A run that is stopped at the end of a small leg shows what the first step in full size begins with."""
    stops = iter([False] * 4 + [True])
    coarse = generate(staged(stages="1/2:6", step_size=0.5), models, should_stop=lambda: next(stops))
    went_on = list(generate(staged(stages="1/2:5", steps=6, step_size=0.5), models))
    steps = [event for event in went_on if isinstance(event, Step)]
    assert torch.allclose(steps[5].image(), last_picture(list(coarse)))
    assert not torch.allclose(last_picture(went_on), steps[5].image())


def test_each_leg_has_an_optimiser_that_begins_anew(models: Models, staged: Config) -> None:
    """Adam's first step moves every number by the step size; a second moment from before would say otherwise."""
    states = {
        event.state.step: event.state.tensors["parameters.0"]
        for event in generate(staged(stages="1/2:3", step_size=0.01), models)
        if isinstance(event, Checkpointed)
    }
    moved = (states[4] - states[3]).abs()
    low, high = models.image.codebook.amin(0).view(1, -1, 1, 1), models.image.codebook.amax(0).view(1, -1, 1, 1)
    inside = (states[3] > low + 0.02) & (states[3] < high - 0.02) & (moved > 1e-6)
    assert inside.any()
    assert torch.allclose(moved[inside], torch.full_like(moved[inside], 0.01), rtol=1e-2)


@pytest.mark.parametrize("kind", KINDS)
def test_stopped_after_any_step_it_goes_on_to_the_same_bytes(models: Models, staged: Config, kind: str) -> None:
    config = staged(**KINDS[kind])
    whole = list(generate(config, models))
    kept = [event for event in whole if isinstance(event, Checkpointed)]
    assert [event.state.step for event in kept] == list(range(1, 8))
    for checkpoint in kept[:-1]:
        resumed = list(generate(config, models, resume=state_from_bytes(state_to_bytes(checkpoint.state))))
        assert torch.equal(last_picture(resumed), last_picture(whole)), checkpoint.state.step
        last = [event for event in resumed if isinstance(event, Checkpointed)][-1]
        assert state_to_bytes(last.state) == state_to_bytes(kept[-1].state), checkpoint.state.step


def test_interrupted_in_a_small_leg_the_picture_is_full_size(models: Models, staged: Config) -> None:
    events = list(generate(staged(), models, should_stop=lambda: True))
    assert sum(isinstance(event, Step) for event in events) == 1
    assert last_picture(events).shape == (3, 32, 32)


def test_again_draws_the_same_picture(
    command: Callable[..., Any], drawn_again: Callable[..., tuple[bytes, bytes]]
) -> None:
    words = ("sea", "--stages", STAGES, "--steps", "6", "--width", "32", "--height", "32", "--start", "noise")
    first, again = drawn_again(*words, "--seed", "5")
    assert first == again
    other = command("generate", *words[:1], *words[3:], "--seed", "5", "--json")
    assert Path(other.data["picture"]).read_bytes() != first
