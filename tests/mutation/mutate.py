"""Breaks the code in one place at a time and asks the nearest tests: `python tests/mutation/mutate.py --count 200`.

A mutant is one small change of one expression (DeMillo, Lipton and Sayward, "Hints on Test Data Selection", 1978):
a comparison's edge, a sign, a number, `and` for `or`, an argument exchanged with its neighbour, an index, a condition
turned round. One that no test notices survives, and is printed with its place. The sample is drawn from a seed, the
same number for each area, so that a later pass asks the same questions of unchanged code.

The tests that run the changed line are asked, the quickest first, known from a run under coverage.py (`pip install
coverage`); where none does in this process, the whole area. What only tests in other processes would notice may count
as a survivor: `--survivors FILE` asks the whole area about those of an earlier pass. It works on a copy, needs minutes
to hours, and is no part of the suite.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 1200.0
"""Until a mutant counts as noticed: it never ends."""
NOTING_SECONDS = 4 * 3600.0
NEAREST_SECONDS, MOST_NEAREST = 20.0, 60
"""The tests that are asked first: what most mutants die of."""
TOLD_LINES = 30
"""Of what pytest says when an area fails before anything is changed."""
AREAS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "engine": (("generator/engine",), ("tests/generator/engine",)),
    "bench statistics": (
        ("bench/result", "bench/measure/ab.py", "bench/compare"),
        ("tests/bench/result", "tests/bench/measure", "tests/bench/compare", "tests/bench/cli"),
    ),
    "diagnosis": (("provision/diagnosis",), ("tests/provision/diagnosis",)),
    "runs": (
        ("generator/runs", "generator/work", "generator/sinks"),
        ("tests/generator/runs", "tests/generator/work", "tests/generator/sinks", "tests/generator/front/cli"),
    ),
    "download": (("generator/weights",), ("tests/generator/weights",)),
}
COMPARISONS: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
SUMS: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change."""

    area: str
    file: str
    line: int
    before: str
    after: str
    source: str
    """The whole file, changed."""


def mutants_of(area: str, file: Path) -> Iterator[Mutant]:
    """Every mutant of a file."""
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    skipped = set(_skipped(tree))
    for node in ast.walk(tree):
        if id(node) in skipped or not hasattr(node, "lineno"):
            continue
        for changed in _changes(node):
            yield Mutant(
                area,
                str(file.relative_to(ROOT)),
                node.lineno,
                ast.unparse(node),
                ast.unparse(changed),
                _replaced(text, node, changed),
            )


def _skipped(tree: ast.Module) -> Iterator[int]:
    """Annotations, decorators and what only type checkers run."""
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef):
            parts = [node.returns, *node.decorator_list, *(one.annotation for one in _arguments(node.args))]
        elif isinstance(node, ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        ):
            parts = [node]
        for part in filter(None, parts):
            yield from (id(inside) for inside in ast.walk(part))


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def _changes(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
        yield ast.Compare(node.left, [COMPARISONS[type(node.ops[0])]()], node.comparators)
    elif (
        isinstance(node, ast.BinOp)
        and type(node.op) in SUMS
        and not isinstance(node.left, ast.Constant | ast.JoinedStr)
    ):
        yield ast.BinOp(node.left, SUMS[type(node.op)](), node.right)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.Call) and _has_order(node):
        changed = copy.deepcopy(node)
        changed.args[0], changed.args[1] = changed.args[1], changed.args[0]
        yield changed


def _has_order(call: ast.Call) -> bool:
    """Whether its first two arguments mean something else when they are exchanged."""
    if len(call.args) < 2 or any(isinstance(one, ast.Starred) for one in call.args):
        return False
    of_any_order = isinstance(call.func, ast.Name) and call.func.id in ("max", "min")
    return not of_any_order and ast.dump(call.args[0]) != ast.dump(call.args[1])


def _replaced(text: str, node: ast.AST, changed: ast.expr) -> str:
    """The text with the node's own characters exchanged; columns count bytes of UTF-8."""
    lines = text.encode().splitlines(keepends=True)
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1  # type: ignore[attr-defined]  # has a place
    head = lines[first][: node.col_offset]  # type: ignore[attr-defined]  # as above
    tail = lines[last][node.end_col_offset :]  # type: ignore[attr-defined]  # as above
    middle = f"({ast.unparse(changed)})".encode()
    return b"".join([*lines[:first], head + middle + tail, *lines[last + 1 :]]).decode()


def draw(count: int, seed: int, areas: list[str]) -> list[Mutant]:
    """`count` mutants, as many of each area as of any other."""
    chosen: list[Mutant] = []
    for number, area in enumerate(areas):
        files = [file for place in AREAS[area][0] for file in sorted(_files(ROOT / place))]
        every = [mutant for file in files for mutant in mutants_of(area, file)]
        share = count // len(areas) + (number < count % len(areas))
        chosen += random.Random(seed).sample(every, min(share, len(every)))
    return chosen


def _files(place: Path) -> list[Path]:
    return [place] if place.is_file() else list(place.rglob("*.py"))


@dataclass(frozen=True)
class Notes:
    """Which test runs which line of an area, and how long it takes (noting.py)."""

    seconds: Mapping[str, float]
    lines: Mapping[str, Mapping[str, list[str]]]

    def asked(self, mutant: Mutant) -> list[str]:
        """The tests that run the line, quickest first; of a line that runs when a module is loaded, all of its file."""
        lines = self.lines.get(mutant.file, {})
        tests = set(lines.get(str(mutant.line), [])) or {test for found in lines.values() for test in found}
        return sorted(tests, key=lambda test: self.seconds.get(test, LONGEST_SECONDS))

    def nearest(self, tests: Sequence[str]) -> list[str]:
        """The first of them that take no more than NEAREST_SECONDS together, one at least."""
        totals = accumulate(self.seconds.get(test, LONGEST_SECONDS) for test in tests[:MOST_NEAREST])
        return [test for test, total in zip(tests, totals, strict=False) if total <= NEAREST_SECONDS] or [*tests[:1]]


def note(area: str, workplace: Path) -> Notes:
    """The area's tests run once, unchanged; ends the program where they fail."""
    file = workplace / "notes.json"
    ran = ask(AREAS[area][1], workplace, "-p", "noting", longest_seconds=NOTING_SECONDS, NOTES=str(file))
    if ran.returncode:
        said = "\n".join((ran.stdout + ran.stderr).splitlines()[-TOLD_LINES:])
        sys.exit(f"{said}\nThe tests of {area} fail without any change: nothing could be told.")
    return Notes(**json.loads(file.read_text(encoding="utf-8")))


def survivors_of(file: Path, drawn: Sequence[Mutant]) -> list[Mutant]:
    """Those of the drawn mutants that survived an earlier pass of the same seed and count."""
    rows = json.loads(file.read_text(encoding="utf-8"))
    left = {(row["file"], row["line"], row["before"], row["after"]) for row in rows if not row["killed"]}
    return [one for one in drawn if (one.file, one.line, one.before, one.after) in left]


def is_killed(mutant: Mutant, workplace: Path, notes: Notes) -> bool:
    """Whether a test fails, or none comes to an end in time: the nearest are asked first, then the others."""
    target = workplace / mutant.file
    before = target.read_text(encoding="utf-8")
    target.write_text(mutant.source, encoding="utf-8")
    try:
        tests = notes.asked(mutant)
        nearest = notes.nearest(tests)
        if nearest and not passes(nearest, workplace):
            return True
        others = tests[len(nearest) :] if tests else AREAS[mutant.area][1]
        return bool(others) and not passes(others, workplace)
    except subprocess.TimeoutExpired:
        return True
    finally:
        target.write_text(before, encoding="utf-8")


def passes(tests: Sequence[str], workplace: Path) -> bool:
    """Whether these tests are content with what lies in the workplace."""
    return ask(tests, workplace).returncode == 0


def ask(
    tests: Sequence[str], workplace: Path, *words: str, longest_seconds: float = LONGEST_SECONDS, **variables: str
) -> subprocess.CompletedProcess[str]:
    """What pytest says of these tests there; the first failure ends it."""
    path = os.pathsep.join([str(workplace), str(workplace / "tests" / "mutation")])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *words, *tests],
        cwd=workplace, env=environment, capture_output=True, text=True, timeout=longest_seconds, check=False,
    )  # fmt: skip


def copy_tracked(workplace: Path) -> None:
    """Every file that git knows, as it is now."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        (workplace / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, workplace / name, follow_symlinks=False)


def main() -> None:
    """Draw, ask, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--area", action="append", choices=list(AREAS), help="only this one; may be given again")
    parser.add_argument("--survivors", type=Path, help="the --out of an earlier pass: ask the whole area about them")
    parser.add_argument("--out", type=Path, help="a JSON file with every mutant and its end")
    args = parser.parse_args()
    areas = args.area or list(AREAS)
    drawn = draw(args.count, args.seed, areas)
    if args.survivors:
        drawn = survivors_of(args.survivors, drawn)
    ends: list[tuple[Mutant, bool]] = []
    with tempfile.TemporaryDirectory() as folder:
        workplace = Path(folder) / "copy"
        workplace.mkdir()
        copy_tracked(workplace)
        notes = {area: Notes({}, {}) if args.survivors else note(area, workplace) for area in areas}
        for number, mutant in enumerate(drawn, 1):
            killed = is_killed(mutant, workplace, notes[mutant.area])
            ends.append((mutant, killed))
            if not killed:
                print(f"survived  {mutant.file}:{mutant.line}  {mutant.before}  ->  {mutant.after}", flush=True)
            print(f"{number}/{len(drawn)}", end="\r", file=sys.stderr, flush=True)
            if args.out:
                rows = [{**asdict(one), "source": "", "killed": end} for one, end in ends]
                args.out.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    for area in areas:
        found = [killed for mutant, killed in ends if mutant.area == area]
        print(f"{area}: {sum(found)} of {len(found)} killed")
    total = [killed for _, killed in ends]
    print(f"all: {sum(total)} of {len(total)} killed, {sum(total) / max(1, len(total)):.1%}")


if __name__ == "__main__":
    main()
