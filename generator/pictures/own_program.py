"""A program of the user's own, asked for by a setting that is a command with {input} and {output} in it. No torch.

Such a command comes from the environment or the user's own configuration. A ./dreamrig.toml cannot set it: a folder
that somebody hands over must not run programs. Nor can a recipe or a client of the server.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence

from dreamrig import settings
from dreamrig.errors import FailedError, UsageError
from dreamrig.settings import Sources

INPUT, OUTPUT = "{input}", "{output}"
SHOWN_CHARACTERS = 300
"""Of what a program says that fails."""


def own_command(setting: str, sources: Sources) -> str:
    """The command that the user has set, and nobody else; "" where there is none."""
    own = Sources(sources.environ, tuple(entry for entry in sources.files if not is_folders_own(entry[0])))
    return settings.resolve(setting, str, None, "", sources=own).value


def is_folders_own(origin: str) -> bool:
    """Whether a source is the file of the current folder."""
    return origin == f"./{settings.PROJECT_FILE}"


def words_of(command: str, setting: str, example: str) -> list[str]:
    """The words of a command; UsageError where it cannot be read, or lacks a place for input or output."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"{setting} cannot be read: {error}.", hint=example) from None
    if not all(any(part in word for word in words) for part in (INPUT, OUTPUT)):
        raise UsageError(f"{setting} lacks {INPUT} or {OUTPUT}.", hint=example)
    return words


def run_filled(words: Sequence[str], values: Mapping[str, str], setting: str, seconds: float) -> None:
    """Run the program with values in the places of their names; FailedError with its last words where it fails."""
    filled = [_filled(word, values) for word in words]
    hint = f"correct {setting}"
    try:
        done = subprocess.run(filled, capture_output=True, text=True, errors="replace", timeout=seconds, check=False)
    except OSError as error:
        raise FailedError(f"{filled[0]} cannot be started: {error.strerror}.", hint=hint) from error
    except subprocess.TimeoutExpired as error:
        raise FailedError(f"{filled[0]} took longer than {seconds:.0f} s.", hint=hint) from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing")[-SHOWN_CHARACTERS:]
        raise FailedError(f"{filled[0]} ended with code {done.returncode}: {said}", hint=hint)


def _filled(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(name, value)
    return word
