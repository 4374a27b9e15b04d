"""Which settings win: the model's, a preset's, somebody's own; and what a picture needs that has to change."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from generator.config import GenerateConfig
from generator.front.video.plan import FilmPlan
from generator.front.video.source import SourceFilm
from generator.front.video.spec import FilmSpec
from generator.models.likes import DEFAULTS, FROM_SCRATCH, PAINTED_OVER, SOFTLY
from generator.pictures.recipe import Recipe
from generator.presets import find_preset
from generator.work.plan import Plan

CAREFUL: dict[str, Any] = {
    "step_size": 0.02,
    "pull": 0.3,
    "step_schedule": "cosine",
    "steps": 30,
    "guide_weights": "",
}
OVER: dict[str, Any] = {"step_size": 0.12, "steps": 60}
BOLD: dict[str, Any] = {"step_size": 0.18, "pull": 0.0, "steps": 70, "guide_weights": "0, 1"}
LIKED = {**CAREFUL, "start=picture": OVER, "start=grey": BOLD, "start=noise": BOLD}
FADES_NOT = {**BOLD, "step_schedule": "constant"}
MOVES = {**CAREFUL, **OVER, "pull": 0.0, "step_schedule": "constant"}


def settings(config: Any) -> dict[str, Any]:
    return {name: getattr(config, name) for name in FADES_NOT}


def test_the_models_careful_steps_are_for_a_picture_that_stays() -> None:
    assert settings(Plan(prompt="fog", given={}).to_config(LIKED)) == CAREFUL


def test_somebodys_picture_is_painted_over_and_known_again() -> None:
    """With the careful steps nothing of the prompt would be seen in it."""
    config = Plan(prompt="fog", given={"start": "/photo.png"}).to_config(LIKED)
    assert settings(config) == {**CAREFUL, **OVER}
    own = Plan(prompt="fog", given={"start": "/photo.png", "step_size": 0.01}).to_config(LIKED)
    assert (own.step_size, own.steps) == (0.01, OVER["steps"])


def test_a_picture_that_moves_on_is_not_pulled_back_and_not_laid_out_anew() -> None:
    """A film's frames: what is in them moves, and a guide that wants everything in its place would hold it."""
    config = Plan(prompt="fog", given={"start": "/frame.png"}).to_config(LIKED, moves_on=True)
    assert settings(config) == MOVES


def test_a_recipe_with_another_model_leaves_the_starters_weights_behind() -> None:
    """They are those of its own two guides; nobody gave them."""
    recipe = Recipe(config=GenerateConfig(prompt="fog", guide_weights="0, 1").to_dict())

    def weights(**given: str) -> str:
        return Plan(prompt="fog", given=given, recipe=recipe).to_config({}).guide_weights

    assert weights(model="imagenet-f16-1024") == ""
    assert weights(model="imagenet-f16-1024", guide_weights="2, 1") == "2, 1"
    assert weights() == weights(model="starter") == "0, 1"


@pytest.mark.parametrize("moving", [{"seamless": "both"}, {"augmentations": "flip"}], ids=["seam", "flip"])
def test_a_view_that_moves_has_its_own_defaults_where_a_model_says_so(moving: dict[str, Any]) -> None:
    """A guide that keeps place cannot be shown a picture that is turned or flipped."""
    still = {"guide_weights": "1, 0", "steps": 5}
    liked = {**LIKED, "start=grey, moving": still}
    assert settings(Plan(prompt="fog", given={"start": "grey"}).to_config(liked)) == {**CAREFUL, **BOLD}
    assert settings(Plan(prompt="fog", given={"start": "grey", **moving}).to_config(liked)) == {**CAREFUL, **still}
    assert settings(Plan(prompt="fog", given={"start": "noise", **moving}).to_config(liked)) == {**CAREFUL, **BOLD}
    assert settings(Plan(prompt="fog", given=moving).to_config(liked)) == CAREFUL


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
    assert settings(Plan(prompt="night ^ sea", given=own).to_config(LIKED)) == {**FADES_NOT, **own}
    preset = find_preset("dreamrig")
    config = Plan(prompt="night ^ sea", given={}, preset=preset).to_config(LIKED)
    assert config.step_schedule == preset.values["step_schedule"]


def film(source: SourceFilm | None, spec: FilmSpec | None = None) -> FilmPlan:
    spec = spec or FilmSpec(frames=4, rate="10")
    return FilmPlan(plan=Plan(prompt="night ^ sea", given={}), spec=spec, frame_steps=5, source=source)


def test_a_films_first_frame_is_a_picture_and_the_later_ones_are_painted_anew() -> None:
    first, spec = film(None).settle(LIKED)
    assert settings(first) == CAREFUL
    later = spec.config_at(first, 1, "/before.png")
    assert settings(later) == {**MOVES, "steps": 5}


def test_every_frame_of_a_restyled_film_is_painted_anew(tmp_path: Path) -> None:
    source = SourceFilm(
        path=tmp_path, width=16, height=16, rate=Fraction(10), starts_at=0.0, seconds=0.4, has_audio=False
    )
    first, _ = film(source).settle(LIKED)
    assert settings(first) == {**MOVES, "steps": 5}


@pytest.mark.parametrize(
    ("given", "guide"),
    [
        ({}, ""),
        ({"start": "/photo.png"}, ""),
        ({"start": "grey"}, "0, 1"),
        ({"start": "fractal"}, "0, 1"),
        ({"start": "grey", "seamless": "x"}, ""),
        ({"start": "noise", "augmentations": "flip"}, ""),
        ({"start": "grey", "guide_weights": "1, 0"}, "1, 0"),
    ],
    ids=str,
)
def test_the_starters_guide_that_keeps_place_works_where_nothing_moves_and_nothing_is_kept(
    given: dict[str, Any], guide: str
) -> None:
    assert Plan(prompt="fog", given=given).to_config(DEFAULTS).guide_weights == guide


def test_a_story_of_the_starters_is_laid_out_by_the_guide_that_keeps_place() -> None:
    assert Plan(prompt="night ^ sea", given={}).to_config(DEFAULTS).guide_weights == "0, 1"
    assert Plan(prompt="night ^ sea", given={"start": "/photo.png"}).to_config(DEFAULTS).guide_weights == ""


def test_things_that_clip_does_not_know_are_stepped_over_softly() -> None:
    """Of a cat in somebody's picture, a story or a film the large steps leave mush."""

    def settled(prompt: str, start: str, *, moves_on: bool | None = None) -> dict[str, Any]:
        given = {"start": start}
        return Plan(prompt=prompt, given=given).to_config(DEFAULTS, moves_on=moves_on).to_dict()

    for prompt in ("a cat at sunset", "un gato", "a red house ^ a dog"):
        over = settled(prompt, "/photo.png", moves_on=False)
        assert {name: over[name] for name in SOFTLY} == SOFTLY, prompt
        assert not over["shared_moment"], prompt
        frame = settled(prompt, "/photo.png", moves_on=True)
        assert (frame["step_size"], frame["pull"]) == (SOFTLY["step_size"], 0.0), prompt
    story = settled("a cat ^ a dog", "predicted")
    assert (story["step_size"], story["pull"], story["step_schedule"]) == (DEFAULTS["step_size"], 0.0, "constant")
    for prompt in ("a red house at sunset", "a red house:2 | blue:1", "nothing of the sort"):
        assert settled(prompt, "/photo.png")["step_size"] == PAINTED_OVER["step_size"], prompt
    assert settled("a cat", "grey")["guide_weights"] == FROM_SCRATCH["guide_weights"]
