# ruff: noqa: E501  (lines of PowerShell)
"""What the scripts do where nothing else helps: every catch, throw and fallback that a PC can be brought to."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from resort_cases import MORE_CASES, Case, native
from scenarios import Outcome, Scenario, Turn
from setup_runs import CALL, ROOT, SETUP, finished, inside, with_linux
from simulated_machine import CONNECTIONS, fresh, ready
from simulated_pc import run_powershell

Seen = Mapping[str, Outcome]
POWERSHELL = ROOT / "powershell"
LINUX = {"name": "Ubuntu", "version": 2}
STUCK = {"command": "wsl.exe", "arguments": "--unregister", "code": -1, "err": "Error code: Wsl/Service/E_FAIL\r\n"}
LIST_ONLY = {
    "command": "wsl.exe",
    "arguments": "^--install",
    "code": -1,
    "err": "Error code: Wsl/InstallDistro/E_FAIL\r\n",
}
NO_DOCUMENT = {
    "command": "wsl.exe",
    "arguments": "-e sh -s$",
    "code": 1,
    "out": "Traceback (most recent call last):\r\n",
}
PROCESSOR = fresh()["derived_cim"]["Win32_Processor"][0]


CASES = {
    # ---- programs
    "a file that is no program": Case(
        fresh(),
        "$file = Join-Path $env:TEMP 'text.exe'; [IO.File]::WriteAllText($file, 'no program'); "
        "(Invoke-Native -FilePath $file).Reason",
        "denied",
    ),
    "the number of an error says what it is": Case(
        fresh(),
        "2, 5, 13, 740, 1260, 9999 | ForEach-Object { try { throw (New-Object ComponentModel.Win32Exception $_) } "
        "catch { Get-NativeReason -ErrorRecord $_ } } | ForEach-Object { ($_ -split ':')[0] }",
        ["absent", "denied", "denied", "denied", "denied", "failed"],
    ),
    "a program that ends before it has read": Case(
        native("subst", out="gone\r\n"),
        "(Invoke-Native -FilePath 'subst.exe' -InputText ('x' * 4MB)).Out.Trim()",
        "gone",
    ),
    "a variable for one program": Case(
        fresh(), "(Invoke-Native -FilePath 'env' -Environment @{ RIG = 'here' }).Out -match '(?m)^RIG=here$'", True
    ),
    "UTF-16 with the other byte first": Case(fresh(), "ConvertFrom-NativeByte -Bytes (254, 255, 0, 65, 0, 66)", "AB"),
    "half a character of Unicode is left out": Case(
        fresh(), r"(ConvertTo-PlainCharacter -Text ('a' + [char] 0xd800 + [char] 0xe9)).Length", 2
    ),
    # ---- reasons
    "why a fact is unknown": Case(
        fresh(),
        "$of = { param($e) try { throw $e } catch { Get-FailureReason -ErrorRecord $_ } }; "
        "$com = { param($n) New-Object Runtime.InteropServices.COMException 'x', ([int] $n) }; "
        "& $of (New-Object UnauthorizedAccessException); & $of (New-Object TimeoutException); "
        "foreach ($n in '0x80070005', '0x800702e4', '0x80041003', '0x80041010', '0x8004100e', '0x80041002', "
        "'0x80041069', '0x800705b4') { & $of (& $com $n) }; "
        "foreach ($n in 'AccessDenied', 'InvalidClass', 'InvalidNamespace', 'NotFound') { "
        "$e = New-Object Exception 'x'; $e | Add-Member NoteProperty NativeErrorCode $n; "
        "$r = New-Object Management.Automation.ErrorRecord $e, 'x', 'NotSpecified', $null; Get-FailureReason -ErrorRecord $r }",
        [
            "denied",
            "timeout",
            "denied",
            "denied",
            "denied",
            "absent",
            "absent",
            "absent",
            "timeout",
            "timeout",
            "denied",
            "absent",
            "absent",
            "absent",
        ],
    ),
    "a class without instances": Case(
        fresh(cim={"Win32_BaseBoard": []}), "Get-CimFirst 'Win32_BaseBoard'", "error: Win32_BaseBoard has no instance."
    ),
    "no features are listed": Case(
        fresh(elevated=True, features=dict.fromkeys(fresh()["features"])),
        "Get-FeatureByServicing",
        "error: No features were listed.",
    ),
    "the boot settings cannot be read": Case(
        native("bcdedit", code=1),
        "Get-BootLaunchType",
        "error: The boot settings cannot be read (failed: bcdedit ended with 1).",
    ),
    "secedit says nothing": Case(
        native("secedit", code=1), "(Get-VirtualMachineLogonRight).UnknownBecause", "failed: secedit ended with 1"
    ),
    "nobody may log on as a service": Case(
        fresh(elevated=True, service_logon_right="\r\nOther = 1"), "Get-VirtualMachineLogonRight", False
    ),
    "bits that Windows does not tell": Case(
        fresh(cim={"Win32_Processor": [{key: PROCESSOR[key] for key in ("Name", "Manufacturer", "Architecture")}]}),
        "(Get-RigFact).unknown.'windows.slat'",
        "absent",
    ),
    "a disk whose attributes cannot be read": Case(
        ready(errors={"Get-Item": "A device which does not exist was specified."}),
        f"(Get-DiskAttribute -Folder '{ready()['wsl']['distributions'][0]['base_path']}' -Name 'ext4.vhdx').Count",
        0,
    ),
    "a value that is not what it says": Case(
        fresh(
            registry={"HKLM:\\SOFTWARE\\X\\one": {"Name": {"damaged": True}}, "HKLM:\\SOFTWARE\\X\\two": {"Name": "b"}}
        ),
        "@(Get-RegistryChild -Path 'HKLM:\\SOFTWARE\\X' -Name 'Name' | ForEach-Object { \"$($_.PSChildName) $($_.Name)\" })",
        ["one ", "two b"],
    ),
    "a file in the cloud that cannot be asked": Case(fresh(), "Test-CloudFile -Path 'C:\\gone\\setup.ps1'", False),
    "Windows does not say whether there is a network": Case(
        fresh(errors={f"Get-CimInstance {CONNECTIONS}": "Invalid namespace"}), "Test-Network", True
    ),
    # ---- the knowledge base
    "no knowledge: the firmware in general words": Case(
        fresh(hardware={"nx": False, "firmware_virtualization": False}),
        "$facts = Get-RigFact; $script:ModuleFolder = Join-Path $env:TEMP 'nowhere'; @(Get-FirmwareGuide -Fact $facts)[1, 2, -1]",
        [
            "Key at power-on: mostly Del, F2, F10 or Esc.",
            "AMD: Advanced > CPU Configuration > SVM Mode: Enabled.",
            "NX: Advanced > CPU Configuration > NX Mode, No-Execute or Execute Disable Bit: Enabled.",
        ],
    ),
    "no knowledge: an error is not explained": Case(
        fresh(),
        "$script:Knowledge = $null; $script:ModuleFolder = Join-Path $env:TEMP 'nowhere'; Write-Explanation -Text '0x80370102'; 'goes on'",
        "goes on",
    ),
    "a comparison without a kind": Case(
        fresh(),
        "ConvertTo-Predicate ([pscustomobject]@{ fact = 'windows.build'; like = 1 })",
        "error: The knowledge base is damaged: a comparison with 'windows.build' has no kind.",
    ),
    "a pattern that a text leads astray": Case(
        fresh(),
        "$script:PatternPatience = [timespan]::FromMilliseconds(20); $text = ('a' * 5000) + '!'; "
        "$spans = New-Object 'System.Collections.Generic.Dictionary[string,object]'; "
        "$reading = [pscustomobject]@{ Flat = $text; Text = $text; Joined = $text; Spans = $spans }; "
        "@(Find-Pattern $reading '^(a+)+$').Count; @(Find-ToldWord $text '^(a+)+b$').Count; "
        "@(Get-PatternSpan $reading '^(a+)+c$').Count",
        [0, 0, 0],
    ),
    # ---- setup's own files
    "no place for the state": Case(
        fresh(),
        "$was = $env:LOCALAPPDATA; try { $env:LOCALAPPDATA = ''; Get-SetupFolder } finally { $env:LOCALAPPDATA = $was }",
        "error: The variable LOCALAPPDATA is not set: there is no place for the state of setup.",
    ),
    "a state of another version, and half a state": Case(
        fresh(),
        "$f = Get-SetupFolder; $null = [IO.Directory]::CreateDirectory($f); foreach ($t in '{\"schema\": 2}', '{\"schema\": 1}') { "
        "[IO.File]::WriteAllText((Join-Path $f 'state.json'), $t); $null -eq (Read-SetupState) }",
        [True, True],
    ),
    "a state from before there were retries": Case(
        fresh(),
        "$s = New-SetupState; Save-SetupState -State $s -Confirm:$false; $p = Join-Path (Get-SetupFolder) 'state.json'; "
        "[IO.File]::WriteAllText($p, ([IO.File]::ReadAllText($p) -replace '\"retries\":\\s*0,', '')); (Read-SetupState).retries",
        0,
    ),
    "the log is a folder": Case(
        fresh(),
        "$script:SetupTalk.Log = $env:TEMP; Write-SetupLog -Text 'x'; $script:SetupTalk.Log = ''; 'goes on'",
        "goes on",
    ),
    "a report that cannot be written": Case(
        fresh(),
        "$script:SetupTalk.Json = $true; $r = [pscustomobject]@{ Plan = @(); Status = ''; Changes = @(); Distribution = $null; "
        "Picture = $null; Log = $null; Message = ''; Hint = ''; ExitCode = 0 }; "
        "Write-SetupReport -Path (Join-Path $env:TEMP 'no/where/r.json') -Result $r; $script:SetupTalk.Json = $false; 'goes on'",
        "goes on",
    ),
    ".wslconfig is a folder": Case(
        fresh(),
        "Set-WslConfig -Confirm:$false -Plan ([pscustomobject]@{ Path = $env:TEMP; Old = $null; New = [byte[]] (65, 66) })",
        "error: ",
    ),
    "a backup at the same second": Case(
        fresh(),
        "$p = Join-Path $env:TEMP 'x'; 1..3 | ForEach-Object { [IO.File]::WriteAllText((Get-BackupPath -Path $p), '') }; "
        "[IO.Directory]::GetFiles($env:TEMP, 'x.dreamrig-*').Count",
        3,
    ),
    "an option that is not ours": Case(
        fresh(),
        "(New-SetupOption -Bound @{ Debug = $true; WslMemoryGB = 8 } -Script 'x').words -join ' '",
        '-WslMemoryGB "8"',
    ),
    "names of distributions that come from files": Case(
        fresh(),
        "'Debian_WSL_AMD64_v1.20.wsl', 'ubuntu-24.04.2-wsl-amd64.wsl', 'kali-linux-2025.1c-wsl-rootfs-amd64.wsl', "
        "'my own.tar.gz', 'archlinux-2025.05.01.wsl' | ForEach-Object { Get-FileDistributionName -Path $_ }",
        ["Debian", "ubuntu-24.04.2", "kali-linux-2025.1c", "myown", "archlinux-2025.05.01"],
    ),
    # ---- what Windows refuses
    "BitLocker refuses": Case(
        fresh(
            elevated=True,
            bitlocker={"C:": {"ProtectionStatus": "On"}},
            errors={"Suspend-BitLocker": "A policy forbids it."},
        ),
        "Suspend-SystemBitLocker -Confirm:$false",
        "error: BitLocker on C: could not be suspended. A policy forbids it.",
    ),
    "Windows refuses to restart": Case(
        native("shutdown", code=5, err="Access is denied.(5)\r\n"),
        "Start-Restart -Confirm:$false",
        "error: Windows refuses to restart (Access is denied.(5)).",
    ),
    "a task that cannot be deleted": Case(
        fresh(
            elevated=True,
            tasks={"DreamRig-Setup-Resume": {"TaskName": "DreamRig-Setup-Resume", "TaskPath": "\\"}},
            errors={"Unregister-ScheduledTask": "Access is denied."},
        ),
        "Unregister-RigResume -Confirm:$false",
        "error: The scheduled task DreamRig-Setup-Resume cannot be deleted.",
    ),
    "a distribution that cannot be deleted": Case(
        with_linux(LINUX, answers=[STUCK]),
        "Remove-Distribution -Name 'Ubuntu' -Confirm:$false",
        "error: The distribution Ubuntu could not be deleted: Error code: Wsl/Service/E_FAIL",
    ),
    "a distribution that cannot be converted": Case(
        with_linux({**LINUX, "version": 1}, answers=[{**STUCK, "arguments": "--set-version"}]),
        "(Convert-Distribution -Name 'Ubuntu') -split \"`n\" | Select-Object -Last 1",
        "it is not WSL 2",
    ),
    "one that comes as WSL 1 is converted": Case(
        with_linux(
            answers=[
                {
                    "command": "wsl.exe",
                    "arguments": "--install",
                    "then": {"wsl": {"distributions": [{"name": "Debian", "version": 1}]}},
                }
            ]
        ),
        "(Install-RigDistribution -Name 'Debian' -Confirm:$false).Version",
        2,
    ),
    "a renewal that fails names the copy": Case(
        with_linux(LINUX, answers=[LIST_ONLY]),
        "try { Reset-RigDistribution -Name 'Ubuntu' -ExportPath (Join-Path $env:TEMP 'u.tar') -Confirm:$false } "
        "catch { ($_.Exception.Data['hint'] -split ' ')[0..5] -join ' ' }",
        "what it was: wsl --import Ubuntu",
    ),
    "WSL that stays": Case(
        finished(answers=[{**STUCK, "arguments": "--uninstall"}]),
        "$script:SetupTalk = @{ Json = $false; Unattended = $false; Log = '' }; "
        "Undo-WslPackage -Change ([pscustomobject]@{ before = '' }) -Confirm:$false",
        "error: WSL could not be uninstalled: Error code: Wsl/Service/E_FAIL",
    ),
    "half-installed under -WhatIf": Case(
        with_linux({**LINUX, "state": "installing"}),
        "(Install-RigDistribution -Name 'Ubuntu' -Repair -WhatIf).After",
        "half-installed",
    ),
    "its launcher has a name of its own": Case(fresh(), "Get-DistributionLauncher -Name 'kali-linux'", "kali.exe"),
    "a doctor inside Linux that prints no document": Case(
        with_linux(LINUX, answers=[NO_DOCUMENT]),
        "$r = [pscustomobject]@{ Status = ''; ExitCode = 0; Message = ''; Hint = '' }; "
        "Test-GuestChain -Distribution 'Ubuntu' -Result $r; $r.Hint",
        "wsl -d Ubuntu --cd ~/dreamrig ./rig doctor",
    ),
} | MORE_CASES

SCENARIOS = {name: Scenario(case.state, [Turn(CALL, [inside(case.text)], ["y"])]) for name, case in CASES.items()} | {
    "no to -Reset": Scenario(finished(), [Turn(SETUP, ["-Reset", "-SkipGuest"], ["y", "n"])]),
    "cannot be converted": Scenario(
        with_linux({**LINUX, "version": 1}, answers=[{**STUCK, "arguments": "--set-version"}]),
        [Turn(SETUP, ["-SkipGuest", "-Distribution", "Ubuntu"], ["y", "y"])],
    ),
}


@pytest.fixture(scope="module")
def seen(several: Callable[..., Seen]) -> Seen:
    return several(SCENARIOS)


@pytest.mark.parametrize("name", CASES)
def test_last_resort(seen: Seen, name: str) -> None:
    (ran,) = seen[name].ran
    found = json.loads(ran.out[ran.out.index("{") :])  # something may be said on the way
    wanted = CASES[name].said
    if isinstance(wanted, str) and wanted.startswith("error: "):
        assert found.get("error", found).startswith(wanted.removeprefix("error: ")), found
    else:
        assert found == {"value": wanted}


def test_a_no_to_the_renewal_leaves_everything(seen: Seen) -> None:
    outcome = seen["no to -Reset"]
    assert outcome.ran[0].code == 4
    assert "Ubuntu stays as it is." in outcome.ran[0].err
    assert outcome.changes() == []


def test_a_conversion_that_fails_is_told(seen: Seen) -> None:
    (ran,) = seen["cannot be converted"].ran
    assert ran.code == 1
    assert "Ubuntu could not be converted: it is not WSL 2" in ran.err
    assert "takes a fresh one beside it" in ran.err


@pytest.mark.parametrize(("script", "module"), [("doctor.ps1", "Doctor.psm1"), ("setup.ps1", "DreamRig.psm1")])
def test_a_module_that_breaks_is_a_sentence(edition: str, tmp_path: Path, script: str, module: str) -> None:
    """Half a copy, or a file that somebody has edited."""
    folder = tmp_path / "DreamRig"
    folder.mkdir()
    shutil.copy(POWERSHELL / script, tmp_path)
    shutil.copy(POWERSHELL / "DreamRig" / "DreamRig.psd1", folder)
    (folder / module).write_text("throw 'It is \"damaged\".'", "ascii")
    ran = run_powershell(edition, ["-File", str(tmp_path / script)])
    assert ran.code == 1
    assert ran.err.startswith("error: ")
    assert 'It is "damaged".' in ran.err
    if script == "doctor.ps1":
        document = run_powershell(edition, ["-File", str(tmp_path / script), "-Json"])
        assert document.code == document.json["errors"][0]["exit_code"] == 1
        assert "damaged" in document.json["errors"][0]["message"]
