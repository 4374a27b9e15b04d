"""Frames between the frames, by a program of the user's own: RIFE, FILM, ffmpeg's minterpolate. Does not import torch.

`interpolate.command` is set as `upscale.command` is.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from dreamrig.errors import FailedError, UsageError
from dreamrig.paths import ensure_folder
from dreamrig.settings import Sources
from generator.front.video.encode import read_frame
from generator.front.video.pictures import natural, pictures_in, sizes_of
from generator.pictures.own_program import INPUT, OUTPUT, own_command, run_filled, words_of

SETTING = "interpolate.command"
COUNT = "{count}"
MOST_TIMES = 16
LONGEST_SECONDS = 6 * 3600.0
EXAMPLE = f'write e.g. [interpolate] command = "rife-ncnn-vulkan -m rife-v4 -i {INPUT} -o {OUTPUT} -n {COUNT}"'

Interpolate = Callable[[Sequence[Path], Path], list[Path]]
"""Frames, and a folder to work in -> more frames, the first one first."""


def interpolator(times: int | None, sources: Sources) -> Interpolate | None:
    """The user's own program, to make `times` as many frames; None where nobody asked for it.

    UsageError where no program is set, or it cannot be run so.
    """
    if times is None:
        return None
    if not 2 <= times <= MOST_TIMES:
        raise UsageError(f"--interpolate is {times}.", hint=f"use 2 to {MOST_TIMES}: so many times as many frames")
    command = own_command(SETTING, sources)
    if not command.strip():
        raise UsageError(f"--interpolate needs a program of your own, and {SETTING} is not set.", hint=EXAMPLE)
    return make_interpolator(command, times)


def make_interpolator(command: str, times: int, seconds: float = LONGEST_SECONDS) -> Interpolate:
    """A function that interpolates by a command with {input} and {output} in it, folders of 00000001.png and so on.

    {count} stands for how many frames are wanted.
    """
    words = words_of(command, SETTING, EXAMPLE)
    if shutil.which(words[0]) is None:
        raise UsageError(
            f"{SETTING}: there is no program {words[0]!r} here.", hint="install it, or give its whole path"
        )

    def interpolate(frames: Sequence[Path], folder: Path) -> list[Path]:
        given, made = ensure_folder(folder / "input"), ensure_folder(folder / "output")
        for number, frame in enumerate(frames, 1):
            _as_png(frame, given / f"{number:08}.png")
        values = {INPUT: str(given), OUTPUT: str(made), COUNT: str(times * len(frames))}
        run_filled(words, values, SETTING, seconds)
        return _made(made, frames, words[0])

    return interpolate


def _as_png(frame: Path, path: Path) -> None:
    if frame.suffix.lower() == ".png":
        shutil.copyfile(frame, path)
    else:
        read_frame(frame).save(path)


def _made(folder: Path, frames: Sequence[Path], program: str) -> list[Path]:
    """What the program made: more frames than before, all of one even size."""
    try:
        made = sorted(pictures_in(folder), key=natural)
        sizes = set(sizes_of(made))
    except UsageError as error:
        raise FailedError(
            f"{program} made no frames that can be read: {error.message}", hint=f"correct {SETTING}"
        ) from error
    if len(made) <= len(frames):
        message = f"{program} made {len(made)} frames of {len(frames)}."
        raise FailedError(message, hint=f"let it make {COUNT} of them, see: {SETTING}")
    if len(sizes) > 1 or any(side % 2 for size in sizes for side in size):
        raise FailedError(f"{program} made frames of odd or several sizes.", hint=f"correct {SETTING}")
    return made
