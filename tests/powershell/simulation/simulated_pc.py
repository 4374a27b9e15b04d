"""One simulated PC as tests see it: a folder, a PowerShell, a state and a log. See conftest.py for how to use it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import simulated_machine as machine
import stubs

SIMULATION = Path(__file__).resolve().parent
ROOT = SIMULATION.parents[2]
EDITIONS = ("pwsh", "powershell")
NATIVE = ("bcdedit", "dism", "nvidia-smi", "secedit", "shutdown", "whoami", "wsl", "schtasks", "msiexec", "powercfg",
          "compact", "cipher", "reg", "sc", "manage-bde", "subst", "powershell", "explorer", "netsh")  # fmt: skip
MODULE = ROOT / "powershell" / "DreamRig" / "DreamRig.psd1"
PATIENCE_SECONDS = 600  # a guard against hanging, no measurement: a busy machine takes minutes


class Call(NamedTuple):
    """One thing that was asked of Windows; `boots` counts the restarts before it."""

    command: str
    arguments: Any
    boots: int
    changes: bool

    @property
    def line(self) -> str:
        """The call as one would type it, for comparing executables' calls."""
        if isinstance(self.arguments, list):
            return " ".join([self.command, *self.arguments])
        return " ".join([self.command, *(f"-{name} {value}" for name, value in self.arguments.items())])


@dataclass(frozen=True)
class Ran:
    """What a script left: exit code and both streams."""

    code: int
    out: str
    err: str

    @cached_property
    def json(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        assert not self.out.startswith("\ufeff"), "standard output begins with a byte order mark"
        return json.loads(self.out)


def find_powershell(edition: str) -> str | None:
    """Path of `pwsh` or `powershell`, in DREAMRIG_PWSH first, then on PATH; None where there is none."""
    folders = os.pathsep.join(filter(None, [os.environ.get("DREAMRIG_PWSH"), os.environ.get("PATH")]))
    return shutil.which(edition, path=folders)


def require_powershell(edition: str = "pwsh") -> str:
    """The path, or a skip that says why; a failure where DREAMRIG_REQUIRE_PWSH=1 says that there must be one."""
    found = find_powershell(edition)
    if found:
        return found
    reason = f"no {edition} on PATH nor in DREAMRIG_PWSH"
    if os.environ.get("DREAMRIG_REQUIRE_PWSH") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class SimulatedWindows:
    """One PC: its state, its log, and a way to run scripts on it."""

    def __init__(self, folder: Path, edition: str, state: machine.State) -> None:
        self.folder, self.edition = folder, edition
        self.home = folder / "Users" / "J\u00f6rg M\u00fcller"
        self.program_data = folder / "ProgramData"
        self.system_root = folder / "Windows"
        self._make_folders()
        self._make_executables()
        (folder / "stubs.ps1").write_text(stubs.render_stubs(), "utf-8")
        machine.write(folder / "state.json", state)

    def _make_folders(self) -> None:
        windows = (self.system_root / "System32", self.system_root / "Temp")
        for path in (*windows, self.home / "AppData" / "Local" / "Temp", self.program_data, self.folder / "codes"):
            path.mkdir(parents=True)

    def _make_executables(self) -> None:
        for name in NATIVE:
            path = self.system_root / "System32" / f"{name}.exe"
            path.write_text(
                f'#!/bin/sh\nexec "{sys.executable}" -ES "{SIMULATION}/simulated_native.py" {name}.exe "$@"\n'
            )
            path.chmod(0o755)

    @property
    def state(self) -> machine.State:
        """The scenario as the commands left it."""
        return machine.read(self.folder / "state.json")

    def patch(self, patch: machine.State) -> None:
        """Change the scenario by a merge patch."""
        machine.write(self.folder / "state.json", machine.settle(machine.merge(self.state, patch)))

    def restart(self) -> None:
        """Turn the machine off and on again."""
        machine.write(self.folder / "state.json", machine.restart(self.state))

    @property
    def calls(self) -> list[Call]:
        """Everything that was asked of Windows, in order."""
        log = self.folder / "calls.jsonl"
        lines = log.read_text("utf-8").splitlines() if log.exists() else []
        return [Call(**json.loads(line)) for line in lines]

    @property
    def changes(self) -> list[Call]:
        """The calls that change something."""
        return [call for call in self.calls if call.changes]

    def forget_calls(self) -> None:
        """Empty the log."""
        (self.folder / "calls.jsonl").unlink(missing_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a process on this PC."""
        return {**os.environ, **self.own_environment}

    @property
    def own_environment(self) -> dict[str, str]:
        """The variables that Windows sets."""
        system32 = self.system_root / "System32"
        local = self.home / "AppData" / "Local"
        return {
            "PATH": os.pathsep.join([str(system32), os.environ.get("PATH", "")]),
            "OS": "Windows_NT",
            "SystemRoot": str(self.system_root),
            "windir": str(self.system_root),
            "SystemDrive": "C:",
            "USERPROFILE": str(self.home),
            "HOME": str(self.home),
            "LOCALAPPDATA": str(local),
            "APPDATA": str(self.home),
            "ProgramData": str(self.program_data),
            "ProgramFiles": str(self.folder / "Program Files"),
            "TEMP": str(local / "Temp"),
            "TMP": str(local / "Temp"),
            "TMPDIR": str(local / "Temp"),
            "USERNAME": "J\u00f6rg",
            "USERDOMAIN": "PC-J\u00d6RG",
            "COMPUTERNAME": "PC-J\u00d6RG",
            "PROCESSOR_ARCHITECTURE": "AMD64",
            "DREAMRIG_SIMULATION": str(self.folder),
            "DREAMRIG_PYTHON": sys.executable,
        }

    def run(self, script: Path, *arguments: str, input: str = "", environment: dict[str, str] | None = None) -> Ran:  # noqa: A002
        """Run a script as `powershell -File script arguments` would. Words beginning with `-` are parameters."""
        words = " ".join(word if word.startswith("-") else quote(word) for word in arguments)
        return self.execute(f"& {quote(str(script))} {words}\nexit $LASTEXITCODE", input=input, environment=environment)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression with the module's functions at hand, through JSON."""
        ran = self.execute(f"Import-Module {quote(str(MODULE))}\nConvertTo-Json -Depth 20 -InputObject ({expression})")
        assert ran.code == 0, ran.err or ran.out
        return ran.json

    def execute(
        self,
        text: str,
        input: str = "",  # noqa: A002
        environment: dict[str, str] | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> Ran:
        """Run lines of PowerShell on this PC, with the simulated commands defined."""
        script = self.folder / "run.ps1"
        prelude = (
            f"$ProgressPreference = 'SilentlyContinue'\n. {quote(str(SIMULATION / 'Windows.ps1'))}\n$LASTEXITCODE = 0\n"
        )
        # With a BOM: 5.1 reads a script without one in the ANSI code page, and the folder has an umlaut.
        script.write_text(prelude + text + "\n", "utf-8-sig")
        variables = {**self.environment, **(environment or {})}
        return run_powershell(self.edition, ["-File", str(script)], variables, input, patience_seconds)


def evaluate_each(edition: str, machines: Mapping[str, SimulatedWindows], expression: str) -> dict[str, Any]:
    """The value of one expression on each of many PCs, from one PowerShell: starting it takes longest.

    The expression runs inside the module, so that its private functions are at hand.
    """
    first = next(iter(machines.values()))
    lines = ["$all = [ordered]@{}", f"Import-Module {quote(str(MODULE))}"]
    for name, pc in machines.items():
        lines += [f"$env:{variable} = {quote(value)}" for variable, value in pc.own_environment.items()]
        lines.append(f"$all[{quote(name)}] = & (Get-Module DreamRig) {{ {expression} }}")
    lines.append("ConvertTo-Json -Depth 20 -InputObject $all")
    # One process for many PCs has the time of many.
    ran = first.execute("\n".join(lines), patience_seconds=10 * PATIENCE_SECONDS)
    assert ran.code == 0, ran.err or ran.out
    return dict(ran.json)


def quote(text: str) -> str:
    """Text as a PowerShell string that nothing is replaced in."""
    return "'" + text.replace("'", "''") + "'"


def run_powershell(
    edition: str,
    arguments: Sequence[str],
    environment: dict[str, str] | None = None,
    input: str = "",  # noqa: A002
    patience_seconds: float = PATIENCE_SECONDS,
) -> Ran:
    """Run PowerShell with these arguments, without profile and without questions it could hang on."""
    program = require_powershell(edition)
    ran = subprocess.run([program, "-NoProfile", *arguments], input=input.encode(), capture_output=True, check=False,
                         timeout=patience_seconds, env=environment)  # fmt: skip
    return Ran(ran.returncode, ran.stdout.decode("utf-8"), ran.stderr.decode("utf-8"))
