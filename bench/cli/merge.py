"""Results of many people as one table: `dreamrig bench merge`. Duplicates count once, impossible values not at all."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from bench.result import stats, store
from bench.result.result import BenchResult
from bench.result.verdict import summarise
from dreamrig import console
from dreamrig.command import run_one
from dreamrig.errors import EXIT_GOOD, UsageError
from dreamrig.words import short


@dataclass(frozen=True, kw_only=True)
class Row:
    """One kind of device on one workload."""

    workload: str
    profile: str
    hash: str
    device: str
    steps_per_second: tuple[float, ...]
    """One value per result, the slowest first."""

    @property
    def median(self) -> float:
        """it/s in the middle."""
        return stats.median(self.steps_per_second)


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What a pile of results amounts to."""

    rows: tuple[Row, ...]
    """By workload, then the fastest first."""
    duplicates: int
    impossible: tuple[str, ...]
    """A sentence for each result that claims more than its device can do."""


def merge_results(results: Iterable[BenchResult]) -> Merged:
    """Group by workload hash and device. Two results with one id count once: the first."""
    unique: dict[str, BenchResult] = {}
    count = 0
    for result in results:
        count += 1
        unique.setdefault(result.id, result)
    impossible = [
        f"{result.id[:8]} on {result.device.name}: {why}"
        for result in unique.values()
        if (why := why_impossible(result)) is not None
    ]
    groups: dict[tuple[str, str], list[BenchResult]] = defaultdict(list)
    for result in unique.values():
        if why_impossible(result) is None:
            groups[result.workload.hash, result.device.name].append(result)
    rows = sorted(map(_row, groups.values()), key=lambda row: (row.workload, row.hash, -row.median))
    return Merged(rows=tuple(rows), duplicates=count - len(unique), impossible=tuple(impossible))


def _row(group: Sequence[BenchResult]) -> Row:
    used = group[0].workload
    rates = sorted(summarise(result).steps_per_second for result in group)
    return Row(
        workload=used.name,
        profile=used.profile,
        hash=used.hash,
        device=group[0].device.name,
        steps_per_second=tuple(rates),
    )


def why_impossible(result: BenchResult) -> str | None:
    """In words by how much a result exceeds what its device's datasheet allows; None where it does not."""
    from bench.claims.bounds import impossible_by
    from provision.cards.datasheets import find_datasheet

    factor = impossible_by(result, find_datasheet(result.device.name))
    return None if factor is None else f"impossible: {factor:.2g} times what the datasheet of this device allows"


def merge(args: list[str]) -> int:
    """`dreamrig bench merge …`; returns the exit code."""
    import typer

    def body(
        folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder with one file per result.")],
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """Merge the results of a folder: count each once, group by work and device, flag what cannot be."""
        if not folder.is_dir():
            raise UsageError(f"There is no folder {folder}.", hint="put the results into one folder, one file each")
        found = store.read_folder(folder)
        merged = merge_results(one.result for one in found if one.result is not None)
        bad = [one.error.message for one in found if one.error is not None]
        if as_json:
            console.print_json("bench", _data(merged, bad))
        else:
            print(console.to_printable(render(merged, bad)))
        return EXIT_GOOD

    return run_one("bench merge", body, args)


def _data(merged: Merged, bad: Sequence[str]) -> dict[str, Any]:
    rows = [{**vars(row), "n": len(row.steps_per_second), "median_steps_per_second": row.median} for row in merged.rows]
    return {"rows": rows, "duplicates": merged.duplicates, "impossible": merged.impossible, "unreadable": list(bad)}


def render(merged: Merged, bad: Sequence[str] = ()) -> str:
    """The table, one heading per workload, and what was left out."""
    lines: list[str] = []
    width = max((len(row.device) for row in merged.rows), default=0)
    heading = None
    for row in merged.rows:
        if heading != row.hash:
            lines += ["", f"{row.workload} {row.profile} ({row.hash})"]
            heading = row.hash
        low, high = row.steps_per_second[0], row.steps_per_second[-1]
        spread = f"{short(low)} to {short(high)}" if len(row.steps_per_second) > 1 else ""
        lines.append(f"  {row.device:<{width}}  {short(row.median):>8} it/s  n={len(row.steps_per_second)}  {spread}")
    lines = [line.rstrip() for line in lines] or ["no results"]
    lines += ["", f"{merged.duplicates} files hold a result that was counted already"] if merged.duplicates else []
    lines += ["", *(f"left out: {sentence}" for sentence in (*merged.impossible, *bad))]
    return "\n".join(lines).strip("\n")
