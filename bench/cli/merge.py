"""Results of many people as one table: `dreamrig bench merge`. Machines count, not files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from bench.compare.machines import Merged, Row, merge_results
from bench.result import store
from dreamrig import console
from dreamrig.command import run_one
from dreamrig.errors import EXIT_GOOD, UsageError
from dreamrig.words import known_digits, known_range, plural


def merge(args: list[str]) -> int:
    """`dreamrig bench merge …`; returns the exit code."""
    import typer

    def body(
        folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder with one file per result.")],
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """Merge the results of a folder: group by work and device, count machines, flag what cannot be."""
        merged, bad = merge_found(read_results(folder))
        if as_json:
            console.print_json("bench", _data(merged, bad))
        else:
            print(console.to_printable(render(merged, bad)))
        return EXIT_GOOD

    return run_one("bench merge", body, args)


def read_results(folder: Path) -> list[store.Found]:
    """Every file of a folder; UsageError for no folder."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", hint="put the results into one folder, one file each")
    return store.read_folder(folder)


def merge_found(found: Sequence[store.Found]) -> tuple[Merged, list[str]]:
    """What some files amount to, and a sentence for each that holds no result."""
    merged = merge_results(one.result for one in found if one.result is not None)
    return merged, [one.error.message for one in found if one.error is not None]


def _data(merged: Merged, bad: Sequence[str]) -> dict[str, Any]:
    return {
        "rows": [_row_data(row) for row in merged.rows],
        "duplicates": merged.duplicates,
        "impossible": merged.impossible,
        "unreadable": list(bad),
    }


def _row_data(row: Row) -> dict[str, Any]:
    return {
        "workload": row.workload,
        "profile": row.profile,
        "hash": row.hash,
        "device": row.device,
        "effort": row.effort,
        "load_seconds": [voice.results[0].load_seconds for voice in row.voices],
        "machines": len(row.voices),
        "machines_counted": len(row.counted),
        "results": sum(len(voice.results) for voice in row.voices),
        "median_steps_per_second": row.median,
        "steps_per_second": [voice.steps_per_second for voice in row.voices],
        "reach": [voice.reach for voice in row.voices],
        "verdicts": row.words,
    }


def render(merged: Merged, bad: Sequence[str] = ()) -> str:
    """The table, one heading per workload, and what was left out."""
    lines: list[str] = []
    width = max((len(row.device) for row in merged.rows), default=0)
    heading = None
    for row in merged.rows:
        if heading != row.hash:
            lines += ["", f"{row.workload} {row.profile} ({row.hash})"]
            heading = row.hash
        pace = known_digits(row.median, *row.known)
        lines.append(f"  {row.device:<{width}}  {pace:>8} it/s  {row.effort:<8}  {machine_words(row)}")
    lines = [line.rstrip() for line in lines] or ["no results"]
    lines += ["", f"{merged.duplicates} files hold a result that was counted already"] if merged.duplicates else []
    lines += ["", *(f"left out: {sentence}" for sentence in (*merged.impossible, *bad))]
    return "\n".join(lines).strip("\n")


def machine_words(row: Row) -> str:
    """ "2 machines of 3, 4.1 to 4.4 over 5 results (noisy 1)": who counts, how far apart, what was said of them."""
    few = len(row.counted) < len(row.voices)
    words = plural(len(row.counted), "machine") + (f" of {len(row.voices)}" if few else "")
    if row.reach[0] < row.reach[1]:
        files = sum(len(voice.results) for voice in row.counted)
        words += f", {known_range(*row.reach)} over {plural(files, 'result')}"
    said = ", ".join(f"{word} {number}" for word, number in row.words.items())
    return words + (f" ({said})" if said else "")
