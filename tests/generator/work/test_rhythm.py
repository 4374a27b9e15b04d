"""Previews and checkpoints by seconds as well as by steps, and the same picture whatever they are."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from generator.config import GenerateConfig
from generator.events import Checkpointed, Event, Preview
from generator.models.base import Models
from generator.work.execute import Outcome, execute
from generator.work.job import open_job
from generator.work.order import Order
from generator.work.plan import plan
from generator.work.rhythm import BySeconds, Rhythm

SMALL: dict[str, Any] = {"width": 24, "height": 16, "seed": 3, "threads": 1, "cutouts": 4, "start": "noise"}


def due(step_seconds: float, steps: int, rhythm: Rhythm, **given: Any) -> tuple[list[int], list[int]]:
    """Indices of steps with a preview, and steps completed at checkpoints."""
    now = 100.0
    pace = BySeconds(GenerateConfig(prompt="x", **given), rhythm, lambda: now)
    shown, kept = [], []
    for index in range(steps):
        now += step_seconds
        shown += [index] if pace.wants_preview(index) else []
        kept += [index + 1] if pace.wants_checkpoint(index + 1) else []
    return shown, kept


def test_fast_steps_are_not_shown_and_kept_all_the_time() -> None:
    shown, kept = due(0.0625, 200, Rhythm(), preview_every=1, checkpoint_every=10)  # 16 steps a second
    assert shown == list(range(0, 200, 8))
    assert kept == [80, 160]


def test_slow_steps_are_kept_before_too_much_is_lost() -> None:
    shown, kept = due(12.0, 12, Rhythm(), preview_every=5, checkpoint_every=10)
    assert shown == [0, 5, 10]
    assert kept == [3, 6, 9, 10]  # the tenth as the steps say, the others because 36 s are too long


def test_in_between_the_steps_say_it() -> None:
    assert due(1.0, 25, Rhythm(), preview_every=10, checkpoint_every=10) == ([0, 10, 20], [10, 20])


def test_none_is_none() -> None:
    assert due(60.0, 9, Rhythm(), preview_every=0, checkpoint_every=0) == ([], [])


@pytest.mark.parametrize(
    ("given", "rhythm"),
    [
        ({}, Rhythm()),
        ({"preview_every": 3}, Rhythm(preview_apart_seconds=0.0)),
        ({"checkpoint_every": 3}, Rhythm(checkpoint_apart_seconds=0.0, checkpoint_after_seconds=math.inf)),
    ],
    ids=str,
)
def test_what_somebody_set_in_steps_is_kept_to_the_letter(given: dict[str, int], rhythm: Rhythm) -> None:
    assert Rhythm.around(given) == rhythm
    now = due(0.001, 9, Rhythm.around(given), **{"preview_every": 3, "checkpoint_every": 3, **given})
    assert now[0] == ([0, 3, 6] if "preview_every" in given else [0])
    assert now[1] == ([3, 6, 9] if "checkpoint_every" in given else [])


Draw = Callable[..., tuple[Outcome, list[Event]]]


@pytest.fixture
def draw(models: Models, tmp_path: Path) -> Draw:
    def run(rhythm: Rhythm | None = None, **given: Any) -> tuple[Outcome, list[Event]]:
        seen: list[Event] = []
        order = Order(prompt="fog", given={**SMALL, "steps": 6, **given})
        with open_job(plan(order), models, base=tmp_path, rhythm=rhythm) as job:
            return execute(job, watchers=[seen.append]), seen

    return run


def indices(kind: type[Event], seen: list[Event]) -> list[int]:
    return [event.index for event in seen if isinstance(event, kind)]  # type: ignore[union-attr]  # those that have one


def pixels(path: Path) -> bytes:
    with Image.open(path) as picture:
        return picture.tobytes()


def test_a_run_keeps_the_rhythm_of_its_order_and_draws_the_same(draw: Draw) -> None:
    usual, seen = draw()
    assert indices(Checkpointed, seen) == [6]
    assert indices(Preview, seen) == [0]
    counted, seen = draw(preview_every=2, checkpoint_every=3)
    assert indices(Checkpointed, seen) == [3, 6]
    assert indices(Preview, seen) == [0, 2, 4]
    watched, seen = draw(Rhythm(preview_apart_seconds=0, checkpoint_apart_seconds=0, checkpoint_after_seconds=0))
    assert indices(Checkpointed, seen) == [1, 2, 3, 4, 5, 6]
    assert indices(Preview, seen) == [0]
    assert len({pixels(outcome.picture) for outcome in (usual, counted, watched)}) == 1
