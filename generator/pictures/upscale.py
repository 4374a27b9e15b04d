"""A program of the user's own, `upscale.command`, that enlarges the finished picture, e.g. by super-resolution."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dreamrig.errors import FailedError
from dreamrig.settings import Sources
from generator.pictures.own_program import INPUT, OUTPUT, own_command, run_filled, words_of

if TYPE_CHECKING:
    from PIL import Image

SETTING = "upscale.command"
EXAMPLE = f'write e.g. [upscale] command = "realesrgan-ncnn-vulkan -i {INPUT} -o {OUTPUT}"'
LONGEST_SECONDS = 1800.0
LARGEST_SIDE = 16384

Enlarge = Callable[["Image.Image"], "Image.Image"]


def configured_upscaler(sources: Sources) -> Enlarge | None:
    """The program of the user's configuration; None where there is none, UsageError where it cannot be run so."""
    command = own_command(SETTING, sources)
    return make_upscaler(command) if command.strip() else None


def make_upscaler(command: str, seconds: float = LONGEST_SECONDS) -> Enlarge:
    """A function that enlarges by a command with {input} and {output} in it; both are PNG files."""
    words = words_of(command, SETTING, EXAMPLE)

    def enlarge(picture: Image.Image) -> Image.Image:
        with tempfile.TemporaryDirectory(prefix="dreamrig-") as folder:
            given, made = Path(folder) / "input.png", Path(folder) / "output.png"
            picture.save(given, "PNG")
            run_filled(words, {INPUT: str(given), OUTPUT: str(made)}, SETTING, seconds)
            return _read(made, words[0])

    return enlarge


def _read(path: Path, program: str) -> Image.Image:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                if max(opened.size) > LARGEST_SIDE:
                    raise FailedError(f"{program} made {opened.width}x{opened.height} pixels.", hint="enlarge by less")
                return opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FailedError(
            f"{program} wrote no picture that can be read: {error}.", hint=f"correct {SETTING}"
        ) from error
