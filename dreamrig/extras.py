"""What a command needs beyond the usual packages: installed on first use where the environment is `./rig`'s own.

Elsewhere, and for what would replace torch, the exact command is said instead. Nothing here imports a package it asks
for, and what an installer says goes to standard error.
"""

from __future__ import annotations

import importlib
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from dreamrig import called
from dreamrig.errors import NotReadyError
from dreamrig.locks import sole_holder
from dreamrig.paths import ensure_folder

Install = Callable[[list[str]], int]
"""Runs an installer's command; returns its exit code."""


@dataclass(frozen=True, kw_only=True)
class Extra:
    """Packages that some commands need and most people do not."""

    needs_it: str
    """Begins the sentence: who needs it."""
    modules: tuple[str, ...]
    """What can be imported once it is there."""
    requirements: tuple[str, ...]
    """As in pyproject.toml."""
    megabytes: int
    """On the disk with all it brings, measured in November 2026 on Linux."""


EXTRAS: Mapping[str, Extra] = {
    "serve": Extra(
        needs_it="The server",
        modules=("starlette", "uvicorn", "jinja2", "python_multipart"),
        requirements=("starlette>=1.0", "uvicorn>=0.40", "jinja2>=3.1", "python-multipart>=0.0.20"),
        megabytes=5,
    ),
    "video": Extra(needs_it="A film", modules=("av",), requirements=("av>=17.0",), megabytes=107),
    "colab": Extra(
        needs_it="Colab's page",
        modules=("jupyter_server", "ipykernel"),
        requirements=("jupyter-server>=2.14", "ipykernel>=6.29"),
        megabytes=84,
    ),
    "discord": Extra(
        needs_it="The bot on Discord", modules=("discord",), requirements=("discord.py>=2.7",), megabytes=21
    ),
    "ray": Extra(
        needs_it="A crew of several machines", modules=("ray",), requirements=("ray>=2.52,<3",), megabytes=250
    ),
    "siglip": Extra(
        needs_it="SigLIP 2, to read a text,",
        modules=("sentencepiece",),
        requirements=("sentencepiece>=0.2.1",),
        megabytes=6,
    ),
}
"""By name in pyproject.toml. Not here: `upscale` and `reference`, whose torchvision must be the one of this torch."""


def pip_command(*words: str) -> str:
    """A line for a terminal in any folder: pip of this very Python, with these requirements or flags."""
    return shlex.join([sys.executable, "-m", "pip", "install", *words])


def is_installed(name: str) -> bool:
    """Whether its modules are there, and whole: none of them is loaded."""
    return all(find_spec(module) for module in EXTRAS[name].modules) and not _begun(name).exists()


def run_pip(command: list[str]) -> int:
    """Run an installer, its talk on standard error."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode


def bring(
    name: str, *, is_there: Callable[[str], bool] = is_installed, install: Install = run_pip, prefix: Path | None = None
) -> None:
    """Have the extra: install it into an environment that is `./rig`'s; NotReadyError with the command elsewhere.

    name: of EXTRAS.   prefix: the environment's folder, this Python's where None.
    """
    if is_there(name):
        return
    extra = EXTRAS[name]
    packages = _in_words(requirement.partition(">")[0] for requirement in extra.requirements)
    by_hand = f"run: {pip_command(*extra.requirements)}"
    if not os.environ.get(called.VARIABLE):
        is_or_are = "is" if len(extra.requirements) == 1 else "are"
        raise NotReadyError(f"{extra.needs_it} needs {packages}, which {is_or_are} not installed.", hint=by_hand)
    _say(f"note: installing {packages}, this once ({extra.megabytes} MB on disk)")
    begun = _begun(name, prefix)
    ensure_folder(begun.parent)
    busy = NotReadyError("Another dreamrig is installing packages here.", hint="wait for it, then run this again")
    with sole_holder(begun.parent, busy):
        # A file from the start to the end of it: an installer that was killed leaves what looks installed and is not.
        flags = ["--ignore-installed"] if begun.exists() else []
        begun.touch()
        quick = ["--quiet", "--disable-pip-version-check", "--retries", "1"]
        code = install([sys.executable, "-m", "pip", "install", *quick, *flags, *extra.requirements])
        begun.unlink()  # it ended by itself: what is there is whole
    if code != 0:
        raise NotReadyError(
            f"Installing {packages} failed; the lines above say why.", hint=f"is there a network? then {by_hand}"
        )
    importlib.invalidate_caches()


def bring_or_note(name: str) -> None:
    """The same where something is left to do without it: what is missing becomes a note."""
    try:
        bring(name)
    except NotReadyError as error:
        _say(called.as_called(f"note: {error.message} {error.hint}"))


def _say(text: str) -> None:
    """On standard error; `dreamrig.console` would bring rich to the networks, which know no terminal."""
    if sys.stderr is not None:
        print(text, file=sys.stderr, flush=True)


def _begun(name: str, prefix: Path | None = None) -> Path:
    return (prefix or Path(sys.prefix)) / ".dreamrig" / f"extra-{name}"


def _in_words(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
