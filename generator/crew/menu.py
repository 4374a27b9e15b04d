"""What friends may choose from: presets by what they cost, shapes, styles. Importing this module loads no torch.

A friend's wish names one of each; every field of the config comes from here, from the model's defaults or from the
owner, never from the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["plain", "story", "picture"]
"""What a wish starts from decides what a model likes best: a sentence, several scenes, or an earlier picture."""
KINDS: tuple[Kind, ...] = ("plain", "story", "picture")

SHAPES: Mapping[str, tuple[float, float]] = {"square": (1.0, 1.0), "wide": (1.25, 0.8), "tall": (0.8, 1.25)}
"""Factors of the preset's side, of about the same area."""

STYLES: Mapping[str, str] = {
    "none": "",
    "pixel art": ", pixel art",
    "oil": ", oil painting",
    "watercolour": ", watercolour",
    "pastel": ", pastel picture",
    "unreal engine": ", rendered in unreal engine",
    "artstation": ", trending on artstation",
    "night": " at night",
    "sunset": " at sunset",
}
"""Name -> what is appended to the prompt. The two of 2021's folklore are among them because they were the fun of it."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A preset of the server: how much time a picture is given."""

    name: str
    label: str
    steps_factor: float
    """Times the steps that the model likes best."""
    side_factor: float
    """Times the side that the model likes best."""


CHOICES: Mapping[str, Choice] = {
    choice.name: choice
    for choice in (
        Choice(name="quick", label="quick", steps_factor=1.0, side_factor=1.0),
        Choice(name="good", label="good", steps_factor=3.0, side_factor=1.5),
        Choice(name="slow", label="slow", steps_factor=10.0, side_factor=2.0),
    )
}


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What one choice, shape and kind comes to on this machine: published by the worker, used by the server."""

    preset: str
    shape: str
    kind: Kind
    model: str
    config: Mapping[str, Any]
    """GenerateConfig.to_dict() with a prompt, seed and start that are to be replaced."""
    fits: bool
    largest_width: int
    """Of this shape; 0 = nothing fits."""
    needs_mib: float
    """Of the device's memory, drawn as thriftily as it has to be."""
    step_seconds: float | None = None
    """As this worker measured it for this model and size; None = not yet."""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Offer:
        """The inverse of dataclasses.asdict; unknown keys are passed over."""
        return cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})


def side(pixels: float, multiple: int = 16) -> int:
    """Pixels as the nearest whole number of `multiple`, at least one of it."""
    return max(multiple, round(pixels / multiple) * multiple)
