"""Which statements of the PowerShell scripts the tests reach.

    python tests/powershell/coverage/statement_coverage.py [--edition pwsh] [--record] [TEST ...]

Copies the checkout, lets Add-Tracer.ps1 put a note in front of every statement of `powershell/`, and runs the tests
there; without TEST all that start the scripts, which takes minutes. `--record` writes what was found of the places
that a person meets when something goes wrong (every catch, throw and blocked step) to branches.json, where
test_ps_branches.py asks for a test or a reason.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
TRACER = HERE / "Add-Tracer.ps1"
RECORD = HERE / "branches.json"
REACHED = "reached"
LEFT_OUT = ("test_ps_static.py", "test_ps_branches.py", "test_ps_release.py", "test_ps_knowledge_commands.py")
"""Tests that read the scripts as text: there is nothing to trace in them."""


class Statement(NamedTuple):
    """One statement of a script; `kind` is catch, throw, blocked or ''."""

    id: int
    file: str
    line: int
    function: str
    text: str
    kind: str
    starts_block: bool

    @property
    def key(self) -> str:
        """What it is recorded by: no line number, so that an edit elsewhere does not move it."""
        return f"{self.kind}: {self.file} {self.function}: {self.text}"


def list_statements(scripts: Path, *, change: bool = False) -> list[Statement]:
    """Every statement of the scripts below a folder; with `change` the scripts are rewritten to note themselves."""
    command = [_pwsh(), "-NoProfile", "-File", str(TRACER), "-Root", str(scripts), *(["-Change"] if change else [])]
    listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return [Statement(**each) for each in json.loads(listed)]


def watched(statements: Iterable[Statement]) -> list[Statement]:
    """Those that a person meets when something goes wrong: they need a test, or a reason."""
    return [one for one in statements if one.kind]


def percent(statements: Sequence[Statement], reached: set[int]) -> float:
    """How many of a hundred statements were reached."""
    return 100.0 * sum(one.id in reached for one in statements) / len(statements)


def render(statements: Sequence[Statement], reached: set[int], *, listed: bool) -> str:
    """A line for each file that is not reached as a whole, the sum, and the statements themselves."""
    lines = []
    for file in sorted({one.file for one in statements}):
        of_file = [one for one in statements if one.file == file]
        missed = [one for one in of_file if one.id not in reached]
        if missed:
            lines.append(f"{percent(of_file, reached):5.1f} %  {len(missed):3} of {len(of_file):3} missed  {file}")
        if listed:
            lines += [f"           {one.line:4}  {one.kind or '-':7}  {one.text[:110]}" for one in missed]
    branches = [one for one in statements if one.starts_block]
    kinds = Counter(one.kind for one in watched(statements) if one.id in reached)
    lines.append(f"statements {percent(statements, reached):.1f} % of {len(statements)}")
    lines.append(f"blocks     {percent(branches, reached):.1f} % of {len(branches)}")
    for kind, count in sorted(Counter(one.kind for one in watched(statements)).items()):
        lines.append(f"{kind:10} {kinds[kind]} of {count}")
    return "\n".join(lines)


def record(statements: Iterable[Statement], reached: set[int], before: Mapping[str, str]) -> dict[str, str]:
    """Key of each watched statement -> "reached", or the reason that stood there before, or ''."""
    found: dict[str, str] = {}
    for one in watched(statements):
        reason = before.get(one.key, "")
        missed = "" if reason == REACHED else reason
        # Where two read alike, both have to be reached.
        found[one.key] = REACHED if one.id in reached and found.get(one.key, REACHED) == REACHED else missed
    return dict(sorted(found.items()))


def trace(folder: Path, edition: str, tests: Sequence[str]) -> tuple[list[Statement], set[int], int]:
    """The statements of a traced copy of the checkout in `folder`, the ids the tests reached, pytest's exit code."""
    _copy_checkout(folder)
    statements = list_statements(folder / "powershell", change=True)
    notes = folder / "reached"
    notes.mkdir()
    environment = {**os.environ, "DREAMRIG_REACHED": str(notes / "notes")}
    chosen = list(tests) or [str(path.relative_to(ROOT)) for path in sorted((HERE.parent).glob("test_*.py"))
                             if path.name not in LEFT_OUT]  # fmt: skip
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen]
    if edition != "both":
        command += ["-k", f"not {({'pwsh', 'powershell'} - {edition}).pop()}]"]
    code = subprocess.run(command, cwd=folder, env=environment, check=False).returncode
    reached = {int(line) for note in notes.iterdir() for line in note.read_text("ascii").split()}
    return statements, reached, code


def _copy_checkout(folder: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def _pwsh() -> str:
    path = os.pathsep.join(filter(None, [os.environ.get("DREAMRIG_PWSH"), os.environ.get("PATH")]))
    found = shutil.which("pwsh", path=path)
    if found is None:
        sys.exit("no pwsh on PATH nor in DREAMRIG_PWSH")
    return found


def main(arguments: Sequence[str]) -> int:
    """Trace, print, record; the exit code is pytest's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="*", help="files or names for pytest; all that start the scripts without")
    parser.add_argument("--edition", choices=("powershell", "pwsh", "both"), default="powershell")
    parser.add_argument("--record", action="store_true", help="write branches.json")
    parser.add_argument("--list", action="store_true", help="print every statement that was not reached")
    parser.add_argument("--json", type=Path, help="also write what was reached, as {statements, reached}")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        statements, reached, code = trace(Path(made), asked.edition, asked.tests)
    print(render(statements, reached, listed=asked.list))
    if asked.json:
        found = {"statements": [one._asdict() for one in statements], "reached": sorted(reached)}
        asked.json.write_text(json.dumps(found), "utf-8")
    if asked.record:
        before: dict[str, str] = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
        RECORD.write_text(json.dumps(record(statements, reached, before), indent=1) + "\n", "utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
