"""What a person asked for, as a value: no flags, no terminal. Importing this module does not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dreamrig.errors import UsageError
from generator.pictures.recipe import Recipe
from generator.runs.folder import Run


@dataclass(frozen=True, kw_only=True)
class Order:
    """One picture to be drawn, drawn again, or drawn to its end.

    UsageError where it contradicts itself: what goes on, goes on as it was.
    """

    prompt: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    """Fields of GenerateConfig that somebody chose; preset and model may choose the others, and a seed is drawn."""
    preset: str | None = None
    """Name of a set of fields, stronger than what the model likes and weaker than `given`."""
    repeats: Recipe | None = None
    """What is drawn once more, with `given` on top of it; its own prompt where `prompt` is empty."""
    continues: Run | None = None
    """A run whose rest is drawn."""

    def __post_init__(self) -> None:
        if self.continues is not None and (self.prompt or self.given or self.preset or self.repeats):
            raise UsageError(
                f"The run {self.continues.id} goes on as it was; nothing can change it.",
                hint=f"to do it otherwise, run: dreamrig again {self.continues.id}",
            )
        if self.repeats is not None and self.preset is not None:
            raise UsageError("What is drawn again takes no preset.", hint="leave the preset away")
