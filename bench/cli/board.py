"""`dreamrig bench board` and `dreamrig bench submit`: what people handed in as pages, and how to hand something in."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from bench.cli.merge import merge_found, read_results
from bench.result import store
from bench.result.reading import show_path
from dreamrig import console, paths
from dreamrig.command import run_one
from dreamrig.errors import EXIT_GOOD, UsageError
from dreamrig.words import plural

if TYPE_CHECKING:
    from bench.cli.board_folder import BoardFolder
    from bench.compare.machines import Merged
    from bench.result.result import BenchResult

BOARD = Path("dreamrig-board")
RAW = "results"
FILLED_IN = "which this address fills in:"
FILLED_IN_AFTER = "which this fills in behind the project's own address:"


def board(args: list[str]) -> int:
    """`dreamrig bench board …`; returns the exit code."""
    import typer

    def body(
        folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Results, one file each.")] = store.HANDED_IN,
        out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where the pages go.")] = BOARD,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """Make a leaderboard of a folder of results: static pages with the raw files beside them, good to publish."""
        pages = write_board(folder, out)
        if as_json:
            console.print_json("bench", {"folder": out, "pages": pages})
        else:
            print(out / "index.html")
        return EXIT_GOOD

    return run_one("bench board", body, args)


def write_board(folder: Path, out: Path) -> list[str]:
    """Write the pages and copies of the files they link to; returns the pages' names.

    A result that lies in the folder of the pages already is linked where it is. UsageError, with nothing written, where
    a page would take the place of something that no board made.
    """
    from bench.cli.board_folder import BoardFolder
    from bench.report.board import render_board

    if out.resolve() == folder.resolve():
        raise UsageError(f"--out {out} is the folder of the results.", hint=f"use another, e.g. --out {BOARD}")
    inside = out.resolve() if folder.resolve() in out.resolve().parents else None  # what an earlier board made
    found = [one for one in read_results(folder) if inside is None or inside not in one.path.resolve().parents]
    merged, bad = merge_found(found)
    target = BoardFolder(out)
    files = _raw_files(found, merged, target)
    pages = render_board(merged, files, [problem.replace(f"{show_path(folder)}{os.sep}", "") for problem in bad])
    for name, text in pages.items():
        target.add(name, text.encode())
    target.finish()
    return list(pages)


def _raw_files(found: "Sequence[store.Found]", merged: "Merged", target: "BoardFolder") -> dict[str, str]:
    """A result's id -> the address of its file as seen from the pages; what lies elsewhere is copied."""
    counted = {result.id for row in merged.rows for voice in row.voices for result in voice.results}
    files: dict[str, str] = {}
    for one in found:
        if one.result is None or one.result.id not in counted or one.result.id in files:
            continue
        path, out = one.path.resolve(), target.out.resolve()
        name = f"{RAW}/{store.file_name(one.result)}"
        if out in path.parents:
            name = path.relative_to(out).as_posix()
        else:
            target.add(name, path.read_bytes())
        files[one.result.id] = quote(name)
    return files


def submit(args: list[str]) -> int:
    """`dreamrig bench submit …`; returns the exit code. Nothing is sent."""
    import typer

    def body(
        source: Annotated[
            str, typer.Argument(metavar="[RESULT]", help='A file, the id of a result, or "last".')
        ] = "last",
        folder: Annotated[
            Path, typer.Option("--folder", metavar="FOLDER", help="Where it is written.")
        ] = store.HANDED_IN,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """Write a result to results/, show what is in it, and say how to hand it in. Nothing is sent by itself."""
        result = _the_one(source)
        file = prepare(result, folder)
        if as_json:
            console.print_json("bench", {"file": file, "commands": commands(file), "issue": issue_text(result, file)})
        else:
            print(console.to_printable("\n".join(_lines(result, file))))
        return EXIT_GOOD

    return run_one("bench submit", body, args)


def _the_one(source: str) -> "BenchResult":
    found = [one.result for one in store.find(source) if one.result is not None]
    if len(found) != 1:
        raise UsageError(f"{source} is {plural(len(found), 'result')}.", hint="name one: dreamrig bench history")
    return found[0]


def prepare(result: "BenchResult", folder: Path) -> Path:
    """Write the result as one to hand in, without its note; UsageError where it would not be taken."""
    from dataclasses import replace

    from bench.cli.validate import strict_problems
    from bench.result.result import write_result
    from bench.result.trust import why_impossible

    why = why_impossible(result)
    if why is not None:
        raise UsageError(f"This result is impossible: {why}.", hint="measure again: dreamrig bench run")
    clean = replace(result, note=None)
    with tempfile.TemporaryDirectory() as room:  # judged before anything of the user's is touched
        draft = Path(room) / store.file_name(clean)
        write_result(clean, draft)
        problem, data = next(strict_problems(clean, draft, {}), None), draft.read_bytes()
    if problem is not None:
        raise UsageError(f"This result would not be taken: {problem}.", hint="measure again: dreamrig bench run")
    return _put(paths.ensure_folder(folder) / draft.name, data)


def _put(file: Path, data: bytes) -> Path:
    """Write it, unless something else lies there, such as the same result with its note."""
    if file.is_file() and file.read_bytes() != data:
        raise UsageError(f"{file} is there and holds something else.", hint="use another folder: --folder FOLDER")
    paths.write_atomic(file, data)
    return file


def commands(file: Path) -> list[str]:
    """How to hand a file in by pull request, from a checkout of one's own."""
    branch = f"result-{file.stem[-8:]}"
    return [
        f"git switch -c {branch} && git add {_from_here(file)}",
        f'git commit -m "Result: {file.stem}"',
        f"git push -u origin {branch}",
    ]


def _from_here(file: Path) -> str:
    return os.path.relpath(file)


def issue_text(result: "BenchResult", file: Path) -> dict[str, str]:
    """Title and body of an issue for those without a checkout, and both as an address that fills it in.

    Where the project has no public address yet, that is only its end.
    """
    from bench.report.show import pace_words, workload_words
    from bench.result.figures import short_device
    from bench.result.verdict import summarise
    from generator.front.notebook.file import address

    device = short_device(result.device.name)
    title = f"Result: {device} on {result.workload.name} {result.workload.profile}"
    lines = [
        f"- workload: {workload_words(result)}",
        f"- device: {device}, {result.place}",
        f"- pace: {pace_words(summarise(result))}",
        "",
        f"The file {file.name} is attached (drag it here).",
    ]
    body = "\n".join(lines)
    query = f"issues/new?title={quote(title)}&body={quote(body)}"
    return {"title": title, "body": body, "query": "/".join(filter(None, [address(), query]))}


def _lines(result: "BenchResult", file: Path) -> list[str]:
    from bench.report.details import environment_rows
    from bench.report.show import pace_words, workload_words
    from bench.result.verdict import summarise

    summary, issue = summarise(result), issue_text(result, file)
    rows = [("workload", workload_words(result)), ("pace", pace_words(summary)), *environment_rows(result)]
    width = max(len(label) for label, _ in rows)
    said = ", ".join(verdict.word for verdict in summary.verdicts)
    return [
        "Everything that tells about the machine in this result:",
        *(f"  {label:<{width}}  {text}" for label, text in rows),
        *([f"  remarks: {said}; a clean result counts for more"] if said else []),
        f"written: {file}",
        "Nothing was sent. To hand it in, from your own copy of the repository:",
        *(f"  {command}" for command in commands(file)),
        "or, without a copy of your own, open an issue with this title and text, and attach the file:",
        *(f"  {line}".rstrip() for line in [issue["title"], "", *issue["body"].splitlines()]),
        f"{FILLED_IN if issue['query'].startswith('http') else FILLED_IN_AFTER} {issue['query']}",
    ]
