# Facts about Windows itself and the computer below it.

$script:CurrentVersionKey = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
$script:UninstallKeys = @(
    'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall'
    'HKLM:\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall'
    'HKCU:\Software\Microsoft\Windows\CurrentVersion\Uninstall'
)
# Products that ask for another hypervisor setting (virtual machines, emulators, anti-cheat), or filter the network
# (capture drivers, VPNs, security suites, traffic shapers).
$script:ConflictPattern = 'VirtualBox|VMware (Workstation|Player)|BlueStacks|NoxPlayer|^Nox|LDPlayer|MEmu|Genymotion|' +
'HAXM|Vanguard|FACEIT|ESEA|Easy.?AntiCheat|Sandboxie|Npcap|WinPcap|AnyConnect|Cisco Secure Client|GlobalProtect|' +
'Zscaler|Netskope|Forti(Client|net)|Pulse Secure|Ivanti|Check Point|NordVPN|ExpressVPN|Mullvad|WireGuard|OpenVPN|' +
'Proton ?VPN|Surfshark|Proxifier|cFos|NetLimiter|GameFirst|Killer (Control|Performance|Network)|SmartByte|' +
'McAfee|Norton|Kaspersky|Bitdefender|ESET|Avast|AVG |Comodo|Sophos|Symantec|Trend Micro|Webroot'

function Get-CimFirst {
    <#
    .SYNOPSIS
    Returns the first instance of a CIM class; throws where the class has none or cannot be asked.
    .PARAMETER ClassName
    The class.
    .PARAMETER Namespace
    Its namespace.
    .PARAMETER Filter
    A WQL condition.
    .PARAMETER Optional
    None is no error: $null.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)] [string] $ClassName,
        [string] $Namespace = 'root/cimv2',
        [string] $Filter = '',
        [switch] $Optional
    )
    $asked = @{ ClassName = $ClassName; Namespace = $Namespace; OperationTimeoutSec = 20; ErrorAction = 'Stop' }
    if ($Filter) { $asked['Filter'] = $Filter }
    $found = @(Get-CimInstance @asked)
    if ($found.Count) { return $found[0] }
    if (-not $Optional) {
        throw (New-Object -TypeName System.Management.Automation.ItemNotFoundException -ArgumentList "$ClassName has no instance.")
    }
}

function Add-VersionFact {
    <#
    .SYNOPSIS
    Adds build, edition, architecture and language.
    .PARAMETER Document
    The facts document.
    #>
    [CmdletBinding()]
    param([System.Collections.IDictionary] $Document)
    # ProductName says Windows 10 on Windows 11, and CurrentVersion 6.3: the build is what tells.
    Add-Fact $Document 'windows.build', 'windows.revision', 'windows.edition', 'windows.has_home_edition', 'windows.is_server' {
        $key = Get-ItemProperty -LiteralPath $script:CurrentVersionKey
        $edition = Get-MemberValue $key 'EditionID'
        $kind = Get-MemberValue $key 'InstallationType'
        @{
            'windows.build'            = [int](Get-MemberValue $key 'CurrentBuild')
            'windows.revision'         = Get-MemberValue $key 'UBR'
            'windows.edition'          = $edition
            'windows.has_home_edition' = if ($edition) { $edition -like 'Core*' } else { $null }
            'windows.is_server'        = if ($kind) { $kind -like 'Server*' } else { $null }
        }
    }
    # Of the system: the process's own variable says AMD64 for an emulated one on ARM.
    Add-Fact $Document 'windows.architecture' {
        $name = Get-RegistryValue 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Environment' 'PROCESSOR_ARCHITECTURE'
        @{ 'windows.architecture' = @{ AMD64 = 'x64'; ARM64 = 'arm64'; x86 = 'x86' }["$name"] }
    }
    Add-Fact $Document 'windows.language', 'windows.language_mode', 'windows.is_elevated' {
        @{
            'windows.language'      = (Get-UICulture).Name
            'windows.language_mode' = "$($ExecutionContext.SessionState.LanguageMode)"
            'windows.is_elevated'   = Test-Elevation
        }
    }
}

function Test-Elevation {
    <#
    .SYNOPSIS
    Says whether this process has administrator rights; $null where that cannot be told.
    #>
    [CmdletBinding()]
    param()
    try {
        $identity = [System.Security.Principal.WindowsIdentity]::GetCurrent()
        $principal = New-Object -TypeName System.Security.Principal.WindowsPrincipal -ArgumentList $identity
        return $principal.IsInRole([System.Security.Principal.WindowsBuiltInRole]::Administrator)
    } catch {
        Write-Verbose "The process token cannot be read here: $($_.Exception.Message)"
    }
    # Constrained language mode forbids the above. The integrity level has the same SID in every language.
    $groups = Invoke-Native -FilePath 'whoami.exe' -ArgumentList '/groups', '/fo', 'csv', '/nh' -TimeoutSeconds 10
    if ($groups.ExitCode -ne 0) { return $null }
    $groups.Out -match 'S-1-16-(12288|16384)\b'
}

function Add-ComputerFact {
    <#
    .SYNOPSIS
    Adds the computer, its board, memory and disk.
    .PARAMETER Document
    The facts document.
    #>
    [CmdletBinding()]
    param([System.Collections.IDictionary] $Document)
    $names = 'computer_manufacturer', 'computer_model', 'hypervisor_present', 'is_virtual_machine', 'memory_mib'
    Add-Fact $Document @($names | ForEach-Object { "windows.$_" }) {
        $computer = Get-CimFirst 'Win32_ComputerSystem'
        $maker, $model = "$($computer.Manufacturer)".Trim(), "$($computer.Model)".Trim()
        @{
            'windows.computer_manufacturer' = $maker
            'windows.computer_model'        = $model
            'windows.hypervisor_present'    = Get-MemberValue $computer 'HypervisorPresent'
            'windows.is_virtual_machine'    = Test-VirtualMachine -Manufacturer $maker -Model $model
            'windows.memory_mib'            = [int][math]::Floor($computer.TotalPhysicalMemory / 1048576)
        }
    }
    Add-Fact $Document 'windows.board_manufacturer', 'windows.board_product' {
        $board = Get-CimFirst 'Win32_BaseBoard'
        @{ 'windows.board_manufacturer' = "$($board.Manufacturer)".Trim(); 'windows.board_product' = "$($board.Product)".Trim() }
    }
    Add-Fact $Document 'windows.is_laptop' {
        # Portable, laptop, notebook, hand-held, docking station, sub-notebook, tablet, convertible, detachable.
        $portable = 8, 9, 10, 11, 12, 14, 30, 31, 32
        $types = @((Get-CimFirst 'Win32_SystemEnclosure').ChassisTypes)
        @{ 'windows.is_laptop' = @($types | Where-Object { $portable -contains $_ }).Count -gt 0 }
    }
    Add-Fact $Document 'windows.free_memory_mib', 'windows.uptime_seconds', 'windows.dep_available' {
        $system = Get-CimFirst 'Win32_OperatingSystem'
        @{
            'windows.free_memory_mib' = [int][math]::Floor($system.FreePhysicalMemory / 1024)
            'windows.uptime_seconds'  = [int]([DateTime]::UtcNow - $system.LastBootUpTime.ToUniversalTime()).TotalSeconds
            'windows.dep_available'   = $system.DataExecutionPrevention_Available
        }
    }
    Add-Fact $Document 'windows.page_file_mib' {
        $files = @(Get-CimInstance -ClassName Win32_PageFileUsage -OperationTimeoutSec 20 -ErrorAction Stop)
        $total = 0
        foreach ($file in $files) { $total += [int]$file.AllocatedBaseSize }
        @{ 'windows.page_file_mib' = $total }
    }
    Add-Fact $Document 'windows.system_drive_free_mib' {
        $drive = Get-CimFirst 'Win32_LogicalDisk' -Filter "DeviceID='$env:SystemDrive'"
        @{ 'windows.system_drive_free_mib' = [int][math]::Floor($drive.FreeSpace / 1048576) }
    }
}

function Test-VirtualMachine {
    <#
    .SYNOPSIS
    Says whether maker and model are those of a virtual machine.
    .PARAMETER Manufacturer
    Win32_ComputerSystem.Manufacturer.
    .PARAMETER Model
    Win32_ComputerSystem.Model.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param([AllowEmptyString()] [string] $Manufacturer, [AllowEmptyString()] [string] $Model)
    # Microsoft makes real computers as well.
    if ($Manufacturer -eq 'Microsoft Corporation') { return $Model -eq 'Virtual Machine' }
    "$Manufacturer $Model" -match 'VMware|innotek|VirtualBox|QEMU|\bKVM\b|\bXen\b|Amazon EC2|Google Compute|Parallels|\bBochs\b|OpenStack|Nutanix|bhyve'
}

function Add-ProductFact {
    <#
    .SYNOPSIS
    Adds installed products that often stand in the way, and BitLocker.
    .PARAMETER Document
    The facts document.
    #>
    [CmdletBinding()]
    param([System.Collections.IDictionary] $Document)
    Add-Fact $Document 'windows.conflicts' {
        $found = foreach ($product in Get-InstalledProduct) {
            if ($product.Name -match $script:ConflictPattern) { "$($product.Name) $($product.Version)".Trim() }
        }
        @{ 'windows.conflicts' = @($found | Sort-Object -Unique) }
    }
    Add-Fact $Document 'windows.bitlocker_on' {
        if (-not $Document['windows']['is_elevated']) { return @{ 'windows.bitlocker_on' = New-UnknownFact 'denied' } }
        $volume = @(Get-BitLockerVolume -MountPoint $env:SystemDrive -ErrorAction Stop)[0]
        @{ 'windows.bitlocker_on' = "$($volume.ProtectionStatus)" -eq 'On' }
    }
}

function Get-InstalledProduct {
    <#
    .SYNOPSIS
    Returns name and version of the installed programs.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param()
    foreach ($key in $script:UninstallKeys) {
        foreach ($entry in Get-RegistryChild -Path $key -Name 'DisplayName', 'DisplayVersion') {
            $name = "$(Get-MemberValue $entry 'DisplayName')".Trim()
            $version = "$(Get-MemberValue $entry 'DisplayVersion')".Trim()
            # Many products have their version in their name already.
            if ($version -and $name.EndsWith($version)) { $version = '' }
            if ($name) { [pscustomobject]@{ Name = $name; Version = $version } }
        }
    }
}

function Test-WindowsSystem {
    <#
    .SYNOPSIS
    Says whether this is Windows; $IsWindows does not exist in 5.1.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param()
    $env:OS -eq 'Windows_NT'
}
