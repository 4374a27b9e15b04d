"""Two kinds of step in turn in one process, so that what slows both alike does not count."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from generator.stats import Interval, paired_ratio_interval

if TYPE_CHECKING:
    import torch

    from generator.config import GenerateConfig
    from generator.events import Event
    from generator.models.base import Models

WARM_STEPS = 2
Step = Callable[[], object]


@dataclass(frozen=True)
class StepPair:
    """Seconds of a step with either, one straight after the other."""

    own_seconds: float
    reference_seconds: float

    @property
    def ratio(self) -> float:
        """Above 1: ours is quicker by that."""
        return self.reference_seconds / self.own_seconds


def ratio_of(pairs: Sequence[StepPair]) -> Interval | None:
    """Median of the ratios with its 95 % interval; None for fewer than three."""
    return paired_ratio_interval([pair.reference_seconds for pair in pairs], [pair.own_seconds for pair in pairs])


def in_turn(
    own: Step, theirs: Step, count: int, *, clock: Callable[[], float] = time.process_time, warm: int = WARM_STEPS
) -> Iterator[StepPair]:
    """Pairs of steps, AB BA AB …, after `warm` pairs that are not counted.

    clock: seconds; the process' own by default, which other programs disturb less than the wall's.
    """

    def seconds_of(step: Step) -> float:
        before = clock()
        step()
        return clock() - before

    for number in range(warm + count):
        if number % 2:
            reference_seconds, own_seconds = seconds_of(theirs), seconds_of(own)
        else:
            own_seconds, reference_seconds = seconds_of(own), seconds_of(theirs)
        if number >= warm:
            yield StepPair(own_seconds, reference_seconds)


def clock_for(device: torch.device) -> Callable[[], float]:
    """Of this process on a CPU; elsewhere the wall's, the device waited for."""
    from generator import devices

    return time.process_time if device.type == "cpu" else devices.synchronising_clock(device)


def engine_step(config: GenerateConfig, models: Models, steps: int) -> Step:
    """Something that takes the next step of a run of ours each time it is called, `steps` times at most."""
    from generator.engine.loop import generate
    from generator.events import Step as StepTaken

    quiet = replace(config, steps=steps, preview_every=0, checkpoint_every=0)
    events: Iterator[Event] = iter(generate(quiet, models))

    def step() -> None:
        while not isinstance(next(events), StepTaken):
            pass

    return step
