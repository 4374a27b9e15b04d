"""A server that stays up: the unit, the task of Windows, and the process that holds a distribution."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from dreamrig.errors import FailedError, NotReadyError
from generator.serve.upkeep import install as installing
from generator.serve.upkeep.install import UnitPlace
from generator.serve.upkeep.stay import BUSY, IDLE, Teller, has_work, stay
from generator.serve.upkeep.unit import UNIT, quoted, unit_folder, unit_text
from provision.machine.machine import Ran

SHOW = ("systemctl", "--user", "show", "--property=Version")
LINGER = ("loginctl", "show-user", "me", "--property=Linger")


@dataclass
class FakeMachine:
    """Programs that answer what a test says, and that are remembered."""

    environ: Mapping[str, str] = field(default_factory=dict)
    answers: dict[tuple[str, ...], Ran] = field(default_factory=dict)
    system: str = "linux"
    root: str = "/src"
    lingers: bool = False
    has_powershell: bool = True
    ran: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, *argv: str, timeout_seconds: float = 10.0, **more: Any) -> Ran:
        self.ran.append(argv)
        if argv in self.answers:
            return self.answers[argv]
        if argv[:2] == ("loginctl", "enable-linger"):
            self.lingers = True
        if argv == LINGER:
            return Ran(argv, 0, f"Linger={'yes' if self.lingers else 'no'}\n".encode())
        if argv[0] == "wslpath":
            return Ran(argv, 0, b"\\\\wsl.localhost\\Ubuntu\\src\\powershell\\serve.ps1\n")
        if argv[0].endswith("powershell.exe"):
            return Ran(argv, 0, b"The task DreamRig-Serve keeps the page up.\n")
        return Ran(argv, 0)

    def env(self, name: str) -> str | None:
        return self.environ.get(name)

    def exists(self, path: str) -> bool:
        return self.has_powershell and path.startswith("/src/powershell")

    def which(self, name: str) -> str | None:
        return f"/mnt/c/{name}"

    def read(self, path: str, limit: int = 0) -> bytes | None:
        return None

    @property
    def changes(self) -> list[tuple[str, ...]]:
        asks = {"show", "show-user", "is-active"}
        return [argv for argv in self.ran if not asks & set(argv) and argv[0] != "wslpath"]


@pytest.fixture
def place(tmp_path: Path) -> Callable[..., tuple[UnitPlace, FakeMachine, list[str]]]:
    def make(**changes: Any) -> tuple[UnitPlace, FakeMachine, list[str]]:
        machine = FakeMachine(**changes)
        said: list[str] = []
        made = UnitPlace(
            machine=machine,  # type: ignore[arg-type]  # as much of a machine as is asked for
            program="/home/me/d r/.venv/bin/dreamrig",
            unit_folder=tmp_path / "units",
            record=tmp_path / "home" / "serve" / "installed.json",
            working_directory=Path("/home/me"),
            environ={},
            user="me",
            say=said.append,
        )
        return made, machine, said

    return make


IN_WSL = {"WSL_DISTRO_NAME": "Ubuntu"}
UNIT_STEPS = [
    ("systemctl", "--user", "daemon-reload"),
    ("systemctl", "--user", "enable", "--now", UNIT),
    ("loginctl", "enable-linger", "me"),
]


def test_a_plain_linux_gets_the_unit_and_nothing_of_windows(place: Any) -> None:
    one, machine, _ = place()
    assert installing.install(one, is_dry=False) == 0
    assert machine.changes == UNIT_STEPS
    assert one.unit.read_text() == one.text
    assert 'ExecStart="/home/me/d r/.venv/bin/dreamrig" "serve" "run"' in one.text
    assert "Restart=on-failure" in one.text


def test_a_dry_run_shows_all_of_it_and_changes_nothing(place: Any) -> None:
    one, machine, said = place(environ=IN_WSL)
    assert installing.install(one, is_dry=True) == 0
    text = "\n".join(said)
    assert "would run: systemctl --user enable --now" in text
    assert "ExecStart" in text
    assert [argv[-1] for argv in machine.changes] == ["-WhatIf"]
    assert not one.unit.exists()
    assert not one.record.exists()


def test_inside_wsl_windows_gets_its_task_too(place: Any) -> None:
    one, machine, said = place(environ=IN_WSL)
    one = replace(one, environ={"DREAMRIG_HOME": "/data/rig"})
    installing.install(one, is_dry=False)
    asked = machine.changes[-1]
    assert machine.changes[:-1] == UNIT_STEPS
    assert asked[-6:] == ("-Distribution", "Ubuntu", "-Program", one.program, "-DataFolder", "/data/rig")
    assert "-Bypass" not in asked
    assert said[-1].startswith("The task DreamRig-Serve")


def test_a_distribution_without_systemd_gets_the_task_alone(place: Any) -> None:
    one, machine, said = place(environ=IN_WSL, answers={SHOW: Ran(SHOW, 1)})
    installing.install(one, is_dry=False)
    assert len(machine.changes) == 1
    assert not one.unit.exists()
    assert "boot.systemd true" in "\n".join(said)


def test_without_systemd_and_windows_nothing_is_promised(place: Any) -> None:
    one, machine, _ = place(answers={SHOW: Ran(SHOW, 127)})
    with pytest.raises(NotReadyError) as found:
        installing.install(one, is_dry=False)
    assert "serve run" in found.value.hint
    assert machine.changes == []


@pytest.mark.parametrize("step", UNIT_STEPS[:2])
def test_a_step_that_fails_is_told_with_what_systemd_said(place: Any, step: tuple[str, ...]) -> None:
    one, _, _ = place(answers={step: Ran(step, 1, err=b"Failed to connect to bus\n")})
    with pytest.raises(FailedError, match="Failed to connect to bus"):
        installing.install(one, is_dry=False)


def test_a_unit_that_does_not_run_and_a_user_who_does_not_linger_are_found(place: Any) -> None:
    active = ("systemctl", "--user", "is-active", UNIT)
    one, _, _ = place(answers={active: Ran(active, 3, b"failed\n")})
    with pytest.raises(FailedError, match="does not run: failed"):
        installing.install(one, is_dry=False)
    one, _, _ = place(answers={LINGER: Ran(LINGER, 0, b"Linger=no\n")})
    with pytest.raises(FailedError, match="does not linger"):
        installing.install(one, is_dry=False)


def test_what_windows_refuses_is_told_with_the_command_for_there(place: Any) -> None:
    one, machine, _ = place(environ=IN_WSL)
    real = machine.run

    def run(*argv: str, **more: Any) -> Ran:
        ran = real(*argv, **more)
        return Ran(argv, 4, err=b"error: Access is denied.\n") if argv[0].endswith(".exe") else ran

    machine.run = run
    with pytest.raises(NotReadyError, match=r"Access is denied\.") as found:
        installing.install(one, is_dry=False)
    assert f'-Program "{one.program}"' in found.value.hint
    assert one.unit.exists(), "the half that works is in place"
    gone, machine, _ = place(environ=IN_WSL, has_powershell=False)
    with pytest.raises(NotReadyError, match="half of Windows is not here"):
        installing.install(gone, is_dry=False)


@pytest.mark.parametrize("lingers", [False, True])
def test_uninstall_takes_back_what_install_did_and_no_more(place: Any, lingers: bool) -> None:
    one, machine, _ = place(environ=IN_WSL, lingers=lingers)
    installing.install(one, is_dry=False)
    installing.install(one, is_dry=False)
    assert json.loads(one.record.read_text()) == {"lingered": lingers}
    machine.ran.clear()
    assert installing.uninstall(one, is_dry=True) == 0
    assert one.unit.exists()
    assert installing.uninstall(one, is_dry=False) == 0
    assert (("loginctl", "disable-linger", "me") in machine.ran) is not lingers
    assert ("systemctl", "--user", "disable", "--now", UNIT) in machine.ran
    assert any("-Undo" in argv and "-WhatIf" not in argv for argv in machine.ran)
    assert not one.unit.exists()
    assert not one.record.exists()
    machine.ran.clear()
    assert installing.uninstall(one, is_dry=False) == 0, "there is nothing any more"


# ---- the unit's text


@pytest.mark.parametrize(
    ("word", "expected"), [("a b", '"a b"'), ('100% "$HOME"', '"100%% \\"$HOME\\""'), ("c:\\d", '"c:\\\\d"')]
)
def test_words_are_text_to_systemd(word: str, expected: str) -> None:
    assert quoted(word) == expected


def test_units_lie_where_systemd_looks() -> None:
    assert unit_folder({}, Path("/home/me")) == Path("/home/me/.config/systemd/user")
    assert unit_folder({"XDG_CONFIG_HOME": "/c"}, Path("/home/me")) == Path("/c/systemd/user")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
@pytest.mark.parametrize("folder", ["plain", "with space 100% $HOME"])
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path, folder: str) -> None:
    program = tmp_path / folder / "dreamrig"
    program.parent.mkdir()
    program.symlink_to(sys.executable)
    unit = tmp_path / UNIT

    def verify(text: str) -> str:
        unit.write_text(text)
        words = ["systemd-analyze", "--user", "verify", str(unit)]
        ran = subprocess.run(words, capture_output=True, text=True, check=False, env={"XDG_RUNTIME_DIR": str(tmp_path)})
        return "\n".join(line for line in ran.stderr.splitlines() if UNIT in line or str(program) in line)

    text = unit_text([str(program), "serve", "run"], tmp_path, {"DREAMRIG_HOME": "/data/100% mine"})
    assert verify(text) == ""
    assert verify(text.replace("Restart=", "Restrat=")) != "", "it would be noticed"
    assert verify(text.replace("dreamrig", "nothing")) != "", "also a program that is not there"


# ---- the process that a task of Windows runs


def test_it_says_once_when_pictures_begin_to_wait_and_once_when_none_does() -> None:
    def state(running: int, queued: int, mode: str = "drawing") -> dict[str, Any]:
        return {"counts": {"running": running, "queued": queued}, "mode": mode}

    states: list[Any] = [
        state(0, 0),
        state(0, 2),
        state(1, 1),
        NotReadyError("away"),
        state(1, 0),
        {"no": "state"},
    ]
    said: list[str] = []

    def ask() -> Any:
        found = states.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    teller = Teller(ask, said.append)
    for _ in range(6):
        teller.look()
    assert said == [BUSY, IDLE, BUSY, IDLE]
    assert has_work(state(1, 0, "draining"))
    assert not has_work(state(0, 3, "gaming"))


class Over(BaseException):
    """Ends a loop that has no end."""


def test_it_holds_a_unit_that_is_there_and_runs_the_server_itself_where_none_is(tmp_path: Path) -> None:
    def sleep(seconds: float) -> None:
        raise Over

    machine: Any = FakeMachine()
    teller = Teller(lambda: {"counts": {"running": 0, "queued": 0}, "mode": "drawing"}, lambda text: None, sleep)
    (tmp_path / UNIT).touch()
    with pytest.raises(Over):
        stay(machine, tmp_path, lambda: pytest.fail("a second server"), teller=teller)
    assert ("systemctl", "--user", "start", UNIT) in machine.ran

    def gone(text: str) -> None:
        raise BrokenPipeError

    unheard = Teller(lambda: {"counts": {"running": 1, "queued": 0}, "mode": "drawing"}, gone, sleep)
    assert stay(machine, tmp_path, lambda: pytest.fail("a second server"), teller=unheard) == 0
    (tmp_path / UNIT).unlink()
    quiet = Teller(teller.ask, teller.say, lambda seconds: None)
    quiet.tell_for_ever = lambda: None  # type: ignore[method-assign]  # its thread is not what is tested here
    assert stay(machine, tmp_path, lambda: 7, teller=quiet) == 7


def test_the_windows_half_waits_for_the_words_that_are_said() -> None:
    script = Path(__file__).parents[3] / "powershell" / "DreamRig" / "Desktop" / "stay.ps1"
    head, _, word = BUSY.partition(" ")
    assert f"^{head} (busy|idle)" in script.read_text("ascii")
    assert word == "busy"
