"""Sizes that a model can make: both sides are looked at before anything is loaded. No torch here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dreamrig.errors import UsageError
from generator.config import LARGEST_SIDE, SIZE_MULTIPLE, SMALLEST_SIDE
from generator.weights import registry

SIDES = ("width", "height")
_FACTOR = re.compile(r"-f(\d{1,3})(?:-|$)")


def step_of(model: str) -> int:
    """Pixels that a side of a model's picture is a multiple of.

    A network that is here tells by its sizes, since anybody's may be imported under a name of the list; of one that is
    not, the name tells: imagenet-f16-1024 -> 16.
    """
    match = _FACTOR.search(model)
    if match is None:
        return SIZE_MULTIPLE
    facts = registry.installed(model)
    levels = None if facts is None else facts.architecture.get("multipliers")
    return max(SIZE_MULTIPLE, int(match[1]) if levels is None else 2 ** (len(levels) - 1))


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
    if take_nearest:
        if not said:
            raise UsageError("--size-nearest has no size to change.", hint="give one: --size 500x333 --size-nearest")
        return {**given, **{side: nearest(pixels, step_of(model)) for side, pixels in said.items()}}
    if len(said) == len(SIDES) and all(SMALLEST_SIDE <= pixels <= LARGEST_SIDE for pixels in said.values()):
        require_drawable(model, said["width"], said["height"], more="; --size-nearest takes it by itself")
    return dict(given)


def require_drawable(model: str, width: int, height: int, *, more: str = "") -> None:
    """UsageError that names all sides that are wrong, and the nearest size, where a model makes no such picture.

    more: what the command line knows besides, for the end of the hint.
    """
    step = step_of(model)
    wrong = [side for side, pixels in zip(SIDES, (width, height), strict=True) if pixels % step]
    if wrong:
        must = "width and height must be multiples" if len(wrong) > 1 else f"its {wrong[0]} must be a multiple"
        raise UsageError(
            f"{width}x{height} cannot be drawn: {must} of {step}.",
            hint=f"the nearest for {model} is --size {nearest(width, step)}x{nearest(height, step)}{more}",
        )
