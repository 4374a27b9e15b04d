<#
.SYNOPSIS
Turns this Windows PC into one that makes pictures with its GPU: Windows features, WSL 2, Linux, dreamrig, first picture.

.DESCRIPTION
Looks at the PC first, shows a plan with the reason for each step, and asks before it does anything. Then: Windows
features and the boot setting of the hypervisor, a restart where one is needed, after which setup goes on by itself at
your next logon, WSL itself, a Linux distribution, .wslconfig, and inside Linux Python, an environment with dreamrig, the
doctor and a first picture. Every step is proven by asking the system afterwards. What is in place already is left alone:
a second run on a finished PC changes nothing, and a run that failed in the middle is simply started again.

What may lock you out or break another product (BitLocker with a firmware change, anti-cheat, an old VirtualBox) is said
and asked. No password is stored, nothing runs as SYSTEM, and the execution policy of the machine stays as it is.

The state and the log are in %LOCALAPPDATA%\DreamRig\setup. At most three restarts are asked for in one setup.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the doctor found a problem, 4 this PC is not ready yet (a restart, the
firmware or administrator rights are needed; the message says which), 130 interrupted.

.PARAMETER Distribution
The Linux distribution to use, as `wsl --list --online` names it. Without it: your default one where it runs under WSL 2,
else Ubuntu-24.04.

.PARAMETER FromFile
A file to install the distribution from instead of fetching it, as its maker offers it (.wsl, or a root file system as
.tar.gz). It is named by -Distribution, else after the file.

.PARAMETER HyperV
Also turns on the Hyper-V role (Pro, Enterprise and Education). WSL 2 does not need it.

.PARAMETER Unattended
Asks nothing. Takes the plan as agreed to and restarts when needed, and otherwise the safe defaults: no restart into the
firmware, nothing that breaks another product, no running distribution stopped.

.PARAMETER AcceptConflict
Goes on although installed products do not get along with the Windows hypervisor.

.PARAMETER NoRestart
Never restarts by itself; says when a restart is needed. Setup still goes on after it.

.PARAMETER SkipGuest
Stops when the distribution starts: nothing is done inside Linux.

.PARAMETER Reset
Throws the distribution away first, after saving it to a file, and starts again with a fresh one.

.PARAMETER NoExport
With -Reset: does not save it first.

.PARAMETER WslMemoryGB
Memory for Linux, written into .wslconfig, which holds for every distribution of your account. Without it: what you have
there, or WSL's own choice, half of the PC's memory.

.PARAMETER Undo
Takes back what setup changed: .wslconfig always; features, the boot setting, WSL and the distribution after a question
each (with -Unattended they stay, and the commands for them are shown). What stays is remembered, so that another -Undo
knows of it; when nothing is left, the scheduled task, the state and the log go too.

.PARAMETER Resume
Goes on with a setup after a restart. The scheduled task uses this; you need not.

.PARAMETER Json
Prints one JSON document {schema, command, ok, data, errors} with the plan and what came of it on standard output, and
talks on standard error. Asks nothing: alone it shows the plan and carries nothing out; add -Unattended for that.

.PARAMETER PlanOnly
Shows the plan and changes nothing: -WhatIf by another name.

.PARAMETER ReportPath
Also writes one JSON file with the plan, what came of it, this PC's facts and the log, without the names of the user and
of the computer: what to send when something went wrong.

.PARAMETER Pause
Waits for Enter at the end, for windows that would close otherwise.

.EXAMPLE
powershell -NoProfile -ExecutionPolicy Bypass -File .\powershell\setup.ps1
The whole way, with questions.

.EXAMPLE
.\setup.ps1 -WhatIf
Shows the plan, and changes nothing.

.EXAMPLE
.\setup.ps1 -Unattended -NoRestart -Json > plan.json
For a script: does what can be done before the next restart.

.EXAMPLE
.\setup.ps1 -Reset
Blows the distribution away and starts again.

.EXAMPLE
.\setup.ps1 -FromFile $HOME\Downloads\ubuntu-24.04.2-wsl-amd64.wsl -Distribution Ubuntu-24.04
Where the distribution cannot be fetched by name.

.EXAMPLE
.\setup.ps1 -PlanOnly -Verbose
The plan with what is fine already, and with every command.

.EXAMPLE
.\setup.ps1 -ReportPath report.json

.EXAMPLE
.\setup.ps1 -Undo

.NOTES
Windows PowerShell 5.1 or PowerShell 7. Administrator rights are asked for when the plan needs them.
#>
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Low')]
param(
    [ValidatePattern('^([A-Za-z0-9][A-Za-z0-9._-]*)?$')] [string] $Distribution = '',
    [string] $FromFile = '',
    [switch] $HyperV,
    [switch] $Unattended,
    [switch] $AcceptConflict,
    [switch] $NoRestart,
    [switch] $SkipGuest,
    [switch] $Reset,
    [switch] $NoExport,
    [ValidateRange(0, 1024)] [int] $WslMemoryGB = 0,
    [switch] $Undo,
    [switch] $Resume,
    [switch] $Json,
    [switch] $PlanOnly,
    [string] $ReportPath = '',
    [switch] $Pause
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

# What can be said without the module, and in constrained language mode: plain words only.
$problem = ''
if ("$($ExecutionContext.SessionState.LanguageMode)" -ne 'FullLanguage') {
    $problem = 'PowerShell runs in constrained language mode here (AppLocker or WDAC): setup cannot work.'
    $hint = 'ask whoever manages this PC, or start it on a PC of your own'
} elseif (-not (Test-Path -LiteralPath (Join-Path (Join-Path $PSScriptRoot 'DreamRig') 'DreamRig.psd1'))) {
    $problem = 'This is setup.ps1 alone: the folder DreamRig is not beside it.'
    $hint = 'extract the whole ZIP first (right-click it > Extract All), and start setup.ps1 from the new folder'
}
if ($problem) {
    if ($Json) {
        '{"schema": 1, "command": "setup", "ok": false, "data": null, "errors": [{"message": "' + $problem +
        '", "hint": "' + $hint + '", "exit_code": 4}]}'
    } else {
        Write-Output "error: $problem"
        Write-Output "hint: $hint"
    }
    exit 4
}

$code = 130
$isFile = [bool] ([Environment]::GetCommandLineArgs() -match '(?i)^-f(i(le?)?)?$')
try {
    $module = Import-Module -Name (Join-Path (Join-Path $PSScriptRoot 'DreamRig') 'DreamRig.psd1') -PassThru -Force -Verbose:$false
    # The work is no function of the module's public face; preferences do not cross into a module by themselves.
    $code = & $module {
        param($Bound, $Script, $IsDryRun, $Verbosity)
        $VerbosePreference = $Verbosity
        $option = New-SetupOption -Bound $Bound -Script $Script
        $result = Invoke-RigSetup -Option $option -WhatIf:$IsDryRun -Confirm:$false
        if ($option.report_path) { Write-SetupReport -Path $option.report_path -Result $result }
        Write-SetupResult -Result $result -Json:$option.json
        $result.ExitCode
    } $PSBoundParameters $PSCommandPath ([bool] ($WhatIfPreference -or $PlanOnly)) $VerbosePreference
    if ($Pause -and -not $Unattended) { $null = Read-Host -Prompt 'Press Enter to close this window' }
} catch {
    $code = 1
    [Console]::Error.WriteLine("error: $($_.Exception.Message)")
} finally {
    # Ctrl-C comes by here and nowhere else; in somebody's own session only the code is left behind.
    if ($code -eq 130) {
        $global:LASTEXITCODE = 130
        if ($isFile) { [Environment]::Exit(130) }
    }
}
exit $code
