"""The words of `dreamrig serve install` and `uninstall`, and the places that they mean on this machine."""

from __future__ import annotations

import getpass
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from dreamrig import console, settings
from dreamrig.errors import EXIT_GOOD, EXIT_PROBLEM_FOUND, NotReadyError
from dreamrig.settings import PROJECT_FILE
from generator.serve import reach
from generator.serve.home import Home, read_address, this_home
from generator.serve.settings import ServeSettings, load_settings
from generator.serve.upkeep import check as checking
from generator.serve.upkeep import install as installing
from generator.serve.upkeep.install import UnitPlace
from generator.serve.upkeep.situation import Situation, as_it_runs, look, reach_test
from generator.serve.upkeep.stay import stay
from generator.serve.upkeep.unit import unit_folder
from provision.machine.local import ThisMachine
from provision.machine.machine import Machine

Dry = Annotated[bool, typer.Option("--dry-run", "-n", help="Only show what would be done.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]
LASTING = "DREAMRIG_HOME"


def add_to(app: Any) -> None:
    """Put the commands into `dreamrig serve`."""

    @app.command("install")  # type: ignore[untyped-decorator]  # typer is imported as Any here
    def install(dry_run: Dry = False) -> int:
        """Keep the server up: a systemd unit, and inside WSL a task of Windows that holds the distribution."""
        return installing.install(this_place(), is_dry=dry_run)

    @app.command("check")  # type: ignore[untyped-decorator]  # as above
    def check(as_json: Json = False) -> int:
        """Is everything in order? Findings with the next command; 3 where something is wrong."""
        return print_check(look(this_home(), this_settings(), ThisMachine()), as_json=as_json)

    @app.command("reach")  # type: ignore[untyped-decorator]  # as above
    def reach_command(as_json: Json = False) -> int:
        """How friends can reach this machine: ways, commands, risks; and whether its addresses lead here."""
        return print_reach(this_home(), this_settings(), ThisMachine(), as_json=as_json)

    @app.command("uninstall")  # type: ignore[untyped-decorator]  # as above
    def uninstall(dry_run: Dry = False) -> int:
        """Take that back; pictures and queue stay."""
        return installing.uninstall(this_place(), is_dry=dry_run)


def this_settings() -> ServeSettings:
    """As they are set here, and by flags of the server that runs."""
    return as_it_runs(this_home(), load_settings({}, settings.load_sources()))


def print_check(seen: Situation, *, as_json: bool) -> int:
    """All findings; EXIT_PROBLEM_FOUND where one is wrong."""
    findings = checking.judge(seen)
    is_wrong = checking.is_wrong(findings)
    if as_json:
        console.print_json("serve check", {"findings": [one.to_dict() for one in findings]}, ok=not is_wrong)
    else:
        print("\n".join(checking.lines(findings)))
    return EXIT_PROBLEM_FOUND if is_wrong else EXIT_GOOD


def print_reach(home: Home, own: ServeSettings, machine: Machine, *, as_json: bool) -> int:
    """The ways, and whether the running server's addresses lead to it; EXIT_PROBLEM_FOUND where one does not."""
    found = reach.ways(own, reach.look_around(machine))
    tried = reach_test(home, own, machine, None) if read_address(home) is not None else ()
    is_wrong = any(not one.is_us for one in tried)
    if as_json:
        told = {"ways": [asdict(one) for one in found], "tried": [asdict(one) for one in tried]}
        console.print_json("serve reach", told, ok=not is_wrong)
        return EXIT_PROBLEM_FOUND if is_wrong else EXIT_GOOD
    print(reach.advice(found))
    print("\nTried just now:" if tried else "\nNo server runs: start it, and this tries the addresses.")
    for one in tried:
        print(f"  {'good ' if one.is_us else 'wrong'}  {one.sentence}{'  ' + one.fix if one.fix else ''}")
    return EXIT_PROBLEM_FOUND if is_wrong else EXIT_GOOD


def stay_here(run_here: Callable[[], int]) -> int:
    """`serve run --stay` on this machine."""
    return stay(ThisMachine(), unit_folder(os.environ, Path.home()), run_here)


def this_place() -> UnitPlace:
    """What `serve install` means here; NotReadyError where dreamrig is no program of its own."""
    beside = Path(sys.executable).with_name("dreamrig")
    program = str(beside) if beside.is_file() else shutil.which("dreamrig")
    if program is None:
        raise NotReadyError(
            "There is no program dreamrig beside this Python.", hint="call it by ./rig: ./rig serve install"
        )
    here = Path.cwd()
    for name in sorted(os.environ):
        if name.startswith("DREAMRIG_SERVE_"):
            console.print_note(f"note: a service does not see {name}: put it into the file of settings")
    return UnitPlace(
        machine=ThisMachine(),
        program=program,
        unit_folder=unit_folder(os.environ, Path.home()),
        record=this_home().folder / "installed.json",
        working_directory=here if (here / PROJECT_FILE).is_file() else Path.home(),
        environ={LASTING: str(this_home().root)} if os.environ.get(LASTING) else {},
        user=getpass.getuser(),
    )
