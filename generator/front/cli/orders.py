"""From the values of a command line to an order."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from dreamrig.errors import UsageError
from dreamrig.settings import Sources
from generator.config import GenerateConfig
from generator.presets import find_preset
from generator.runs import folder as runs
from generator.work.given import given_values, spread_size
from generator.work.order import Order
from generator.work.recipes import find_recipe
from generator.work.sizes import fitted


def order_generate(values: Mapping[str, Any], sources: Sources) -> Order:
    """A new picture, or with --resume the rest of an old one. UsageError for what cannot be meant."""
    prompt = " ".join(values["words"] or ())
    values = spread_size(values)
    if values["resume"] is not None:
        return _order_resume(values, prompt)
    if values["surprise"] and prompt:
        raise UsageError("--surprise brings its own prompt.", hint="leave one of the two away")
    given = given_values(values, sources)
    preset = None if values.get("preset") is None else find_preset(values["preset"]).values
    model = given.get("model", (preset or {}).get("model", GenerateConfig.model))
    given = fitted(given, model, take_nearest=bool(values.get("size_nearest")))
    return Order(prompt=sure_fire_prompt() if values["surprise"] else prompt, given=given, preset=values.get("preset"))


def sure_fire_prompt() -> str:
    """By chance, one of those that the starter is sure to draw."""
    from generator.starter.examples import surprise
    from generator.starter.lexicon import lexicon

    return surprise(lexicon(), random.SystemRandom())


def _order_resume(values: Mapping[str, Any], prompt: str) -> Order:
    """The run goes on as it was, so nothing that decides the picture may be given."""
    changed = [f"--{name.replace('_', '-')}" for name in given_values(values, None)]
    changed += ["--preset"] * (values.get("preset") is not None)
    changed += ["--size-nearest"] * bool(values.get("size_nearest"))
    changed += ["a prompt"] * bool(prompt) + ["--surprise"] * bool(values["surprise"])
    if changed:
        raise UsageError(
            f"--resume goes on with the run as it was; {', '.join(changed)} cannot change it.",
            hint=f"to do it otherwise, run: dreamrig again {values['resume']} --some-flag",
        )
    return Order(continues=runs.find_run(values["resume"], to_resume=True))


def order_again(values: Mapping[str, Any]) -> Order:
    """The recipe to repeat, with the flags that were given on top of it."""
    recipe = find_recipe(values["source"])
    given = given_values(spread_size(values), None)
    model = given.get("model", recipe.config.get("model", GenerateConfig.model))
    return Order(given=fitted(given, model, take_nearest=bool(values.get("size_nearest"))), repeats=recipe)
