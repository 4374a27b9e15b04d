# What setup.ps1 can do about a broken link, so that the doctor promises no more than that. Its plan reads the same limits.

$script:OldestBuild = 19041          # Windows 10 2004: the first with WSL 2 by `wsl --install`
$script:FirstBuild11 = 22000         # Windows 11: WSL 2 does without the feature of that name
$script:OldestWsl = '2.4.4'          # the first that installs distributions without the Store
# A distribution takes 2 GB, an environment with torch for CUDA 7 more; what is fetched is there twice for a while.
$script:RoomGibibytes = @{ linux = 4; all = 14 }

$script:SetupCommand = 'powershell -ExecutionPolicy Bypass -File powershell\setup.ps1'
$script:SetupOffers = @{
    does  = 'setup.ps1 does this for you, and what comes after it'
    leads = 'Only you can turn it on, in the firmware: setup.ps1 shows where, restarts into it if you say so, and does the rest after that'
    tries = 'setup.ps1 tries what can be done by itself (the boot setting, a restart), and does what comes after it'
}

function Get-SetupOffer {
    <#
    .SYNOPSIS
    Returns does (setup.ps1 mends it), leads (a person has to, and it shows where), tries (it does what usually helps), or ''.
    .PARAMETER Check
    Name of the first broken link; '' for none.
    .PARAMETER Facts
    The facts document.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowNull()] [AllowEmptyString()] [string] $Check, $Facts)
    $reader = New-FactReader -Facts $Facts
    if (Test-SetupRefusal -Facts $reader) { return '' }
    $can = switch ($Check) {
        { $_ -in 'firmware-virtualization', 'firmware-nx' } { @('leads', '')[[int] [bool] (Read-Fact $reader 'windows.hypervisor_present')] }
        'hypervisor' {
            if (Read-Fact $reader 'windows.hypervisor_device_disabled') { '' }
            elseif ((Read-Fact $reader 'windows.hypervisor_launch_type') -eq 'off') { 'does' } else { 'tries' }
        }
        'virtual-machine-platform' { 'does' }
        'wsl-feature' { @('', 'does')[[int] (Test-WslFeatureNeed -Facts $reader)] }
        'pending-reboot' { @('', 'does')[[int] (Test-SetupRestart -Facts $reader)] }
        'wsl-version' {
            $version = Read-Fact $reader 'wsl.version'
            @('', 'does')[[int] (-not $version -or (Test-FactLess -Value $version -Limit $script:OldestWsl))]
        }
        'distribution-version-2' { @('', 'does')[[int] ((Read-Fact $reader 'wsl.distribution_count') -eq 0)] }
    }
    "$can"
}

function Test-SetupRefusal {
    <#
    .SYNOPSIS
    Says whether setup.ps1 would stop at this PC before it does anything.
    .PARAMETER Facts
    The object of New-FactReader.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param($Facts)
    $build, $free = (Read-Fact $Facts 'windows.build'), (Read-Fact $Facts 'windows.system_drive_free_mib')
    $cannot = @('windows.firmware_virtualization', 'windows.vm_monitor', 'windows.slat' | Where-Object { (Read-Fact $Facts $_) -eq $false })
    (Read-Fact $Facts 'windows.architecture') -eq 'x86' -or
    ($build -and $build -lt $script:OldestBuild) -or
    ($null -ne $free -and $free -lt 1024 * $script:RoomGibibytes.all) -or
    (Read-Fact $Facts 'windows.features.virtual_machine_platform') -eq 'absent' -or
    ((Test-WslFeatureNeed -Facts $Facts) -and (Read-Fact $Facts 'windows.features.wsl') -eq 'absent') -or
    ((Read-Fact $Facts 'windows.is_virtual_machine') -and $cannot.Count -and -not (Read-Fact $Facts 'windows.hypervisor_present'))
}

function Test-WslFeatureNeed {
    <#
    .SYNOPSIS
    Says whether setup.ps1 turns the feature Windows Subsystem for Linux on: below Windows 11 only.
    .PARAMETER Facts
    The object of New-FactReader.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param($Facts)
    $build = Read-Fact $Facts 'windows.build'
    $build -and $build -lt $script:FirstBuild11
}

function Test-SetupRestart {
    <#
    .SYNOPSIS
    Says whether setup.ps1 restarts a Windows that waits for it: for a feature of its own, or where no hypervisor runs.
    .PARAMETER Facts
    The object of New-FactReader.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param($Facts)
    (Read-Fact $Facts 'windows.hypervisor_present') -eq $false -or
    (Read-Fact $Facts 'windows.features.virtual_machine_platform') -eq 'enable-pending' -or
    ((Test-WslFeatureNeed -Facts $Facts) -and (Read-Fact $Facts 'windows.features.wsl') -eq 'enable-pending')
}
