"""Pictures that are there already, as a film. Does not import torch."""

from __future__ import annotations

import tempfile
from pathlib import Path

from dreamrig.errors import EXIT_GOOD, UsageError
from dreamrig.paths import given
from dreamrig.screen import Screen
from generator.front.video.encode import FilmFormat
from generator.front.video.interpolate import interpolator
from generator.front.video.pictures import pictures_in, prepare
from generator.front.video.session import FilmPresentation, encode_frames, tell
from generator.front.video.spec import parse_rate
from generator.front.video.timelapse import check_film, rate_for
from generator.work.door import GeneratorDoor
from generator.work.out import out_file


def join_pictures(
    word: str,
    shown: FilmPresentation,
    door: GeneratorDoor,
    *,
    rate: str | None,
    seconds: float | None,
    hold: float,
    crf: int,
    fit: bool,
) -> int:
    """Make a film of the pictures in a folder; returns the exit code.

    rate: frames per second.   seconds: how long the film is to be instead.   hold: seconds of the last picture.
    fit: whether pictures of another size are filled into the first one's.
    """
    if rate is not None and seconds is not None:
        raise UsageError("--fps and --seconds are both given.", hint="use one of the two")
    folder = given(word, "the folder")
    if not folder.is_dir():
        raise UsageError(f"There is no folder {word}.", hint="give a folder with PNG, JPEG or WebP files")
    pictures, more = pictures_in(folder), interpolator(shown.interpolate, door.sources())
    check_film(hold, crf)
    chosen = parse_rate(rate) if rate is not None else rate_for(len(pictures), seconds)
    path, film = _path(folder, shown), FilmFormat(rate=chosen, crf=crf, hold_frames=round(hold * chosen))
    with tempfile.TemporaryDirectory(prefix="dreamrig-") as place:
        frames = prepare(pictures, Path(place), fits=fit)
        screen = Screen(door.stderr())
        between = encode_frames(screen, door, frames, path, film, None, interpolate=more, quiet=shown.quiet)
    tell({"film": path, "frames": len(pictures), "fps": str(chosen), **between}, shown)
    return EXIT_GOOD


def _path(folder: Path, shown: FilmPresentation) -> Path:
    """Where the film is written: where that was asked for, else here under the folder's name, where nothing is yet."""
    asked = out_file(shown.check(), folder.name, ".mp4")
    if asked is not None:
        return asked
    path = Path.cwd() / f"{folder.name}.mp4"
    if path.exists() and not shown.force:
        raise UsageError(f"{path} exists already.", hint="name another with --out, or overwrite it: --force")
    return path
