"""A program of the user's own that enlarges the finished picture, e.g. a super-resolution network.

`upscale.command` comes from the environment or the user's own configuration. A ./dreamrig.toml cannot set it: a
folder that somebody hands over must not run programs. Nor can a recipe or a client of the server.
"""

from __future__ import annotations

import shlex
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dreamrig import settings
from dreamrig.errors import FailedError, UsageError
from dreamrig.settings import Sources

if TYPE_CHECKING:
    from PIL import Image

SETTING = "upscale.command"
INPUT, OUTPUT = "{input}", "{output}"
LONGEST_SECONDS = 1800.0
LARGEST_SIDE = 16384
SHOWN_CHARACTERS = 300

Enlarge = Callable[["Image.Image"], "Image.Image"]


def configured_upscaler(sources: Sources) -> Enlarge | None:
    """The program of the user's configuration; None where there is none, UsageError where it cannot be run so."""
    own = Sources(sources.environ, tuple(entry for entry in sources.files if not is_folders_own(entry[0])))
    command = settings.resolve(SETTING, str, None, "", sources=own).value
    return make_upscaler(command) if command.strip() else None


def is_folders_own(origin: str) -> bool:
    """Whether a source is the file of the current folder."""
    return origin == f"./{settings.PROJECT_FILE}"


def make_upscaler(command: str, seconds: float = LONGEST_SECONDS) -> Enlarge:
    """A function that enlarges by a command with {input} and {output} in it; both are PNG files."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"{SETTING} cannot be read: {error}.", hint=_example()) from None
    if not any(INPUT in word for word in words) or not any(OUTPUT in word for word in words):
        raise UsageError(f"{SETTING} lacks {INPUT} or {OUTPUT}.", hint=_example())

    def enlarge(picture: Image.Image) -> Image.Image:
        with tempfile.TemporaryDirectory(prefix="dreamrig-") as folder:
            given, made = Path(folder) / "input.png", Path(folder) / "output.png"
            picture.save(given, "PNG")
            _run([word.replace(INPUT, str(given)).replace(OUTPUT, str(made)) for word in words], seconds)
            return _read(made, words[0])

    return enlarge


def _example() -> str:
    return f'write e.g. [upscale] command = "realesrgan-ncnn-vulkan -i {INPUT} -o {OUTPUT}"'


def _run(words: list[str], seconds: float) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=seconds, check=False)
    except OSError as error:
        raise FailedError(f"{words[0]} cannot be started: {error.strerror}.", hint=f"correct {SETTING}") from error
    except subprocess.TimeoutExpired as error:
        raise FailedError(f"{words[0]} took longer than {seconds:.0f} s.", hint=f"correct {SETTING}") from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing")[-SHOWN_CHARACTERS:]
        raise FailedError(f"{words[0]} ended with code {done.returncode}: {said}", hint=f"correct {SETTING}")


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
