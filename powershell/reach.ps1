<#
.SYNOPSIS
Lets other computers of the house reach the page for friends that a server inside WSL has, and takes that back.
.DESCRIPTION
For WSL in NAT mode (`dreamrig serve reach` says whether that is yours). A firewall rule lets the port in from private
networks, and a scheduled task at your logon leads it on to WSL, anew whenever WSL's address changes. Administrator rights
are needed. -WhatIf shows what would be done, -Undo takes all of it back.

Exit codes: 0 done, 1 failed, 2 wrong usage, 4 this PC is not ready (the message says what is missing).
.PARAMETER Distribution
The distribution in which the server runs, as `wsl --list` names it.
.PARAMETER Port
The port of the server.
.PARAMETER Undo
Takes the task, the port proxy and the firewall rule away.
.EXAMPLE
powershell -NoProfile -ExecutionPolicy Bypass -File .\powershell\reach.ps1 -Distribution Ubuntu -Port 8700 -WhatIf
.EXAMPLE
.\reach.ps1 -Undo
#>
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Low')]
param([string] $Distribution = '', [int] $Port = 8700, [switch] $Undo)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

$manifest = Join-Path (Join-Path $PSScriptRoot 'DreamRig') 'DreamRig.psd1'
if (-not (Test-Path -LiteralPath $manifest)) {
    [Console]::Error.WriteLine('error: This is reach.ps1 alone: the folder DreamRig is not beside it.')
    [Console]::Error.WriteLine('hint: extract the whole ZIP first (right-click it > Extract All)')
    exit 4
}
if (-not $Undo -and -not $Distribution) {
    [Console]::Error.WriteLine('error: -Distribution is needed.')
    [Console]::Error.WriteLine('hint: inside WSL, run: dreamrig serve reach')
    exit 2
}
try {
    $null = Import-Module -Name $manifest -Force -Verbose:$false
    if ($Undo) {
        $gone = Unregister-RigReach -Confirm:$false -WhatIf:$WhatIfPreference
        if ($gone) { 'The task DreamRig-Reach, its port proxy and its firewall rule are gone.' }
        elseif (-not $WhatIfPreference) { 'There was no task DreamRig-Reach, and no rule of that name.' }
    } else {
        $made = Register-RigReach -Distribution $Distribution -Port $Port -Confirm:$false -WhatIf:$WhatIfPreference
        if ($made.Registered) { "Port $($made.Port) of this PC leads to $Distribution from now on, and from each logon of $($made.User)." }
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
