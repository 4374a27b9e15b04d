"""Where the user wants the picture; everything that can be refused is refused before the run starts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dreamrig.errors import RigError, UsageError
from dreamrig.paths import ensure_folder, explain_write_failure, given, runs_folder
from generator.pictures.recipe import Recipe
from generator.runs.folder import Run

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def require_writable(folder: Path) -> None:
    """NotReadyError where no file can be made in `folder`."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise explain_write_failure(folder, error) from error


def require_room(run: Run | None, base: Path | None = None) -> None:
    """NotReadyError where the run that goes on, or a new one in `base`, could write nothing.

    base: the folder of runs; None = this machine's.
    """
    require_writable(run.folder if run is not None else ensure_folder(runs_folder() if base is None else base))


def check_out(
    text: str,
    *,
    force: bool,
    continues: Recipe | None = None,
    suffixes: Sequence[str] = PICTURE_SUFFIXES,
    what: str = "a picture is a PNG, JPEG or WebP file",
) -> Path:
    """The absolute file or existing, writable folder that `--out` names.

    suffixes, what: the kinds of file that can be written, as suffixes and in words.
    continues: the recipe of the run that is continued, whose own unfinished picture may be overwritten.
    """
    path = given(text, "--out")
    if path.is_dir() or text.endswith(("/", os.sep)):
        require_writable(ensure_folder(path))
        return path
    if path.suffix.lower() not in suffixes:
        raise UsageError(
            f"--out {text}: {what}.",
            hint=f"name it {path.stem}{suffixes[0]}, or a folder: {text}/",
        )
    if not path.parent.is_dir():
        raise UsageError(f"The folder of --out {text} does not exist.", hint=f"run: mkdir -p {path.parent}")
    if path.exists() and not path.is_file():
        raise UsageError(
            f"--out {text} is not a regular file.", hint=f"name a file ({', '.join(suffixes)}) or a folder"
        )
    if path.exists() and not force and not _is_picture_of(path, continues):
        raise UsageError(f"{text} exists already.", hint="choose another name, or overwrite it: --force")
    require_writable(path.parent)
    return path


def _is_picture_of(path: Path, recipe: Recipe | None) -> bool:
    """Whether `path` is an earlier picture of the same recipe."""
    from generator.pictures.reading import read_recipe

    if recipe is None:
        return False
    try:
        return read_recipe(path).config == recipe.public().config
    except RigError:
        return False


def out_file(out: Path | None, run_id: str, suffix: str = ".png") -> Path | None:
    """The file to write: in a folder it is called like the run."""
    return out / f"{run_id}{suffix}" if out is not None and out.is_dir() else out
