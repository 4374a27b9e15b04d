"""The frames that a run kept, as a film. Does not import torch."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from pathlib import Path

from dreamrig.errors import EXIT_GOOD, UsageError
from dreamrig.screen import Screen
from generator.front.video.encode import FilmFormat
from generator.front.video.interpolate import interpolator
from generator.front.video.session import FilmPresentation, encode_frames, film_file, tell
from generator.front.video.spec import parse_rate
from generator.runs import folder as runs
from generator.runs.folder import Run
from generator.sinks.frames import frames_of
from generator.work.door import GeneratorDoor
from generator.work.recipes import recipe_of

DEFAULT_SECONDS = 10.0
SLOWEST, FASTEST = 5, 60
"""Frames per second where nobody asks for others."""


def make_timelapse(
    name: str,
    shown: FilmPresentation,
    door: GeneratorDoor,
    *,
    rate: str | None,
    seconds: float | None,
    hold: float,
    crf: int,
) -> int:
    """Make a film of the run that `name` finds; returns the exit code.

    rate: frames per second.   seconds: how long the film is to be instead.   hold: seconds of the last picture.
    """
    if rate is not None and seconds is not None:
        raise UsageError("--fps and --seconds are both given.", hint="use one of the two")
    run = runs.find_run(name)
    if run.kind == "film":
        raise UsageError(f"The run {run.id} is a film already.", hint="give a picture's run, see: dreamrig history")
    frames = _frames(run)
    out, more = shown.check(), interpolator(shown.interpolate, door.sources())
    check_film(hold, crf)
    chosen = parse_rate(rate) if rate is not None else rate_for(len(frames), seconds)
    film = FilmFormat(rate=chosen, crf=crf, hold_frames=round(hold * chosen))
    path, screen = film_file(out, run), Screen(door.stderr())
    with _held(run, path):
        between = encode_frames(screen, door, frames, path, film, recipe_of(run), interpolate=more, quiet=shown.quiet)
    tell({**describe(run, path, len(frames), chosen), **between}, shown)
    return EXIT_GOOD


def check_film(hold: float, crf: int) -> None:
    """UsageError for a last picture that stands too long, or a quality that there is not."""
    if not 0.0 <= hold <= 60.0 or not 0 <= crf <= 51:
        raise UsageError(f"--hold is {hold:g} and --crf {crf}.", hint="hold must be from 0 to 60, crf from 0 to 51")


def _held(run: Run, path: Path) -> AbstractContextManager[None]:
    """Hold the run while a film goes into its folder, where others sweep up what nobody is at work on."""
    if path.resolve().parent != run.folder.resolve():
        return nullcontext()
    if run.seen() == "running":
        raise UsageError(
            f"The run {run.id} is going on.", hint="wait for its end, or put the film elsewhere: --out film.mp4"
        )
    return runs.sole_worker(run)


def _frames(run: Run) -> list[Path]:
    frames = frames_of(run)
    if len(frames) < 2:
        raise UsageError(
            f"The run {run.id} kept {'no frames' if not frames else 'one frame'}.",
            hint=f"make it again with some: dreamrig again {run.id} --frames-every 1",
        )
    return frames


def rate_for(frames: int, seconds: float | None) -> Fraction:
    """Frames per second that make a film so long, or about 10 s; from 5 to 60 where the length is left to us."""
    if seconds is not None:
        if not seconds > 0:
            raise UsageError(f"--seconds is {seconds:g}.", hint="use more than 0")
        if not math.isfinite(frames / seconds):
            raise UsageError(f"--seconds is {seconds:g}.", hint="use more")
        return parse_rate(str(Fraction(frames / seconds).limit_denominator(1001)))
    return Fraction(min(max(round(frames / DEFAULT_SECONDS), SLOWEST), FASTEST))


def describe(run: Run, path: Path, frames: int, rate: Fraction) -> dict[str, object]:
    """What `--json` tells."""
    return {"film": path, "run": run.id, "run_folder": run.folder, "frames": frames, "fps": str(rate)}
