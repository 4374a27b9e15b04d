"""`dreamrig bench validate`: is a file a result that may be? One sentence per file that is none."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from bench.result.reading import show_path
from dreamrig import console
from dreamrig.command import run_one
from dreamrig.errors import EXIT_GOOD, EXIT_PROBLEM_FOUND, RigError

if TYPE_CHECKING:
    from bench.result.result import BenchResult
    from bench.result.store import Found


def validate(args: list[str]) -> int:
    """`dreamrig bench validate …`; returns 0 where every file is a result that may be, 3 where one is not."""
    import typer

    def body(
        sources: Annotated[list[str], typer.Argument(metavar="FILE|FOLDER...", help="Results to look at.")],
        strict: Annotated[
            bool, typer.Option("--strict", help="As for results/: known work, no unknown field, each result once.")
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """Check files against the form of results, and their values against what the device can do."""
        rows = check_all(sources, strict=strict)
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


def check_all(sources: list[str], *, strict: bool) -> list[tuple[str, str | None]]:
    """(file, what is wrong with it or None) for all that some words mean."""
    rows: list[tuple[str, str | None]] = []
    seen: dict[str, str] = {}
    for source in sources:
        for file, problem, result in _look(source):
            if problem is None and result is not None and strict:
                problem = next(strict_problems(result, Path(file), seen), None)
            rows.append((file, problem))
    return rows


def _look(source: str) -> "Iterator[tuple[str, str | None, BenchResult | None]]":
    from bench.result import store

    try:
        found = list(store.find(source))
    except RigError as error:
        yield show_path(Path(source)), error.message, None
        return
    for one in found:
        yield show_path(one.path), _problem(one), one.result


def _problem(one: "Found") -> str | None:
    from bench.result.trust import why_impossible

    if one.result is None:
        return one.error.message if one.error else None
    why = why_impossible(one.result)
    return None if why is None else f"impossible: {why}"


def strict_problems(result: "BenchResult", path: Path, seen: dict[str, str]) -> Iterator[str]:
    """What a result that is published must not have besides.

    seen: id -> file of what was looked at before; this one is added.
    """
    from bench.result.pins import least_flops
    from bench.result.reading import read_json
    from bench.result.result import BenchResult
    from dreamrig.documents import one_line, unknown_keys

    if (before := seen.setdefault(result.id, str(path))) != str(path):
        yield f"is the same result as {before}"
    if least_flops(result.workload.hash) is None:
        yield f"its workload {result.workload.hash} is none of this version: see dreamrig bench list"
    strange = [key for key in unknown_keys(BenchResult, read_json(path)) if key != "schema"]
    if strange:
        yield f"has a field that nothing reads: {one_line(strange[0])}"
    if result.note:
        yield "carries a note, which may say who you are: take it out"
