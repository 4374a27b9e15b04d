"""Windows as people saw it: each scenario behaves like a public report, which is named beside it."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from scenarios import Outcome, Scenario, Turn
from setup_runs import AT_HOME, CALL, ROOT, SETUP, TASK, finished, in_few_words, inside, state_file, step, with_linux
from simulated_machine import CONNECTIONS, CURRENT_VERSION, ENCRYPTION, PLATFORM, fresh
from simulated_pc import quote, run_powershell

Seen = Mapping[str, Outcome]
UNINSTALL = "HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\"
DAMAGED = {"DisplayName": "A game", "NoModify": {"damaged": True}}
OLD_BOX = {"DisplayName": "Oracle VM VirtualBox 5.2.44", "DisplayVersion": "5.2.44", "NoRepair": {"damaged": True}}
LOCKED = {"C:": {"ProtectionStatus": "On"}}
NO_NETWORK = {
    "command": "wsl.exe",
    "arguments": "^--(update|install)",
    "code": -1,
    "err": "Error code: Wsl/CallMsi/Install/0x80072ee7\r\n",
}
READ = "$all = ConvertFrom-Json $env:SAID; foreach ($one in $all) { @(Get-WslVersionNumber -Text $one) -join ' ' }"
DOCTOR = ROOT / "powershell" / "doctor.ps1"
GO = ["-Unattended", "-SkipGuest"]
INSTALL = "wsl.exe --install -d Ubuntu-24.04 --no-launch"
CUT_OFF = {"name": "Ubuntu-24.04", "version": 2, "state": "installing"}
SAID = {
    "2.6 while it installs itself": "Downloading: Windows Subsystem for Linux 2.6.1\n"
    "Installing: Windows Subsystem for Linux 2.6.1\n"
    "Windows Subsystem for Linux 2.6.1 has been installed.\n",
    "2.6": "WSL version: 2.6.1.0\nKernel version: 6.6.87.2-1\nWSLg version: 1.0.66\nMSRDC version: 1.2.6074\n",
    "2.6 in German, after a warning": "wsl: Unbekannter Schluessel \u201ewsl2.x\u201c in C:\\Users\\me\\.wslconfig:2\n"
    "WSL-Version: 2.6.1.0\nKernelversion: 6.6.87.2-1\nWSLg-Version: 1.0.66\n",
    "2.6 in Chinese": "WSL \u7248\u672c\uff1a 2.6.1.0\n\u5185\u6838\u7248\u672c\uff1a 6.6.87.2-1\n",
    "the stub": "Press any key to install Windows Subsystem for Linux.\nThis prompt will time out in 60 seconds.\n",
}
"""What `wsl --version` may print: formats of 2.6 from microsoft/WSL 13289 and others, the stub's from ovm-win PR 87."""

SCENARIOS = {
    # oomol-lab/ovm-win PR 87: without WSL, `wsl --version` starts a download on 24H2.
    "stub": Scenario(fresh(), [Turn(DOCTOR, ["-Json"]), Turn(SETUP, ["-WhatIf"])]),
    # microsoft/WindowsDeveloperConfig PR 75: `wsl --install` does not succeed without a console window.
    "bare": Scenario(fresh(elevated=True), [Turn(SETUP, GO), "restart", Turn(SETUP, ["-Resume"])]),
    # microsoft/WSL 10646, WindowsDeveloperConfig PR 75: the list fills seconds after --no-launch has ended.
    "late": Scenario(with_linux(wsl={"registers_after_seconds": 11}), [Turn(SETUP, GO)]),
    # WindowsDeveloperConfig PR 62 and issue 48: the registry is not filled, `wsl --list` tells.
    "registry-empty": Scenario(
        with_linux({"name": "Debian", "version": 2}, wsl={"registry_stays_empty": True}),
        [Turn(SETUP, [*GO, "-Distribution", "Debian"]), Turn(SETUP, GO)],
    ),
    # microsoft/WSL 4084, 7975: state "Installing" after a power cut, and 0x8000000d ever after.
    "cut-off": Scenario(
        with_linux(CUT_OFF),
        [
            Turn(SETUP, [*GO, "-Distribution", "Ubuntu-24.04"]),
            Turn(SETUP, ["-SkipGuest", "-Distribution", "Ubuntu-24.04"], ["y", "y"]),
        ],
    ),
    "cut-off-by-hand": Scenario(with_linux(CUT_OFF), [Turn(CALL, ["Install-RigDistribution -Confirm:$false"])]),
    "versions": Scenario(
        finished(),
        [
            Turn(
                CALL,
                [inside(READ)],
                environment={"SAID": json.dumps(list(SAID.values()))},
            )
        ],
    ),
    # Below 19041 the sentence itself broke: one for every way in which a plan may be blocked.
    "blocked: build": Scenario(
        fresh(elevated=True, registry={CURRENT_VERSION: {"CurrentBuild": "18363"}}), [Turn(SETUP, ["-Unattended"])]
    ),
    "blocked: 32 bit": Scenario(fresh(elevated=True, hardware={"architecture": "x86"}), [Turn(SETUP, ["-Unattended"])]),
    "blocked: feature": Scenario(fresh(elevated=True, features={PLATFORM: None}), [Turn(SETUP, ["-Unattended"])]),
    "blocked: nested": Scenario(
        fresh(
            elevated=True,
            hardware={"manufacturer": "VMware, Inc.", "model": "VMware20,1", "firmware_virtualization": False},
        ),
        [Turn(SETUP, ["-Unattended"])],
    ),
    "blocked: cpu": Scenario(fresh(elevated=True, hardware={"slat": False}), [Turn(SETUP, ["-Unattended"])]),
    # "Specified cast is not valid": one damaged value among the uninstallers, with and without a product that matters.
    "damaged-uninstaller": Scenario(
        fresh(elevated=True, registry={UNINSTALL + "broken": DAMAGED, UNINSTALL + "box": OLD_BOX}),
        [Turn(SETUP, ["-Unattended", "-NoRestart"])],
    ),
    "unreadable-uninstallers": Scenario(
        fresh(
            elevated=True,
            registry={UNINSTALL + "box": OLD_BOX},
            errors={"Get-Item": "Requested registry access is not allowed."},
        ),
        [Turn(SETUP, ["-Unattended", "-NoRestart"])],
    ),
    # Home has device encryption, and no command for it.
    "bitlocker": Scenario(
        fresh(elevated=True, missing=["Get-BitLockerVolume", "Suspend-BitLocker"], bitlocker=LOCKED),
        [
            Turn(CALL, [inside("Get-BitLockerProtection")]),
            Turn(CALL, [inside("Suspend-SystemBitLocker -Confirm:$false; Get-BitLockerProtection")]),
            {"elevated": False},
            Turn(CALL, [inside("Get-BitLockerProtection")]),
            {"cim": {ENCRYPTION: [{"DriveLetter": "C:", "ProtectionStatus": 1}]}},
            Turn(CALL, [inside("Get-BitLockerProtection")]),
        ],
    ),
    "no-card": Scenario(fresh(elevated=True, nvidia={"gpus": []}), [Turn(SETUP, ["-WhatIf", "-Json"])]),
    "little-room": Scenario(
        fresh(elevated=True, cim={"Win32_LogicalDisk": [{"DeviceID": "C:", "FreeSpace": 6 * 2**30, "DriveType": 3}]}),
        [Turn(SETUP, ["-Unattended"])],
    ),
    # The logon comes before the wireless network; and a download that fails is tried again at the next one.
    "no-network": Scenario(
        fresh(elevated=True),
        [
            Turn(SETUP, GO),
            "restart",
            {"cim": {CONNECTIONS: [{"IPv4Connectivity": 1, "IPv6Connectivity": 1}]}, "answers": [NO_NETWORK]},
            *[Turn(SETUP, ["-Resume"])] * 4,
            {"cim": {CONNECTIONS: None}, "answers": []},
            Turn(SETUP, ["-Resume"]),
        ],
    ),
    "picture": Scenario(
        with_linux({"name": "Ubuntu", "version": 2, "guest": {**AT_HOME, "picture": "none"}}),
        [Turn(SETUP, answers=["y"]), Turn(SETUP)],
    ),
    "places": Scenario(
        fresh(
            elevated=True,
            subst={"S:": "C:\\Users\\me\\dreamrig"},
            cim={"Win32_LogicalDisk": [{"DeviceID": "Z:", "DriveType": 4, "ProviderName": "\\\\nas\\home"}]},
            files={"C:\\OneDrive\\setup.ps1": {"Attributes": "4199968"}, "C:\\here\\setup.ps1": {"Attributes": "32"}},
        ),
        [
            Turn(
                CALL,
                [
                    inside(
                        "'Z:\\setup.ps1', 'S:\\powershell\\setup.ps1', '\\\\nas\\home\\setup.ps1', "
                        "'C:\\OneDrive\\setup.ps1', 'C:\\here\\setup.ps1' | ForEach-Object { "
                        "$at = Get-SetupPlaceStep ([pscustomobject]@{ script = $_ }); "
                        '"$($at.status): $($at.reason)" }'
                    )
                ],
            )
        ],
    ),
    "step-by-step": Scenario(fresh(elevated=True), [Turn(SETUP, ["-Confirm"], ["y", "n"])]),
    "verbose": Scenario(fresh(elevated=True), [Turn(SETUP, ["-PlanOnly", "-Verbose"]), Turn(SETUP, ["-PlanOnly"])]),
    # Entra and Microsoft accounts: names that the task scheduler does not find again, 0x80070534.
    "entra": Scenario(
        fresh(elevated=True, unmapped_names=True),
        [Turn(CALL, ["Register-RigResume -ScriptPath 'C:\\d\\setup.ps1' -Confirm:$false"])],
    ),
    "unproven": Scenario(
        fresh(
            elevated=True,
            errors={"Get-WindowsOptionalFeature": "Class not registered"},
            answers=[{"command": "dism.exe", "arguments": "/Get-FeatureInfo", "code": 1}],
        ),
        [Turn(SETUP, ["-Unattended", "-NoRestart", "-Json"])],
    ),
    "reset-what-if": Scenario(finished(), [Turn(SETUP, ["-Reset", "-WhatIf", "-Json"])]),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report") / "report.json"


@pytest.fixture(scope="module")
def seen(several: Callable[..., Seen], report: Path) -> Seen:
    reporting = Scenario(fresh(), [Turn(SETUP, ["-Unattended", "-ReportPath", str(report)])])
    return several({**SCENARIOS, "report": reporting})


def test_looking_at_a_pc_without_wsl_does_not_install_it(seen: Seen) -> None:
    outcome = seen["stub"]
    doctor, dry = outcome.ran
    assert doctor.json["data"]["facts"]["wsl"]["is_installed"] is False
    assert dry.code == 0, dry.err
    assert outcome.changes(0) == outcome.changes(1) == []
    assert outcome.pc.state["wsl"]["kind"] == "stub"


def test_installers_get_a_console_window_and_are_not_captured(seen: Seen) -> None:
    pc, ran, _ = outcome = seen["bare"]
    assert [one.code for one in ran] == [4, 0], ran[1].err
    assert in_few_words(outcome.changes(1)) == [
        f"Unregister-ScheduledTask {TASK}",
        "wsl.exe --install --no-distribution",
        INSTALL,
    ], "each once: what succeeds in its window is not tried again"
    assert "Distribution successfully installed." in (pc.folder / "console.txt").read_text("utf-8")
    assert "Distribution successfully installed." not in ran[1].out


def test_a_distribution_that_is_listed_late_is_waited_for(seen: Seen) -> None:
    outcome = seen["late"]
    assert outcome.ran[0].code == 0, outcome.ran[0].err
    assert in_few_words(outcome.changes()) == [INSTALL]
    assert len([call for call in outcome.calls[0] if call.command == "Start-Sleep"]) == 4


def test_the_list_of_wsl_is_the_second_witness(seen: Seen) -> None:
    outcome = seen["registry-empty"]
    there, installed = outcome.ran
    assert there.code == 0, there.err
    assert outcome.changes(0) == [], "Debian is in `wsl --list`"
    assert installed.code == 0, installed.err
    assert in_few_words(outcome.changes(1)) == [INSTALL]


def test_a_half_installed_distribution_is_thrown_away_after_a_yes(seen: Seen) -> None:
    outcome = seen["cut-off"]
    alone, asked = outcome.ran
    assert (alone.code, outcome.changes(0)) == (4, [])
    assert "was cut off while it was installing" in alone.out
    assert asked.code == 0, asked.err
    assert in_few_words(outcome.changes(1)) == ["wsl.exe --unregister Ubuntu-24.04", INSTALL]
    by_hand = seen["cut-off-by-hand"]
    assert "was cut off" in json.loads(by_hand.ran[0].out)["error"]
    assert by_hand.changes() == []


def test_the_text_of_an_installation_is_no_version(seen: Seen) -> None:
    value: Any = json.loads(seen["versions"].ran[0].out)["value"]
    told = dict(zip(SAID, value, strict=True))
    assert told == {
        "2.6 while it installs itself": "",
        "2.6": "2.6.1.0 6.6.87.2-1 1.0.66 1.2.6074",
        "2.6 in German, after a warning": "2.6.1.0 6.6.87.2-1 1.0.66",
        "2.6 in Chinese": "2.6.1.0 6.6.87.2-1",
        "the stub": "",
    }


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("build", "build 18363; WSL 2 needs 19041, and the GPU in it 19044: update Windows first."),
        ("32 bit", "a 32-bit Windows has no WSL 2."),
        ("feature", "this Windows has no such feature"),
        ("nested", "its host does not pass virtualization on."),
        ("cpu", "this CPU lacks what WSL 2 needs"),
    ],
)
def test_what_cannot_go_on_says_why_and_ends_with_4(seen: Seen, name: str, sentence: str) -> None:
    outcome = seen[f"blocked: {name}"]
    assert outcome.ran[0].code == 4, outcome.ran[0].err
    assert sentence in outcome.ran[0].err
    assert "please report" not in outcome.ran[0].err
    assert outcome.changes() == []


def test_reset_is_in_the_plan(seen: Seen) -> None:
    document = seen["reset-what-if"].ran[0].json
    assert step(document, "distribution")["status"] == "needed"
    assert (
        "-Reset: Ubuntu is saved to a file, deleted with everything in it" in step(document, "distribution")["reason"]
    )
    assert "wsl --unregister Ubuntu" in step(document, "distribution")["command"]
    assert seen["reset-what-if"].changes() == []


def test_a_damaged_uninstaller_does_not_silence_the_others(seen: Seen) -> None:
    """Unknown is a question, never a no."""
    damaged, unreadable = seen["damaged-uninstaller"], seen["unreadable-uninstallers"]
    assert damaged.ran[0].code == unreadable.ran[0].code == 4
    assert "VirtualBox 5.2.44 starts no virtual machine" in damaged.ran[0].err
    assert "The list of installed programs cannot be read" in unreadable.ran[0].err
    assert damaged.changes() == unreadable.changes() == []


def test_bitlocker_is_asked_in_three_ways_and_unknown_is_not_off(seen: Seen) -> None:
    protection, suspended, unelevated, by_cim = (json.loads(one.out)["value"] for one in seen["bitlocker"].ran)
    assert (protection, suspended, unelevated, by_cim) == ("on", "off", "unknown", "on")
    change = seen["bitlocker"].changes(1)[-1]
    assert change.arguments == ["-protectors", "-disable", "C:", "-rebootcount", "1"]


def test_a_pc_without_a_card_is_not_sent_for_a_driver(seen: Seen) -> None:
    driver = step(seen["no-card"].ran[0].json, "driver")
    assert (driver["status"], driver["command"]) == ("skipped", "")
    assert "has no NVIDIA card" in driver["reason"]


def test_room_is_looked_for_before_anything_is_fetched(seen: Seen) -> None:
    outcome = seen["little-room"]
    assert (outcome.ran[0].code, outcome.changes()) == (4, [])
    assert "6 GB are free on C:, and 14 GB are needed" in outcome.ran[0].err


def test_a_resumed_run_waits_for_the_network_tries_again_and_tells(seen: Seen) -> None:
    pc, ran, _ = outcome = seen["no-network"]
    assert [one.code for one in ran] == [4, 1, 1, 1, 1, 0], ran[-1].err
    assert "Waiting for the network ..." in ran[1].out
    waited = [call.arguments["Seconds"] for call in outcome.calls[1] if call.command == "Start-Sleep"]
    assert sum(waited) == 120
    assert "tries again when you sign in the next time (1 of 3)" in ran[1].out
    assert f"Register-ScheduledTask {TASK}" in in_few_words(outcome.changes(3))
    assert f"Register-ScheduledTask {TASK}" not in in_few_words(outcome.changes(4)), "three times at most"
    told = [call.arguments for call in outcome.calls[4] if call.command == "powershell.exe"]
    assert [words[-2] for words in told] == ["dreamrig: setup did not come to its end"]
    told = [call.arguments for call in outcome.calls[5] if call.command == "powershell.exe"]
    assert [words[-2] for words in told] == ["dreamrig is set up"]
    assert state_file(pc)["retries"] == 0


def test_the_first_picture_is_shown_once(seen: Seen) -> None:
    outcome = seen["picture"]
    opened = [[call.arguments for call in calls if call.command == "explorer.exe"] for calls in outcome.calls]
    assert [len(one) for one in opened] == [1, 0]
    assert opened[0][0][0].startswith("\\\\wsl.localhost\\Ubuntu\\home\\")


def test_drives_of_one_session_and_files_in_the_cloud_are_told_so(seen: Seen) -> None:
    network, subst, share, cloud, here = json.loads(seen["places"].ran[0].out)["value"]
    assert network.startswith("blocked: Z: is a network drive of this session (\\\\nas\\home)")
    assert subst.startswith("blocked: S: stands for C:\\Users\\me\\dreamrig in this session only")
    assert share.startswith("blocked: it lies on a network share")
    assert cloud.startswith("blocked: its files are in OneDrive")
    assert here == "done: on a disk of this PC"


def test_confirm_asks_before_each_step(seen: Seen) -> None:
    outcome = seen["step-by-step"]
    assert outcome.ran[0].code == 4
    assert "Virtual Machine Platform: Enable-WindowsOptionalFeature" in outcome.ran[0].out
    assert outcome.changes() == []


def test_the_plan_is_a_headline_and_what_will_happen(seen: Seen) -> None:
    full, short = seen["verbose"].ran
    lines = short.out.splitlines()
    assert lines[0] == (
        "About 30 minutes, 1 restart, 9 GB on C:; 3 changes to Windows, all of them undone by setup.ps1 -Undo."
    )
    assert len(lines) <= 14, short.out
    assert not [line for line in lines if line.startswith(("  ok", "  -"))]
    assert "now = setup does it, next = setup does it later" in lines[-1]
    assert "hypervisorlaunchtype" not in short.out
    assert "  ok    Windows build: build 26100" in full.out
    assert "Enable-WindowsOptionalFeature -Online -FeatureName VirtualMachinePlatform" in full.out
    assert "VERBOSE: " in full.out, "the module is verbose, too"
    assert seen["verbose"].changes(0) == []


def test_the_task_goes_by_the_identifier_of_the_account(seen: Seen) -> None:
    outcome = seen["entra"]
    assert json.loads(outcome.ran[0].out)["value"]["Registered"] is True
    (call,) = outcome.changes()
    assert "UserId=S-1-5-21-1-2-3-1001" in call.arguments["Principal"]


def test_what_cannot_be_proven_is_unverified_and_no_failure(seen: Seen) -> None:
    outcome = seen["unproven"]
    assert outcome.ran[0].code == 4, outcome.ran[0].err
    assert step(outcome.ran[0].json, "feature-virtual-machine-platform")["outcome"] == "unverified"
    assert "its state cannot be read" in outcome.ran[0].err


def test_the_report_has_everything_and_no_name(seen: Seen, report: Path) -> None:
    _, (ran,), _ = seen["report"]
    text = report.read_text("utf-8")
    document = json.loads(text)
    assert document["data"]["facts"]["windows"]["build"] == 26100
    assert document["errors"][0]["message"] == "Administrator rights are needed for this plan."
    assert any("setup.ps1 -ReportPath" in line for line in document["data"]["transcript"])
    assert not [name for name in ("J\u00f6rg", "PC-J") if name in text]
    assert "Report, without names: " in ran.out


def test_constrained_language_mode_is_a_sentence(edition: str) -> None:
    """AppLocker and WDAC: no methods, no types; the one document of -Json stays one."""
    for script, command in ((DOCTOR, "doctor"), (SETUP, "setup")):
        mode = "$ExecutionContext.SessionState.LanguageMode = 'ConstrainedLanguage'"
        ran = run_powershell(edition, ["-Command", f"{mode}; & {quote(str(script))} -Json; exit $LASTEXITCODE"])
        assert ran.code == 4, ran.err
        assert (ran.json["command"], ran.json["errors"][0]["exit_code"]) == (command, 4)
        assert "constrained language mode" in ran.json["errors"][0]["message"]


def test_a_copy_out_of_a_zip_preview_gets_a_hint(edition: str, tmp_path: Path) -> None:
    for script in (DOCTOR, SETUP):
        shutil.copy(script, tmp_path)
        ran = run_powershell(edition, ["-File", str(tmp_path / script.name)])
        assert ran.code == 4
        assert "extract the whole ZIP first" in ran.out
