<#
.SYNOPSIS
Keeps the page for friends up while you are logged on to this PC, and takes that back.
.DESCRIPTION
The Windows half of `dreamrig serve install`, which runs it; it can be run by hand as well. A scheduled task at your logon
holds the Linux distribution and the server in it, hidden and with your own rights. While pictures wait, the PC does not
go to sleep by itself; no power plan is changed. -WhatIf shows what would be done, -Undo takes it back.

Exit codes: 0 done, 1 failed, 2 wrong usage, 4 this PC is not ready (the message says what is missing).
.PARAMETER Distribution
The distribution in which dreamrig is, as `wsl --list` names it.
.PARAMETER Program
Path of dreamrig inside it.
.PARAMETER DataFolder
DREAMRIG_HOME inside it, where it is not the usual one.
.PARAMETER Undo
Stops and deletes the task.
.EXAMPLE
powershell -NoProfile -ExecutionPolicy Bypass -File .\powershell\serve.ps1 -Distribution Ubuntu -Program /home/me/dreamrig/.venv/bin/dreamrig -WhatIf
.EXAMPLE
.\serve.ps1 -Undo
#>
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Low')]
param([string] $Distribution = '', [string] $Program = '', [string] $DataFolder = '', [switch] $Undo)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

$manifest = Join-Path (Join-Path $PSScriptRoot 'DreamRig') 'DreamRig.psd1'
if (-not (Test-Path -LiteralPath $manifest)) {
    [Console]::Error.WriteLine('error: This is serve.ps1 alone: the folder DreamRig is not beside it.')
    [Console]::Error.WriteLine('hint: extract the whole ZIP first (right-click it > Extract All)')
    exit 4
}
if (-not $Undo -and -not ($Distribution -and $Program)) {
    [Console]::Error.WriteLine('error: -Distribution and -Program are needed.')
    [Console]::Error.WriteLine('hint: inside WSL, run: dreamrig serve install')
    exit 2
}
try {
    $null = Import-Module -Name $manifest -Force -Verbose:$false
    if ($Undo) {
        $gone = Unregister-RigServe -Confirm:$false -WhatIf:$WhatIfPreference
        if ($gone) { 'The task DreamRig-Serve is gone.' } elseif (-not $WhatIfPreference) { 'There was no task DreamRig-Serve.' }
    } else {
        $made = Register-RigServe -Distribution $Distribution -Program $Program -DataFolder $DataFolder -Confirm:$false `
            -WhatIf:$WhatIfPreference
        if ($made.Registered) { "The task DreamRig-Serve keeps the page up from now on, and from each logon of $($made.User)." }
    }
} catch {
    [Console]::Error.WriteLine("error: $($_.Exception.Message)")
    if ($_.Exception.Data['hint']) { [Console]::Error.WriteLine("hint: $($_.Exception.Data['hint'])") }
    $code = 1
    if ($_.Exception.Data['exit_code']) { $code = [int] $_.Exception.Data['exit_code'] }
    if ($_.Exception -is [System.Management.Automation.ParameterBindingException]) { $code = 2 }
    exit $code
}
exit 0
