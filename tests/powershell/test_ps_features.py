"""The public functions that change something: proven by a query, silent the second time, honest under -WhatIf."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from scenarios import Outcome, Scenario, Turn
from setup_runs import CALL, finished, in_few_words, inside, with_linux
from simulated_machine import CURRENT_VERSION, HYPER_V, PLATFORM, SUBSYSTEM, fresh

Seen = Mapping[str, Outcome]
ENABLE = f"Enable-WindowsOptionalFeature {PLATFORM}"
QUIET = "-Confirm:$false"
LAUNCH = f"Enable-RigFeature -Name HypervisorLaunch {QUIET}"
DENIED = {"command": "bcdedit.exe", "arguments": "^/set", "code": 1, "out": "Zugriff verweigert\r\n"}
BROKEN = {"Get-WindowsOptionalFeature": "Class not registered", "Enable-WindowsOptionalFeature": "Class not registered"}
STORE_FAILS = {
    "command": "wsl.exe",
    "arguments": "^--install -d \\S+ --no-launch$",
    "code": -1,
    "err": "Error code: Wsl/InstallDistro/0x8024500c\r\n",
}
NO_START = {
    "command": "wsl.exe",
    "arguments": "-e /bin/true$",
    "code": -1,
    "encoding": "utf-16-le",
    "err": "Fehlercode: Wsl/Service/CreateInstance/CreateVm/HCS/HCS_E_HYPERV_NOT_INSTALLED\r\n",
}
DISK_FULL = {"command": "wsl.exe", "arguments": "^--export", "code": -1, "err": "Error code: Wsl/0x80070070\r\n"}

ODD_NAMES = "'Mia', 'X Y_1', '123', 'root', '\u0431', ('a' * 40)"
EVERYTHING = """
    Set-FeatureState -FeatureName x -Enable; Set-LaunchType -Value off; Start-Restart; Suspend-SystemBitLocker
    $null = Invoke-Guest -Distribution Ubuntu -Step python -Verb do; Save-SetupState -State (New-SetupState)
    Set-WslConfig -Plan (Get-WslConfigPlan -MemoryGB 24)
    Export-Distribution -Name Ubuntu -Path (Get-ExportPath Ubuntu)
"""


def enable(name: str) -> Turn:
    return Turn(CALL, [f"Enable-RigFeature -Name {name} {QUIET}"])


SCENARIOS = {
    "enable": Scenario(
        fresh(elevated=True),
        [
            enable("VirtualMachinePlatform"),
            enable("VirtualMachinePlatform"),
            "restart",
            enable("VirtualMachinePlatform"),
        ],
    ),
    "claims": Scenario(
        fresh(elevated=True, ineffective=["Enable-WindowsOptionalFeature"]), [enable("VirtualMachinePlatform")]
    ),
    "broken-module": Scenario(fresh(elevated=True, errors=BROKEN), [enable("Wsl")]),
    "home": Scenario(fresh(elevated=True), [enable("HyperV")]),
    "pro": Scenario(
        fresh(elevated=True, features={HYPER_V: "Disabled"}, registry={CURRENT_VERSION: {"EditionID": "Professional"}}),
        [enable("HyperV")],
    ),
    "absent": Scenario(fresh(elevated=True, features={SUBSYSTEM: None}), [enable("Wsl")]),
    "launch": Scenario(
        fresh(elevated=True, language="de-DE", boot={"hypervisorlaunchtype": "Off"}),
        [Turn(CALL, [LAUNCH]), Turn(CALL, [LAUNCH])],
    ),
    "launch-denied": Scenario(
        fresh(elevated=True, boot={"hypervisorlaunchtype": "Off"}, answers=[DENIED]), [Turn(CALL, [LAUNCH])]
    ),
    "unelevated": Scenario(fresh(), [enable("VirtualMachinePlatform"), Turn(CALL, [LAUNCH])]),
    "what-if": Scenario(
        finished(boot={"hypervisorlaunchtype": "Off"}, features={SUBSYSTEM: "Disabled"}),
        [
            Turn(CALL, ["Enable-RigFeature -Name Wsl -WhatIf; Enable-RigFeature -Name HypervisorLaunch -WhatIf"]),
            Turn(CALL, ["Install-RigDistribution -Name Debian -WhatIf; Reset-RigDistribution -Name Ubuntu -WhatIf"]),
            Turn(
                CALL,
                [inside(f"$WhatIfPreference = $true; {EVERYTHING}")],
            ),
        ],
    ),
    "distribution": Scenario(
        with_linux(),
        [Turn(CALL, [f"Install-RigDistribution {QUIET}"]), Turn(CALL, [f"Install-RigDistribution {QUIET}"])],
    ),
    "by-the-web": Scenario(
        with_linux(answers=[STORE_FAILS]), [Turn(CALL, [f"Install-RigDistribution Debian {QUIET}"])]
    ),
    "no-start": Scenario(with_linux(answers=[NO_START]), [Turn(CALL, [f"Install-RigDistribution Debian {QUIET}"])]),
    "reset": Scenario(
        finished(),
        [
            Turn(
                CALL,
                [f"Reset-RigDistribution -Name Ubuntu -ExportPath (Join-Path $env:USERPROFILE 'mine.tar') {QUIET}"],
            ),
            Turn(
                CALL,
                [f"Reset-RigDistribution -Name Ubuntu -ExportPath (Join-Path $env:USERPROFILE 'mine.tar') {QUIET}"],
            ),
            {"answers": [DISK_FULL]},
            Turn(CALL, [f"Reset-RigDistribution -Name Ubuntu {QUIET}"]),
            Turn(CALL, [f"Reset-RigDistribution -Name Ubuntu -NoExport {QUIET}"]),
            Turn(CALL, [f"Reset-RigDistribution -Name Nix {QUIET}"]),
        ],
    ),
    "odd-names": Scenario(
        finished(),
        [
            Turn(CALL, ["Install-RigDistribution -Name '--shutdown' -Confirm:$false"]),
            Turn(
                CALL,
                [
                    inside(f"@({ODD_NAMES}) | ForEach-Object {{ ConvertTo-LinuxName -Name $_ }}"),
                ],
            ),
            Turn(
                CALL,
                [
                    inside("Get-GuestScript -Step user -ArgumentList 'do', \"it's; `$(x)\""),
                ],
            ),
        ],
    ),
}


@pytest.fixture(scope="module")
def seen(several: Callable[..., Seen]) -> Seen:
    return several(SCENARIOS)


def said(outcome: Outcome, turn: int = 0) -> Any:
    out = outcome.ran[turn].out
    return json.loads(out[out.rindex("\n{") if "\n{" in out else 0 :])


def test_a_feature_is_enabled_once_without_a_restart_of_its_own(seen: Seen) -> None:
    outcome = seen["enable"]
    assert said(outcome, 0)["value"] == {
        "Name": "VirtualMachinePlatform",
        "Before": "disabled",
        "After": "enable-pending",
        "Changed": True,
        "RestartNeeded": True,
    }
    assert in_few_words(outcome.changes(0)) == [ENABLE]
    assert outcome.changes(0)[0].arguments["NoRestart"] is True
    assert (said(outcome, 1)["value"]["RestartNeeded"], outcome.changes(1)) == (True, [])
    assert said(outcome, 2)["value"]["After"] == "enabled"
    assert (said(outcome, 2)["value"]["RestartNeeded"], outcome.changes(2)) == (False, [])


def test_a_feature_that_claims_success_and_stays_disabled_is_an_error(seen: Seen) -> None:
    error = said(seen["claims"])
    assert (
        error["error"] == "Windows reported success, but the Windows feature VirtualMachinePlatform is still disabled."
    )
    assert error["exit_code"] == 1
    assert "RestoreHealth" in error["hint"]


def test_where_the_servicing_module_is_broken_dism_does_it(seen: Seen) -> None:
    outcome = seen["broken-module"]
    assert said(outcome)["value"]["After"] == "enable-pending"
    assert (
        in_few_words(outcome.changes())[-1]
        == f"dism.exe /Online /English /NoRestart /Enable-Feature /FeatureName:{SUBSYSTEM} /All"
    )


def test_hyper_v_only_where_the_edition_has_it(seen: Seen) -> None:
    refused = said(seen["home"])
    assert (refused["exit_code"], seen["home"].changes()) == (2, [])
    assert "WSL 2 does not need it" in refused["error"]
    assert said(seen["pro"])["value"]["After"] == "enable-pending"
    assert in_few_words(seen["pro"].changes()) == [f"Enable-WindowsOptionalFeature {HYPER_V}"]
    assert "this Windows has no feature" in said(seen["absent"])["error"]


def test_the_boot_setting_is_set_with_its_braces_and_read_again(seen: Seen) -> None:
    outcome = seen["launch"]
    assert (said(outcome, 0)["value"]["Before"], said(outcome, 0)["value"]["After"]) == ("off", "auto")
    assert [call.arguments for call in outcome.changes(0)] == [["/set", "{current}", "hypervisorlaunchtype", "auto"]]
    assert outcome.changes(1) == []
    refused = said(seen["launch-denied"])["error"]
    assert refused == "hypervisorlaunchtype is still off. bcdedit said: Zugriff verweigert"


def test_without_rights_nothing_is_tried(seen: Seen) -> None:
    outcome = seen["unelevated"]
    for turn in (0, 1):
        assert said(outcome, turn)["exit_code"] == 4
        assert "Run as administrator" in said(outcome, turn)["hint"]
        assert outcome.changes(turn) == []


def test_what_if_starts_nothing_that_changes_anything(seen: Seen) -> None:
    outcome = seen["what-if"]
    for turn in range(3):
        assert "error" not in said(outcome, turn), said(outcome, turn)
        assert outcome.changes(turn) == []
    assert outcome.ran[0].out.count("What if: ") == 2
    assert outcome.ran[1].out.count("What if: ") == 2
    assert not (outcome.pc.home / ".wslconfig").exists()
    assert not (outcome.pc.home / "AppData/Local/DreamRig").exists()
    assert not (outcome.pc.home / "DreamRig-backups").exists()


def test_a_distribution_is_installed_once_and_proven_to_start(seen: Seen) -> None:
    outcome = seen["distribution"]
    assert said(outcome, 0)["value"] == {
        "Name": "Ubuntu-24.04",
        "Before": "absent",
        "After": "installed",
        "Version": 2,
        "Changed": True,
    }
    assert in_few_words(outcome.changes(0)) == ["wsl.exe --install -d Ubuntu-24.04 --no-launch"]
    assert any(call.line.endswith("-d Ubuntu-24.04 -u root -e /bin/true") for call in outcome.calls[0])
    assert (said(outcome, 1)["value"]["Changed"], outcome.changes(1)) == (False, [])

    assert said(seen["by-the-web"])["value"]["After"] == "installed"
    assert in_few_words(seen["by-the-web"].changes())[-1] == "wsl.exe --install -d Debian --no-launch --web-download"

    stuck = said(seen["no-start"])
    assert stuck["error"].startswith("The distribution Debian is there, but does not start: Fehlercode: Wsl/Service/")
    assert stuck["exit_code"] == 1


def test_nothing_is_deleted_before_it_is_saved(seen: Seen) -> None:
    outcome = seen["reset"]
    mine = outcome.pc.home / "mine.tar"
    again = ["wsl.exe --unregister Ubuntu", "wsl.exe --install -d Ubuntu --no-launch"]
    assert said(outcome, 0)["value"] == {"Name": "Ubuntu", "ExportPath": str(mine), "Changed": True}
    assert in_few_words(outcome.changes(0)) == [f"wsl.exe --export Ubuntu {mine}", *again]
    assert mine.read_bytes() == b"a distribution named Ubuntu"
    assert "is there already" in said(outcome, 1)["error"], "an export is never overwritten"
    assert outcome.changes(1) == []
    assert "could not be saved, so nothing was deleted" in said(outcome, 2)["error"]
    assert [call.arguments[0] for call in outcome.changes(2)] == ["--export"]
    assert in_few_words(outcome.changes(3)) == again
    assert (said(outcome, 4)["exit_code"], outcome.changes(4)) == (2, [])


def test_names_cannot_pass_for_options_nor_for_shell(seen: Seen) -> None:
    outcome = seen["odd-names"]
    assert "error" in said(outcome, 0)
    assert outcome.changes(0) == []
    assert said(outcome, 1)["value"] == ["mia", "xy_1", "dreamer", "dreamer", "dreamer", "a" * 31]
    script = said(outcome, 2)["value"]
    assert script.startswith("set -- 'do' 'it'\\''s; $(x)'\n# dreamrig guest step: user\n")
    assert "\r" not in script
