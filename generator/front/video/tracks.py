"""A number that changes along a film: "1.02", or "0:1, 60:1.05" with straight lines between the frames named."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from dreamrig.errors import UsageError

NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]{1,3})?"
POINT = re.compile(rf"(?:([0-9]{{1,9}})\s*:)?\s*({NUMBER})")
MOST_POINTS = 1000


@dataclass(frozen=True)
class Track:
    """(frame, value) in rising order of frames; before the first and after the last the value stays."""

    points: tuple[tuple[int, float], ...]

    def at(self, frame: int) -> float:
        """The value at a frame."""
        before = self.points[0]
        for point in self.points:
            if frame < point[0]:
                share = 0.0 if frame <= before[0] else (frame - before[0]) / (point[0] - before[0])
                return before[1] + share * (point[1] - before[1])
            before = point
        return before[1]

    def __str__(self) -> str:
        """As parse_track reads it back."""
        if len(self.points) == 1 and self.points[0][0] == 0:
            return f"{self.points[0][1]!r}"
        return ", ".join(f"{frame}:{value!r}" for frame, value in self.points)


def parse_track(name: str, text: str, low: float, high: float) -> Track:
    """The track of flag `name`; UsageError for what is no track, or has a value outside of low to high."""
    found: list[tuple[int, float]] = []
    for part in text.split(","):
        match = POINT.fullmatch(part.strip())
        if match is None or len(found) >= MOST_POINTS:
            raise UsageError(f"--{name} {text!r} is no number.", hint=f'write --{name} 1.5, or --{name} "0:1, 60:1.5"')
        frame, value = int(match[1] or 0), float(match[2])
        if not (low <= value <= high and math.isfinite(value)):
            raise UsageError(f"--{name} is {value:g}.", hint=f"{name} must be from {low:g} to {high:g}")
        if found and frame <= found[-1][0]:
            raise UsageError(f"--{name} {text!r}: the frames do not rise.", hint=f'e.g. --{name} "0:1, 60:1.5"')
        found.append((frame, value))
    return Track(tuple(found))
