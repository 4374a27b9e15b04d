"""Several pictures in a step beside one by one, in turn, per picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bench.measure.peer.turns import WARM_STEPS, Step, clock_for
from generator.config import GenerateConfig
from generator.engine.loop import turns
from generator.engine.together import Company, Due
from generator.models.base import Models


def company_step(config: GenerateConfig, models: Models, pictures: int, steps: int) -> Step:
    """Something that takes the next step of so many runs each time it is called, `steps` times at most."""
    quiet = replace(config, steps=steps, preview_every=0, checkpoint_every=0)
    runs = [turns(replace(quiet, seed=config.seed + number), models) for number in range(pictures)]
    company = Company()

    def step() -> None:
        dues = [next(turn for turn in run if isinstance(turn, Due)) for run in runs]
        company.take(dues)
        for due in dues:
            due.result()

    return step


def rounds_of(
    config: GenerateConfig, models: Models, sizes: Sequence[int], rounds: int
) -> Iterator[Mapping[int, float]]:
    """Round by round, pictures in a step -> seconds of a step for each of them; forth and back through the sizes.

    Seconds of the processor on a CPU, else by the clock, the device waited for. Rounds that warm up are not told.
    """
    clock = clock_for(models.image.codebook.device)
    steps = {size: company_step(config, models, size, rounds + WARM_STEPS) for size in sizes}
    for number in range(WARM_STEPS + rounds):
        found: dict[int, float] = {}
        for size in reversed(sizes) if number % 2 else sizes:
            before = clock()
            steps[size]()
            found[size] = (clock() - before) / size
        if number >= WARM_STEPS:
            yield found
