"""A file of times and prompts, such as the beats of a piece of music: which scene of a film begins when. No torch.

A line a scene, `12.5 a red house` or `1:02.5 a red house`; lines that begin with # and empty ones are passed over. The
same with a comma as CSV, where a first line of headings may stand; as JSON an object, {"0": "dawn", "4.5": "noon"}.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from dreamrig.documents import DocumentError, parse_object
from dreamrig.errors import UsageError
from dreamrig.paths import open_given
from generator.wishes.prompts import MOST_SCENES, SCENES

LARGEST_BYTES = 2**20
TIME = re.compile(r"(?:(?P<minutes>[0-9]{1,4}):)?(?P<seconds>[0-9]{1,6}(?:\.[0-9]{1,6})?)")
LINE = re.compile(r"(?P<time>[0-9:.]+)\s*[\s,;]\s*(?P<prompt>\S.*)")
EXAMPLE = 'a line a scene, e.g. "12.5 a red house"'


@dataclass(frozen=True)
class Keyframe:
    """One scene."""

    seconds: Fraction
    """When it begins, from the film's beginning."""
    prompt: str


def read_keyframes(path: Path) -> list[Keyframe]:
    """The scenes of a file in rising order of time, the first from the beginning on; UsageError for what is none."""
    found = list(_json(path) if path.suffix.lower() == ".json" else _lines(path))
    if not found:
        raise UsageError(f"There are no prompts in {path}.", hint=EXAMPLE)
    if len(found) > MOST_SCENES:
        raise UsageError(f"{path} has {len(found)} prompts.", hint=f"use {MOST_SCENES} at most, or make several films")
    for before, after in itertools.pairwise(found):
        if after.seconds <= before.seconds:
            message = f"{path}: {float(after.seconds):g} s does not come after {float(before.seconds):g} s."
            raise UsageError(message, hint="put the lines in the order of their times")
    return found


def _text(path: Path) -> str:
    try:
        with open_given(path, LARGEST_BYTES) as file:
            return file.read().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.", hint=EXAMPLE) from error
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no UTF-8 text.", hint="save it as UTF-8") from None


def _json(path: Path) -> Iterator[Keyframe]:
    try:
        found = parse_object(_text(path))
    except DocumentError as error:
        raise UsageError(error.about(str(path)), hint='e.g. {"0": "dawn", "4.5": "noon"}') from None
    for time, prompt in found.items():
        yield _keyframe(path, repr(time[:60]), time, prompt)


def _lines(path: Path) -> Iterator[Keyframe]:
    is_csv = path.suffix.lower() == ".csv"
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if is_csv:
            cells = next(csv.reader([line]), [])
            if number == 1 and cells and not TIME.fullmatch(cells[0].strip()):
                continue  # headings
            time, prompt = (cells[0], cells[1]) if len(cells) > 1 else (line, "")
        else:
            match = LINE.fullmatch(line.strip())
            time, prompt = (match["time"], match["prompt"]) if match else (line, "")
        yield _keyframe(path, f"line {number}", time, prompt)


def _keyframe(path: Path, place: str, time: str, prompt: object) -> Keyframe:
    match = TIME.fullmatch(time.strip())
    if match is None or not isinstance(prompt, str) or not prompt.strip():
        raise UsageError(f"{path}, {place}: no time and prompt.", hint=EXAMPLE)
    if SCENES in prompt:
        raise UsageError(f"{path}, {place}: a {SCENES} parts scenes, and each line is one.", hint=EXAMPLE)
    return Keyframe(60 * int(match["minutes"] or 0) + Fraction(match["seconds"]), prompt.strip())


def first_frames(keyframes: list[Keyframe], rate: Fraction) -> tuple[int, ...]:
    """The frame in which each scene begins; the first in the first. UsageError for two in one frame."""
    frames = [0, *(round(one.seconds * rate) for one in keyframes[1:])]
    for number, (before, after) in enumerate(itertools.pairwise(frames), 1):
        if after <= before:
            message = f"At {float(rate):g} frames a second two prompts fall on one frame: {keyframes[number].prompt!r}."
            raise UsageError(message, hint="use a higher --fps, or times further apart")
    return tuple(frames)


def frames_for(keyframes: list[Keyframe], rate: Fraction) -> int:
    """How many frames show all scenes, the last one as long as the one before it, a second where it is alone."""
    starts = first_frames(keyframes, rate)
    last = starts[-1] - starts[-2] if len(starts) > 1 else max(1, round(rate))
    return starts[-1] + last
