<#
.SYNOPSIS
Holds a distribution and the server in it, and keeps the PC awake while pictures wait. A scheduled task runs it.
.DESCRIPTION
Runs `wsl.exe ... dreamrig serve run --stay` in the foreground: WSL ends a distribution that no Windows process uses.
The server says on its standard output when it is busy and when it is idle; while it is busy this process holds a request
of the kind "system required" (SetThreadExecutionState). That is no setting: it ends with the process.
When wsl.exe ends by itself with an error it is started again after a minute, five times in a row at most.
.PARAMETER Wsl
Full path of wsl.exe.
.PARAMETER Distribution
The distribution.
.PARAMETER Program
Path of dreamrig inside it.
.PARAMETER DataFolder
DREAMRIG_HOME inside it; empty for the usual one.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Wsl,
    [Parameter(Mandatory = $true)] [string] $Distribution,
    [Parameter(Mandatory = $true)] [string] $Program,
    [AllowEmptyString()] [string] $DataFolder = ''
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$mostStarts = 5
$longLifeSeconds = 600

function Set-SleepRequest {
    <#
    .SYNOPSIS
    Asks Windows not to sleep, or takes that back. Where Windows cannot be asked, the PC sleeps as it always did.
    .PARAMETER Busy
    Whether pictures wait.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'A request of this process, not a setting of the machine.')]
    [CmdletBinding()]
    param([bool] $Busy)
    try {
        if (-not ('DreamRigPower' -as [type])) {
            Add-Type -TypeDefinition ('public static class DreamRigPower {' +
                '[System.Runtime.InteropServices.DllImport("kernel32.dll")]' +
                'public static extern uint SetThreadExecutionState(uint flags); }')
        }
        # ES_CONTINUOUS, with ES_SYSTEM_REQUIRED while it is busy.
        $flags = [uint32] 2147483648
        if ($Busy) { $flags = [uint32] 2147483649 }
        $null = ('DreamRigPower' -as [type])::SetThreadExecutionState($flags)
    } catch {
        Write-Verbose "No request: $($_.Exception.Message)"
    }
}

$words = @('--distribution', $Distribution, '--exec')
if ($DataFolder) { $words += @('/usr/bin/env', "DREAMRIG_HOME=$DataFolder") }
$words += @($Program, 'serve', 'run', '--stay')
$code = 1
for ($start = 1; $start -le $mostStarts; $start++) {
    $clock = [System.Diagnostics.Stopwatch]::StartNew()
    try {
        # Line by line, as they come, on this one thread: the request belongs to the thread that made it.
        & $Wsl $words | ForEach-Object {
            if ("$_" -match '^dreamrig-serve: (busy|idle)') { Set-SleepRequest -Busy ($Matches[1] -eq 'busy') }
        }
        $code = $LASTEXITCODE
    } finally {
        Set-SleepRequest -Busy $false
    }
    if ($code -eq 0) { break }
    if ($clock.Elapsed.TotalSeconds -gt $longLifeSeconds) { $start = 0 }
    if ($start -lt $mostStarts) { Start-Sleep -Seconds 60 }
}
exit $code
