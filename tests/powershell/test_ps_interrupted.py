"""setup.ps1 stopped by Ctrl-C, and distributions that only their own launcher registers."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from setup_runs import SETUP, setup_folder, with_linux
from simulated_machine import State
from simulated_pc import PATIENCE_SECONDS, SIMULATION, SimulatedWindows, quote, require_powershell

Windows = Callable[[State], SimulatedWindows]
ANSWERS_LATE = {"command": "wsl.exe", "arguments": "^--install", "seconds": 600}
UBUNTU = {"name": "Ubuntu-24.04", "version": 2}


def heed_interrupts() -> None:
    """A suite started in the background hands down an ignored SIGINT, which no program may then expect."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_until(pc: SimulatedWindows, asked: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start setup.ps1 and come back when it has asked Windows for something."""
    script = pc.folder / "interrupted.ps1"
    lines = [
        f". {quote(str(SIMULATION / 'Windows.ps1'))}",
        f"& {quote(str(SETUP))} {' '.join(arguments)}",
        "exit $LASTEXITCODE",
    ]
    script.write_text("\n".join(lines) + "\n", "utf-8-sig")
    begun = subprocess.Popen([require_powershell(pc.edition), "-NoProfile", "-File", str(script)],
                             env=pc.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, start_new_session=True,
                             preexec_fn=heed_interrupts)  # noqa: PLW1509 - no thread runs here  # fmt: skip
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not any(asked in call.line for call in pc.calls):
        assert begun.poll() is None, (begun.stdout.read() if begun.stdout else b"").decode()
        assert time.monotonic() < deadline, "it never asked"
        time.sleep(0.1)
    return begun


def test_ctrl_c_ends_setup_with_130_and_leaves_it_ready_for_a_second_run(windows: Windows) -> None:
    pc = windows(with_linux(answers=[ANSWERS_LATE]))
    begun = run_until(pc, "--install", "-Unattended", "-SkipGuest")
    begun.send_signal(signal.SIGINT)
    out, _ = begun.communicate(timeout=PATIENCE_SECONDS)
    assert begun.returncode == 130, out.decode()
    for file in setup_folder(pc).glob("*.json"):
        json.loads(file.read_text("utf-8"))  # nothing is half written
    pc.patch({"answers": []})
    again = pc.run(SETUP, "-Unattended", "-SkipGuest", "-Json")
    assert again.code == 0, again.err or again.out
    assert [one["name"] for one in pc.state["wsl"]["distributions"]] == ["Ubuntu-24.04"]


def make_launcher(pc: SimulatedWindows, name: str) -> None:
    """An executable beside those of Windows, whose answers the scenario scripts."""
    path = pc.system_root / "System32" / name
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -ES "{SIMULATION}/simulated_native.py" {name} "$@"\n')
    path.chmod(0o755)


def install(pc: SimulatedWindows, name: str) -> Any:
    return pc.evaluate(f"& (Get-Module DreamRig) {{ Invoke-DistributionInstall -Name {quote(name)} }}")


def test_what_comes_as_an_app_is_registered_by_its_own_launcher(windows: Windows) -> None:
    pc = windows(
        with_linux(
            answers=[
                {"command": "wsl.exe", "arguments": "^--install", "out": "Ubuntu 24.04 LTS has been installed.\r\n"},
                {
                    "command": "ubuntu2404.exe",
                    "arguments": "^install --root$",
                    "out": "Installation successful!\r\n",
                    "then": {"wsl": {"distributions": [UBUNTU]}},
                },
            ]
        )
    )
    make_launcher(pc, "ubuntu2404.exe")
    install(pc, "Ubuntu-24.04")
    installing = [call.line for call in pc.calls if "install" in call.line]
    assert installing[0] == "wsl.exe --install -d Ubuntu-24.04 --no-launch"
    assert installing[-1] == "ubuntu2404.exe install --root"
    assert [line for line in installing if line.startswith("ubuntu")] == installing[-1:], "once"
    assert "Installation successful!" in (pc.folder / "console.txt").read_text("utf-8")
    assert [one["name"] for one in pc.state["wsl"]["distributions"]] == ["Ubuntu-24.04"]


def test_a_registered_distribution_needs_no_launcher_and_a_missing_one_is_no_error(windows: Windows) -> None:
    pc = windows(with_linux())
    install(pc, "Ubuntu")
    assert not [call.line for call in pc.calls if call.command.startswith("ubuntu")]
    pc.patch(
        {
            "answers": [
                {"command": "wsl.exe", "arguments": "^--install", "out": "", "err": "Forbidden (403).\r\n", "code": -1}
            ]
        }
    )
    pc.forget_calls()
    assert "Forbidden (403)." in install(pc, "Ubuntu-24.04")
    ways = [call.line for call in pc.calls if "--install" in call.line]
    assert ways == [
        "wsl.exe --install -d Ubuntu-24.04 --no-launch",
        "wsl.exe --install -d Ubuntu-24.04 --no-launch --web-download",
        "wsl.exe --install -d Ubuntu-24.04 --no-launch --web-download",
    ], "the last one with its output read, for the explanation"
