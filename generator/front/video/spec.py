"""What a film is to be, as a value that lies in its folder and in the film itself. Does not import torch."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from fractions import Fraction
from typing import Any

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.front.video.encode import DEFAULT_CRF, MOST_RATE, FilmFormat
from generator.front.video.movement import Movement
from generator.wishes.prompts import SCENES

MOST_FRAMES = 100_000
DEFAULT_RATE = "12"
LARGEST_SEED = 2**63


@dataclass(frozen=True, kw_only=True)
class FilmSpec:
    """How a chain of runs becomes a film. The settings of the first frame's run are those of the recipe."""

    frames: int
    rate: str
    """Frames per second as a fraction, e.g. "12" or "30000/1001"."""
    frame_changes: Mapping[str, Any] = field(default_factory=dict)
    """Settings of every later frame that differ from the first one's."""
    movement: Mapping[str, str] = field(default_factory=dict)
    """zoom, rotate, shift-x, shift-y as Movement reads them."""
    border: str = "reflect"
    smoothing: float = 0.0
    """Of a restyled film: the share of the frame before in what each frame starts from."""
    source: Mapping[str, str] | None = None
    """name and sha256 of the film that is painted anew."""
    source_path: str | None = None
    """Where that lies; told to nobody."""
    crf: int = DEFAULT_CRF
    hold_seconds: float = 0.0
    scene_starts: tuple[int, ...] = ()
    """The frame in which each scene of the story begins; () = all scenes have equally many frames."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        _within("frames", self.frames, 1, MOST_FRAMES)
        _within("smoothing", self.smoothing, 0.0, 0.95)
        _within("crf", self.crf, 0, 51)
        _within("hold", self.hold_seconds, 0.0, 60.0)
        parse_rate(self.rate)
        self.to_movement()
        if any(later <= sooner for sooner, later in itertools.pairwise(self.scene_starts)):
            raise ValueError("the scenes of a film begin one after the other")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; a film without times of its own has no place for them."""
        values = asdict(self)
        return values if self.scene_starts else {name: one for name, one in values.items() if name != "scene_starts"}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> FilmSpec:
        """The inverse of to_dict; UsageError for a document that is none."""
        known = {field.name for field in fields(cls)}
        try:
            values = {name: value for name, value in facts.items() if name in known}
            return cls(**{**values, "scene_starts": tuple(map(int, values.get("scene_starts", ())))})
        except (TypeError, ValueError, AttributeError):
            raise UsageError("The film's settings are damaged.", hint="make it anew: dreamrig video film …") from None

    def to_movement(self) -> Movement:
        """The movement between two frames."""
        return Movement.parse(dict(self.movement), self.border)

    def to_format(self) -> FilmFormat:
        """How the frames become a file."""
        rate = parse_rate(self.rate)
        return FilmFormat(rate=rate, crf=self.crf, hold_frames=round(self.hold_seconds * rate))

    def config_at(self, first: GenerateConfig, index: int, start: str | None) -> GenerateConfig:
        """The settings of one frame's run. Each frame has a seed of its own, and its scene of the story.

        start: path of the picture it starts from; None = as the first frame's settings say.
        """
        changes: dict[str, Any] = {} if start is None else {**self.frame_changes, "start": start}
        return replace(
            first,
            **changes,
            prompt=scene_at(first.prompt, index, self.frames, self.scene_starts),
            image_prompts=scene_at(first.image_prompts, index, self.frames, self.scene_starts),
            seed=(first.seed + index) % LARGEST_SEED,
            preview_every=0,
            checkpoint_every=0,
            frames_every=0,
        )


def scene_at(story: str, index: int, frames: int, starts: Sequence[int] = ()) -> str:
    """The scene of a story (`dawn ^ noon ^ night`) that a frame shows.

    starts: the frame in which each begins; where there are not as many, all have equally many frames.
    """
    scenes = story.split(SCENES)
    if len(starts) == len(scenes):
        return scenes[max(0, bisect.bisect_right(starts, index) - 1)].strip()
    return scenes[min(index * len(scenes) // frames, len(scenes) - 1)].strip()


def parse_rate(text: str) -> Fraction:
    """Frames per second; UsageError for what is no number, or none of this world."""
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"--fps {text!r} is no number.", hint="use e.g. --fps 24") from None
    if not Fraction(1, 10) <= rate <= MOST_RATE:
        raise UsageError(f"--fps is {text}.", hint=f"fps must be from 0.1 to {MOST_RATE}")
    return rate.limit_denominator(1001)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UsageError(f"{name} is {value}.", hint=f"{name} must be from {low:g} to {high:g}")
