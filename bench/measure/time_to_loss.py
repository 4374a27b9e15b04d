"""How soon a way of walking comes to the loss at which the flat schedule ends: processor seconds of one picture.

The loss is judged apart from the run: by cutouts that are always the same, of the picture in its full size, with the
guide that leads it, and with another that has no say in it as the independent measure. Imports torch.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from generator.config import GenerateConfig
from generator.engine import cutouts, losses
from generator.engine.loop import generate
from generator.events import Step
from generator.models.base import GuideModel, Models

FLAT_STEPS = 500
EVERY = 5
"""Steps between two readings."""
WINDOW = 3
"""Readings whose mean counts: one alone may be low by chance."""
JUDGED = 16
"""Cutouts of a reading."""
BOX_SEED = 999

PROMPTS = (
    "sunset over the sea", "a red house", "a green tree on a hill", "mountains at night",
    "a yellow sun", "a castle", "a blue lake", "a desert with a cactus",
)  # fmt: skip
BASE: Mapping[str, Any] = {
    "start": "grey", "width": 128, "height": 128, "cutouts": 8, "cut_min_fraction": 0.6, "whole_every": 4,
    "cut_noise": 0.02, "per_dimension_steps": True, "step_size": 0.05, "guide_weights": "1, 0", "device": "cpu",
    "threads": 1, "preview_every": 0, "checkpoint_every": 0,
}  # fmt: skip
"""From grey with the starter, the notebook's constant step in units of the codebook's deviation."""
WAYS: Mapping[str, Mapping[str, Any]] = {
    "coarse to fine": {"stages": "1/2:40:2"},
    "coarse to fine, fading": {"stages": "1/2:40:2", "step_size": 0.1, "step_schedule": "cosine", "steps": 120},
    "pyramid, fading": {"offset_levels": 4, "step_size": 0.1, "step_schedule": "cosine", "steps": 120},
}
"""Name -> what differs from the flat schedule, which has as many steps where nothing is said."""


@dataclass(frozen=True)
class Moment:
    """A moment of a run."""

    step: int
    """Steps done."""
    seconds: float
    """Of the processor, all steps so far; reading it not counted."""
    loss: float
    independent: float


@dataclass(frozen=True)
class LossJudge:
    """Reads a picture: mean distance of fixed cutouts to a prompt."""

    leading: GuideModel
    independent: GuideModel
    boxes: Tensor
    targets: tuple[Tensor, Tensor]

    @classmethod
    def of(cls, config: GenerateConfig, models: Models) -> LossJudge:
        """For runs that models.guides[0] leads; the last one is the independent measure."""
        leading, independent = models.guides[0], models.guides[-1]
        generator = torch.Generator().manual_seed(BOX_SEED)
        boxes = cutouts.draw(
            generator, JUDGED, config.width, config.height, leading.size,
            min_fraction=config.cut_min_fraction, whole_every=config.whole_every,
        )  # fmt: skip
        texts = [prompt.text for prompt in config.wishes().texts]
        with torch.no_grad():
            targets = leading.encode_text(texts).float(), independent.encode_text(texts).float()
        return cls(leading, independent, boxes, targets)

    @torch.no_grad()
    def read(self, picture: Tensor) -> tuple[float, float]:
        """(3, H, W) -> loss as the leading guide sees it, and as the independent one does."""
        both = zip((self.leading, self.independent), self.targets, strict=True)
        seen = [(guide.encode_image(cutouts.apply(picture[None], self.boxes, guide.size)), to) for guide, to in both]
        first, second = (float(losses.spherical(cut.float(), target).mean()) for cut, target in seen)
        return first, second


def readings(
    config: GenerateConfig, models: Models, judge: LossJudge, clock: Callable[[], float] = time.process_time
) -> Iterator[Moment]:
    """Of a run, each EVERY steps."""
    seconds, events = 0.0, iter(generate(config, models))
    before = clock()
    for event in events:
        if isinstance(event, Step):
            seconds += clock() - before
            if (event.index + 1) % EVERY == 0:
                yield Moment(event.index + 1, seconds, *judge.read(event.image()))
            before = clock()


def window_mean(seen: Sequence[Moment], of: Callable[[Moment], float] = lambda one: one.loss) -> float:
    """Over the last WINDOW readings."""
    return statistics.fmean(of(one) for one in seen[-WINDOW:])


def reach(found: Iterator[Moment], target: float, *, from_step: int = 0) -> tuple[Moment, ...]:
    """The readings up to where WINDOW of them, all from a step on, have a mean no higher than the target.

    Empty where the run ends before.
    """
    seen: list[Moment] = []
    for reading in found:
        if reading.step > from_step:
            seen.append(reading)
            if len(seen) >= WINDOW and window_mean(seen) <= target:
                return tuple(seen)
    return ()


@dataclass(frozen=True)
class LossRace:
    """One prompt and seed."""

    prompt: str
    seed: int
    flat_seconds: float
    """Of all steps of the flat schedule."""
    target: float
    """The loss it ends at."""
    flat_independent: float
    flat_first_seconds: float
    """When the flat schedule itself had come so low for the first time."""
    reached: Mapping[str, Moment | None] = field(default_factory=dict)
    """Way -> the moment it had; None = it ended before."""

    def ratio(self, way: str) -> float | None:
        """Of the flat schedule's seconds."""
        reading = self.reached[way]
        return None if reading is None else reading.seconds / self.flat_seconds

    def ratio_to_first(self, way: str) -> float | None:
        """Of what the flat schedule took to come so low for the first time."""
        reading = self.reached[way]
        return None if reading is None else reading.seconds / self.flat_first_seconds


def race(
    models: Models,
    prompt: str,
    seed: int,
    ways: Mapping[str, Mapping[str, Any]] = WAYS,
    flat_steps: int = FLAT_STEPS,
    **changes: Any,
) -> LossRace:
    """The flat schedule to its end, then each way until it is as low. changes: of BASE."""
    flat = GenerateConfig(**{**BASE, "prompt": prompt, "seed": seed, "steps": flat_steps, **changes})
    judge = LossJudge.of(flat, models)
    whole = list(readings(flat, models, judge))
    target = window_mean(whole)
    first = reach(iter(whole), target) or tuple(whole)
    reached: dict[str, Moment | None] = {}
    for name, differs in ways.items():
        config = replace(flat, **differs)
        seen = reach(readings(config, models, judge), target, from_step=full_size_from(config))
        independent = window_mean(seen, lambda one: one.independent) if seen else 0.0
        reached[name] = replace(seen[-1], independent=independent) if seen else None
    return LossRace(
        prompt=prompt,
        seed=seed,
        flat_seconds=whole[-1].seconds,
        target=target,
        flat_independent=window_mean(whole, lambda one: one.independent),
        flat_first_seconds=first[-1].seconds,
        reached=reached,
    )


def full_size_from(config: GenerateConfig) -> int:
    """The step from which on the picture has its own size: before that nothing counts as reached."""
    from generator.wishes.stages import parse_stages

    stages = parse_stages(config.stages)
    smaller = [number for number, stage in enumerate(stages, 1) if stage.share < 1]
    return sum(stage.steps for stage in stages[: max(smaller, default=0)])
