"""One drawing of a proof: the engine at work, its loss in every step, the picture small. Importing it imports torch."""

from __future__ import annotations

import io
from collections.abc import Callable

from dreamrig.errors import RigError
from generator.config import GenerateConfig
from generator.engine import loop as engine
from generator.events import Finished, Step
from generator.front.prove.kept import KeptDrawing
from generator.models.base import Models
from generator.pictures.png import to_picture

DIGITS = 5
"""Of a loss."""
SMALL_SIDE, JPEG_QUALITY = 256, 85


def draw_piece(
    config: GenerateConfig, models: Models, clock: Callable[[], float], should_stop: Callable[[], bool]
) -> KeptDrawing | None:
    """Draw, and note the loss before each step's update; None where it was stopped on the way.

    A loss that is no number any more ends the drawing and is told in it. RigError for what else ends a run.
    """
    losses: list[float | None] = []
    picture, began_at = b"", clock()
    error = ""
    try:
        for event in engine.generate(config, models, clock=clock, should_stop=should_stop):
            if isinstance(event, Step):
                losses.append(_number(event.loss()))
            if isinstance(event, Finished):
                if event.reason == "interrupted":
                    return None
                picture = _small(event)
    except RigError as raised:
        if raised.code != "not_finite":
            raise
        error = raised.message
    return KeptDrawing(losses=losses, seconds=round(clock() - began_at, 3), picture=picture, error=error)


def _number(loss: float) -> float | None:
    return round(loss, DIGITS) if abs(loss) < float("inf") else None


def _small(event: Finished) -> bytes:
    """The picture as a JPEG without anything but the picture."""
    picture = to_picture(event.image())
    picture.thumbnail((SMALL_SIDE, SMALL_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
