# Windows' services that virtual machines and WSL's network need. The twin of provision/doctor/checks/services.py.

function Test-VmService {
    <#
    .SYNOPSIS
    vmcompute, HNS and, from 22621 on, vfpext; and what keeps vmcompute from starting.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $names = @('vmcompute', 'hns')
    if ((Read-Fact $Facts 'windows.build') -ge 22621) { $names += 'vfpext' }
    $states = @{}
    foreach ($name in $names) { $states[$name] = Read-Fact $Facts "windows.services.$name" }
    $proof = Get-FactEvidence $Facts @($names | ForEach-Object { "windows.services.$_" })
    $disabled = @($names | Where-Object { $states[$_] -eq 'disabled' })
    if ($disabled.Count) {
        return Get-NamedFinding vm-services disabled $Facts $proof @{ names = $disabled -join ', ' } @($disabled | ForEach-Object { Get-ServiceStep $_ })
    }
    $missing = @($names | Where-Object { $states[$_] -eq 'absent' })
    if ($missing.Count) {
        $what = if (Read-Fact $Facts 'windows.reboot_pending') { 'waiting' } else { 'missing' }
        return Get-NamedFinding vm-services $what $Facts $proof @{ names = $missing -join ', ' }
    }
    if (@($states.Values) -contains $null) { return New-UnknownFinding $Facts 'windows.services.vmcompute' }
    $stopped = Get-VmServiceObstacle $Facts
    if ($stopped) { return $stopped }
    Get-NamedFinding vm-services fine $Facts $proof
}

function Get-VmServiceObstacle {
    <#
    .SYNOPSIS
    Returns what keeps vmcompute from starting although it is there; $null for nothing.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    if (Read-Fact $Facts 'windows.vmcompute_cfg_off') {
        return Get-NamedFinding vm-services cfg-off $Facts (Get-FactEvidence $Facts 'windows.vmcompute_cfg_off')
    }
    $right = Read-Fact $Facts 'windows.vm_logon_right'
    if ($null -ne $right -and -not $right) {
        return Get-NamedFinding vm-services no-logon-right $Facts (Get-FactEvidence $Facts 'windows.vm_logon_right')
    }
    $null
}

function Test-NetworkService {
    <#
    .SYNOPSIS
    SharedAccess (connection sharing), MpsSvc (firewall) and HNS.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $names = 'sharedaccess', 'mpssvc', 'hns'
    $proof = Get-FactEvidence $Facts @($names | ForEach-Object { "windows.services.$_" })
    $known = @($names | Where-Object { $null -ne (Read-Fact $Facts "windows.services.$_") })
    $disabled = @($known | Where-Object { (Read-Fact $Facts "windows.services.$_") -eq 'disabled' })
    if ($disabled.Count) {
        $fix = @($disabled | ForEach-Object { Get-ServiceStep $_ $(if ($_ -eq 'mpssvc') { 'auto' } else { 'demand' }) })
        return Get-NamedFinding network-services disabled $Facts $proof @{ names = $disabled -join ', ' } $fix
    }
    if (-not $known.Count) { return New-UnknownFinding $Facts 'windows.services.sharedaccess' }
    Get-NamedFinding network-services fine $Facts $proof
}

function Get-ServiceStep {
    <#
    .SYNOPSIS
    Returns the step that gives a service its usual start type back.
    .PARAMETER Name
    The service.
    .PARAMETER How
    demand or auto.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([string] $Name, [string] $How = 'demand')
    Get-CheckStep 'allow-service' @{ name = $Name; how = $How }
}
