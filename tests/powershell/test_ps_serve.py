"""The task that keeps the page for friends up: registered, proven, taken back; and the script that it runs.

That a distribution with running services is ended when no Windows process holds it: microsoft/WSL 8854, 10157, 9968.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from scenarios import Outcome, Scenario, Turn
from setup_runs import CALL, ROOT, in_few_words
from simulated_machine import fresh, ready
from simulated_pc import quote

Seen = Mapping[str, Outcome]
SERVE, STAY = ROOT / "powershell" / "serve.ps1", ROOT / "powershell" / "DreamRig" / "Desktop" / "stay.ps1"
TASK = "DreamRig-Serve"
PROGRAM = "/home/me/d r/.venv/bin/dreamrig"
WORDS = ["-Distribution", "Ubuntu", "-Program", PROGRAM]
SCRIPT = "AppData/Local/DreamRig/serve/stay.ps1"
DENIED = {"errors": {"Register-ScheduledTask": {"message": "Access is denied.", "hresult": "0x80070005"}}}
SCENARIOS = {
    "whole": Scenario(
        ready(),
        [
            Turn(SERVE, [*WORDS, "-WhatIf"]),
            Turn(SERVE, [*WORDS, "-DataFolder", "/data/rig"]),
            Turn(SERVE, ["-Undo", "-WhatIf"]),
            Turn(SERVE, ["-Undo"]),
            Turn(SERVE, ["-Undo"]),
        ],
    ),
    "refused": Scenario(
        ready(),
        [
            Turn(SERVE),
            Turn(SERVE, ["-Distribution", 'U"; evil', "-Program", PROGRAM]),
            DENIED,
            Turn(SERVE, WORDS),
            {"errors": {"Register-ScheduledTask": None}, "ineffective": ["Register-ScheduledTask"]},
            Turn(SERVE, WORDS),
        ],
    ),
    "no-wsl": Scenario(fresh(), [Turn(SERVE, WORDS)]),
    "value": Scenario(
        ready(), [Turn(CALL, [f"Register-RigServe -Distribution Ubuntu -Program '{PROGRAM}' -Confirm:$false"])]
    ),
    "stuck": Scenario(
        ready(),
        [
            Turn(SERVE, WORDS),
            {"ineffective": ["Unregister-ScheduledTask"]},
            Turn(SERVE, ["-Undo"]),
            {"errors": {"Unregister-ScheduledTask": {"message": "Access is denied.", "hresult": "0x80070005"}}},
            Turn(SERVE, ["-Undo"]),
        ],
    ),
    "nobody": Scenario(
        ready(),
        [
            Turn(SERVE, WORDS, environment={"USERNAME": "SYSTEM", "USERDOMAIN": "NT AUTHORITY"}),
            Turn(SERVE, WORDS, environment={"LOCALAPPDATA": ""}),
        ],
    ),
}


@pytest.fixture(scope="module")
def seen(several: Callable[..., Seen]) -> Seen:
    return several(SCENARIOS)


def test_it_is_registered_shown_first_and_taken_back_whole(seen: Seen) -> None:
    pc, ran, _ = outcome = seen["whole"]
    assert [one.code for one in ran] == [0] * 5, [one.err for one in ran]
    assert "DreamRig-Serve" in ran[0].out
    assert outcome.changes(0) == []
    assert in_few_words(outcome.changes(1)) == [f"Register-ScheduledTask {TASK}", f"Start-ScheduledTask {TASK}"]
    assert outcome.changes(2) == []
    assert f"Unregister-ScheduledTask {TASK}" in in_few_words(outcome.changes(3))
    assert any(call.line == f"schtasks.exe /end /tn {TASK}" for call in outcome.calls[3])
    assert "There was no task" in ran[4].out
    assert pc.state["tasks"] == {}
    assert not (pc.home / SCRIPT).exists()


def test_the_task_has_the_users_own_rights_and_no_end(seen: Seen) -> None:
    pc, ran, _ = outcome = seen["value"]
    assert json.loads(ran[0].out)["value"]["Registered"] is True
    call = next(one for one in outcome.changes() if one.command == "Register-ScheduledTask")
    assert call.arguments["Principal"] == "@{UserId=S-1-5-21-1-2-3-1001; LogonType=Interactive; RunLevel=Limited}"
    assert "ExecutionTimeLimit=00:00:00" in call.arguments["Settings"]
    assert "MultipleInstances=IgnoreNew" in call.arguments["Settings"]
    (action,), (trigger,) = call.arguments["Action"], call.arguments["Trigger"]
    assert "AtLogOn=True" in trigger
    assert "-WindowStyle Hidden" in action
    assert f'-Distribution "Ubuntu" -Program "{PROGRAM}"' in action
    assert "wsl.exe" in action
    assert (pc.home / SCRIPT).read_bytes() == STAY.read_bytes()


def test_what_cannot_be_is_said_with_the_next_step(seen: Seen) -> None:
    ran = seen["refused"].ran
    assert [one.code for one in ran] == [2, 2, 4, 1]
    assert "dreamrig serve install" in ran[0].err
    assert "Access is denied" in ran[2].err
    assert "Run as administrator" in ran[2].err
    assert "could not be registered" in ran[3].err, "by query: the command reported success"
    assert seen["no-wsl"].ran[0].code == 4
    assert "setup.ps1" in seen["no-wsl"].ran[0].err
    for ran_stuck in seen["stuck"].ran[1:]:
        assert ran_stuck.code == 1
        assert "cannot be deleted" in ran_stuck.err
    nobody = seen["nobody"]
    assert [one.code for one in nobody.ran] == [4, 4]
    assert "start serve.ps1 as the person who uses WSL" in nobody.ran[0].err
    assert "LOCALAPPDATA is not set" in nobody.ran[1].err
    assert nobody.changes(0) == nobody.changes(1) == []


# ---- the script that the task runs

POWER = """
class DreamRigPower {{
    static [uint32] SetThreadExecutionState([uint32] $Flags) {{
        [System.IO.File]::AppendAllText({record}, "$Flags`n")
        {answer}
    }}
}}
"""
FAKE_WSL = """#!/bin/sh
echo "$*" >> "{folder}/asked"
echo "friends: http://127.0.0.1:8700"
echo "dreamrig-serve: busy"
echo "dreamrig-serve: idle"
echo "dreamrig-serve: busy"
n=$(wc -l < "{folder}/asked")
exit $(echo "{codes}" | cut -d' ' -f"$n")
"""
BUSY, IDLE = "2147483649", "2147483648"


def stay(
    windows: Callable[..., Any], codes: str, folder: Path, answer: str = "return 1"
) -> tuple[Any, list[str], list[str]]:
    pc = windows(ready())
    program, record = folder / "wsl.exe", folder / "power"
    program.write_text(FAKE_WSL.format(folder=folder, codes=codes))
    program.chmod(0o755)
    words = f"-Wsl {quote(str(program))} -Distribution Ubuntu -Program {quote(PROGRAM)} -DataFolder /data"
    ran = pc.execute(
        POWER.format(record=quote(str(record)), answer=answer) + f"& {quote(str(STAY))} {words}\nexit $LASTEXITCODE"
    )
    asked = (folder / "asked").read_text().splitlines()
    pauses = [call.arguments["Seconds"] for call in pc.calls if call.command == "Start-Sleep"]
    assert pauses == [60] * (len(asked) - 1 if ran.code == 0 else 4)
    return ran, record.read_text().split(), asked


def test_the_pc_is_kept_awake_only_while_pictures_wait(windows: Callable[..., Any], tmp_path: Path) -> None:
    ran, power, asked = stay(windows, "0", tmp_path)
    assert ran.code == 0, ran.err
    assert power == [BUSY, IDLE, BUSY, IDLE], "taken back when the server is gone"
    assert asked == [f"--distribution Ubuntu --exec /usr/bin/env DREAMRIG_HOME=/data {PROGRAM} serve run --stay"]


def test_it_is_started_again_and_not_for_ever(windows: Callable[..., Any], tmp_path: Path) -> None:
    ran, power, asked = stay(windows, "1 1 0", tmp_path)
    assert (ran.code, len(asked)) == (0, 3)
    (tmp_path / "asked").unlink()
    (tmp_path / "power").unlink()
    ran, power, asked = stay(windows, "1 1 1 1 7", tmp_path)
    assert (ran.code, len(asked)) == (7, 5)
    assert power[-1] == IDLE


def test_a_windows_that_refuses_the_request_is_served_all_the_same(windows: Callable[..., Any], tmp_path: Path) -> None:
    ran, power, asked = stay(windows, "0", tmp_path, answer="throw 'no such function'")
    assert (ran.code, len(asked), len(power)) == (0, 1, 4)
