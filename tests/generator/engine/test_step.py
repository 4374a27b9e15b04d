"""A step is a function: chance is drawn before it, the objective is pure, and every kind of step moves alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from generator.config import GenerateConfig
from generator.engine import memory
from generator.engine.aims import gather, make_aims
from generator.engine.arithmetic import step_mode
from generator.engine.augment.chance import Chance
from generator.engine.draws import Draws, Look
from generator.engine.latents import Latent
from generator.engine.objective import Objective, no_phases
from generator.engine.optimisers import Optimiser
from generator.engine.run import LatentDescent
from generator.engine.step import EagerStep, StepFunction
from generator.models.base import Models

Config = Callable[..., GenerateConfig]
STEPS: Mapping[str, Callable[[Latent, Objective, Optimiser], StepFunction]] = {"eager": EagerStep}
"""Every way to compute a step; each has to follow the plain one below."""
WISHES: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "chance of every kind": {
        "augmentations": "flip noise(0.1) gaussian(0.05) elastic(p=0.4) affine(20) jitter(hue=0.1)",
        "cut_noise": 0.1,
        "seamless": "both",
        "prompt": "sea | fog @left:-0.5",
    },
    "pooled": {"cut_method": "pooling", "augmentations": "noise(0.1)"},
}


def begin(models: Models, config: GenerateConfig) -> LatentDescent:
    """A run before its first step."""
    models = models.with_guides_that_count(())
    chance, wishes = Chance(config.seed), config.wishes()
    kept, _ = gather(config, models, wishes, chance.draws)
    return LatentDescent(config, models, kept, make_aims(config, models, wishes, kept), chance)


def tensors_of(draws: Draws) -> list[Tensor]:
    found: list[Tensor] = []
    for look in draws.looks:
        found += [tensor for tensor in (look.boxes, look.noise) if tensor is not None]
        for change in look.changes:
            found += [change.chosen, *change.numbers.values(), *([] if change.noise is None else [change.noise])]
    return found


@pytest.mark.parametrize("wish", WISHES)
def test_nothing_is_drawn_after_the_draws(models: Models, toy_config: Config, wish: str) -> None:
    run = begin(models, toy_config(**WISHES[wish]))
    now = run.now()
    draws = run.draw(now)
    states, everywhere = run.chance.states(), torch.get_rng_state()
    found = [run.objective(run.latent.compose(), draws, now) for _ in range(2)]
    gradients = [torch.autograd.grad(loss, run.latent.parameters) for loss, _ in found]
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
    assert torch.equal(gradients[0][0], gradients[1][0])
    assert torch.equal(torch.get_rng_state(), everywhere)
    assert all(torch.equal(run.chance.states()[name], state) for name, state in states.items())


@pytest.mark.parametrize("wish", WISHES)
def test_a_seed_draws_the_same_again_and_goes_on_to_other_draws(models: Models, toy_config: Config, wish: str) -> None:
    one, other = (begin(models, toy_config(**WISHES[wish])) for _ in range(2))
    first, same = (tensors_of(run.draw(run.now())) for run in (one, other))
    assert all(torch.equal(a, b) for a, b in zip(first, same, strict=True))
    after = tensors_of(one.draw(one.now()))
    assert not all(a.shape == b.shape and torch.equal(a, b) for a, b in zip(first, after, strict=True))


def test_every_look_has_draws_of_its_own(
    toy_models: Callable[..., Models], toy_config: Config, toy_guide: type
) -> None:
    models = toy_models(guides=(toy_guide(), toy_guide(seed=5, size=12, width=9)))
    run = begin(models, toy_config(prompt="sea | fog @left", cut_noise=0.1))
    looks = run.draw(run.now()).looks
    assert [look.noise.shape[-1] for look in looks if look.noise is not None] == [8, 8, 12, 12]
    lefts = [look for look in looks[1::2] if look.boxes is not None]
    assert all(int((look.boxes[:, 0] + look.boxes[:, 2]).max()) <= 12 for look in lefts if look.boxes is not None)
    assert not torch.equal(noise_of(looks[0]), noise_of(looks[1]))


def noise_of(look: Look) -> Tensor:
    assert look.noise is not None
    return look.noise


def plain_step(run: LatentDescent, optimiser: torch.optim.Optimizer, draws: Draws) -> float:
    """The definition: torch's own autograd and Adam on the objective."""
    now = run.now()
    for group in optimiser.param_groups:
        group["lr"] = now.step_size
    optimiser.zero_grad()
    loss, _ = run.objective(run.latent.compose(), draws, now)
    loss.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
    optimiser.step()
    run.latent.after_step()
    run.done += 1
    return float(loss.detach())


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("wish", WISHES)
def test_every_kind_of_step_follows_the_plain_one(models: Models, toy_config: Config, wish: str, kind: str) -> None:
    """Fifty steps on the same draws, within float32's rounding."""
    config = toy_config(steps=50, step_schedule="cosine", offset_levels=2, **WISHES[wish])
    theirs, ours = begin(models, config), begin(models, config)
    adam = torch.optim.Adam(theirs.latent.parameters, eps=1e-8)
    step = STEPS[kind](ours.latent, ours.objective, ours.optimiser)
    for _ in range(config.steps):
        with step_mode(config, torch.device("cpu")):
            draws = theirs.draw(theirs.now())
            taken = step(draws, ours.now(), no_phases)
            ours.done += 1
            expected = plain_step(theirs, adam, draws)
        assert float(taken.loss) == pytest.approx(expected, rel=1e-4)
        assert bool(taken.is_healthy)
    for mine, their in zip(ours.latent.parameters, theirs.latent.parameters, strict=True):
        torch.testing.assert_close(mine, their, rtol=0, atol=1e-4)


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("cut_batch", [0, 2])
def test_the_memory_of_what_is_drawn_is_predicted(
    models: Models, toy_config: Config, wish: str, cut_batch: int
) -> None:
    config = toy_config(**{**WISHES[wish], "cutouts": 200, "cut_batch": cut_batch})
    run = begin(models, config)
    looks = run.draw(run.now()).looks
    drawn = [look.noise for look in looks] + [change.noise for look in looks for change in look.changes]
    held = sum(tensor.numel() for tensor in drawn if tensor is not None)
    assert memory._noise_floats(config, models) == pytest.approx(held, rel=0.05)
