# Facts about virtualization: the CPU's bits, the hypervisor, features, services, waiting restarts.

$script:FeatureFacts = [ordered]@{
    virtual_machine_platform = 'VirtualMachinePlatform'
    wsl                      = 'Microsoft-Windows-Subsystem-Linux'
    hypervisor_platform      = 'HypervisorPlatform'
    hyper_v                  = 'Microsoft-Hyper-V'
    hyper_v_services         = 'Microsoft-Hyper-V-Services'
}
$script:ServiceFacts = 'hns', 'lxssmanager', 'mpssvc', 'sharedaccess', 'vfpext', 'vmcompute', 'vmms', 'wslservice'
$script:LxssKey = 'HKCU:\Software\Microsoft\Windows\CurrentVersion\Lxss'
$script:RestartKeys = [ordered]@{
    'component servicing' = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending'
    'Windows Update'      = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired'
    # Volatile: where it exists, wsl --install has staged something since the last start.
    'wsl --install'       = "$script:LxssKey\InstallStatus"
}

function Add-ProcessorFact {
    <#
    .SYNOPSIS
    Adds the CPU and, where no hypervisor runs, its virtualization bits.
    .PARAMETER Document
    The facts document, with windows.hypervisor_present.
    #>
    [CmdletBinding()]
    param([System.Collections.IDictionary] $Document)
    $names = 'windows.cpu_name', 'windows.cpu_vendor', 'windows.firmware_virtualization', 'windows.slat', 'windows.vm_monitor'
    Add-Fact $Document $names {
        # LoadPercentage alone makes a query for everything take a second.
        $wanted = 'Name', 'Manufacturer', 'Architecture', 'VirtualizationFirmwareEnabled', 'SecondLevelAddressTranslationExtensions',
        'VMMonitorModeExtensions'
        $sockets = @(Get-CimInstance -ClassName Win32_Processor -Property $wanted -OperationTimeoutSec 20 -ErrorAction Stop)
        $vendor = switch -Regex ("$($sockets[0].Manufacturer) $($sockets[0].Name)") {
            'Intel' { 'intel'; break }
            'AMD' { 'amd'; break }
            'ARM|Qualcomm|Snapdragon|Ampere' { 'arm'; break }
            default { if ((Get-MemberValue $sockets[0] 'Architecture') -eq 12) { 'arm' } }
        }
        @{
            'windows.cpu_name'                = "$($sockets[0].Name)".Trim()
            'windows.cpu_vendor'              = $vendor
            'windows.firmware_virtualization' = Get-ProcessorBit $Document $sockets $vendor 'VirtualizationFirmwareEnabled'
            'windows.slat'                    = Get-ProcessorBit $Document $sockets $vendor 'SecondLevelAddressTranslationExtensions'
            'windows.vm_monitor'              = Get-ProcessorBit $Document $sockets $vendor 'VMMonitorModeExtensions'
        }
    }
}

function Get-ProcessorBit {
    <#
    .SYNOPSIS
    Returns a virtualization bit of the CPU, or that it is unknown.
    .DESCRIPTION
    All of them read False while a hypervisor runs, and mean nothing on ARM. True on one socket is not enough.
    .PARAMETER Document
    The facts document, with windows.hypervisor_present.
    .PARAMETER Socket
    The instances of Win32_Processor.
    .PARAMETER Vendor
    intel, amd, arm or $null.
    .PARAMETER Name
    The property.
    #>
    [CmdletBinding()]
    param([System.Collections.IDictionary] $Document, [object[]] $Socket, [AllowNull()] [string] $Vendor, [string] $Name)
    if ($Vendor -eq 'arm') { return New-UnknownFact 'absent' }
    if ($false -ne $Document['windows']['hypervisor_present']) {
        return New-UnknownFact 'failed: it reads False while a hypervisor runs, and means nothing then'
    }
    $bits = @(foreach ($one in $Socket) { Get-MemberValue $one $Name })
    $bits = @($bits | Where-Object { $null -ne $_ })
    if (-not $bits.Count) { return New-UnknownFact 'absent' }
    $bits -notcontains $false
}

function Add-LaunchFact {
    <#
    .SYNOPSIS
    Adds what decides whether the hypervisor starts: the boot entry, VBS, the device, exploit protection, the logon right.
    .PARAMETER Document
    The facts document, with windows.is_elevated.
    #>
    [CmdletBinding()]
    param([System.Collections.IDictionary] $Document)
    $elevated = $Document['windows']['is_elevated']
    Add-Fact $Document 'windows.hypervisor_launch_type' {
        if (-not $elevated) { return @{ 'windows.hypervisor_launch_type' = New-UnknownFact 'denied' } }
        @{ 'windows.hypervisor_launch_type' = Read-LaunchType }
    }
    Add-Fact $Document 'windows.vbs' {
        $guard = Get-CimFirst 'Win32_DeviceGuard' -Namespace 'root/Microsoft/Windows/DeviceGuard'
        @{ 'windows.vbs' = @('off', 'enabled', 'running')[[int]$guard.VirtualizationBasedSecurityStatus] }
    }
    Add-Fact $Document 'windows.hypervisor_device_disabled' {
        # 'Microsoft Hyper-V Virtualization Infrastructure Driver', by its service: the name is translated. 22 = disabled.
        $device = Get-CimFirst 'Win32_PnPEntity' -Filter "Service='Vid'" -Optional
        @{ 'windows.hypervisor_device_disabled' = if ($device) { [int]$device.ConfigManagerErrorCode -eq 22 } else { $null } }
    }
    Add-Fact $Document 'windows.vmcompute_cfg_off' {
        $guard = Get-MemberValue (Get-ProcessMitigation -Name 'vmcompute.exe' -ErrorAction Stop) 'CFG'
        @{ 'windows.vmcompute_cfg_off' = "$(Get-MemberValue $guard 'Enable')" -eq 'OFF' }
    }
    Add-Fact $Document 'windows.vm_logon_right' {
        if (-not $elevated) { return @{ 'windows.vm_logon_right' = New-UnknownFact 'denied' } }
        @{ 'windows.vm_logon_right' = Get-VirtualMachineLogonRight }
    }
}

function Read-LaunchType {
    <#
    .SYNOPSIS
    Returns auto, off or unset, or that it is unknown. Names and values of bcdedit are not translated, its headings are.
    #>
    [CmdletBinding()]
    param()
    $asked = Invoke-Native -FilePath 'bcdedit.exe' -ArgumentList '/enum', '{current}'
    if ($asked.Reason) { return New-UnknownFact $asked.Reason }
    if ($asked.ExitCode -ne 0) { return New-UnknownFact "failed: bcdedit ended with $($asked.ExitCode)" }
    if ($asked.Out -match '(?im)^\s*hypervisorlaunchtype\s+(\w+)\s*$') { return $Matches[1].ToLowerInvariant() }
    'unset'
}

function Get-VirtualMachineLogonRight {
    <#
    .SYNOPSIS
    Says whether the virtual machines' group (S-1-5-83-0) may log on as a service; a policy that takes it away stops every VM.
    #>
    [CmdletBinding()]
    param()
    $file = Join-Path ([System.IO.Path]::GetTempPath()) "dreamrig-$([guid]::NewGuid()).inf"
    try {
        $asked = Invoke-Native -FilePath 'secedit.exe' -ArgumentList '/export', '/areas', 'USER_RIGHTS', '/cfg', $file
        if ($asked.Reason) { return New-UnknownFact $asked.Reason }
        if (-not [System.IO.File]::Exists($file)) { return New-UnknownFact "failed: secedit ended with $($asked.ExitCode)" }
        $text = [System.IO.File]::ReadAllText($file)
        if ($text -notmatch '(?im)^\s*SeServiceLogonRight\s*=\s*(.*)$') { return $false }
        $Matches[1] -match 'S-1-5-83-0\b|NT VIRTUAL MACHINE'
    } finally {
        if ([System.IO.File]::Exists($file)) { [System.IO.File]::Delete($file) }
    }
}

function Add-FeatureFact {
    <#
    .SYNOPSIS
    Adds the states of the optional features.
    .DESCRIPTION
    Elevated, one call of Get-WindowsOptionalFeature tells everything; where that is refused or broken, CIM tells the
    same but for waiting states.
    .PARAMETER Document
    The facts document, with windows.is_elevated.
    #>
    [CmdletBinding()]
    param([System.Collections.IDictionary] $Document)
    $paths = @($script:FeatureFacts.Keys | ForEach-Object { "windows.features.$_" })
    Add-Fact $Document $paths {
        $states = $null
        if ($Document['windows']['is_elevated']) {
            try { $states = Get-FeatureByServicing } catch { Write-Verbose "DISM: $($_.Exception.Message)" }
        }
        if ($null -eq $states) { $states = Get-FeatureByCim }
        $found = @{}
        foreach ($key in $script:FeatureFacts.Keys) {
            $name = $script:FeatureFacts[$key]
            $found["windows.features.$key"] = if ($states.ContainsKey($name)) { $states[$name] } else { 'absent' }
        }
        $found
    }
}

function Get-FeatureByServicing {
    <#
    .SYNOPSIS
    Returns feature name -> state for every feature, from DISM.
    #>
    [CmdletBinding()]
    [OutputType([hashtable])]
    param()
    $words = @{
        Enabled = 'enabled'; Disabled = 'disabled'; EnablePending = 'enable-pending'; DisablePending = 'disable-pending'
        DisabledWithPayloadRemoved = 'payload-removed'; InstallPending = 'enable-pending'; UninstallPending = 'disable-pending'
        Installed = 'enabled'; Staged = 'disabled'; Removed = 'payload-removed'; NotPresent = 'absent'
    }
    $states = @{}
    foreach ($feature in Get-WindowsOptionalFeature -Online -ErrorAction Stop -WarningAction SilentlyContinue) {
        # An enumeration in 5.1, text in 7, where it came through the compatibility session.
        $states[$feature.FeatureName] = $words["$($feature.State)"]
    }
    if (-not $states.Count) { throw 'No features were listed.' }
    $states
}

function Get-FeatureByCim {
    <#
    .SYNOPSIS
    Returns feature name -> state of our features, from CIM, which needs no elevation and does not know waiting states.
    #>
    [CmdletBinding()]
    [OutputType([hashtable])]
    param()
    $condition = @($script:FeatureFacts.Values | ForEach-Object { "Name='$_'" }) -join ' OR '
    $states = @{}
    foreach ($feature in Get-CimInstance -ClassName Win32_OptionalFeature -Filter $condition -OperationTimeoutSec 30 -ErrorAction Stop) {
        $states[$feature.Name] = @{ 1 = 'enabled'; 2 = 'disabled'; 3 = 'absent' }[[int]$feature.InstallState]
    }
    $states
}

function Add-ServiceFact {
    <#
    .SYNOPSIS
    Adds the states of the services that WSL 2 needs. vfpext is a driver: it is listed only when asked for by name.
    .PARAMETER Document
    The facts document.
    #>
    [CmdletBinding()]
    param([System.Collections.IDictionary] $Document)
    $paths = @($script:ServiceFacts | ForEach-Object { "windows.services.$_" })
    Add-Fact $Document $paths {
        $found = @{}
        foreach ($name in $script:ServiceFacts) { $found["windows.services.$name"] = 'absent' }
        # RpcSs is there on every Windows: without it, it is the question that failed.
        $services = @(Get-Service -Name ($script:ServiceFacts + 'RpcSs') -ErrorAction SilentlyContinue)
        if (-not $services.Count) { throw 'Get-Service lists no services.' }
        foreach ($service in $services | Where-Object { $_.Name -ne 'RpcSs' }) {
            $state = if ("$($service.StartType)" -eq 'Disabled') { 'disabled' }
            elseif ("$($service.Status)" -eq 'Running') { 'running' }
            else { 'stopped' }
            $found["windows.services.$($service.Name.ToLowerInvariant())"] = $state
        }
        $found
    }
}

function Add-RestartFact {
    <#
    .SYNOPSIS
    Adds whether a restart is pending, and who says so. File renames do not count: browsers and antivirus leave them.
    .PARAMETER Document
    The facts document, with windows.features.
    #>
    [CmdletBinding()]
    param([System.Collections.IDictionary] $Document)
    Add-Fact $Document 'windows.reboot_pending', 'windows.reboot_reasons' {
        $reasons = @(
            foreach ($who in $script:RestartKeys.Keys) {
                if (Test-Path -LiteralPath $script:RestartKeys[$who]) { $who }
            }
            foreach ($key in $script:FeatureFacts.Keys) {
                $state = $Document['windows']['features'][$key]
                if ($state -like '*-pending') { "$($script:FeatureFacts[$key]) $state" }
            }
        )
        @{ 'windows.reboot_pending' = $reasons.Count -gt 0; 'windows.reboot_reasons' = $reasons }
    }
}
