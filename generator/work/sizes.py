"""Sizes that a model can make: both sides are looked at before anything is loaded. No torch here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dreamrig.errors import UsageError
from generator.config import LARGEST_SIDE, SIZE_MULTIPLE, SMALLEST_SIDE

SIDES = ("width", "height")
_FACTOR = re.compile(r"-f(\d{1,3})(?:-|$)")


def step_of(model: str) -> int:
    """Pixels that a side of a model's picture is a multiple of, as far as its name tells: imagenet-f16-1024 -> 16."""
    match = _FACTOR.search(model)
    return SIZE_MULTIPLE if match is None else max(SIZE_MULTIPLE, int(match[1]))


def nearest(pixels: int, step: int) -> int:
    """The multiple of `step` that is nearest, of those that a side may have; of two equally near the larger."""
    smallest, largest = -(-SMALLEST_SIDE // step) * step, LARGEST_SIDE // step * step
    return min(max((pixels + step // 2) // step * step, smallest), largest)


def fitted(given: Mapping[str, Any], model: str, *, take_nearest: bool) -> dict[str, Any]:
    """The fields that somebody chose, with sides that a picture can have.

    take_nearest: change the sides to the nearest that the model makes. UsageError that names both sides where they
    cannot be and nobody asked for the nearest; where the nearest is asked for, and no side is given.
    """
    said = {side: given[side] for side in SIDES if side in given}
    near = {side: nearest(pixels, step_of(model)) for side, pixels in said.items()}
    if take_nearest:
        if not said:
            raise UsageError("--size-nearest has no size to change.", hint="give one: --size 500x333 --size-nearest")
        return {**given, **near}
    wrong = [side for side, pixels in said.items() if pixels % SIZE_MULTIPLE]
    if len(said) < len(SIDES) or not wrong or any(not SMALLEST_SIDE <= one <= LARGEST_SIDE for one in said.values()):
        return dict(given)
    raise UsageError(
        f"{said['width']}x{said['height']} cannot be drawn: {' and '.join(wrong)} must be multiples of {SIZE_MULTIPLE}."
        if len(wrong) > 1
        else f"{said['width']}x{said['height']} cannot be drawn: its {wrong[0]} must be a multiple of {SIZE_MULTIPLE}.",
        hint=f"the nearest for {model} is --size {near['width']}x{near['height']}; --size-nearest takes it by itself",
    )
