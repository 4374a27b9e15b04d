<#
.SYNOPSIS
Says which link of the chain from this PC's firmware to a GPU inside WSL 2 is broken, and how to mend it.
.DESCRIPTION
Works alone on a fresh Windows, without Python; reads ..\provision\knowledge. Changes nothing and needs no administrator
rights; elevated, it can tell more. The other half of the chain is checked by `dreamrig doctor` inside WSL.

Exit codes: 0 every link holds (or the text was explained), 3 a link is broken (or nothing is known about the text),
4 this is not Windows, 2 the file of -Report cannot be written, 1 something unexpected.
.PARAMETER Json
One JSON document on standard output: the shape of `dreamrig doctor --json`; with -Text, of `dreamrig diagnose --json`.
.PARAMETER Facts
Only the facts, without judging them.
.PARAMETER Text
An error text, as it was pasted: it is explained by means of this PC's facts.
.PARAMETER Report
Also write a Markdown file fit for a bug report, without the names of the user and of the computer.
.PARAMETER TimeoutSeconds
How long one program (wsl.exe, nvidia-smi.exe) may take.
.EXAMPLE
powershell -ExecutionPolicy Bypass -File powershell\doctor.ps1
.EXAMPLE
powershell -ExecutionPolicy Bypass -File powershell\doctor.ps1 -Verbose
Every link of the chain, with its evidence.
.EXAMPLE
powershell -ExecutionPolicy Bypass -File powershell\doctor.ps1 -Text "WslRegisterDistribution failed with error: 0x80370102"
.EXAMPLE
powershell -ExecutionPolicy Bypass -File powershell\doctor.ps1 -Facts -Json > facts.json
#>
[CmdletBinding()]
param(
    [switch] $Json,
    [switch] $Facts,
    [AllowEmptyString()] [string] $Text = '',
    [string] $Report = '',
    [ValidateRange(1, 600)] [int] $TimeoutSeconds = 10
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

# What can be said without the module, and in constrained language mode: plain words only.
$problem = ''
if ("$($ExecutionContext.SessionState.LanguageMode)" -ne 'FullLanguage') {
    $problem = 'PowerShell runs in constrained language mode here (AppLocker or WDAC): the doctor cannot look around.'
    $hint = 'ask whoever manages this PC; the other half works inside WSL: dreamrig doctor'
} elseif (-not (Test-Path -LiteralPath (Join-Path (Join-Path $PSScriptRoot 'DreamRig') 'DreamRig.psd1'))) {
    $problem = 'This is doctor.ps1 alone: the folder DreamRig is not beside it.'
    $hint = 'extract the whole ZIP first (right-click it > Extract All), and start doctor.ps1 from the new folder'
}
if ($problem) {
    if ($Json) {
        '{"schema": 1, "command": "doctor", "ok": false, "data": null, "errors": [{"message": "' + $problem +
        '", "hint": "' + $hint + '", "exit_code": 4}]}'
    } else {
        Write-Output "error: $problem"
        Write-Output "hint: $hint"
    }
    exit 4
}

$asked = @{ Json = [bool]$Json; FactsOnly = [bool]$Facts; Text = $Text; Report = $Report; TimeoutSeconds = $TimeoutSeconds }
$asked['Full'] = $VerbosePreference -ne 'SilentlyContinue'
try {
    # The path by hand: the module may lie in a folder with brackets in its name.
    $module = Import-Module -Name (Join-Path (Join-Path $PSScriptRoot 'DreamRig') 'Doctor.psm1') -PassThru -Force
    $answer = & $module { param($asked) Invoke-Doctor @asked } $asked
} catch {
    if ($Json) {
        $message = "$($_.Exception.Message)".Replace('\', '\\').Replace('"', '\"') -replace '\s+', ' ' -replace '[^\x20-\x7e]', '?'
        '{"schema": 1, "command": "doctor", "ok": false, "data": null, "errors": [{"message": "' + $message + '", "hint": "", "exit_code": 1}]}'
    } else {
        [Console]::Error.WriteLine("error: $($_.Exception.Message)")
    }
    exit 1
}
$answer.Lines
if ($answer.Problem) { [Console]::Error.WriteLine($answer.Problem) }
exit $answer.ExitCode
