"""Pictures of the starter before this one are repeated with that one; its unfinished runs are not ended by another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from generator.config import GenerateConfig
from generator.models.likes import FIRST, NAME, SECOND
from generator.pictures.recipe import Recipe
from generator.runs import folder as runs
from generator.runs.folder import CONFIG, Run
from generator.starter.shipped import digest_of, files_of, read_manifest
from generator.work.order import Order
from generator.work.plan import plan
from generator.work.recipes import find_recipe, with_its_starter


def drawn_with(name: str, *, model: str = NAME) -> Recipe:
    """A recipe as a release writes it: the starter was always called `starter`, its digest tells which it was."""
    manifest = read_manifest()
    digest = digest_of(manifest, files_of(name, manifest))
    config = GenerateConfig(prompt="a red house", model=model).to_dict()
    return Recipe(config=config, weights={"name": NAME, "sha256": digest})


def stopped(recipe: Recipe, base: Path) -> Run:
    run = runs.new_run(prompt="a red house", seed=1, steps=5, base=base, folder="part")
    runs.write_json(run.folder / CONFIG, recipe.to_dict())
    run.record(status="interrupted")
    return runs.load_run(run.folder)


@pytest.mark.parametrize(("drawn", "model"), [(FIRST, FIRST), (SECOND, SECOND), (NAME, NAME)])
def test_a_recipe_is_repeated_with_the_starter_of_its_digest(drawn: str, model: str) -> None:
    assert with_its_starter(drawn_with(drawn)).config["model"] == model
    again = plan(Order(repeats=with_its_starter(drawn_with(drawn))))
    assert again.to_config({}).model == model


def test_a_repeated_picture_keeps_its_prompt_unless_another_is_given() -> None:
    """The new run's folder is named after it, too."""
    assert plan(Order(repeats=drawn_with(NAME))).prompt == "a red house"
    other = plan(Order(prompt="a blue boat", repeats=drawn_with(NAME)))
    assert other.prompt == other.to_config({}).prompt == "a blue boat"


def test_other_models_and_strange_digests_are_left_alone() -> None:
    other = drawn_with(FIRST, model="imagenet-16384")
    assert with_its_starter(other) is other
    strange = replace(drawn_with(FIRST), weights={"name": NAME, "sha256": "11"})
    assert with_its_starter(strange) is strange


@pytest.mark.parametrize(("drawn", "model"), [(FIRST, FIRST), (SECOND, SECOND), (NAME, NAME)])
def test_an_interrupted_run_goes_on_with_the_starter_that_began_it(tmp_path: Path, drawn: str, model: str) -> None:
    run = stopped(drawn_with(drawn), tmp_path)
    assert plan(Order(continues=run)).to_config({}).model == model
    assert plan(Order(repeats=find_recipe(str(run.folder)))).to_config({}).model == model
