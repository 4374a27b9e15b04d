# Can this machine start a virtual machine at all: CPU, firmware, hypervisor. The twin of provision/doctor/checks/virtualization.py.

function Get-NestedStep {
    <#
    .SYNOPSIS
    Returns what to do on the host of a virtual machine.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param()
    New-Step ("On the host, with this virtual machine off: expose the CPU's virtualization to it (Hyper-V as shown; VMware: " +
        'Virtualize Intel VT-x/EPT or AMD-V/RVI; KVM: nested=1 and host-passthrough; in a cloud: a size that allows it).') `
        'Set-VMProcessor -VMName NAME -ExposeVirtualizationExtensions $true' host -Admin `
        -Undo 'Set-VMProcessor -VMName NAME -ExposeVirtualizationExtensions $false'
}

function Get-LaunchStep {
    <#
    .SYNOPSIS
    Returns the steps that let Windows start its hypervisor.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param()
    New-Step 'Let Windows start its hypervisor at boot.' 'bcdedit /set hypervisorlaunchtype auto' windows -Admin -Restart `
        -Risk 'old VirtualBox and VMware versions and some anti-cheat programs need it off' `
        -Undo 'bcdedit /set hypervisorlaunchtype off'
    Get-SharedStep Restart
}

function Test-TooOld {
    <#
    .SYNOPSIS
    Says whether this Windows cannot have WSL 2, which came with 2004 (19041) and to 1903 and 1909 by an update.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param($Facts)
    $build = Read-Fact $Facts 'windows.build'
    if ($null -eq $build) { return $false }
    $build -lt 18362 -or ($build -in 18362, 18363 -and [int](Read-Fact $Facts 'windows.revision') -lt 1049)
}

function Get-FindingBehindHypervisor {
    <#
    .SYNOPSIS
    Returns what can be said while a hypervisor runs, which hides the CPU's own bits; $null where none does.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    if ((Read-Fact $Facts 'windows.hypervisor_present') -ne $true) { return $null }
    $proof = Get-FactEvidence $Facts 'windows.hypervisor_present', 'windows.is_virtual_machine'
    if (Read-Fact $Facts 'windows.is_virtual_machine') {
        return New-Finding SKIP 'Cannot be told from inside a virtual machine (see hypervisor).' $proof
    }
    New-Finding PASS 'A hypervisor runs, which proves it.' $proof
}

function Test-CpuVirtualization {
    <#
    .SYNOPSIS
    SLAT and VM monitor extensions, which Windows tells only while no hypervisor runs.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $found = Get-FindingBehindHypervisor $Facts
    if ($found) { return $found }
    $proof = Get-FactEvidence $Facts 'windows.slat', 'windows.vm_monitor', 'windows.cpu_name'
    $slat, $monitor = (Read-Fact $Facts 'windows.slat'), (Read-Fact $Facts 'windows.vm_monitor')
    $lacks = if ($slat -eq $false -and $null -ne $slat) { 'second level address translation (SLAT)' }
    elseif ($monitor -eq $false -and $null -ne $monitor) { 'VT-x / AMD-V' }
    else { '' }
    if ($lacks -and (Read-Fact $Facts 'windows.is_virtual_machine')) {
        return New-Finding FAIL 'This Windows is a virtual machine that is given no CPU virtualization.' $proof (Get-NestedStep)
    }
    if ($lacks) {
        return New-Finding FAIL "This CPU has no ${lacks}: no WSL 2." $proof (New-Step 'Use WSL 1 without a GPU, or another PC.')
    }
    if ($null -eq $slat -and $null -eq $monitor) { return New-UnknownFinding $Facts 'windows.slat' }
    New-Finding PASS 'The CPU has VT-x / AMD-V and SLAT.' $proof
}

function Test-FirmwareVirtualization {
    <#
    .SYNOPSIS
    VirtualizationFirmwareEnabled, which means something only while no hypervisor runs.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $found = Get-FindingBehindHypervisor $Facts
    if ($found) { return $found }
    $state = Read-Fact $Facts 'windows.firmware_virtualization'
    if ($null -eq $state) { return New-UnknownFinding $Facts 'windows.firmware_virtualization' }
    $proof = Get-FactEvidence $Facts 'windows.firmware_virtualization', 'windows.hypervisor_present'
    if ($state) { return New-Finding PASS 'CPU virtualization is on in the firmware.' $proof }
    New-Finding FAIL 'CPU virtualization is off in the firmware (BIOS/UEFI).' $proof (Get-FirmwareStep $Facts virtualization)
}

function Test-FirmwareNx {
    <#
    .SYNOPSIS
    DataExecutionPrevention_Available: the hypervisor does not start without it.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $state = Read-Fact $Facts 'windows.dep_available'
    if ($null -eq $state) { return New-UnknownFinding $Facts 'windows.dep_available' }
    $proof = Get-FactEvidence $Facts 'windows.dep_available'
    if ($state) { return New-Finding PASS 'No-execute is on.' $proof }
    New-Finding FAIL 'No-execute (NX / XD / DEP) is off: the hypervisor cannot start.' $proof (Get-FirmwareStep $Facts nx)
}

function Test-Hypervisor {
    <#
    .SYNOPSIS
    HypervisorPresent; where it is false, the first reason of those that the facts tell.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $state = Read-Fact $Facts 'windows.hypervisor_present'
    if ($null -eq $state) { return New-UnknownFinding $Facts 'windows.hypervisor_present' }
    if (-not $state) { return Get-MissingHypervisorFinding $Facts }
    if (Read-Fact $Facts 'windows.is_virtual_machine') {
        $proof = Get-FactEvidence $Facts 'windows.is_virtual_machine', 'windows.computer_manufacturer', 'windows.computer_model'
        return New-Finding WARN 'This Windows is a virtual machine: WSL 2 works only if its host passes CPU virtualization on.' `
            $proof (Get-NestedStep)
    }
    New-Finding PASS 'The hypervisor runs.' (Get-FactEvidence $Facts 'windows.hypervisor_present', 'windows.hypervisor_launch_type')
}

function Get-MissingHypervisorFinding {
    <#
    .SYNOPSIS
    Returns why no hypervisor runs.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $proof = Get-FactEvidence $Facts 'windows.hypervisor_present', 'windows.hypervisor_launch_type'
    if ((Read-Fact $Facts 'windows.hypervisor_launch_type') -eq 'off') {
        return New-Finding FAIL 'The hypervisor is told not to start (hypervisorlaunchtype off).' $proof (Get-LaunchStep)
    }
    if (Read-Fact $Facts 'windows.hypervisor_device_disabled') {
        $enable = New-Step ('In the device manager, under System devices, enable ' +
            'Microsoft Hyper-V Virtualization Infrastructure Driver.') 'devmgmt.msc' windows -Admin -Restart
        return New-Finding FAIL "The hypervisor's driver is disabled in the device manager." `
            (Get-FactEvidence $Facts 'windows.hypervisor_device_disabled') @($enable, (Get-SharedStep Restart))
    }
    $feature = Read-Fact $Facts 'windows.features.virtual_machine_platform'
    if ($feature -eq 'enable-pending' -or (Read-Fact $Facts 'windows.reboot_pending')) {
        return New-Finding SKIP 'No hypervisor runs yet: Windows waits for a restart.' $proof -BlockedBy 'pending-reboot'
    }
    if (Test-TooOld $Facts) {
        return New-Finding SKIP 'No hypervisor runs: this Windows is too old for WSL 2.' $proof -BlockedBy 'windows-build'
    }
    $missing = 'absent' -in (Read-Fact $Facts 'windows.services.vmcompute'), (Read-Fact $Facts 'windows.services.hns')
    if ($feature -in 'disabled', 'payload-removed', 'absent' -or ($null -eq $feature -and $missing)) {
        return New-Finding SKIP 'No hypervisor runs: the feature that brings it is off.' $proof -BlockedBy 'virtual-machine-platform'
    }
    if ($missing) {
        return New-Finding SKIP 'No hypervisor runs: the services that start it are missing.' $proof -BlockedBy 'vm-services'
    }
    New-Finding FAIL 'The CPU and the firmware are ready, but no hypervisor was started.' $proof (Get-LaunchStep)
}
