"""In which order a run gives up speed for memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from generator.config import GenerateConfig
from generator.engine.memory import estimate_memory_mib, fit_to_memory
from generator.models.base import Models

Config = Callable[..., GenerateConfig]


@pytest.fixture
def hungry(models: Models) -> Models:
    """Networks whose cutouts take the most, and whose decoder takes less when it is run twice."""
    return replace(
        models,
        memory_mib=lambda width, height, cutouts: 40.0 + 10 * cutouts,
        checkpointed_memory_mib=lambda width, height, cutouts: 30.0 + 10 * cutouts,
    )


def forms(config: GenerateConfig, models: Models) -> list[tuple[int, bool]]:
    """(cutouts at a time, decoding twice) of what is chosen as the free memory shrinks MiB by MiB."""
    free = int(estimate_memory_mib(config, models)) + 1
    fitted = (fit_to_memory(config, models, float(left))[0] for left in range(free, 0, -1))
    return list(dict.fromkeys((one.cut_batch, one.checkpointed_decoding) for one in fitted))


@pytest.mark.parametrize(
    ("cutouts", "expected"),
    [
        (16, [(0, False), (8, False), (4, False), (2, True), (1, True)]),
        (5, [(0, False), (2, False), (1, False)]),
        (2, [(0, False), (1, False)]),
    ],
)
def test_fewer_cutouts_first_then_decoding_twice(
    cutouts: int, expected: list[tuple[int, bool]], hungry: Models, toy_config: Config
) -> None:
    found = forms(toy_config(cutouts=cutouts, fit="slower"), hungry)
    assert found[: len(expected)] == expected
