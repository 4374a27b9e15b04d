"""`dreamrig bench validate`: is a file a result? One sentence per file that is none."""

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from bench.result.reading import show_path
from dreamrig import console
from dreamrig.command import run_one
from dreamrig.errors import EXIT_GOOD, EXIT_PROBLEM_FOUND, RigError

if TYPE_CHECKING:
    from bench.result.result import BenchResult


def validate(args: list[str]) -> int:
    """`dreamrig bench validate …`; returns 0 where every file is a result that may be, 3 where one is not."""
    import typer

    def body(
        sources: Annotated[list[str], typer.Argument(metavar="FILE|FOLDER...", help="Results to look at.")],
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """Check files against the schema of results, and their values against what the device can do."""
        rows = list(chain.from_iterable(map(_check, sources)))
        bad = [row for row in rows if row[1] is not None]
        if as_json:
            checked = [{"file": file, "problem": problem} for file, problem in rows]
            console.print_json("bench", {"checked": checked}, ok=not bad)
        else:
            print("\n".join(console.to_printable(_line(file, problem)) for file, problem in rows))
        return EXIT_PROBLEM_FOUND if bad else EXIT_GOOD

    return run_one("bench validate", body, args)


def _line(file: str, problem: str | None) -> str:
    """One line for a file, which many a problem names already."""
    if problem is None:
        return f"{file}: good"
    return problem if file in problem else f"{file}: {problem}"


def _check(source: str) -> list[tuple[str, str | None]]:
    """(file, what is wrong with it or None) for what a word means."""
    from bench.result import store

    try:
        found = list(store.find(source))
    except RigError as error:
        return [(show_path(Path(source)), error.message)]
    rows = []
    for one in found:
        problem = one.error.message if one.error else None
        rows.append((show_path(one.path), problem or (_impossible(one.result) if one.result else None)))
    return rows


def _impossible(result: "BenchResult") -> str | None:
    from bench.result.trust import why_impossible

    why = why_impossible(result)
    return None if why is None else f"impossible: {why}"
