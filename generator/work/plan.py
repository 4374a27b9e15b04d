"""From an order to what is to be run: all that can be refused is refused here, before a network is loaded.

Importing this module does not import torch.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.models.likes import UNKNOWN, settle
from generator.models.names import require_possible
from generator.pictures.paths import describe_pictures, with_absolute_paths
from generator.pictures.recipe import Recipe, describe_start_image
from generator.presets import Preset, find_preset
from generator.runs.folder import Run
from generator.starter.reading import names_more
from generator.wishes.prompts import SCENES
from generator.work.order import Order
from generator.work.recipes import recipe_of, with_its_starter
from generator.work.sizes import require_drawable

LARGEST_RANDOM_SEED = 999_999  # short enough to be read out to a friend
FILM_COMMANDS = "dreamrig video --help"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run: the config as far as it is known before the networks are loaded."""

    prompt: str
    given: Mapping[str, Any]
    """Config fields that somebody chose; the model may choose the others."""
    recipe: Recipe | None = None
    """What it repeats or continues."""
    run: Run | None = None
    """What it continues."""
    preset: Preset | None = None
    """Fields between the model's defaults and what somebody chose."""

    def to_config(self, defaults: Mapping[str, Any], *, moves_on: bool | None = None) -> GenerateConfig:
        """The config: the model's `defaults`, over them the preset, then what somebody chose; a recipe chose it all.

        moves_on: whether the picture has to leave what it starts from, with steps that do not fade out before the last
        scene is painted; None = a story's has to.
        """
        if self.recipe is not None:
            return self.recipe.to_config(**self._fitting_weights(self.recipe), **self.given)
        leaves = self.is_story if moves_on is None else moves_on
        unknown = any(name.endswith(UNKNOWN) for name in defaults) and names_more(self.prompt)
        settled = settle(defaults, {**self.preset_values(), **self.given}, moves_on=leaves, unknown=unknown)
        return GenerateConfig.from_dict({**settled, "prompt": self.prompt})

    def check(self) -> GenerateConfig:
        """Refuse what can be refused by now: UsageError. Returns the config but for the model's defaults."""
        config = self.check_networks()
        describe_start_image(config.start)
        describe_pictures(config.to_dict())
        return config

    def check_networks(self) -> GenerateConfig:
        """The same, of size and networks alone: before anything is fetched for them."""
        config = self.to_config({})
        require_drawable(config.model, config.width, config.height)
        require_possible(config)
        return config

    def _fitting_weights(self, recipe: Recipe) -> Mapping[str, Any]:
        """The guides' weights anew where a recipe is repeated with a model that has other guides."""
        models = {recipe.config.get("model", GenerateConfig.model), self.given.get("model", GenerateConfig.model)}
        a_starter = any(name.partition("/")[0] == GenerateConfig.model for name in models)
        changes = "model" in self.given and len(models) > 1 and a_starter
        return {"guide_weights": GenerateConfig.guide_weights} if changes and "guide_weights" not in self.given else {}

    @property
    def is_story(self) -> bool:
        """Whether more than one scene is asked for."""
        return SCENES in self.prompt or SCENES in str(self.given.get("image_prompts", ""))

    def preset_values(self) -> Mapping[str, Any]:
        """The preset's fields for the model that is used; none without a preset."""
        if self.preset is None:
            return {}
        return self.preset.values_for(self.given.get("model", self.preset.values["model"]))


def plan(order: Order) -> Plan:
    """What an order comes to; UsageError for what cannot be meant, or names a picture that cannot be read."""
    made = draft(order)
    made.check()
    return made


def draft(order: Order) -> Plan:
    """The same, its settings not yet looked at."""
    if order.continues is not None:
        return _rest_of(order.continues)
    if order.repeats is not None:
        return _once_more(order, order.repeats)
    given = with_absolute_paths(order.given)
    given.setdefault("seed", random.SystemRandom().randint(0, LARGEST_RANDOM_SEED))
    preset = None if order.preset is None else find_preset(order.preset)
    return Plan(prompt=order.prompt, given=given, preset=preset)


def _rest_of(run: Run) -> Plan:
    """The run goes on as it was."""
    if run.kind == "film":
        raise UsageError(f"The run {run.id} is a film.", hint=f"to go on with it, run: dreamrig video resume {run.id}")
    seen = run.seen()
    if seen == "running":
        raise UsageError(f"The run {run.id} is still going on.", hint="see: dreamrig history")
    if seen == "done":
        raise UsageError(f"The run {run.id} is done already.", hint=f"to repeat it, run: dreamrig again {run.id}")
    # A picture is not begun by one starter and ended by another.
    return Plan(prompt=run.prompt, given={}, recipe=with_its_starter(recipe_of(run)), run=run)


def _once_more(order: Order, recipe: Recipe) -> Plan:
    """The recipe with what was given on top of it."""
    if recipe.film is not None:
        raise UsageError("That is a film, not a picture.", hint=f"to make one like it, see: {FILM_COMMANDS}")
    given = with_absolute_paths(order.given)
    if order.prompt:
        given["prompt"] = order.prompt
    return Plan(prompt=str(given.get("prompt", recipe.config.get("prompt", ""))), given=given, recipe=recipe)
