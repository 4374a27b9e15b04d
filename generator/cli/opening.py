"""`dreamrig open RUN`: the picture of a run in the system's own viewer, and where it lies. Does not import torch."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from dreamrig import console
from dreamrig.errors import EXIT_GOOD, NotReadyError, UsageError
from generator.cli import flags
from generator.cli.command import Values, call
from generator.runs import folder as runs
from generator.runs.folder import Run

FILM = "film.mp4"


def start(argv: list[str]) -> bool:
    """Run a program that hands a file to its viewer; whether it could be started."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        code = subprocess.run(argv, check=False, **quiet).returncode  # type: ignore[call-overload]  # known keywords
    except OSError:
        return False
    return bool(code == 0 or Path(argv[0]).name == "explorer.exe")  # which answers 1 whatever it did


@dataclass(frozen=True, kw_only=True)
class Viewers:
    """What the system has to open files with. Tests bring their own."""

    which: Callable[[str], str | None] = shutil.which
    start: Callable[[list[str]], bool] = start
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)


def open_run(args: list[str], viewers: Viewers | None = None) -> int:
    """`dreamrig open …`; returns the exit code."""
    import typer

    seen_by = viewers or Viewers()

    def body(values: Values) -> int:
        """Open the picture or film of a run in this system's viewer."""
        path = result_of(runs.find_run(values["run"]))
        print(console.to_printable("\n".join(paths_of(path, seen_by.environ))))
        for argv in commands_for(path, seen_by):
            if seen_by.start(argv):
                return EXIT_GOOD
        raise NotReadyError("There is no viewer here that could be started.", hint="open the file named above yourself")

    run = Annotated[str, typer.Argument(metavar="RUN", help="Id, part of it, folder, or last.")]
    return call("open", body, [flags.keyword("run", run, "last")], args)


def result_of(run: Run) -> Path:
    """The film or the best picture of a run; UsageError where there is none yet."""
    film = run.folder / FILM
    found = film if film.is_file() else run.picture
    if found is None:
        raise UsageError(f"The run {run.id} has no picture yet.", hint="see: dreamrig history")
    return found


def windows_path(path: Path, environ: Mapping[str, str]) -> str | None:
    r"""How Windows names a file inside WSL: \\wsl.localhost\NAME\…, or C:\… for one of its own; None elsewhere."""
    name = environ.get("WSL_DISTRO_NAME")
    if not name:
        return None
    parts = path.parts
    if len(parts) > 3 and parts[1] == "mnt" and len(parts[2]) == 1:
        return f"{parts[2].upper()}:\\" + "\\".join(parts[3:])
    return f"\\\\wsl.localhost\\{name}\\" + "\\".join(parts[1:])


def paths_of(path: Path, environ: Mapping[str, str]) -> list[str]:
    """The file as Linux names it, and inside WSL as Windows does."""
    return [str(path), *([found] if (found := windows_path(path, environ)) else [])]


def commands_for(path: Path, viewers: Viewers) -> list[list[str]]:
    """What can open the file here, the best first."""
    inside_wsl = windows_path(path, viewers.environ)
    wanted = [["wslview", str(path)], ["explorer.exe", inside_wsl]] if inside_wsl else []
    wanted += [["xdg-open", str(path)], ["open", str(path)]]
    return [[program, *words] for name, *words in wanted if (program := viewers.which(name))]
