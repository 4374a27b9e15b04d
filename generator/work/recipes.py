"""Where the recipe of a picture is found that is to be drawn again or to its end. Does not import torch."""

from __future__ import annotations

from pathlib import Path

from dreamrig.errors import UsageError
from generator.pictures.recipe import Recipe
from generator.runs import folder as runs
from generator.runs.folder import Run
from generator.work.out import PICTURE_SUFFIXES


def find_recipe(source: str) -> Recipe:
    """The recipe of a run or inside a picture."""
    from generator.pictures.reading import read_recipe

    path = Path(source).expanduser()
    if path.is_file():
        return read_recipe(path)
    if path.suffix.lower() in PICTURE_SUFFIXES:
        raise UsageError(f"There is no picture {source}.", hint="see: dreamrig history")
    return recipe_of(runs.find_run(source))


def recipe_of(run: Run) -> Recipe:
    """The recipe in a run's folder; UsageError where it is gone."""
    try:
        return Recipe.from_dict(runs.read_json(run.folder / runs.CONFIG))
    except ValueError as error:
        raise UsageError(
            f"The run {run.id} has lost its settings: {error}.", hint='start it anew: dreamrig generate "…"'
        ) from None
