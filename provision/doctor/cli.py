"""`dreamrig doctor | facts`: the words after the command in, the exit code out.

typer, rich and every check are imported by the functions that need them. torch never is: probes run in child processes.
"""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from dreamrig import console, paths
from dreamrig.command import run_one
from dreamrig.errors import EXIT_GOOD, RigError
from dreamrig.paths import given
from provision.machine.machine import stopped_at_the_end
from provision.show import print_lines, printable

if TYPE_CHECKING:
    from provision.doctor.checkup import Checkup
    from provision.facts.facts import Facts
    from provision.machine.machine import Machine

REPORT_HERE, ON_STDOUT = ".", "-"
"""What stands for --report without a file, and for the report as the answer."""


def _this_machine() -> "Machine":
    from provision.machine.local import ThisMachine

    return ThisMachine()


@dataclass(frozen=True, kw_only=True)
class DoctorDoor:
    """What the commands take from outside; tests bring their own."""

    machine: "Callable[[], Machine]" = _this_machine
    folder: Callable[[], Path] = paths.data_folder
    """Where the doctor remembers what failed."""
    report_folder: Callable[[], Path] = Path.cwd
    width: Callable[[], int] = field(default=lambda: min(shutil.get_terminal_size().columns, 120))
    """Columns, also in a pipe."""


def doctor(args: list[str], door: DoctorDoor | None = None) -> int:
    """`dreamrig doctor …`; returns 0 where every link holds, 3 where one is broken, 4 where a named one was skipped."""
    import typer

    door = door or DoctorDoor()

    def body(
        names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these checks.")] = None,
        check: Annotated[list[str] | None, typer.Option("--check", metavar="NAME", help="Only this check.")] = None,
        since_fix: Annotated[bool, typer.Option("--since-fix", help="Only what failed the last time.")] = False,
        report: Annotated[
            str | None, typer.Option("--report", metavar="[FILE]", help="Also write a file for a bug report.")
        ] = None,
        facts: Annotated[
            Path | None, typer.Option("--facts", metavar="FILE", help="Facts from elsewhere: a Windows half, or all.")
        ] = None,
        list_: Annotated[bool, typer.Option("--list", help="List the checks, in fixing order.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """Follow the chain from the firmware to a kernel on the GPU; say which link is broken, and how to mend it."""
        wish = Wish([*(names or ()), *(check or ())], since_fix, report, facts, as_json)
        with stopped_at_the_end(door.machine()) as machine:
            return _list(machine, wish) if list_ else _doctor(machine, wish, door)

    words = _with_report_file(args)
    return run_one("doctor", body, words)


@dataclass(frozen=True)
class Wish:
    """What the command line of the doctor asks for."""

    names: list[str]
    since_fix: bool
    report: str | None
    facts: Path | None
    as_json: bool


def _with_report_file(args: list[str]) -> list[str]:
    """`--report` without a file behind it gets a value, which the parser insists on."""
    words = []
    for index, word in enumerate(args):
        words.append(word)
        follower = args[index + 1] if index + 1 < len(args) else "--"
        if word == "--report" and follower != ON_STDOUT and follower.startswith("-"):
            words.append(REPORT_HERE)
    return words


def _given(wish: Path | None) -> "Facts | None":
    from provision.facts.facts import load_facts

    return None if wish is None else load_facts(wish)


def _list(machine: "Machine", wish: Wish) -> int:
    from provision.doctor.checks import CHECKS
    from provision.doctor.render import render_list
    from provision.facts.collectors.linux import find_place

    if wish.as_json:
        listed = [
            {"check": each.name, "asks": each.asks, "places": each.places, "needs": each.needs} for each in CHECKS
        ]
        console.print_json("doctor", {"checks": listed})
    else:
        print_lines(render_list(find_place(machine)))
    return EXIT_GOOD


def _doctor(machine: "Machine", wish: Wish, door: DoctorDoor) -> int:
    from provision.doctor.checks import CHECKS
    from provision.doctor.checkup import examine, require_names
    from provision.facts.collectors.linux import find_place

    given = _given(wish.facts)
    place = given.place if given is not None and given.get("linux") is not None else find_place(machine)
    names = _names(wish, door)
    if wish.since_fix and not names:
        return _nothing_to_repeat(wish)
    require_names(CHECKS, names, place)
    checkup = replace(examine(machine, CHECKS, given, names), asked=tuple(wish.names))
    for note in checkup.notes:
        console.print_note(note)
    if given is None:
        _remember(checkup, names, door)
    if wish.report == ON_STDOUT:
        print(printable(_render_report(machine, checkup)), end="")
    else:
        _print(checkup, wish, door, _write_report(machine, wish, checkup, door))
    return checkup.exit_code


def _names(wish: Wish, door: DoctorDoor) -> list[str]:
    from provision.doctor.remember import recall

    return list(dict.fromkeys([*wish.names, *(recall(door.folder()) if wish.since_fix else ())]))


def _nothing_to_repeat(wish: Wish) -> int:
    if wish.as_json:
        console.print_json("doctor", {"findings": [], "first_broken": None, "next": None})
    else:
        print("Nothing failed the last time. The whole chain: dreamrig doctor")
    return EXIT_GOOD


def _remember(checkup: "Checkup", names: list[str], door: DoctorDoor) -> None:
    """Note what to look at again; what was not looked at this time stays noted. A full disk costs the note alone."""
    from provision.doctor.remember import recall, remember, to_repeat

    try:
        kept = [name for name in recall(door.folder()) if name not in names] if names else []
    except RigError:
        kept = []
    try:
        remember(door.folder(), [*kept, *to_repeat(checkup.findings)])
    except RigError as error:
        console.print_note(f"note: --since-fix will not work: {error}")


def _render_report(machine: "Machine", checkup: "Checkup") -> str:
    from provision.doctor.report import render_report
    from provision.facts.redact import make_redactor

    return render_report(checkup, make_redactor(machine, checkup.facts))


def _name_of(word: str) -> str:
    """The file that a word names, in the folder of reports where it names none; UsageError where no file can be it."""
    given(word, "--report")
    return str(Path(word).expanduser())


def _write_report(machine: "Machine", wish: Wish, checkup: "Checkup", door: DoctorDoor) -> Path | None:
    from provision.doctor.report import default_name, write_report

    if wish.report is None:
        return None
    name = default_name() if wish.report == REPORT_HERE else _name_of(wish.report)
    write_report(path := door.report_folder() / name, _render_report(machine, checkup))
    return path


def _print(checkup: "Checkup", wish: Wish, door: DoctorDoor, written: Path | None) -> None:
    from provision.doctor.render import plain, render_checkup

    if wish.as_json:
        data = {**checkup.to_dict(), **({"report": str(written)} if written else {})}
        console.print_json("doctor", data, ok=checkup.exit_code == EXIT_GOOD)
        return
    if written is not None:
        console.print_note(f"report: {written}")
    more = [plain("Mended? Look again at what failed: dreamrig doctor --since-fix", "dim")]
    lines = list(render_checkup(checkup, door.width()))
    print_lines([*lines[:-1], *(more if checkup.first_broken and sys.stdout.isatty() else ()), lines[-1]])


# ---- facts ---------------------------------------------------------------------------------------------------------


def facts(args: list[str], door: DoctorDoor | None = None) -> int:
    """`dreamrig facts …`; returns the exit code."""
    import typer

    door = door or DoctorDoor()

    def body(
        file: Annotated[
            Path | None, typer.Option("--facts", metavar="FILE", help="Facts from elsewhere, to be filled up here.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    ) -> int:
        """Print what can be read about this machine, and why the rest cannot."""
        from provision.doctor.render import render_facts
        from provision.facts.survey import probe_facts

        with stopped_at_the_end(door.machine()) as machine:
            found = probe_facts(machine, _given(file))
        if as_json:
            console.print_json("facts", {"facts": found.to_json()})
        else:
            print_lines(render_facts(found))
        return EXIT_GOOD

    return run_one("facts", body, args)
