"""Writes the simulated commands: functions with the parameter blocks of Windows PowerShell 5.1.

commands.json is a part of the PSScriptAnalyzer 1.19.0 compatibility profile of Windows PowerShell 5.1 on Windows 10
(win-48_x64_10.0.17763.0_5.1.17763.316, github.com/PowerShell/PSScriptAnalyzer). A function accepts what the command
accepts, in the same sets, and hands what it was given to Invoke-SimulatedCommand in Windows.ps1.
"""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
COMMANDS: dict[str, Any] = json.loads((HERE / "commands.json").read_text("utf-8"))["commands"]
# Types that every engine knows; anything else (CIM, DISM, services) exists on Windows only and becomes an object.
KNOWN = {
    "Boolean", "Byte", "Char", "DateTime", "Int16", "Int32", "Int64", "Object", "String", "TimeSpan", "UInt16",
    "UInt32", "UInt64", "Uri", "Version", "switch",
}  # fmt: skip
# What the enumerations behind those types allow, where a wrong word is a likely slip.
WORDS = {
    ("Set-Service", "StartupType"): ("Automatic", "Manual", "Disabled", "Boot", "System"),
    ("Register-ScheduledTask", "RunLevel"): ("Limited", "Highest"),
    ("New-ScheduledTaskPrincipal", "RunLevel"): ("Limited", "Highest"),
    ("New-ScheduledTaskPrincipal", "LogonType"): (
        "None", "Password", "S4U", "Interactive", "Group", "ServiceAccount", "InteractiveOrPassword"),
    ("New-ScheduledTaskSettingsSet", "MultipleInstances"): ("Parallel", "Queue", "IgnoreNew"),
    ("Start-Process", "WindowStyle"): ("Normal", "Hidden", "Minimized", "Maximized"),
}  # fmt: skip


def render_stubs(commands: dict[str, Any] = COMMANDS) -> str:
    """The text of a script that defines every command in the global scope."""
    return "\n".join(_function(name, command) for name, command in commands.items())


def _function(name: str, command: dict[str, Any]) -> str:
    parameters = command["parameters"]
    binding = ["PositionalBinding = $false"]  # positions that are not recorded are refused
    if command.get("default_set"):
        binding.append(f"DefaultParameterSetName = '{command['default_set']}'")
    if "WhatIf" in parameters:
        binding.append("SupportsShouldProcess = $true")
    blocks = [_parameter(name, parameter, about) for parameter, about in parameters.items()
              if parameter not in ("WhatIf", "Confirm")]  # fmt: skip
    gate = "if (-not $PSCmdlet.ShouldProcess('the simulated PC')) { return }; " if "WhatIf" in parameters else ""
    lines = [
        f"function global:{name} {{",
        f"    [CmdletBinding({', '.join(binding)})]",
        "    param(" + ",\n        ".join(blocks) + ")",
        f"    process {{ {gate}Invoke-SimulatedCommand -Name '{name}' -Bound $PSBoundParameters }}",
        "}",
    ]
    return "\n".join(lines)


def _parameter(command: str, name: str, about: dict[str, Any]) -> str:
    parts = [_attribute(set_name, use) for set_name, use in about.get("sets", {"": {}}).items()]
    if about.get("aliases"):
        parts.append("[Alias(" + ", ".join(f"'{alias}'" for alias in about["aliases"]) + ")]")
    if (command, name) in WORDS:
        parts.append("[ValidateSet(" + ", ".join(f"'{word}'" for word in WORDS[command, name]) + ")]")
    return " ".join([*parts, _type(about["type"], (command, name) in WORDS), f"${name}"])


def _attribute(set_name: str, use: dict[str, Any]) -> str:
    says = []
    if set_name:
        says.append(f"ParameterSetName = '{set_name}'")
    if use.get("mandatory"):
        says.append("Mandatory = $true")
    if "position" in use:
        says.append(f"Position = {use['position']}")
    if use.get("pipeline"):
        says.append(
            "ValueFromPipeline = $true" if use["pipeline"] == "value" else "ValueFromPipelineByPropertyName = $true"
        )
    return "[Parameter(" + ", ".join(says) + ")]"


def _type(name: str, has_words: bool) -> str:
    if has_words:
        return "[string]"
    plain = name.removesuffix("[]")
    brackets = "[]" if name.endswith("[]") else ""
    return f"[{plain if plain in KNOWN else 'object'}{brackets}]"
