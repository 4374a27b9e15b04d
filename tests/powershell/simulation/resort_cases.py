# ruff: noqa: E501  (lines of PowerShell)
"""Last resorts of what is read: programs that were started ahead, checks made of data, texts in other code pages."""

from typing import Any, NamedTuple

import simulated_machine as machine
from simulated_machine import fresh


class Case(NamedTuple):
    """A PC, lines of PowerShell inside the module, and what they return or, after `error: `, throw."""

    state: machine.State
    text: str
    said: Any


def native(name: str, **answer: Any) -> machine.State:
    """A PC on which a program says that."""
    return fresh(elevated=True, answers=[{"command": f"{name}.exe", **answer}])


MORE_CASES = {
    # ---- programs that were started before their answer was needed
    "a program that cannot be started ahead is asked in its turn": Case(
        fresh(),
        "$file = Join-Path $env:TEMP 'no.exe'; [IO.File]::WriteAllText($file, 'no program'); "
        "Start-NativeAhead -FilePath $file -ArgumentList 'x'; $script:NativeAhead.Count, (Invoke-Native -FilePath $file 'x').Reason",
        [0, "denied"],
    ),
    "a program that was started ahead is started once, and its time counts from there": Case(
        native("whoami", out="me", seconds=0.2),
        "Start-NativeAhead -FilePath 'whoami.exe' -ArgumentList '/user'; "
        "(Invoke-Native -FilePath 'whoami.exe' -ArgumentList '/user').Out.Trim(), $script:NativeAhead.Count, "
        "@([IO.File]::ReadAllLines((Join-Path $env:DREAMRIG_SIMULATION 'calls.jsonl')) -match 'whoami').Count",
        ["me", 0, 1],
    ),
    "what nobody read is ended": Case(
        native("whoami", out="me", seconds=30),
        "Start-NativeAhead -FilePath 'whoami.exe' -ArgumentList '/user'; $p = @($script:NativeAhead.Values)[0].Process; "
        "Stop-NativeAhead; $p.HasExited, $script:NativeAhead.Count",
        [True, 0],
    ),
    # ---- checks whose data and code have come apart: one CRASH that says so, and the others go on
    "no rule holds": Case(
        fresh(),
        "$rule = @{ When = @{ Kind = 'is'; Fact = 'windows.build'; Value = 1 }; Verdict = 'PASS' }; "
        "Get-CheckAnswer @{ Name = 'hypervisor'; Rules = @($rule) } (New-FactReader -Facts $null)",
        "error: No rule of hypervisor holds.",
    ),
    "a step that nobody wrote": Case(fresh(), "Get-CheckStep 'dance'", "error: There is no step 'dance'."),
    "a step that nobody makes": Case(
        fresh(), "Get-FixStep @{ made = 'dance' } $null", "error: Nobody makes the step 'dance'."
    ),
    "a finding that nobody wrote": Case(
        fresh(), "Get-NamedFinding disk-space dance $null $null", "error: There is no finding 'dance' of disk-space."
    ),
    "a form that nobody knows": Case(
        fresh(),
        "Format-CheckText '{windows.build|rounded}' (New-FactReader -Facts @{ windows = @{ build = 26100 } })",
        "error: Nobody knows the form 'rounded'.",
    ),
    "a card of which nothing is known": Case(
        fresh(), "$script:ModuleFolder = $env:TEMP; \"<$(Find-Gpu -Name 'NVIDIA GeForce GTX 1080')>\"", "<>"
    ),
    # ---- texts in other code pages
    "without the list of words every pattern is tried": Case(
        fresh(),
        "$k = Get-Knowledge; $script:ModuleFolder = $env:TEMP; "
        "$r = Read-ErrorText -Text 'CUDA out of memory.' -Knowledge $k; "
        "(Get-PatternLiteral).Count, (Test-ReadingHit -Reading $r -Knowledge $k)",
        [0, True],
    ),
    "a code page that this system lacks": Case(fresh(), "@(Get-CodePage -Page 99999).Count", 0),
    "bytes that are no UTF-8": Case(
        fresh(), "@(Get-OtherReading -Text ([byte[]](0xcd, 0xf8, 0xc2, 0xe7)))[0]", "\u7f51\u7edc"
    ),
    "a line that no other page can have been": Case(
        fresh(),
        'ConvertTo-OtherPage -Text "\u7f51`nok" -From (Get-CodePage 1252 -Strict) -To (Get-CodePage 932 -Strict)',
        "\u7f51\nok",
    ),
    "a sign that stands for its own byte": Case(
        fresh(),
        'ConvertTo-OtherPage -Text "$([char]0xe3)$([char]0x81)$([char]0x93)" -From (Get-CodePage 1252 -Strict) '
        "-To (New-Object Text.UTF8Encoding $false, $true)",
        "\u3053",
    ),
}
"""See test_ps_last_resorts.py."""
