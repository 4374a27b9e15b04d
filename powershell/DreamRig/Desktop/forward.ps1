<#
.SYNOPSIS
Leads a port of this PC on to a distribution, anew whenever its address changes. A scheduled task runs it, as administrator.
.DESCRIPTION
Once a minute it asks where the distribution is, if it runs; it never starts it. Where WSL's network is not of the kind
NAT, the port needs no leading on, and is left alone. An address counts only where it is one of a private network.
.PARAMETER Wsl
Full path of wsl.exe.
.PARAMETER Netsh
Full path of netsh.exe.
.PARAMETER Distribution
The distribution.
.PARAMETER Port
The port, the same on both sides.
.PARAMETER Rounds
After so many looks it ends; 0 for never.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Wsl,
    [Parameter(Mandatory = $true)] [string] $Netsh,
    [Parameter(Mandatory = $true)] [string] $Distribution,
    [Parameter(Mandatory = $true)] [ValidateRange(1024, 65535)] [int] $Port,
    [int] $Rounds = 0
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Continue'
$env:WSL_UTF8 = '1'
$betweenSeconds = 60
$private = '\b(10(?:\.\d{1,3}){3}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2}|192\.168(?:\.\d{1,3}){2})\b'

function Get-Target {
    <#
    .SYNOPSIS
    Returns the address to lead on to; '' where there should be none, $null where nothing can be told.
    .PARAMETER Wsl
    Full path of wsl.exe.
    .PARAMETER Distribution
    The distribution.
    #>
    [CmdletBinding()]
    param([string] $Wsl, [string] $Distribution)
    # An older WSL does not obey WSL_UTF8.
    $running = @((& $Wsl '--list' '--running' '--quiet' 2>$null) | ForEach-Object { "$_".Replace("`0", '').Trim() })
    if ($running -notcontains $Distribution) { return $null }
    $kind = "$(& $Wsl '--distribution' $Distribution '--exec' 'wslinfo' '--networking-mode' 2>$null)".Trim()
    if ($kind -in 'mirrored', 'bridged', 'virtioproxy', 'none') { return '' }
    $said = "$(& $Wsl '--distribution' $Distribution '--exec' 'ip' '-4' '-o' 'addr' 'show' 'dev' 'eth0' 2>$null)"
    if ($said -notmatch $private) { $said = "$(& $Wsl '--distribution' $Distribution '--exec' 'hostname' '-I' 2>$null)" }
    if ($said -match $private) { return $Matches[1] }
    $null
}

$now = $null
for ($round = 1; ; $round++) {
    $target = Get-Target -Wsl $Wsl -Distribution $Distribution
    if ($null -ne $target -and $target -ne $now) {
        $null = & $Netsh 'interface' 'portproxy' 'delete' 'v4tov4' "listenport=$Port" 'listenaddress=0.0.0.0' 2>$null
        $code = 0
        if ($target) {
            $null = & $Netsh 'interface' 'portproxy' 'add' 'v4tov4' "listenport=$Port" 'listenaddress=0.0.0.0' `
                "connectport=$Port" "connectaddress=$target" 2>$null
            $code = $LASTEXITCODE
        }
        # Where Windows refused it, the next look tries again.
        if ($code -eq 0) { $now = $target }
    }
    if ($Rounds -and $round -ge $Rounds) { break }
    Start-Sleep -Seconds $betweenSeconds
}
exit 0
