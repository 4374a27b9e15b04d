"""Restarts in the middle of setup: going on by itself, at most three times, and never at the price of a locked PC."""

import json
from collections.abc import Callable, Mapping

import pytest
from scenarios import Outcome, Scenario, Turn
from setup_runs import CALL, SETUP, TASK, in_few_words, setup_folder, state_file
from simulated_machine import PLATFORM, fresh

Seen = Mapping[str, Outcome]
REGISTER, UNREGISTER = f"Register-ScheduledTask {TASK}", f"Unregister-ScheduledTask {TASK}"
RESTART, TO_FIRMWARE = "shutdown.exe /r /t 0", "shutdown.exe /r /fw /t 0"
ENABLE = f"Enable-WindowsOptionalFeature {PLATFORM}"
LOCKED = {"C:": {"ProtectionStatus": "On"}}
OFF = {"firmware_virtualization": False}
STATE = "AppData/Local/DreamRig/setup/state.json"
NO_NUMBER = {
    "command": "shutdown.exe",
    "arguments": "/fw",
    "code": 203,
    "err": "The system could not find the environment option.(203)\r\n",
}

SCENARIOS = {
    "loop": Scenario(
        fresh(elevated=True, after_restart=[{"features": {PLATFORM: "EnablePending"}}] * 3),
        [
            Turn(SETUP, ["-Unattended"]),
            "restart",
            Turn(SETUP, ["-Resume"]),
            "restart",
            Turn(SETUP, ["-Resume"]),
            "restart",
            Turn(SETUP, ["-Resume"]),
        ],
    ),
    "signed-out-only": Scenario(
        fresh(elevated=True), [Turn(SETUP, ["-Unattended", "-NoRestart"]), Turn(SETUP, ["-Resume"])]
    ),
    "nothing": Scenario(fresh(elevated=True), [Turn(SETUP, ["-Resume"])]),
    "damaged": Scenario(
        fresh(elevated=True),
        [Turn(SETUP, ["-Resume"]), Turn(SETUP, ["-Unattended", "-NoRestart"])],
        {STATE: b'{"schema": 1, "pha'},
    ),
    "remembers": Scenario(
        fresh(elevated=True),
        [
            Turn(SETUP, ["-NoRestart", "-Distribution", "Debian", "-SkipGuest"], ["y"]),
            "restart",
            Turn(SETUP, ["-Resume"]),
        ],
    ),
    "later": Scenario(fresh(elevated=True), [Turn(SETUP, answers=["y", "n"])]),
    "stuck": Scenario(
        fresh(elevated=True, features={PLATFORM: "Enabled"}, force_hypervisor=False),
        [Turn(SETUP, ["-Unattended"]), "restart", Turn(SETUP, ["-Resume"])],
    ),
    "firmware-alone": Scenario(fresh(elevated=True, hardware=OFF, bitlocker=LOCKED), [Turn(SETUP, ["-Unattended"])]),
    "firmware-yes": Scenario(
        fresh(
            elevated=True,
            hardware=OFF,
            bitlocker=LOCKED,
            after_restart=[{"hardware": {"firmware_virtualization": True}}],
        ),
        [Turn(SETUP, ["-SkipGuest"], ["y", "y", "y"]), "restart", Turn(SETUP, ["-Resume"])],
    ),
    "firmware-locked": Scenario(
        fresh(elevated=True, hardware=OFF, bitlocker=LOCKED), [Turn(SETUP, answers=["y", "y", "n"])]
    ),
    "firmware-nx": Scenario(fresh(elevated=True, hardware={"nx": False}), [Turn(SETUP, ["-Json", "-Unattended"])]),
    "firmware-function": Scenario(
        fresh(elevated=True, bitlocker=LOCKED),
        [
            Turn(CALL, ["Restart-RigToFirmware -WhatIf"]),
            {"answers": [{**NO_NUMBER, "times": 1}]},
            Turn(CALL, ["Restart-RigToFirmware -Confirm:$false"]),
            {"answers": [NO_NUMBER]},
            Turn(CALL, ["Restart-RigToFirmware -Confirm:$false -KeepBitLocker"]),
            {"ineffective": ["Suspend-BitLocker"], "bitlocker": LOCKED, "answers": []},
            Turn(CALL, ["Restart-RigToFirmware -Confirm:$false"]),
        ],
    ),
    "task": Scenario(
        fresh(elevated=True),
        [
            Turn(CALL, ["Register-RigResume -ScriptPath 'C:\\d r\\setup.ps1' -WhatIf"]),
            Turn(CALL, ["Register-RigResume -ScriptPath 'C:\\d r\\setup.ps1' -ArgumentList '-Pause' -Confirm:$false"]),
            Turn(CALL, ["Unregister-RigResume -WhatIf"]),
            Turn(CALL, ["Unregister-RigResume -Confirm:$false"]),
            Turn(CALL, ["Unregister-RigResume -Confirm:$false"]),
            Turn(CALL, ["Register-RigResume -ScriptPath x -User 'NT AUTHORITY\\SYSTEM' -Confirm:$false"]),
            {"ineffective": ["Register-ScheduledTask"]},
            Turn(CALL, ["Register-RigResume -ScriptPath x -Confirm:$false"]),
            {"elevated": False},
            Turn(CALL, ["Register-RigResume -ScriptPath x -Confirm:$false"]),
        ],
    ),
}


@pytest.fixture(scope="module")
def seen(several: Callable[..., Seen]) -> Seen:
    return several(SCENARIOS)


def test_a_restart_loop_is_stopped_after_three(seen: Seen) -> None:
    pc, ran, _ = outcome = seen["loop"]
    assert [one.code for one in ran] == [4, 4, 4, 1]
    assert in_few_words(outcome.changes(0)) == [ENABLE, REGISTER, RESTART]
    assert in_few_words(outcome.changes(1)) == in_few_words(outcome.changes(2)) == [UNREGISTER, REGISTER, RESTART]
    assert in_few_words(outcome.changes(3)) == [UNREGISTER]
    assert "was restarted 3 times" in ran[3].err
    assert "doctor.ps1" in ran[3].err
    assert pc.state["tasks"] == {}


def test_signing_out_is_no_restart_and_does_not_count(seen: Seen) -> None:
    pc, ran, _ = outcome = seen["signed-out-only"]
    assert "has not been restarted" in ran[1].out
    assert ran[1].code == 4
    assert in_few_words(outcome.changes(1)) == [UNREGISTER, REGISTER]
    left = state_file(pc)
    assert (left["attempt"], left["boot_time"]) == (1, "2026-11-20T08:00:00Z")


def test_without_a_setup_there_is_nothing_to_go_on_with(seen: Seen) -> None:
    for name in ("nothing", "damaged"):
        assert seen[name].ran[0].code == 2
        assert "There is no setup to go on with." in seen[name].ran[0].err
        assert seen[name].changes(0) == []
    assert "cannot be read" in seen["damaged"].ran[1].out
    assert seen["damaged"].ran[1].code == 4
    assert state_file(seen["damaged"].pc)["phase"] == "windows", "written anew, whole"
    assert not (setup_folder(seen["damaged"].pc) / "state.json.new").exists()


def test_a_resumed_run_does_what_the_first_was_asked_for(seen: Seen) -> None:
    outcome = seen["remembers"]
    assert outcome.ran[1].code == 0, outcome.ran[1].err
    assert in_few_words(outcome.changes(1)) == [
        UNREGISTER,
        "wsl.exe --install --no-distribution",
        "wsl.exe --install -d Debian --no-launch",
    ]
    assert "Shall I do this?" not in outcome.ran[1].out


def test_a_no_to_the_restart_leaves_it_to_the_person(seen: Seen) -> None:
    outcome = seen["later"]
    assert outcome.ran[0].code == 4
    assert in_few_words(outcome.changes()) == [ENABLE, REGISTER]
    assert "goes on by itself when you are signed in again" in outcome.ran[0].err


def test_what_a_restart_cannot_mend_is_said_after_one(seen: Seen) -> None:
    outcome = seen["stuck"]
    assert outcome.ran[0].code == 4
    assert in_few_words(outcome.changes(0)) == [REGISTER, RESTART]
    assert outcome.ran[1].code == 3
    assert "still no hypervisor runs" in outcome.ran[1].err
    assert in_few_words(outcome.changes(1)) == [UNREGISTER]


def test_the_task_is_the_users_own_stores_no_password_and_deletes_itself(seen: Seen) -> None:
    pc, ran, _ = outcome = seen["task"]
    said = [json.loads(one.out[one.out.index("{") :]) for one in ran]  # under -WhatIf a line comes first
    assert (said[0]["value"]["Registered"], outcome.changes(0)) == (False, [])
    (call,) = outcome.changes(1)
    assert set(call.arguments) == {"TaskName", "Description", "Action", "Trigger", "Principal", "Settings", "Force"}
    assert call.arguments["Principal"] == "@{UserId=S-1-5-21-1-2-3-1001; LogonType=Interactive; RunLevel=Highest}"
    assert "DeleteExpiredTaskAfter=00:01:00" in call.arguments["Settings"]
    assert "AllowStartIfOnBatteries=True" in call.arguments["Settings"]
    (trigger,), (action,) = call.arguments["Trigger"], call.arguments["Action"]
    assert "AtLogOn=True" in trigger
    assert "Delay=PT30S" in trigger
    assert "EndBoundary=20" in trigger
    assert 'Argument=-NoProfile -ExecutionPolicy Bypass -File "C:\\d r\\setup.ps1" -Resume -Pause;' in action
    assert "\\System32\\WindowsPowerShell\\v1.0\\powershell.exe;" in action
    assert said[1]["value"]["Registered"] is True
    assert (said[2]["value"], outcome.changes(2)) == (False, [])
    assert (said[3]["value"], in_few_words(outcome.changes(3))) == (True, [UNREGISTER])
    assert (said[4]["value"], outcome.changes(4)) == (False, [])
    assert said[5]["exit_code"] == 4
    assert "SYSTEM" in said[5]["error"]
    assert "could not be registered" in said[6]["error"], "by query: the command reported success"
    assert (said[7]["exit_code"], outcome.changes(7)) == (4, [])
    assert pc.state["tasks"] == {}


def test_firmware_off_says_what_to_set_and_changes_nothing_that_locks_out(seen: Seen) -> None:
    alone = seen["firmware-alone"]
    assert alone.ran[0].code == 4
    assert "in the firmware (marked YOU)" in alone.ran[0].err
    page = alone.ran[0].out
    assert page.count("virtualization is turned off in the firmware") == 1, "said once"
    assert "SVM" in page, "what it is called on an AMD board"
    assert "ROG STRIX" in page, "this very board"
    assert "recovery key" in alone.ran[0].out
    assert in_few_words(alone.changes()) == [ENABLE, REGISTER], "no restart: nobody is there to set it"

    locked = seen["firmware-locked"]
    assert locked.ran[0].code == 4
    assert in_few_words(locked.changes()) == [ENABLE, REGISTER]
    assert "as administrator: shutdown /r /fw /t 0" in locked.ran[0].out

    nx = seen["firmware-nx"].ran[0].json["errors"][0]
    assert "NX (execute disable) is turned off" in nx["message"]
    assert "NX" in nx["hint"]
    assert "SVM" not in nx["hint"]
    assert "ROG STRIX" in nx["hint"], "this very board"


def test_with_a_yes_bitlocker_steps_aside_for_one_start_and_setup_goes_on(seen: Seen) -> None:
    pc, ran, _ = outcome = seen["firmware-yes"]
    assert in_few_words(outcome.changes(0)) == [ENABLE, REGISTER, "Suspend-BitLocker C:", TO_FIRMWARE]
    suspended = next(call for call in outcome.changes(0) if call.command == "Suspend-BitLocker")
    assert suspended.arguments["RebootCount"] == 1
    assert ran[1].code == 0, ran[1].err
    assert state_file(pc)["phase"] == "done"


def test_restarting_into_the_firmware_by_hand(seen: Seen) -> None:
    outcome = seen["firmware-function"]
    dry, done, refused, kept = (one.out for one in outcome.ran)
    assert "Suspend the protection for one start" in dry
    assert "Restart into the firmware settings" in dry
    assert outcome.changes(0) == []
    assert json.loads(done)["value"] == {"Restarting": True, "BitLockerSuspended": True}
    assert in_few_words(outcome.changes(1)) == ["Suspend-BitLocker C:", TO_FIRMWARE, TO_FIRMWARE], (
        "203 once: asked again"
    )
    assert "cannot restart into its firmware settings by itself" in json.loads(refused)["error"]
    assert in_few_words(outcome.changes(2)) == [TO_FIRMWARE, TO_FIRMWARE]
    assert "could not be suspended" in json.loads(kept)["error"], "by query: the command reported success"
    assert in_few_words(outcome.changes(3)) == ["Suspend-BitLocker C:"]
