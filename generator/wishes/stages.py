"""Stages of a run, as text: `1/4:60:2, 1/2:60` is 60 steps at a quarter of the sides with 2 cutouts, then 60 at half.

After the stages the picture has its own size and all its cutouts. Importing this module does not import torch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from dreamrig.errors import UsageError

MOST = 8
"""Stages of one run."""
MOST_STEPS, MOST_CUTOUTS = 1_000_000, 1_024
SMALLEST = Fraction(1, 64)
STAGE = re.compile(r"(1(?:/([1-9]\d?))?):([1-9]\d{0,6})(?::([1-9]\d{0,3}))?")
HINT = 'use e.g. "1/4:60, 1/2:60": a part of the sides, steps, and where wanted cutouts (1/4:60:2)'


@dataclass(frozen=True)
class Stage:
    """A beginning of a run in a smaller picture, or with other cutouts."""

    share: Fraction
    """Of the picture's sides, 1 at most."""
    steps: int
    cutouts: int | None
    """None = as many as the run has."""

    def __str__(self) -> str:
        """As parse_stages reads it."""
        return f"{self.share}:{self.steps}" + (f":{self.cutouts}" if self.cutouts else "")


@lru_cache(maxsize=64)
def parse_stages(text: str) -> tuple[Stage, ...]:
    """The stages of a run in their order, none for ""; UsageError for what is none, or would make a picture smaller."""
    stages = tuple(_parse(item.strip()) for item in text.split(",")) if text.strip() else ()
    if len(stages) > MOST:
        raise UsageError(f"There are {len(stages)} stages.", hint=f"use {MOST} at most")
    for before, after in pairwise(stages):
        if after.share < before.share:
            raise UsageError(f"The stage {after} is smaller than the one before it.", hint="let the picture grow")
    return stages


def format_stages(text: str) -> str:
    """One spelling of the same stages."""
    return ", ".join(map(str, parse_stages(text)))


def _parse(item: str) -> Stage:
    found = STAGE.fullmatch(item)
    if found is None:
        raise UsageError(f"{item!r} is no stage.", hint=HINT)
    share, steps, cutouts = Fraction(found[1]), int(found[3]), int(found[4]) if found[4] else None
    if share < SMALLEST or steps > MOST_STEPS or (cutouts or 0) > MOST_CUTOUTS:
        raise UsageError(f"The stage {item!r} is out of bounds.", hint=HINT)
    return Stage(share, steps, cutouts)
