"""When a run stops to be shown or kept: as its settings say, or whoever ordered it. Changes no byte of the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from generator.config import GenerateConfig


class Cadence(Protocol):
    """Asked once after each step."""

    def wants_preview(self, index: int) -> bool:
        """Whether the picture of this step is to be shown."""
        ...

    def wants_checkpoint(self, done: int) -> bool:
        """Whether the state after so many steps is to be kept."""
        ...


@dataclass(frozen=True)
class BySteps:
    """Exactly as the settings say."""

    config: GenerateConfig

    def wants_preview(self, index: int) -> bool:
        """Every so many steps, the first one among them."""
        return bool(self.config.preview_every) and index % self.config.preview_every == 0

    def wants_checkpoint(self, done: int) -> bool:
        """Every so many steps."""
        return bool(self.config.checkpoint_every) and done % self.config.checkpoint_every == 0
