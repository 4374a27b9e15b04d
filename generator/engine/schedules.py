"""What changes from step to step: the step size, the scene of a story, the pull to the start. Does not import torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from generator.config import GenerateConfig

EXPONENTIAL_END = 0.01
DROP_AT, DROP_TO = 0.75, 0.1
RESTARTS = 4
"""How often the cosine begins in a run whose schedule_every is 0."""


def _cosine(done: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * done))


# Share of the run that is done, in [0, 1) -> factor of the step size.
CURVES: Mapping[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "cosine": _cosine,
    "linear": lambda done: 1.0 - done,
    "exponential": lambda done: EXPONENTIAL_END**done,
    "drop": lambda done: 1.0 if done < DROP_AT else DROP_TO,
}


def step_factor(config: GenerateConfig, step: int) -> float:
    """Factor of the step size for the step with this index; the plateau schedule is kept by generator.engine.watch."""
    done = step / config.steps
    if config.step_schedule == "restarts":
        every = config.schedule_every or math.ceil(config.steps / RESTARTS)
        factor = _cosine(step % every / every)
    else:
        factor = CURVES.get(config.step_schedule, CURVES["constant"])(done)
    return factor * min(1.0, (step + 1) / (config.warmup_steps + 1))


DECAYS: Mapping[str, Callable[[int, float], float]] = {
    "constant": lambda step, done: 1.0,
    "linear": lambda step, done: 1.0 - done,
    "cosine": lambda step, done: _cosine(done),
    "inverse": lambda step, done: 1 / (2 * step + 1),
}


def pull_factor(config: GenerateConfig, step: int) -> float:
    """Factor of everything that pulls to the start."""
    return DECAYS[config.init_decay](step, step / config.steps)


def scene_shares(config: GenerateConfig, scenes: int, step: int) -> tuple[float, ...]:
    """How much each scene counts in a step; the shares add up to 1.

    A scene lasts story_every steps, or its even share of the run. In the last story_blend of it the next one comes in,
    linearly. After the last one it stays, or the first comes again (story_repeat).
    """
    place = step / config.story_every if config.story_every else step * scenes / config.steps
    now = int(place) if config.story_repeat else min(int(place), scenes - 1)
    following = now + 1 if config.story_repeat or now + 1 < scenes else now
    late = place - now - (1 - config.story_blend)
    coming = min(1.0, late / config.story_blend) if config.story_blend and late > 0 else 0.0
    shares = [0.0] * scenes
    shares[now % scenes] += 1 - coming
    shares[following % scenes] += coming
    return tuple(shares)
