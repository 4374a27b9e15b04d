"""`dreamrig where`: which folders this program uses, and what is in them."""

import os
import shlex
import sys
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Annotated

from dreamrig import console, paths
from dreamrig.command import run_one
from dreamrig.words import MIB, memory


def where(args: list[str]) -> int:
    """Run `dreamrig where …`; returns the exit code."""
    import typer

    def body(
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """The folders of this program with their sizes."""
        found = measure(places())
        if as_json:
            rows = [{"what": what, "path": path, "bytes": size} for what, path, size in found]
            console.print_json("where", {"places": rows})
        else:
            print(render(found))
        return 0

    return run_one("where", body, args)


def places() -> list[tuple[str, Path]]:
    """(what, path) of everything that lies on disk; it need not exist."""
    return [
        ("runs", paths.runs_folder()),
        ("weights", paths.weights_folder()),
        ("server", paths.data_folder() / "serve"),
        ("settings", paths.user_config_file()),
        ("environment", Path(sys.prefix)),
        ("program", Path(__file__).resolve().parents[1]),
    ]


def measure(wanted: Sequence[tuple[str, Path]]) -> list[tuple[str, Path, int | None]]:
    """(what, path, bytes) of each, None where nothing is there; a place inside another one is not counted twice."""
    apart = frozenset(str(path) for _, path in wanted)
    return [(what, path, bytes_in(path, apart) if path.exists() else None) for what, path in wanted]


def render(found: list[tuple[str, Path, int | None]]) -> str:
    """A line a place, then how to move what is the user's own."""
    width = max(len(what) for what, _, _ in found)
    lines = [
        f"{what:<{width}}  {'not there' if size is None else memory(size / MIB):>9}  {path}"
        for what, path, size in found
    ]
    move = f"Move runs, weights and server, which is stopped first: mv {shlex.quote(str(paths.data_folder()))} NEW"
    return "\n".join([*lines, "", f"{move}; export DREAMRIG_HOME=NEW"])


def bytes_in(path: Path, apart: Container[str] = ()) -> int:
    """The size of a file, or of all files in a folder and below but those `apart`; links are not followed."""
    return sum(_sizes(path, apart)) if path.is_dir() else path.lstat().st_size


def _sizes(folder: Path, apart: Container[str]) -> Iterator[int]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.path not in apart:
                        yield from _sizes(Path(entry.path), apart)
                else:
                    yield entry.stat(follow_symlinks=False).st_size
    except OSError:
        return
