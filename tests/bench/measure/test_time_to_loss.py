"""When a run has come so low: by a mean of readings, of its full-size picture, each with the seconds up to there."""

from __future__ import annotations

import itertools

import pytest
import torch

from bench.measure.time_to_loss import (
    BASE,
    EVERY,
    WAYS,
    LossJudge,
    LossRace,
    Moment,
    full_size_from,
    race,
    reach,
    readings,
    window_mean,
)
from bench.proofs.time_to_loss import read_races, rows
from generator.config import GenerateConfig
from generator.models.base import Models
from generator.models.starter import load_starter

SMALL = {"width": 32, "height": 32, "cutouts": 2}


@pytest.fixture(scope="module")
def starter() -> Models:
    return load_starter()


def seen(*losses: float) -> list[Moment]:
    return [Moment(EVERY * number, float(number), loss, 2 * loss) for number, loss in enumerate(losses, 1)]


def test_one_low_reading_is_not_enough() -> None:
    found = reach(iter(seen(9, 9, 1, 9, 4, 4, 4, 0)), 4.0)
    assert found[-1].step == 7 * EVERY
    assert window_mean(found) == 4.0
    assert window_mean(found, lambda one: one.independent) == 8.0
    assert reach(iter(seen(9, 9, 9)), 4.0) == ()


def test_what_is_reached_in_a_smaller_picture_does_not_count() -> None:
    found = reach(iter(seen(1, 1, 1, 1, 1, 1)), 2.0, from_step=2 * EVERY)
    assert found[-1].step == 5 * EVERY
    config = GenerateConfig(prompt="sea", stages="1/4:7, 1/2:5, 1:3:2")
    assert full_size_from(config) == 12
    assert full_size_from(GenerateConfig(prompt="sea", stages="1:3:2")) == 0


def test_a_reading_has_the_seconds_of_all_steps_and_of_nothing_else(starter: Models) -> None:
    config = GenerateConfig(**{**BASE, **SMALL, "prompt": "sea", "steps": 2 * EVERY})
    judge = LossJudge.of(config, starter)
    ticks = itertools.count()
    found = list(readings(config, starter, judge, clock=lambda: float(next(ticks))))
    assert [one.step for one in found] == [EVERY, 2 * EVERY]
    assert [one.seconds for one in found] == [EVERY, 2 * EVERY]  # one tick a step, whatever was read between
    assert found[0].loss != found[1].loss
    picture = torch.rand((3, 32, 32), generator=torch.Generator().manual_seed(1))
    assert judge.read(picture) == judge.read(picture)


def test_a_race_on_the_starter(starter: Models) -> None:
    ways = {"the same": {}, "too short": {"steps": EVERY}}
    found = race(starter, "sea", 3, ways, flat_steps=3 * EVERY, **SMALL)
    same = found.reached["the same"]
    assert same is not None
    assert same.step <= 3 * EVERY
    assert found.reached["too short"] is None
    assert found.ratio("too short") is found.ratio_to_first("too short") is None
    assert found.flat_first_seconds <= found.flat_seconds


def test_the_table_has_medians_over_the_races_that_came_so_low() -> None:
    way, *others = WAYS
    races = [
        LossRace("sea", seed, 100.0, 0.1, 0.2, 50.0, {way: Moment(40, seconds, 0.1, 0.3), **dict.fromkeys(others)})
        for seed, seconds in enumerate((10.0, 20.0, 30.0))
    ]
    lines = list(rows([*races, LossRace("sea", 4, 100.0, 0.1, 0.2, 50.0, dict.fromkeys(WAYS))]))
    assert "| 3 of 4 | 0.20 (0.10-0.30" in lines[2]
    assert "| 0.40 (0.20-0.60" in lines[2]
    assert lines[2].endswith("| 0.300 / 0.200 |")
    assert "| 0 of 4 | - | - | - |" in lines[3]
    assert read_races(None) == []
