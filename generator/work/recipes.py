"""Where the recipe of a picture is found that is to be drawn again or to its end. Does not import torch."""

from __future__ import annotations

from dataclasses import replace

from dreamrig.errors import UsageError
from dreamrig.paths import given
from generator.config import GenerateConfig
from generator.pictures.recipe import Recipe
from generator.runs import folder as runs
from generator.runs.folder import Run
from generator.starter.shipped import starter_of
from generator.work.out import PICTURE_SUFFIXES


def find_recipe(source: str) -> Recipe:
    """The recipe of a run or inside a picture."""
    from generator.pictures.reading import read_recipe

    path = given(source, "the picture or run")
    if path.is_file():
        return with_its_starter(read_recipe(path))
    if path.suffix.lower() in PICTURE_SUFFIXES:
        raise UsageError(f"There is no picture {source}.", hint="see: dreamrig history")
    return with_its_starter(recipe_of(runs.find_run(source)))


def with_its_starter(recipe: Recipe) -> Recipe:
    """The recipe with the starter it was drawn with, where that is no longer the one called `starter`."""
    if recipe.config.get("model", GenerateConfig.model) != GenerateConfig.model:
        return recipe
    name = starter_of(str(recipe.weights.get("sha256")))
    return recipe if name is None else replace(recipe, config={**recipe.config, "model": name})


def recipe_of(run: Run) -> Recipe:
    """The recipe in a run's folder; UsageError where it is gone."""
    try:
        return Recipe.from_dict(runs.read_json(run.folder / runs.CONFIG))
    except ValueError as error:
        raise UsageError(
            f"The run {run.id} has lost its settings: {error}.", hint='start it anew: dreamrig generate "…"'
        ) from None
