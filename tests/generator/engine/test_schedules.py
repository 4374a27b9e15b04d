"""Schedules: what each promises at the beginning, at the end and in between."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.config import STEP_SCHEDULES, GenerateConfig
from generator.engine.schedules import pull_factor, scene_shares, step_factor

Config = Callable[..., GenerateConfig]


def factors(config: GenerateConfig) -> list[float]:
    return [step_factor(config, step) for step in range(config.steps)]


@pytest.mark.parametrize("name", STEP_SCHEDULES)
def test_every_schedule_begins_with_the_whole_step_and_never_leaves_zero_to_one(toy_config: Config, name: str) -> None:
    found = factors(toy_config(step_schedule=name, steps=40))
    assert found[0] == 1.0
    assert all(0 < factor <= 1 for factor in found)


def test_the_curves(toy_config: Config) -> None:
    def at(name: str, step: int, **more: int) -> float:
        return step_factor(toy_config(step_schedule=name, steps=100, **more), step)

    assert at("linear", 30) == pytest.approx(0.7)
    assert at("cosine", 50) == pytest.approx(0.5)
    assert at("exponential", 50) == pytest.approx(0.1)
    assert (at("drop", 74), at("drop", 75)) == (1.0, 0.1)
    assert [at("restarts", step, schedule_every=20) for step in (0, 20, 90)] == pytest.approx([1, 1, 0.5])
    assert [at("restarts", step) for step in (25, 50, 75)] == [1.0] * 3
    assert at("plateau", 99) == 1.0


def test_warming_up_is_linear_and_then_over(toy_config: Config) -> None:
    found = factors(toy_config(steps=8, warmup_steps=3))
    assert found == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1, 1, 1])


def test_pulls_fade_as_named(toy_config: Config) -> None:
    def fade(name: str) -> list[float]:
        return [pull_factor(toy_config(init_decay=name, steps=4), step) for step in range(4)]

    assert fade("constant") == [1.0] * 4
    assert fade("linear") == [1.0, 0.75, 0.5, 0.25]
    assert fade("inverse") == [1.0, 1 / 3, 1 / 5, 1 / 7]
    assert fade("cosine")[2] == pytest.approx(0.5)


@given(
    scenes=st.integers(1, 7),
    steps=st.integers(1, 50),
    every=st.integers(0, 20),
    blend=st.floats(0, 1),
    repeat=st.booleans(),
    share=st.floats(0, 1, exclude_max=True),
)
def test_shares_add_up_and_only_neighbours_meet(
    scenes: int, steps: int, every: int, blend: float, repeat: bool, share: float
) -> None:
    config = GenerateConfig(prompt="x", steps=steps, story_every=every, story_blend=blend, story_repeat=repeat)
    shares = scene_shares(config, scenes, int(share * steps))
    assert len(shares) == scenes
    assert sum(shares) == pytest.approx(1)
    assert all(0 <= each <= 1 for each in shares)
    counting = [scene for scene, each in enumerate(shares) if each]
    assert len(counting) <= 2
    if len(counting) == 2:
        assert blend > 0
        assert counting[1] - counting[0] in {1, scenes - 1}


def test_even_scenes_share_the_run(toy_config: Config) -> None:
    now = [scene_shares(toy_config(steps=7), 3, step).index(1.0) for step in range(7)]
    assert now == [0, 0, 0, 1, 1, 2, 2]
    stays = [scene_shares(toy_config(steps=9, story_every=2), 3, step).index(1.0) for step in range(9)]
    assert stays == [0, 0, 1, 1, 2, 2, 2, 2, 2]
    repeats = [
        scene_shares(toy_config(steps=9, story_every=2, story_repeat=True), 3, step).index(1.0) for step in range(9)
    ]
    assert repeats == [0, 0, 1, 1, 2, 2, 0, 0, 1]


def test_a_blend_is_linear_in_the_last_part_of_a_scene(toy_config: Config) -> None:
    config = toy_config(steps=100, story_every=10, story_blend=0.4)
    coming = [scene_shares(config, 2, step)[1] for step in range(12)]
    assert coming == pytest.approx([0] * 7 + [0.25, 0.5, 0.75, 1, 1])
    assert not any(math.isnan(each) for each in coming)


def test_schedules_wishes_and_files_do_not_import_torch() -> None:
    code = "import sys, generator.engine.schedules, generator.wishes.parse, generator.pictures.paths; "
    code += "import generator.wishes.colours; "
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
