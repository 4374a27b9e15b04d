"""The picture on disk: final, enlarged, and as it grows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dreamrig.errors import FailedError
from dreamrig.paths import write_atomic
from generator.events import Event, Finished, Preview
from generator.pictures.formats import encode_picture
from generator.pictures.png import encode_png, enlarge_smoothly, to_picture
from generator.pictures.recipe import Recipe
from generator.pictures.upscale import Enlarge
from generator.runs.folder import OLDER_PREVIEW, PICTURE, PICTURE_LARGE, PREVIEW, Run
from generator.sinks.frames import encode_jpeg


class PictureSink:
    """Writes the final picture into the run folder, and to `out` where that is given."""

    def __init__(self, run: Run, recipe: Recipe, out: Path | None = None, overwrite: bool = False) -> None:
        self.run, self.recipe, self.out, self.overwrite = run, recipe, out, overwrite

    def __call__(self, event: Event) -> None:
        """Write on Finished; NotReadyError where that fails."""
        if not isinstance(event, Finished):
            return
        for name in (PREVIEW, OLDER_PREVIEW):  # first, so that on a full disk its room is free again
            (self.run.folder / name).unlink(missing_ok=True)
        picture, recipe = to_picture(event.image()), replace(self.recipe, steps_done=event.index)
        write_atomic(self.run.folder / PICTURE, encode_png(picture, recipe))
        if self.out is not None:
            write_new(self.out, encode_picture(picture, recipe, self.out.suffix), overwrite=self.overwrite)


class LargePictureSink:
    """Writes the final picture enlarged, for people to look at."""

    def __init__(self, run: Run, recipe: Recipe, enlarge: Enlarge | None = None) -> None:
        """enlarge: the user's own way to do it; None = Lanczos."""
        self.run, self.recipe, self.enlarge = run, recipe, enlarge or enlarge_smoothly

    def __call__(self, event: Event) -> None:
        """Write on Finished; NotReadyError where that fails."""
        if isinstance(event, Finished):
            recipe = replace(self.recipe, steps_done=event.index)
            write_atomic(self.run.folder / PICTURE_LARGE, encode_png(self.enlarge(to_picture(event.image())), recipe))


def preview_sink(run: Run) -> Callable[[Event], None]:
    """A sink that keeps preview.jpg up to date, for whoever looks into the folder of a run that goes on.

    It is looked at and gone: a JPEG without a recipe, not pushed to the disk, costs a twentieth of a picture's PNG.
    """

    def listen(event: Event) -> None:
        if isinstance(event, Preview):
            write_atomic(run.folder / PREVIEW, encode_jpeg(to_picture(event.image())), durable=False)

    return listen


def write_new(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write a picture the user asked for by name; a file that appeared meanwhile is not overwritten unasked."""
    if path.exists() and not overwrite:
        raise FailedError(f"{path} exists by now.", hint="the picture is in the run's folder: dreamrig history")
    write_atomic(path, data)
