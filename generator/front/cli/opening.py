"""`dreamrig open RUN`: the picture of a run in the system's own viewer, and where it lies. Does not import torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from dreamrig import console
from dreamrig.errors import EXIT_GOOD, NotReadyError, UsageError
from generator.front.cli import flags
from generator.front.cli.command import Values, call
from generator.runs import folder as runs
from generator.runs.folder import Run
from generator.work.viewers import Viewers, open_file, paths_of

FILM = "film.mp4"


def open_run(args: list[str], viewers: Viewers | None = None) -> int:
    """`dreamrig open …`; returns the exit code."""
    import typer

    seen_by = viewers or Viewers()

    def body(values: Values) -> int:
        """Open the picture or film of a run in this system's viewer."""
        path = result_of(runs.find_run(values["run"]))
        print(console.to_printable("\n".join(paths_of(path, seen_by.environ))))
        if open_file(path, seen_by):
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
