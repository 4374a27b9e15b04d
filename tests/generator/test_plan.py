"""Which settings win: the model's, a preset's, somebody's own; and what a picture needs that has to change."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from generator.plan import Plan
from generator.presets import find_preset
from generator.video.plan import FilmPlan
from generator.video.source import SourceFilm
from generator.video.spec import FilmSpec

CAREFUL: dict[str, Any] = {"step_size": 0.02, "pull": 0.3, "step_schedule": "cosine", "steps": 30}
BOLD: dict[str, Any] = {"step_size": 0.18, "pull": 0.0, "steps": 60}
LIKED = {**CAREFUL, "start=grey": BOLD, "start=noise": BOLD}
FADES_NOT = {**BOLD, "step_schedule": "constant"}


def settings(config: Any) -> dict[str, Any]:
    return {name: getattr(config, name) for name in CAREFUL}


def test_the_models_careful_steps_are_for_a_picture_that_stays() -> None:
    assert settings(Plan(prompt="fog", given={}).to_config(LIKED)) == CAREFUL


def test_somebodys_picture_is_painted_over_and_known_again() -> None:
    """With the careful steps nothing of the prompt would be seen in it."""
    config = Plan(prompt="fog", given={"start": "/photo.png"}).to_config(LIKED)
    assert settings(config) == {**CAREFUL, **BOLD, "pull": CAREFUL["pull"]}
    own = Plan(prompt="fog", given={"start": "/photo.png", "step_size": 0.01}).to_config(LIKED)
    assert (own.step_size, own.steps) == (0.01, BOLD["steps"])


@pytest.mark.parametrize(
    ("prompt", "given"), [("fog ^ sea", {}), ("fog", {"image_prompts": "/a.png ^ /b.png"})], ids=["words", "pictures"]
)
def test_a_story_gets_steps_that_reach_its_last_scene(prompt: str, given: dict[str, Any]) -> None:
    """A picture that is held at its start with steps that fade out would show the first scene alone."""
    plan = Plan(prompt=prompt, given=given)
    assert settings(plan.to_config(LIKED)) == FADES_NOT
    assert settings(plan.to_config({})) == settings(Plan(prompt="fog", given={}).to_config({}))


def test_what_somebody_chose_is_stronger_than_what_a_story_needs() -> None:
    own = {"step_schedule": "linear", "step_size": 0.5}
    assert settings(Plan(prompt="fog ^ sea", given=own).to_config(LIKED)) == {**FADES_NOT, **own}
    preset = find_preset("dreamrig")
    config = Plan(prompt="fog ^ sea", given={}, preset=preset).to_config(LIKED)
    assert config.step_schedule == preset.values["step_schedule"]


def film(source: SourceFilm | None, spec: FilmSpec | None = None) -> FilmPlan:
    spec = spec or FilmSpec(frames=4, rate="10")
    return FilmPlan(plan=Plan(prompt="fog ^ sea", given={}), spec=spec, frame_steps=5, source=source)


def test_a_films_first_frame_is_a_picture_and_the_later_ones_are_painted_anew() -> None:
    first, spec = film(None).settle(LIKED)
    assert settings(first) == CAREFUL
    later = spec.config_at(first, 1, "/before.png")
    assert settings(later) == {**FADES_NOT, "steps": 5}


def test_every_frame_of_a_restyled_film_is_painted_anew(tmp_path: Path) -> None:
    source = SourceFilm(
        path=tmp_path, width=16, height=16, rate=Fraction(10), starts_at=0.0, seconds=0.4, has_audio=False
    )
    first, _ = film(source).settle(LIKED)
    assert settings(first) == {**FADES_NOT, "steps": 5}
