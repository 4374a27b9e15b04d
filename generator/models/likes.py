"""What each model likes best where nobody chose, and how that meets what somebody did choose. Does not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.config import STARTS, GenerateConfig
from generator.presets import PRESETS

NAME, SECOND, FIRST = "starter", "starter/second", "starter/first"
STARTERS = (NAME, SECOND, FIRST)
"""The starter, and those before it: what was drawn with one of them is repeated with that."""
SIDE_ON_CPU = 256
"""Pixels of a full-size model where nobody chose and no GPU helps; half a minute per step would be too much."""
NOTHING_TO_KEEP = "start=grey"
"""The key of a model's defaults for a picture that has to leave what it starts from."""
MOVING = ", moving"
"""After a key: for views that are turned or flipped, or cross a seam, so that nothing in them keeps its place."""
SOMEBODYS_PICTURE = "start=picture"
"""Their key for a picture that the prompt has to be seen in, and that has to be known again."""
UNKNOWN = ", unknown"
"""After a key: for prompts with things that the start can draw and the guides cannot see: large steps ruin them."""
TAKES_AFTER = ("outline", "style", "content")
"""Settings that name a picture which the new one is to take after."""

PAINTED_OVER: dict[str, Any] = {
    "steps": 60,
    "step_size": 0.18,
    "shared_moment": True,
    "offset_levels": 2,
    "cut_min_fraction": 0.8,
    "boundary_tv": 1.0,
}
"""When the prompt has to be seen in somebody's picture: large steps along the gradient, seen nearly whole."""

FROM_SCRATCH: dict[str, Any] = {
    **PAINTED_OVER,
    "pull": 0.0,
    "guide_weights": "0, 1",
    "cut_min_fraction": 0.95,
    "whole_every": 2,
    "boundary_tv": 0.3,
}
"""When nothing is there to keep, the CLIP that keeps place lays out the picture; it has to see it where it is.

On the tune prompts the judge reads less when the other CLIP, which would have things anywhere, has a say as well.
"""

FIRST_DEFAULTS: dict[str, Any] = {
    "steps": 30,
    "step_size": 0.02,
    "per_dimension_steps": True,
    "pull": 0.3,
    "step_schedule": "cosine",
    "cutouts": 8,
    "cut_min_fraction": 0.6,
    "whole_every": 4,
    "cut_noise": 0.02,
    "boundary_tv": 0.0,
    "start=picture": PAINTED_OVER,
    **{f"start={start}": FROM_SCRATCH for start in STARTS if start != "predicted"},
    **{f"start={start}, moving": {**PAINTED_OVER, "pull": 0.0} for start in STARTS if start != "predicted"},
}
"""From a predicted start: few small steps and a pull back.

On the tune prompts of evaluate.py the judge reads as much after these steps as off the start, and less after larger
ones, which smear suns and outlines.
"""
SIDE = 256
"""Side of a picture: things of less than 60 pixels are mush, at 96 they are clear."""
SOFTLY: dict[str, Any] = {"steps": 24, "step_size": 0.02}
"""Over a picture, for a prompt with things that CLIP does not know: a cat is still a cat after them.

After the steps that paint over it is gone, and a third or a sixth of their size does not save it.
"""
_JUDGED_AT = {"width": GenerateConfig.width, "height": GenerateConfig.height}
DEFAULTS: dict[str, Any] = {
    **FIRST_DEFAULTS,
    "width": SIDE,
    "height": SIDE,
    "steps": 24,
    "step_size": 0.01,
    **{key: {**_JUDGED_AT, **liked} for key, liked in FIRST_DEFAULTS.items() if key.startswith("start=")},
    SOMEBODYS_PICTURE + UNKNOWN: {**_JUDGED_AT, **SOFTLY},
    "start=predicted" + UNKNOWN: {},
}
"""As before, but larger and softer where the start holds things, whose names CLIP does not know: twice the step wears
down eyes and rims. Where CLIP paints alone it stays at the size it was taught.
"""


def likes_of(model: str, *, on_cpu: bool) -> dict[str, Any]:
    """The defaults of a model by its name, but for what only a device likes; of a full-size one our own preset."""
    if model in STARTERS:
        return dict(FIRST_DEFAULTS if model == FIRST else DEFAULTS)
    values = dict(PRESETS["dreamrig"].values_for(model))
    del values["guides"]  # those that are loaded
    return {**values, "width": SIDE_ON_CPU, "height": SIDE_ON_CPU} if on_cpu else values


def settle(
    defaults: Mapping[str, Any], chosen: Mapping[str, Any], *, moves_on: bool = False, unknown: bool = False
) -> dict[str, Any]:
    """The model's `defaults` for the start that is meant, and over them what was `chosen`.

    A key like "start=grey" in `defaults` holds what the model likes better for that start, "start=picture" what it
    likes for a picture of somebody's, "start=grey, moving" what it likes where its view of the picture moves, and
    "start=picture, unknown" what it likes where the prompt holds things that its guides do not know.
    Where the picture takes after another one, no plan of the start network stands in the way.
    moves_on: whether the picture has to leave what it starts from, with steps that do not fade out before the last
    scene is painted.   unknown: whether the prompt holds such things.
    """
    usual = {name: value for name, value in defaults.items() if not name.startswith("start=")}
    if any(str(chosen.get(name, "")).strip() for name in TAKES_AFTER):
        usual |= {"start": "grey"} if usual.get("start", GenerateConfig.start) == "predicted" else {}
    settled = {**usual, **chosen}
    start = settled.get("start", GenerateConfig.start)
    key = f"start={start}" if start in STARTS else SOMEBODYS_PICTURE
    softly = unknown and key + UNKNOWN in defaults
    special = defaults[key + UNKNOWN] if softly else _liked(defaults, key, settled)
    if moves_on:
        leaves = start in STARTS and not softly
        free = _liked(defaults, NOTHING_TO_KEEP, settled) if leaves else {"pull": GenerateConfig.pull}
        special = {**special, **free, "step_schedule": GenerateConfig.step_schedule}
    return {**usual, **special, **chosen}


def _liked(defaults: Mapping[str, Any], key: str, settled: Mapping[str, Any]) -> Mapping[str, Any]:
    """The defaults under a key, those for a moving view where there are any and the view moves."""
    is_seamless = settled.get("seamless", GenerateConfig.seamless) != GenerateConfig.seamless
    moves = is_seamless or bool(settled.get("augmentations", GenerateConfig.augmentations))
    found: Mapping[str, Any] = defaults.get(key, {})
    return defaults.get(key + MOVING, found) if moves else found
