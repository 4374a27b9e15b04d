# Windows itself: features, services, restarts, build. The twin of provision/doctor/checks/windows.py.

function Test-VirtualMachinePlatform {
    <#
    .SYNOPSIS
    The feature's state; where that needs an administrator, the services that it brings.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $path = 'windows.features.virtual_machine_platform'
    $state = Read-Fact $Facts $path
    $proof = Get-FactEvidence $Facts $path, 'windows.services.vmcompute', 'windows.services.hns'
    if ($state -eq 'enabled') { return New-Finding PASS 'Virtual Machine Platform is on.' $proof }
    if ($state -eq 'enable-pending') {
        return New-Finding SKIP 'Virtual Machine Platform comes on with the next restart.' $proof -BlockedBy 'pending-reboot'
    }
    $enable = @((Get-FeatureStep 'VirtualMachinePlatform'), (Get-SharedStep Restart))
    if ($null -eq $state) {
        $services = (Read-Fact $Facts 'windows.services.vmcompute'), (Read-Fact $Facts 'windows.services.hns')
        if ($services -contains 'absent') {
            return New-Finding FAIL 'The services of Virtual Machine Platform are missing: the feature is off.' $proof $enable
        }
        if ($services -contains $null) { return New-UnknownFinding $Facts $path }
        return New-Finding PASS 'Its services are there.' $proof
    }
    if (Test-TooOld $Facts) {
        return New-Finding SKIP 'This Windows is too old to have it.' $proof -BlockedBy 'windows-build'
    }
    New-Finding FAIL 'The Windows feature Virtual Machine Platform is off.' $proof $enable
}

function Test-WslFeature {
    <#
    .SYNOPSIS
    Needed below Windows 11, by the WSL that came with Windows, and by WSL 1.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $path = 'windows.features.wsl'
    $state, $build = (Read-Fact $Facts $path), (Read-Fact $Facts 'windows.build')
    $proof = Get-FactEvidence $Facts $path, 'windows.build', 'wsl.is_inbox'
    if ($state -eq 'enabled') { return New-Finding PASS 'The feature Windows Subsystem for Linux is on.' $proof }
    if ($state -eq 'enable-pending') {
        return New-Finding SKIP 'The feature comes on with the next restart.' $proof -BlockedBy 'pending-reboot'
    }
    $needed = (Read-Fact $Facts 'wsl.is_inbox') -or (Read-Fact $Facts 'wsl.default_distribution_version') -eq 1
    if (-not $needed -and $build -ge 22000) { return New-Finding PASS 'WSL 2 on this Windows does not need it.' $proof }
    if ($null -eq $state -or ($null -eq $build -and -not $needed)) {
        return New-UnknownFinding $Facts $(if ($null -eq $build) { 'windows.build' } else { $path })
    }
    New-Finding FAIL 'The Windows feature Windows Subsystem for Linux is off, and this Windows needs it.' $proof `
        @((Get-FeatureStep 'Microsoft-Windows-Subsystem-Linux'), (Get-SharedStep Restart))
}

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
        return New-Finding FAIL "Disabled: $($disabled -join ', ')." $proof @($disabled | ForEach-Object { Get-ServiceStep $_ })
    }
    $missing = @($names | Where-Object { $states[$_] -eq 'absent' })
    if ($missing.Count -and (Read-Fact $Facts 'windows.reboot_pending')) {
        return New-Finding SKIP 'Missing until Windows has restarted.' $proof -BlockedBy 'pending-reboot'
    }
    if ($missing.Count) {
        $restart = Get-SharedStep Restart
        $fix = (Get-FeatureStep 'VirtualMachinePlatform' -Off), $restart, (Get-FeatureStep 'VirtualMachinePlatform'), $restart
        return New-Finding FAIL "Virtual Machine Platform is listed as on, but $($missing -join ', ') is missing." $proof $fix
    }
    if (@($states.Values) -contains $null) { return New-UnknownFinding $Facts 'windows.services.vmcompute' }
    $stopped = Get-VmServiceObstacle $Facts
    if ($stopped) { return $stopped }
    New-Finding PASS 'The services that start virtual machines are there.' $proof
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
        $restore = New-Step ('Turn control flow guard on for vmcompute again (Windows Security > App & browser control > ' +
            'Exploit protection).') 'Set-ProcessMitigation -Name vmcompute.exe -Enable CFG' windows -Admin
        return New-Finding FAIL 'Exploit protection switches control flow guard off for vmcompute, which then refuses to start.' `
            (Get-FactEvidence $Facts 'windows.vmcompute_cfg_off') $restore
    }
    $right = Read-Fact $Facts 'windows.vm_logon_right'
    if ($null -ne $right -and -not $right) {
        $restore = New-Step ('In the policy Log on as a service, add NT VIRTUAL MACHINE\Virtual Machines (S-1-5-83-0); ' +
            'until then restart the service, which gives the right back for a while.') `
            'Restart-Service vmcompute -Force' windows -Admin
        return New-Finding FAIL 'A policy took the right to log on as a service from virtual machines.' `
            (Get-FactEvidence $Facts 'windows.vm_logon_right') $restore
    }
    $null
}

function Test-WslService {
    <#
    .SYNOPSIS
    WslService of the package, or LxssManager of the WSL that came with Windows.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $paths = 'windows.services.wslservice', 'windows.services.lxssmanager'
    $package, $inbox = (Read-Fact $Facts $paths[0]), (Read-Fact $Facts $paths[1])
    $proof = Get-FactEvidence $Facts $paths
    if ($package -eq 'disabled' -or $inbox -eq 'disabled') {
        $name = if ($package -eq 'disabled') { 'wslservice' } else { 'LxssManager' }
        return New-Finding FAIL "The service $name is disabled." $proof @((Get-ServiceStep $name), (Get-SharedStep Restart))
    }
    if ($package -eq 'absent' -and $inbox -eq 'absent') {
        return New-Finding SKIP 'There is no WSL service: WSL is not installed.' $proof -BlockedBy 'wsl-version'
    }
    if ($null -eq $package -and $null -eq $inbox) { return New-UnknownFinding $Facts $paths[0] }
    New-Finding PASS 'The WSL service may start.' $proof
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
        return New-Finding FAIL "Disabled: $($disabled -join ', '). Without it WSL may get no network." $proof `
            ($fix + (Get-SharedStep Restart))
    }
    if (-not $known.Count) { return New-UnknownFinding $Facts 'windows.services.sharedaccess' }
    New-Finding PASS "The services behind WSL's network may start." $proof
}

function Test-PendingReboot {
    <#
    .SYNOPSIS
    FAIL where something that WSL needs waits for the restart, WARN otherwise.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $state = Read-Fact $Facts 'windows.reboot_pending'
    $waiting = @('virtual_machine_platform', 'wsl' | Where-Object { (Read-Fact $Facts "windows.features.$_") -eq 'enable-pending' }).Count
    if ($null -eq $state -and -not $waiting) { return New-UnknownFinding $Facts 'windows.reboot_pending' }
    $proof = Get-FactEvidence $Facts 'windows.reboot_pending', 'windows.reboot_reasons'
    $hypervisor = Read-Fact $Facts 'windows.hypervisor_present'
    if ($waiting -or ($state -and $null -ne $hypervisor -and -not $hypervisor)) {
        return New-Finding FAIL 'Windows must restart before WSL can work.' $proof (Get-SharedStep Restart)
    }
    if ($state) { return New-Finding WARN 'Windows waits for a restart.' $proof (Get-SharedStep Restart) }
    New-Finding PASS 'No restart is pending.' $proof
}

function Test-WindowsBuild {
    <#
    .SYNOPSIS
    19044 for CUDA; 18362.1049 for WSL 2 itself.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $build = Read-Fact $Facts 'windows.build'
    if ($null -eq $build) { return New-UnknownFinding $Facts 'windows.build' }
    $proof = Get-FactEvidence $Facts 'windows.build', 'windows.revision'
    if (Test-TooOld $Facts) {
        return New-Finding FAIL "Windows build $build is too old for WSL 2." $proof (Get-SharedStep UpdateWindows)
    }
    if ($build -lt 19044) {
        return New-Finding FAIL "Windows build $build cannot give its GPU to WSL: that needs 19044 (21H2) or Windows 11." $proof `
            @((Get-SharedStep UpdateWindows), (Get-SharedStep UpdateWsl))
    }
    $name = if ($build -ge 22000) { '11' } else { '10' }
    New-Finding PASS "Windows $name, build $build." $proof
}
