"""`dreamrig serve install` and `uninstall`: a unit of this user, and inside WSL a task of Windows that holds it all.

A distribution with running services is ended when no process of Windows uses it (microsoft/WSL 8854, 10157, 9968), and
vmIdleTimeout is about the virtual machine, not the distribution (11239): so the unit alone is not enough there.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dreamrig.errors import EXIT_GOOD, FailedError, NotReadyError
from dreamrig.paths import ensure_folder, write_atomic
from generator.serve.upkeep.unit import UNIT, unit_text
from provision.facts.collectors.windows import windows_path, windows_program
from provision.machine.machine import Machine, Ran

WINDOWS_SECONDS = 120.0
WITHOUT_SYSTEMD = "in WSL: sudo dreamrig setting wsl.conf boot.systemd true, then in Windows: wsl --shutdown"


@dataclass(frozen=True, kw_only=True)
class UnitPlace:
    """What is to be kept up, and where. Tests bring their own machine and folders."""

    machine: Machine
    program: str
    """Full path of dreamrig."""
    unit_folder: Path
    record: Path
    """What was there before, for the way back."""
    working_directory: Path
    environ: Mapping[str, str]
    """Variables that a service has to be given."""
    user: str
    say: Callable[[str], None] = print

    @property
    def unit(self) -> Path:
        """The unit's file."""
        return self.unit_folder / UNIT

    @property
    def distribution(self) -> str | None:
        """Its name in Windows; None outside of WSL."""
        return self.machine.env("WSL_DISTRO_NAME") or None

    @property
    def text(self) -> str:
        """The unit's text."""
        return unit_text([self.program, "serve", "run"], self.working_directory, self.environ)


def install(place: UnitPlace, *, is_dry: bool) -> int:
    """Keep it up from now on; is_dry: only say what would be done. NotReadyError where half of it cannot be."""
    has_systemd = knows_units(place.machine)
    if not has_systemd and place.distribution is None:
        raise NotReadyError(
            "This system has no systemd for users: nothing here keeps a program up.",
            hint=f"have your own init run: {shlex.join([place.program, 'serve', 'run'])}",
        )
    if has_systemd:
        install_unit(place, is_dry=is_dry)
    else:
        place.say("note: no systemd in this distribution, so the task of Windows runs the server itself.")
        place.say(f"      For a unit beside it, {WITHOUT_SYSTEMD}")
    if place.distribution is not None:
        ask_windows(place, task_words(place), is_dry=is_dry)
    return EXIT_GOOD


def uninstall(place: UnitPlace, *, is_dry: bool) -> int:
    """Take it all back; pictures and queue stay."""
    if place.distribution is not None:
        ask_windows(place, ["-Undo"], is_dry=is_dry)
    steps: list[tuple[str, ...]] = []
    if place.unit.exists():
        steps.append(("systemctl", "--user", "disable", "--now", UNIT))
    if steps and not lingered_before(place):
        steps.append(("loginctl", "disable-linger", place.user))
    for step in steps:
        do(place, step, is_dry=is_dry)
    if not steps:
        place.say(f"There is no {place.unit}.")
        return EXIT_GOOD
    place.say(f"{'would remove' if is_dry else 'removed'} {place.unit}")
    if not is_dry:
        place.unit.unlink(missing_ok=True)
        place.record.unlink(missing_ok=True)
    do(place, ("systemctl", "--user", "daemon-reload"), is_dry=is_dry)
    return EXIT_GOOD


def knows_units(machine: Machine) -> bool:
    """Whether a systemd of this user answers."""
    return machine.run("systemctl", "--user", "show", "--property=Version").good


def install_unit(place: UnitPlace, *, is_dry: bool) -> None:
    """Write the unit, start it, let it outlive the last logout; proven by asking systemd."""
    place.say(f"{'would write' if is_dry else 'writes'} {place.unit}:\n\n{place.text}")
    if not is_dry:
        remember(place)
        ensure_folder(place.unit_folder)
        write_atomic(place.unit, place.text.encode())
    for step in (
        ("systemctl", "--user", "daemon-reload"),
        ("systemctl", "--user", "enable", "--now", UNIT),
        ("loginctl", "enable-linger", place.user),
    ):
        do(place, step, is_dry=is_dry)
    if not is_dry:
        require(place.machine.run("systemctl", "--user", "is-active", UNIT), "The unit does not run", see="serve check")
        if not lingers(place):
            raise FailedError(
                f"{place.user} does not linger: the server would end with the last logout.",
                hint=f"run: sudo loginctl enable-linger {place.user}",
            )


def remember(place: UnitPlace) -> None:
    """Note whether the user lingered before; a second install does not forget it."""
    if not place.record.exists():
        ensure_folder(place.record.parent)
        write_atomic(place.record, json.dumps({"lingered": lingers(place)}).encode())


def lingers(place: UnitPlace) -> bool:
    """Whether this user's services outlive the last logout."""
    return "Linger=yes" in place.machine.run("loginctl", "show-user", place.user, "--property=Linger").text


def lingered_before(place: UnitPlace) -> bool:
    """What `remember` noted; True where nothing is known, so that nothing is taken away that was there."""
    try:
        return bool(json.loads(place.record.read_bytes())["lingered"])
    except (OSError, ValueError, KeyError, TypeError):
        return True


def do(place: UnitPlace, step: Sequence[str], *, is_dry: bool) -> None:
    """Run one step, or only name it."""
    place.say(f"{'would run' if is_dry else 'runs'}: {shlex.join(step)}")
    if not is_dry:
        require(place.machine.run(*step, timeout_seconds=60.0), f"{shlex.join(step)} failed")


def require(ran: Ran, sentence: str, see: str = "serve install --dry-run") -> None:
    """FailedError with what the program said, unless it ended well."""
    if not ran.good:
        raise FailedError(f"{sentence}: {ran.first_line or ran.why_not}.", hint=f"see: dreamrig {see}")


# ---- the half of Windows


def task_words(place: UnitPlace) -> list[str]:
    """What serve.ps1 is told."""
    words = ["-Distribution", place.distribution or "", "-Program", place.program]
    folder = place.environ.get("DREAMRIG_HOME")
    return [*words, "-DataFolder", folder] if folder else words


def ask_windows(place: UnitPlace, words: Sequence[str], *, is_dry: bool) -> None:
    """Run powershell/serve.ps1 on Windows. NotReadyError with the command to type there where that is not possible."""
    script = f"{place.machine.root}/powershell/serve.ps1"
    if not place.machine.exists(script):
        raise NotReadyError(
            f"There is no {script}: the half of Windows is not here.",
            hint=f"take the folder powershell from a release, and on Windows run: serve.ps1 {typed_in_windows(words)}",
        )
    there = windows_path(place.machine, script) or script
    words = [*words, "-WhatIf"] if is_dry else list(words)
    asked = ["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File", there, *words]
    place.say(f"runs on Windows: powershell {shlex.join(asked)}")
    shell = windows_program(place.machine, "powershell.exe", "System32/WindowsPowerShell/v1.0/powershell.exe")
    ran = place.machine.run(shell, *asked, timeout_seconds=WINDOWS_SECONDS)
    if ran.good:
        place.say(ran.text.strip())
        return
    reason = ran.error_text.strip().splitlines() or [ran.first_line or ran.why_not]
    raise NotReadyError(
        f"The half of Windows is not in place: {reason[0].removeprefix('error: ')}",
        hint=f"on Windows, run: powershell {typed_in_windows(asked)}",
    )


def typed_in_windows(words: Sequence[str]) -> str:
    """Words as one types them there."""
    return " ".join(f'"{word}"' if " " in word else word for word in words)
