"""setup.ps1 from end to end: what it asks of Windows, in which order, and what it says."""

import fcntl
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import simulated_machine as machine
from scenarios import Outcome, Scenario, Turn
from setup_runs import AT_HOME, ROOT, SETUP, TASK, finished, in_few_words, setup_folder, state_file, step, with_linux
from simulated_machine import PLATFORM, STAGED, SUBSYSTEM, fresh

Seen = Mapping[str, Outcome]
ENABLE = f"Enable-WindowsOptionalFeature {PLATFORM}"
UNINSTALL = "HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\box"
OLD_BOX = {UNINSTALL: {"DisplayName": "Oracle VM VirtualBox 5.2.44", "DisplayVersion": "5.2.44"}}
NEW_BOX = {UNINSTALL: {"DisplayName": "Oracle VirtualBox 7.1.4", "DisplayVersion": "7.1.4"}}
ANOTHER_PERSON = {**fresh()["derived_cim"]["Win32_ComputerSystem"][0], "UserName": "PC-J\u00d6RG\\Kind"}
NO_NETWORK = {
    "command": "wsl.exe",
    "arguments": "^--(update|install --no-d)",
    "code": -1,
    "err": "Error code: Wsl/CallMsi/Install/0x80072ee7\r\n",
}
FINDING = {
    "place": "wsl",
    "findings": [{"check": "dxg-device", "sentence": "/dev/dxg is missing."}],
    "first_broken": "dxg-device",
    "next": "wsl --update",
}
DOCKER = {"name": "docker-desktop", "version": 2}

HALFWAY = {**AT_HOME, "environment": "absent", "picture": "none"}

SCENARIOS = {
    "failure": Scenario(
        with_linux(
            {"name": "Ubuntu", "version": 2, "guest": {**HALFWAY, "python": "none", "ineffective": ["environment do"]}}
        ),
        [
            Turn(SETUP, ["-Unattended"]),
            {"wsl": {"distributions": [{"name": "Ubuntu", "version": 2, "guest": HALFWAY}]}},
            Turn(SETUP, ["-Unattended"]),
        ],
    ),
    "finished": Scenario(
        finished(elevated=False), [Turn(SETUP, ["-Json", "-Unattended"])], {".wslconfig": b"[wsl2]\nmemory=20GB\n"}
    ),
    "what-if": Scenario(
        fresh(elevated=True, boot={"hypervisorlaunchtype": "Off"}), [Turn(SETUP, ["-WhatIf", "-Json"])]
    ),
    "what-if-unelevated": Scenario(fresh(), [Turn(SETUP, ["-WhatIf"])]),
    "json-alone": Scenario(fresh(elevated=True), [Turn(SETUP, ["-Json"])]),
    "not-windows": Scenario(
        fresh(),
        [
            Turn(SETUP, environment={"OS": "", "LOCALAPPDATA": "", "USERPROFILE": ""}),
            Turn(SETUP, ["-Json"], environment={"OS": ""}),
        ],
    ),
    "home": Scenario(fresh(elevated=True), [Turn(SETUP, ["-HyperV", "-Unattended"])]),
    "unelevated": Scenario(
        fresh(),
        [
            Turn(SETUP, ["-Unattended", "-Distribution", "Debian"]),
            Turn(SETUP, ["-Distribution", "Debian"], ["y"]),
            {"errors": {"Start-Process": "The operation was canceled by the user."}},
            Turn(SETUP, answers=["y"]),
        ],
    ),
    "another-person": Scenario(
        fresh(elevated=True, cim={"Win32_ComputerSystem": [ANOTHER_PERSON]}),
        [Turn(SETUP, ["-Unattended"]), Turn(SETUP, ["-Unattended"], environment={"USERNAME": "PC-J\u00d6RG$"})],
    ),
    "no": Scenario(fresh(elevated=True), [Turn(SETUP, answers=["n"]), Turn(SETUP)]),
    "old-box": Scenario(
        fresh(elevated=True, registry=OLD_BOX),
        [Turn(SETUP, ["-Unattended", "-NoRestart"]), Turn(SETUP, ["-NoRestart"], ["y", "y"])],
    ),
    "old-box-accepted": Scenario(
        fresh(elevated=True, registry=OLD_BOX), [Turn(SETUP, ["-Unattended", "-NoRestart", "-AcceptConflict"])]
    ),
    "new-box": Scenario(fresh(elevated=True, registry=NEW_BOX), [Turn(SETUP, ["-Unattended", "-NoRestart", "-Json"])]),
    "finding": Scenario(
        with_linux({"name": "Ubuntu", "version": 2, "guest": {**AT_HOME, "doctor": {"code": 3, "document": FINDING}}}),
        [Turn(SETUP, ["-Json", "-Unattended"])],
    ),
    "old-wsl": Scenario(finished(wsl={"version": "2.1.5.0"}, answers=[NO_NETWORK]), [Turn(SETUP, ["-Unattended"])]),
    "no-wsl": Scenario(
        fresh(elevated=True, features={PLATFORM: "Enabled"}, answers=[NO_NETWORK]), [Turn(SETUP, ["-Unattended"])]
    ),
    "own-linux": Scenario(
        with_linux(DOCKER, {"name": "Debian", "version": 2, "guest": AT_HOME}, wsl={"default": "docker-desktop"}),
        [Turn(SETUP, ["-Unattended"])],
    ),
    "docker-only": Scenario(
        with_linux(DOCKER, wsl={"default": "docker-desktop"}), [Turn(SETUP, ["-Unattended", "-SkipGuest"])]
    ),
    "wsl-1": Scenario(
        with_linux({"name": "Ubuntu", "version": 1, "guest": AT_HOME}),
        [
            Turn(SETUP, ["-Distribution", "Ubuntu", "-Unattended"]),
            Turn(SETUP, ["-Distribution", "Ubuntu", "-SkipGuest"], ["y", "y"]),
        ],
    ),
    "reset": Scenario(finished(), [Turn(SETUP, ["-Reset", "-Unattended"])]),
}


@pytest.fixture(scope="module")
def seen(several: Callable[..., Seen]) -> Seen:
    return several(SCENARIOS)


# ---- the whole way -------------------------------------------------------------------------------------------------


def test_a_bare_windows_10_gets_to_a_picture_over_two_restarts(windows: Callable[[machine.State], Any]) -> None:
    """German, with the WSL that came with Windows, whose update asks for a second restart. A process for every start.

    The checkout lies in a folder whose name has spaces, an umlaut, brackets and a quote.
    """
    build = {machine.CURRENT_VERSION: {"CurrentBuild": "19045", "CurrentBuildNumber": "19045"}}
    said = {
        "command": "wsl.exe",
        "arguments": "^--update$",
        "times": 1,
        "out": "Der Vorgang wurde abgeschlossen.\r\n",
        "then": {"registry": {STAGED: {}}},
    }
    pc = windows(fresh(elevated=True, language="de-DE", registry=build, wsl={"kind": "inbox"}, answers=[said]))
    checkout = pc.home / "Sch\u00f6ne Bilder [1] l'art"
    shutil.copytree(ROOT / "powershell", checkout / "powershell")
    shutil.copytree(ROOT / "provision" / "knowledge", checkout / "provision" / "knowledge")
    setup = checkout / "powershell" / "setup.ps1"

    first = pc.run(setup, "-Unattended")
    assert first.code == 4, first.err
    assert "has to be restarted" in first.err
    assert pc.state["restart_requested"] == "restart"
    enable = [f"Enable-WindowsOptionalFeature {name}" for name in (PLATFORM, SUBSYSTEM)]
    assert in_few_words(pc.changes) == [*enable, f"Register-ScheduledTask {TASK}", "shutdown.exe /r /t 0"]
    assert state_file(pc)["attempt"] == 1
    assert f'-File "{setup}" -Resume' in str(pc.state["tasks"][TASK]["Action"][0]["Argument"])

    pc.restart()
    pc.forget_calls()
    second = pc.run(setup, "-Resume")
    assert second.code == 4, second.err
    assert "after restart 1 of at most 3" in second.out
    assert in_few_words(pc.changes) == [
        f"Unregister-ScheduledTask {TASK}",
        "wsl.exe --update",
        f"Register-ScheduledTask {TASK}",
        "shutdown.exe /r /t 0",
    ]
    assert state_file(pc)["attempt"] == 2

    pc.restart()
    pc.forget_calls()
    third = pc.run(setup, "-Resume")
    assert third.code == 0, third.err
    done = in_few_words(pc.changes)
    account = done.pop(3)
    assert account.startswith("guest user do j"), "named like the Windows account, in letters that useradd takes"
    assert done == [
        f"Unregister-ScheduledTask {TASK}",
        "wsl.exe --update",
        "wsl.exe --install -d Ubuntu-24.04 --no-launch",
        "wsl.exe --terminate Ubuntu-24.04",
        "guest python do",
        f"guest checkout do {checkout}",
        "guest environment do",
        "guest picture do sunset over the sea",
    ]
    users = {tuple(call.arguments[:2]): call.arguments[-1] for call in pc.calls if call.command == "guest"}
    assert users["python", "do"] == users["user", "do"] == "user=root"
    assert users["environment", "do"] == "user=" + account.rpartition(" ")[2]
    assert "\\\\wsl.localhost\\Ubuntu-24.04\\home\\" in third.out
    assert pc.state["tasks"] == {}
    left = state_file(pc)
    assert (left["phase"], left["attempt"], left["boot_time"]) == ("done", 0, None)
    log = (setup_folder(pc) / "setup.log").read_bytes()
    assert not log.startswith(b"\xef\xbb\xbf")
    assert b"J\xc3\xb6rg" in log, "the log is UTF-8"
    assert log.count(b"ended: ") == 3
    assert sorted(path.name for path in setup_folder(pc).iterdir()) == ["setup.log", "state.json"]


def test_a_finished_pc_is_left_alone_without_rights_and_says_so(seen: Seen) -> None:
    pc, (ran,), _ = outcome = seen["finished"]
    assert ran.code == 0, ran.err
    document = ran.json
    assert (document["schema"], document["command"], document["ok"], document["errors"]) == (1, "setup", True, [])
    assert (document["data"]["status"], document["data"]["changes"]) == ("finished", [])
    assert "nothing was changed" in ran.err
    assert outcome.changes() == []
    assert not (setup_folder(pc) / "state.json").exists()
    assert [one["id"] for one in document["data"]["plan"] if one["status"] == "needed"] == ["guest-doctor"]
    assert step(document, "wslconfig")["status"] == "done"
    assert (pc.home / ".wslconfig").read_bytes() == b"[wsl2]\nmemory=20GB\n"


def test_what_if_shows_the_plan_and_changes_nothing(seen: Seen) -> None:
    for name in ("what-if", "what-if-unelevated"):
        pc, (ran,), _ = outcome = seen[name]
        assert ran.code == 0, ran.err
        assert outcome.changes() == []
        assert pc.state == SCENARIOS[name].state
        assert not (pc.home / "AppData" / "Local" / "DreamRig").exists()
        assert not (pc.home / ".wslconfig").exists()
    plan = seen["what-if"].ran[0].json
    assert plan["data"]["status"] == "planned"
    assert [one["id"] for one in plan["data"]["plan"] if one["status"] == "needed"] == [
        "feature-virtual-machine-platform",
        "launch-type",
        "restart",
    ]
    assert all(one["reason"] for one in plan["data"]["plan"])
    assert step(plan, "launch-type")["command"] == "bcdedit /set '{current}' hypervisorlaunchtype auto"
    assert "brings the same hypervisor" in step(plan, "feature-hyper-v")["reason"]
    assert step(plan, "feature-wsl")["status"] == "skipped"
    assert seen["json-alone"].ran[0].json["data"]["status"] == "planned", "agreed to by nobody"
    assert seen["json-alone"].changes() == []
    assert {step(plan, name)["status"] for name in ("distribution", "guest-picture")} == {"later"}
    assert step(plan, "wslconfig")["status"] == "done", "memory is an offer, no wish of ours"
    assert "setup.ps1 -WslMemoryGB 23 gives it more" in step(plan, "wslconfig")["cautions"][0]


# ---- refusals ------------------------------------------------------------------------------------------------------


def test_anything_but_windows_is_told_so(seen: Seen) -> None:
    plain, document = seen["not-windows"].ran
    assert (plain.code, plain.out) == (4, "")
    assert plain.err.splitlines()[0] == "error: This is not Windows: setup.ps1 prepares a Windows PC."
    assert len(plain.err.strip().splitlines()) == 2
    assert document.code == document.json["errors"][0]["exit_code"] == 4
    assert seen["not-windows"].calls == [[], []]


def test_hyper_v_on_home_is_refused_with_the_reason_and_nothing_is_done(seen: Seen) -> None:
    pc, (ran,), _ = outcome = seen["home"]
    assert ran.code == 2
    assert "Windows Home has no Hyper-V role" in ran.err
    assert "brings the same hypervisor" in ran.err
    assert "leave -HyperV out" in ran.err
    assert outcome.changes() == []
    assert not (setup_folder(pc) / "state.json").exists()


def test_without_rights_it_offers_them_or_names_the_exact_command(seen: Seen) -> None:
    pc, (alone, asked, denied), _ = outcome = seen["unelevated"]
    assert alone.code == 4
    assert outcome.changes(0) == []
    command = next(line for line in alone.err.splitlines() if line.startswith("hint: "))[6:]
    assert command.startswith("Start-Process -Verb RunAs -FilePath '")
    assert f'-File "{SETUP}" -Distribution "Debian" -Unattended' in command

    (started,) = outcome.changes(1)
    assert asked.code == 0, "the other process's exit code"
    assert (started.command, started.arguments["Verb"]) == ("Start-Process", "RunAs")
    assert f'-File "{SETUP}" -Distribution "Debian" -Pause' in str(started.arguments["ArgumentList"])
    assert not (setup_folder(pc) / "lock").exists(), "free for the other process"
    assert denied.code == 4
    assert "did not give administrator rights" in denied.err
    assert "hint: Start-Process -Verb RunAs" in denied.err


def test_the_rights_of_another_account_are_refused(seen: Seen) -> None:
    """Distributions belong to one account: rights borrowed from another one would put them out of reach."""
    borrowed, service = seen["another-person"].ran
    assert (borrowed.code, service.code) == (4, 4)
    assert "Kind" in borrowed.err
    assert "PC-J\u00d6RG$" in service.err
    assert seen["another-person"].changes(0) == seen["another-person"].changes(1) == []


def test_two_setups_at_once_are_refused(windows: Callable[[machine.State], Any]) -> None:
    pc = windows(fresh(elevated=True))
    setup_folder(pc).mkdir(parents=True)
    with (setup_folder(pc) / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ran = pc.run(SETUP, "-Unattended")
    assert ran.code == 1
    assert "Another setup is at work." in ran.err
    assert pc.calls == []


def test_a_no_and_no_answer_change_nothing(seen: Seen) -> None:
    declined, silent = seen["no"].ran
    assert declined.code == silent.code == 4
    assert "Nothing was changed." in declined.err
    assert seen["no"].changes(0) == seen["no"].changes(1) == []


def test_a_product_that_would_break_is_asked_about_first(seen: Seen) -> None:
    alone, asked = seen["old-box"].ran
    assert alone.code == 4
    assert "VirtualBox 5.2.44" in alone.err
    assert "-AcceptConflict" in alone.err
    assert seen["old-box"].changes(0) == []
    assert "starts no virtual machine while the Windows hypervisor runs. Go on? [y/N]" in asked.out
    for name, turn in (("old-box", 1), ("old-box-accepted", 0), ("new-box", 0)):
        assert seen[name].ran[turn].code == 4
        assert in_few_words(seen[name].changes(turn)) == [ENABLE, f"Register-ScheduledTask {TASK}"]
    platform = step(seen["new-box"].ran[0].json, "feature-virtual-machine-platform")
    assert platform["asks"] == []
    assert "7.1.4 runs its virtual machines on the Windows hypervisor" in platform["cautions"][0]


# ---- failures, and what is there already ---------------------------------------------------------------------------


def test_a_failure_in_the_middle_and_a_second_run_that_goes_on(seen: Seen) -> None:
    pc, (failed, again), _ = outcome = seen["failure"]
    assert failed.code == 1
    assert "The environment could not be made." in failed.err
    assert in_few_words(outcome.changes(0)) == ["guest python do", "guest environment do"]
    assert again.code == 0, again.err
    assert "goes on from there" in again.out
    assert in_few_words(outcome.changes(1)) == ["guest environment do", "guest picture do sunset over the sea"]
    left = state_file(pc)
    assert left["phase"] == "done"
    assert [(one["step"], one["message"].partition(".")[0]) for one in left["failures"]] == [
        ("guest", "The environment could not be made")
    ]


def test_the_doctors_finding_becomes_exit_code_3(seen: Seen) -> None:
    (ran,) = seen["finding"].ran
    assert ran.code == 3
    assert ran.json["data"]["status"] == "finished-with-findings"
    assert "dxg-device: /dev/dxg is missing." in ran.json["errors"][0]["message"]
    assert ran.json["errors"][0]["hint"] == "wsl --update"


def test_wsl_that_cannot_be_updated(seen: Seen) -> None:
    """An old one is a warning, none at all a failure; what wsl said is explained."""
    old, none = seen["old-wsl"], seen["no-wsl"]
    assert old.ran[0].code == 0, old.ran[0].err
    assert "WSL is still 2.1.5.0" in old.ran[0].out
    assert in_few_words(old.changes())[:2] == ["wsl.exe --update", "wsl.exe --update --web-download"]
    assert none.ran[0].code == 1
    assert "WSL could not be installed: Error code: Wsl/CallMsi/Install/0x80072ee7" in none.ran[0].err
    assert "to be: " in none.ran[0].out, "the knowledge base has an explanation"
    assert not [line for line in in_few_words(none.changes()) if "-d " in line]


def test_a_persons_own_distribution_is_used_and_another_products_is_not(seen: Seen) -> None:
    own, docker = seen["own-linux"], seen["docker-only"]
    assert (own.ran[0].code, docker.ran[0].code) == (0, 0)
    assert in_few_words(own.changes()) == []
    assert {call.arguments[-1] for call in own.calls[0] if call.command == "guest"} == {"user=me"}
    assert in_few_words(docker.changes()) == ["wsl.exe --install -d Ubuntu-24.04 --no-launch"]
    assert not [call for call in docker.calls[0] if call.command == "guest"]


def test_a_wsl_1_distribution_is_converted_only_after_a_yes(seen: Seen) -> None:
    alone, asked = seen["wsl-1"].ran
    assert alone.code == 4
    assert "rewrites its whole disk" in alone.err
    assert seen["wsl-1"].changes(0) == []
    assert asked.code == 0, asked.err
    assert in_few_words(seen["wsl-1"].changes(1)) == ["wsl.exe --set-version Ubuntu 2"]


def test_reset_saves_first_and_starts_again(seen: Seen) -> None:
    pc, (ran,), _ = outcome = seen["reset"]
    assert ran.code == 0, ran.err
    saved = Path(outcome.changes()[0].arguments[2])
    assert saved.read_bytes() == b"a distribution named Ubuntu"
    assert saved.parent == pc.home / "DreamRig-backups"
    lines = in_few_words(outcome.changes())
    assert lines[:3] == [
        f"wsl.exe --export Ubuntu {saved}",
        "wsl.exe --unregister Ubuntu",
        "wsl.exe --install -d Ubuntu --no-launch",
    ]
    assert lines[-1] == "guest picture do sunset over the sea"
    assert state_file(pc)["changes"][0]["before"] == str(saved)
