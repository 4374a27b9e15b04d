"""How often a run is shown and kept, by seconds as well as by steps. Does not import torch.

Steps alone are wrong at both ends: at a hundred a second every tenth is more writing than drawing, and where one takes
a minute a lost process costs ten of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from generator.config import GenerateConfig


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """Seconds between what the steps of a config ask for."""

    preview_apart_seconds: float = 0.5
    """No preview sooner than so long after the last one."""
    checkpoint_apart_seconds: float = 5.0
    checkpoint_after_seconds: float = 30.0
    """One at the latest after so long, whatever the steps say; not where the config asks for none."""

    @classmethod
    def around(cls, given: Mapping[str, Any]) -> Rhythm:
        """The usual one, but for what somebody set in steps: those are kept to the letter."""
        values: dict[str, float] = {}
        if "preview_every" in given:
            values |= {"preview_apart_seconds": 0.0}
        if "checkpoint_every" in given:
            values |= {"checkpoint_apart_seconds": 0.0, "checkpoint_after_seconds": math.inf}
        return cls(**values)


class BySeconds:
    """A pace for the engine: every so many steps, neither too soon nor too late by the clock."""

    def __init__(self, config: GenerateConfig, rhythm: Rhythm, clock: Callable[[], float] = perf_counter) -> None:
        """clock: seconds; the first checkpoint is counted from now."""
        self.config, self.rhythm, self.clock = config, rhythm, clock
        self.previewed_at, self.kept_at = -math.inf, clock()

    def wants_preview(self, index: int) -> bool:
        """Whether enough steps and enough time went by."""
        every, now = self.config.preview_every, self.clock()
        wanted = bool(every) and index % every == 0 and now - self.previewed_at >= self.rhythm.preview_apart_seconds
        self.previewed_at = now if wanted else self.previewed_at
        return wanted

    def wants_checkpoint(self, done: int) -> bool:
        """Whether enough steps or too much time went by."""
        every, now = self.config.checkpoint_every, self.clock()
        passed = now - self.kept_at
        is_due = passed >= self.rhythm.checkpoint_after_seconds or (bool(every) and done % every == 0)
        wanted = bool(every) and is_due and passed >= self.rhythm.checkpoint_apart_seconds
        self.kept_at = now if wanted else self.kept_at
        return wanted
