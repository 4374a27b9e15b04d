"""Colours by name or as #rrggbb. Does not import torch."""

from __future__ import annotations

from dreamrig.errors import UsageError

Colour = tuple[float, float, float]
"""Red, green, blue in [0, 1]."""


def parse_colours(text: str) -> tuple[Colour, ...]:
    """`black, #ff8000` -> their values; UsageError for an empty list or a colour nobody knows."""
    names = [name.strip() for name in text.split(",")]
    return tuple(_parse(name) for name in names)


def _parse(name: str) -> Colour:
    from PIL import ImageColor

    try:
        red, green, blue = ImageColor.getrgb(name)[:3]
    except ValueError:
        raise UsageError(f"{name!r} is no colour.", hint='use a name or #rrggbb, e.g. "navy, #ff8000"') from None
    return red / 255, green / 255, blue / 255
