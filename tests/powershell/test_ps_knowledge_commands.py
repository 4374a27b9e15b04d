"""The PowerShell commands of the knowledge base, read by the real parser: do they parse, and do the parameters exist?

windows_commands.json are the commands of Windows PowerShell 5.1 with their parameters and sets (its `about` names the
profile they are from); a cmdlet that it does not have must stand in ELSEWHERE, so that a slip in a name is seen.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from simulated_pc import EDITIONS, ROOT, quote, require_powershell, run_powershell

KNOWLEDGE = json.loads((ROOT / "provision" / "knowledge" / "causes.json").read_text("utf-8"))
PROFILE = json.loads((Path(__file__).parent / "windows_commands.json").read_text("utf-8"))["commands"]
KNOWN: dict[str, Any] = {name.lower(): entry for name, entry in PROFILE.items()}
STEPS = [step for cause in KNOWLEDGE["causes"] for step in cause["fix"] if step["where"] in ("windows", "host")]
SAID = [words for step in STEPS for words in (step["command"], step["undo"]) if words and not words.endswith(".")]
ASKED = [query["command"] for query in KNOWLEDGE["queries"] if query["where"] in ("windows", "host")]
COMMANDS = sorted({*SAID, *ASKED})
COMMON = {"verbose", "debug", "erroraction", "warningaction", "informationaction", "errorvariable", "warningvariable",
          "informationvariable", "outvariable", "outbuffer", "pipelinevariable", "whatif", "confirm"}  # fmt: skip
ELSEWHERE = {
    "Copy-Item", "Disable-PnpDevice", "Dismount-DiskImage", "Enable-PnpDevice", "ForEach-Object", "Format-Hex",
    "Format-List", "Format-Table", "Get-AppPackageLog", "Get-ChildItem", "Get-Item", "Get-PSDrive", "Get-VMSwitch",
    "New-VMSwitch", "Optimize-VHD", "Remove-MpPreference", "Remove-VMSwitch", "Rename-Item", "Select-Object",
    "Select-String", "Set-CimInstance", "Set-Disk", "Set-ProcessMitigation", "Set-VMProcessor", "Sort-Object",
    "Where-Object",
}  # fmt: skip
"""Cmdlets that the profile has not. A name that is new here is to be looked up first."""
PARSE = """
$ErrorActionPreference = 'Stop'
$asked = [System.IO.File]::ReadAllText({asked}) | ConvertFrom-Json
$out = foreach ($words in $asked.commands) {{
    $tokens = $errors = $null
    $tree = [System.Management.Automation.Language.Parser]::ParseInput($words, [ref] $tokens, [ref] $errors)
    $calls = $tree.FindAll({{ param($node) $node -is [System.Management.Automation.Language.CommandAst] }}, $true)
    @{{
        errors = @($errors | ForEach-Object {{ $_.Message }})
        calls  = @($calls | ForEach-Object {{
            $parts = $_.CommandElements | Where-Object {{
                $_ -is [System.Management.Automation.Language.CommandParameterAst]
            }}
            @{{ name = [string]$_.GetCommandName(); parameters = @($parts | ForEach-Object {{ $_.ParameterName }}) }}
        }})
    }}
}}
ConvertTo-Json -Depth 6 -InputObject @($out)
"""


def parse_all(edition: str, folder: Path, commands: Sequence[str]) -> list[dict[str, Any]]:
    """Errors and calls of many commands, from one process."""
    require_powershell(edition)
    asked, script = folder / "asked.json", folder / "parse.ps1"
    asked.write_text(json.dumps({"commands": list(commands)}), "utf-8")
    script.write_text(PARSE.format(asked=quote(str(asked))), "utf-8-sig")
    ran = run_powershell(edition, ["-File", str(script)])
    assert ran.code == 0, ran.err
    return list(ran.json)


def faults(name: str, parameters: Sequence[str]) -> list[str]:
    """What PowerShell would refuse: parameters that do not exist or are ambiguous, and sets that do not go together."""
    entry = KNOWN[name.lower()]
    every = {parameter.lower(): parameter for parameter in entry["parameters"]}
    for parameter, details in entry["parameters"].items():
        every |= {alias.lower(): parameter for alias in details.get("aliases", ())}
    wrong, sets = [], set(entry.get("parameter_sets", ()))
    for given in map(str.lower, parameters):
        meant = {every[given]} if given in every else {every[one] for one in every if one.startswith(given)}
        common = {one for one in COMMON if one == given or (not meant and one.startswith(given))}
        if len(meant | common) != 1:
            wrong.append(f"-{given} of {name} is {'ambiguous' if meant | common else 'unknown'}")
        elif meant:
            inside = entry["parameters"][meant.pop()].get("sets")
            sets &= set(inside) if inside else sets
    if entry.get("parameter_sets") and not sets:
        wrong.append(f"{name} has no set of parameters with all of {', '.join(parameters)}")
    return wrong


@pytest.mark.parametrize("edition", EDITIONS)
def test_commands_parse_and_their_parameters_exist(edition: str, tmp_path: Path) -> None:
    found = dict(zip(COMMANDS, parse_all(edition, tmp_path, COMMANDS), strict=True))
    assert {words: one["errors"] for words, one in found.items() if one["errors"]} == {}
    calls = [(call["name"], call["parameters"]) for one in found.values() for call in one["calls"]]
    checked = [(name, parameters) for name, parameters in calls if name.lower() in KNOWN]
    assert len(checked) >= 50
    assert [fault for name, parameters in checked for fault in faults(name, parameters)] == []
    assert "Only" not in {name for name, _ in calls}, "a sentence was taken for a command: it ends with a full stop"
    cmdlets = {name for name, _ in calls if re.fullmatch(r"[A-Z][A-Za-z]+-[A-Z]\w+", name)}
    assert {name for name in cmdlets if name.lower() not in KNOWN} == ELSEWHERE


def test_a_slip_would_be_seen(tmp_path: Path) -> None:
    slips = [
        "Get-ChildItem 'C:\\x",
        "Get-CimInstance -Clas Win32_Processor",
        "Get-Process | Where-Object {",
        "if (1) {}",
    ]
    errors = [bool(one["errors"]) for one in parse_all("pwsh", tmp_path, slips)]
    assert errors == [True, False, True, False]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("Enable-WindowsOptionalFeature", ["Online", "FeatureNam3"]),
        ("Enable-WindowsOptionalFeature", ["Online", "Path"]),
        ("Get-CimInstance", ["C"]),
    ],
)
def test_a_parameter_that_powershell_refuses_is_a_fault(name: str, parameters: list[str]) -> None:
    assert faults(name, parameters)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("Enable-WindowsOptionalFeature", ["Online", "FeatureName", "NoRestart", "All"]),
        ("Get-CimInstance", ["ClassName"]),
        ("Get-CimInstance", ["ErrorAction"]),
    ],
)
def test_what_powershell_takes_is_no_fault(name: str, parameters: list[str]) -> None:
    assert faults(name, parameters) == []
