"""setup.ps1 -Undo: what was changed is taken back, and no trace of setup is left."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from scenarios import Outcome, Scenario, Turn
from setup_runs import CALL, SETUP, TASK, finished, in_few_words, state_file
from simulated_machine import PLATFORM, fresh

Seen = Mapping[str, Outcome]
USERS = b"# mine \xfc\r\n[wsl2]\r\nswap=0\r\n"
GO = ["-Unattended", "-SkipGuest", "-WslMemoryGB", "24"]
BARE = fresh(elevated=True, boot={"hypervisorlaunchtype": "Off"})
DONE = [Turn(SETUP, GO), "restart", Turn(SETUP, ["-Resume"])]
EDIT = Turn(CALL, ["[IO.File]::AppendAllText((Join-Path $env:USERPROFILE '.wslconfig'), \"dnsProxy=false`n\")"])
REMOVE = Turn(CALL, ["[IO.File]::Delete((Join-Path $env:USERPROFILE '.wslconfig'))"])
UNDO = Turn(SETUP, ["-Undo", "-Unattended"])

SCENARIOS = {
    "attended": Scenario(BARE, [*DONE, Turn(SETUP, ["-Undo"], ["y", "y", "y", "y"])], {".wslconfig": USERS}),
    "unattended": Scenario(BARE, [*DONE, Turn(SETUP, ["-Undo", "-WhatIf"]), UNDO, UNDO]),
    "edited": Scenario(
        fresh(elevated=True, features={PLATFORM: "Enabled"}), [Turn(SETUP, GO), EDIT, UNDO], {".wslconfig": USERS}
    ),
    "fails": Scenario(
        fresh(elevated=True),
        [
            Turn(SETUP, GO),
            "restart",
            {"ineffective": ["Disable-WindowsOptionalFeature"]},
            Turn(SETUP, ["-Undo"], ["y"]),
        ],
    ),
    "renewed": Scenario(
        finished(), [Turn(SETUP, ["-Unattended", "-SkipGuest", "-Reset", "-Distribution", "Ubuntu"]), UNDO, UNDO]
    ),
    "gone": Scenario(finished(), [Turn(SETUP, GO), REMOVE, UNDO], {".wslconfig": USERS}),
    "halfway": Scenario(BARE, [Turn(SETUP, GO), UNDO]),
    "halfway-unelevated": Scenario(BARE, [Turn(SETUP, GO), {"elevated": False}, UNDO]),
}


@pytest.fixture(scope="module")
def seen(several: Callable[..., Seen]) -> Seen:
    return several(SCENARIOS)


MEMORY = ["AppData/Local/DreamRig", "AppData/Local/DreamRig/setup"]
KEPT = [*MEMORY, "AppData/Local/DreamRig/setup/setup.log", "AppData/Local/DreamRig/setup/state.json"]


def traces(outcome: Outcome) -> list[str]:
    """What is left of setup in the user's profile folder and among the tasks."""
    home: Path = outcome.pc.home
    files = [
        str(path.relative_to(home)) for path in home.rglob("*") if "dreamrig" in str(path.relative_to(home)).lower()
    ]
    return sorted(files) + list(outcome.pc.state["tasks"])


def test_with_a_yes_everything_is_as_it_was(seen: Seen) -> None:
    outcome = seen["attended"]
    before, after = BARE, outcome.pc.state
    assert outcome.ran[1].code == 0, outcome.ran[1].err
    assert outcome.ran[2].code == 0, outcome.ran[2].err
    assert after["wsl"]["distributions"] == []
    assert after["wsl"]["kind"] == before["wsl"]["kind"] == "stub"
    assert after["boot"]["hypervisorlaunchtype"] == before["boot"]["hypervisorlaunchtype"] == "Off"
    assert after["features"] == {**before["features"], PLATFORM: "DisablePending"}
    assert (outcome.pc.home / ".wslconfig").read_bytes() == USERS
    (saved,) = outcome.pc.home.glob("DreamRig-backups/*.tar")
    assert traces(outcome) == ["DreamRig-backups", str(saved.relative_to(outcome.pc.home))], (
        "only what the person may want back"
    )
    assert [call.command for call in outcome.changes(2)] == [
        "wsl.exe",
        "wsl.exe",
        "wsl.exe",
        "bcdedit.exe",
        "Disable-WindowsOptionalFeature",
    ]


def test_without_questions_what_others_may_lean_on_stays_and_is_named(seen: Seen) -> None:
    outcome = seen["unattended"]
    dry, ran, again = outcome.ran[2:]
    assert (dry.code, outcome.changes(2)) == (0, [])
    assert "What if: " in dry.out
    assert ran.code == 0, ran.err
    assert outcome.changes(3) == []
    assert outcome.pc.state["features"][PLATFORM] == "Enabled"
    assert "Disable-WindowsOptionalFeature -Online -FeatureName VirtualMachinePlatform" in ran.out
    assert "bcdedit /set '{current}' hypervisorlaunchtype off" in ran.out
    assert "wsl --unregister Ubuntu-24.04" in ran.out
    assert not (outcome.pc.home / ".wslconfig").exists(), "there was none"
    assert "wsl --uninstall" in ran.out
    assert traces(outcome) == KEPT
    left = [change["kind"] for change in state_file(outcome.pc)["changes"]]
    assert left == ["feature", "launch-type", "wsl-package", "distribution"], "what stays is remembered"
    assert (again.code, outcome.changes(4)) == (0, [])
    assert "had changed nothing" not in again.out
    assert "wsl --unregister Ubuntu-24.04" in again.out, "and named again"
    assert [change["kind"] for change in state_file(outcome.pc)["changes"]] == left


def test_what_fails_is_not_forgotten(seen: Seen) -> None:
    outcome = seen["fails"]
    assert outcome.ran[1].code == 1
    assert "is still enabled" in outcome.ran[1].err
    assert [change["kind"] for change in state_file(outcome.pc)["changes"]] == ["feature"]


def test_backups_are_named(seen: Seen) -> None:
    outcome = seen["renewed"]
    (saved,) = outcome.pc.home.glob("DreamRig-backups/*.tar")
    for turn in (1, 2):
        assert f"What it was before: {saved}" in outcome.ran[turn].out
    gone = seen["gone"]
    (backup,) = gone.pc.home.glob(".wslconfig.dreamrig-*.bak")
    assert f".wslconfig is gone. As it was before setup: {backup}" in gone.ran[2].out


def test_in_the_middle_it_takes_the_waiting_task_along(seen: Seen) -> None:
    outcome = seen["halfway"]
    assert TASK in str(outcome.changes(0))
    assert in_few_words(outcome.changes(1)) == [f"Unregister-ScheduledTask {TASK}"]
    assert traces(outcome) == KEPT, "the feature and the boot setting stay without a yes"
    denied = seen["halfway-unelevated"]
    assert denied.ran[1].code == 4
    assert "-Unattended -Undo" in denied.ran[1].err
    assert denied.changes(1) == []


def test_a_file_that_was_edited_since_loses_our_settings_only(seen: Seen) -> None:
    outcome = seen["edited"]
    (backup,) = outcome.pc.home.glob(".wslconfig.dreamrig-*.bak")
    assert outcome.ran[2].code == 0
    assert (outcome.pc.home / ".wslconfig").read_bytes() == USERS + b"dnsProxy=false\n"
    assert traces(outcome) == [backup.name, *KEPT], (
        "the file as it was once: nobody but the person can tell whether it is needed"
    )
    assert backup.name in outcome.ran[2].out
