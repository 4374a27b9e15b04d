# The steps of the plan about Windows, its firmware and its driver: what is so, and what setup would do about it. The
# limits that the doctor needs as well stand in SetupOffer.ps1.

$script:OldestGpuBuild = 19044       # Windows 10 21H2: the first whose WSL passes the GPU on
$script:OldestDriver = '470.76'

function Get-SetupAccountStep {
    <#
    .SYNOPSIS
    Returns the step about the account: distributions belong to one, and the system's own cannot have any.
    .PARAMETER Option
    The options of Get-SetupPlan.
    #>
    [CmdletBinding()]
    param([psobject] $Option)
    $about = @{ Id = 'account'; Title = 'Your account' }
    if ($Option.user -match '\$$|\\SYSTEM$') {
        return New-SetupStep @about -Status blocked -Reason "this runs as $($Option.user), for which WSL refuses to work" `
            -Command 'start setup.ps1 as the person who will use it'
    }
    $person = ($Option.console_user -split '\\')[-1]
    if ($person -and $person -ne ($Option.user -split '\\')[-1]) {
        return New-SetupStep @about -Status blocked `
            -Command "make $person an administrator for the time of the setup, sign in anew, and start setup.ps1 as $person" `
            -Reason "this runs as $($Option.user), while $($Option.console_user) is signed in, and Linux distributions belong to one account"
    }
    New-SetupStep @about -Status done -Reason $Option.user
}

function Get-SetupVersionStep {
    <#
    .SYNOPSIS
    Returns the step about the build of Windows.
    .PARAMETER Fact
    The document of Get-RigFact.
    #>
    [CmdletBinding()]
    param([psobject] $Fact)
    $build = $Fact.windows.build
    $about = @{ Id = 'windows-build'; Title = 'Windows build' }
    if ($Fact.windows.architecture -eq 'x86') {
        return New-SetupStep @about -Status blocked -Reason 'a 32-bit Windows has no WSL 2'
    }
    if ($build -and $build -lt $script:OldestBuild) {
        return New-SetupStep @about -Status blocked -Command 'start ms-settings:windowsupdate' `
            -Reason "build $build; WSL 2 needs $($script:OldestBuild), and the GPU in it $($script:OldestGpuBuild): update Windows first"
    }
    $cautions = @()
    if ($build -and $build -lt $script:OldestGpuBuild) {
        $cautions += "WSL passes the GPU on from build $script:OldestGpuBuild on; with $build pictures are made on the CPU " +
        'until Windows is updated'
    }
    if ($Fact.windows.architecture -eq 'arm64') { $cautions += 'there is no CUDA for WSL on ARM; pictures are made on the CPU' }
    New-SetupStep @about -Status done -Reason "build $build" -Caution $cautions
}

function Get-SetupFeatureStep {
    <#
    .SYNOPSIS
    Returns the steps about Windows features.
    .PARAMETER Fact
    The document of Get-RigFact.
    .PARAMETER Option
    The options of Get-SetupPlan.
    #>
    [CmdletBinding()]
    param([psobject] $Fact, [psobject] $Option)
    $features = $Fact.windows.features
    $why = 'WSL 2 is a virtual machine, and this feature runs it'
    New-SetupFeatureStep -Id 'feature-virtual-machine-platform' -Title 'Virtual Machine Platform' -Name VirtualMachinePlatform -Why $why `
        -State $features.virtual_machine_platform -Fact $Fact -Option $Option
    if ($Fact.windows.build -and $Fact.windows.build -lt $script:FirstBuild11) {
        New-SetupFeatureStep -Id 'feature-wsl' -Title 'Windows Subsystem for Linux' -Name Wsl -State $features.wsl -Fact $Fact -Option $Option `
            -Why 'below Windows 11, WSL needs the feature of that name as well'
    } else {
        New-SetupStep -Id 'feature-wsl' -Title 'Windows Subsystem for Linux' -Status skipped `
            -Reason 'Windows 11 needs this feature for WSL 1 only'
    }
    $needless = 'WSL 2 alone does not need it: Virtual Machine Platform brings the same hypervisor, without the role and its tools'
    if (-not $Option.hyperv) {
        New-SetupStep -Id 'feature-hyper-v' -Title 'Hyper-V' -Status skipped -Reason $needless
    } elseif ($Fact.windows.has_home_edition) {
        New-SetupStep -Id 'feature-hyper-v' -Title 'Hyper-V' -Status blocked -ExitCode 2 -Command 'leave -HyperV out' `
            -Reason "Windows Home has no Hyper-V role. $needless"
    } else {
        New-SetupFeatureStep -Id 'feature-hyper-v' -Title 'Hyper-V' -Name HyperV -State $features.hyper_v -Fact $Fact -Option $Option `
            -Why "asked for by -HyperV. $needless"
    }
}

function New-SetupFeatureStep {
    <#
    .SYNOPSIS
    Returns the step of one feature.
    .PARAMETER Id
    Id of the step.
    .PARAMETER Title
    Title of the step.
    .PARAMETER Name
    Name for Enable-RigFeature.
    .PARAMETER State
    Its state among the facts.
    .PARAMETER Why
    Why it is wanted.
    .PARAMETER Fact
    The document of Get-RigFact.
    .PARAMETER Option
    The options of Get-SetupPlan.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [CmdletBinding()]
    param([string] $Id, [string] $Title, [string] $Name, [AllowNull()] [object] $State, [string] $Why, [psobject] $Fact, [psobject] $Option)
    $about = @{ Id = $Id; Title = $Title }
    if ($State -eq 'enabled') { return New-SetupStep @about -Status done -Reason 'enabled' }
    if ($State -eq 'enable-pending') { return New-SetupStep @about -Status waiting -Reason 'enabled from the next start on' }
    if ($State -eq 'absent') {
        return New-SetupStep @about -Status blocked -Reason "this Windows has no such feature; $Why" `
            -Command 'dism /online /get-features'
    }
    $is = "$State"
    if (-not $is) { $is = 'cannot be read from here' }
    $conflict = Get-ConflictAdvice -Fact $Fact -Option $Option
    New-SetupStep @about -Status needed -Reason "$is; $Why" -NeedsAdmin -NeedsRestart -Caution $conflict.cautions -Ask $conflict.asks `
        -Command "Enable-WindowsOptionalFeature -Online -FeatureName $($script:RigFeatures[$Name]) -All -NoRestart"
}

function Get-SetupLaunchStep {
    <#
    .SYNOPSIS
    Returns the step about the boot setting hypervisorlaunchtype.
    .PARAMETER Fact
    The document of Get-RigFact.
    .PARAMETER Option
    The options of Get-SetupPlan.
    #>
    [CmdletBinding()]
    param([psobject] $Fact, [psobject] $Option)
    $about = @{ Id = 'launch-type'; Title = 'Hypervisor at boot' }
    $is = $Fact.windows.hypervisor_launch_type
    if ($is -eq 'off') {
        $conflict = Get-ConflictAdvice -Fact $Fact -Option $Option
        return New-SetupStep @about -Status needed -NeedsAdmin -NeedsRestart -Caution $conflict.cautions -Ask $conflict.asks `
            -Reason 'hypervisorlaunchtype is off, so no virtual machine of Windows can start; often set for a game or another product' `
            -Command "bcdedit /set '{current}' hypervisorlaunchtype auto"
    }
    if ($is) { return New-SetupStep @about -Status done -Reason "hypervisorlaunchtype is $is" }
    if ($Fact.windows.hypervisor_present) { return New-SetupStep @about -Status done -Reason 'the hypervisor runs' }
    New-SetupStep @about -Status needed -NeedsAdmin -Reason 'only an administrator can read the setting' -Command "bcdedit /enum '{current}'"
}

function Get-SetupFirmwareStep {
    <#
    .SYNOPSIS
    Returns the step about virtualization in CPU and firmware.
    .PARAMETER Fact
    The document of Get-RigFact.
    #>
    [CmdletBinding()]
    param([psobject] $Fact)
    $about = @{ Id = 'firmware'; Title = 'Virtualization in the firmware' }
    $windows = $Fact.windows
    if ($windows.hypervisor_present) {
        $cautions = @()
        if ($windows.is_virtual_machine) {
            $cautions += 'this Windows is a virtual machine itself: its host has to pass virtualization on ' +
            '(Hyper-V, with the machine off: Set-VMProcessor -ExposeVirtualizationExtensions $true)'
        }
        return New-SetupStep @about -Status done -Reason 'a hypervisor runs' -Caution $cautions
    }
    if ($windows.is_virtual_machine -and $false -in $windows.firmware_virtualization, $windows.vm_monitor, $windows.slat) {
        return New-SetupStep @about -Status blocked -Command 'Set-VMProcessor -VMName <name> -ExposeVirtualizationExtensions $true' `
            -Reason 'this Windows is a virtual machine, and its host does not pass virtualization on'
    }
    $off = @()
    if ($windows.firmware_virtualization -eq $false) { $off += 'virtualization' }
    if ($windows.dep_available -eq $false) { $off += 'NX (execute disable)' }
    if ($off.Count) {
        $guide = Get-FirmwareGuide -Fact $Fact
        return New-SetupStep @about -Status advice -NeedsRestart -Command 'shutdown /r /fw /t 0' -Caution $guide `
            -Reason "$($off -join ' and ') is turned off in the firmware (BIOS/UEFI); only you can turn it on there, like this:"
    }
    if ($windows.slat -eq $false -or $windows.vm_monitor -eq $false) {
        return New-SetupStep @about -Status blocked -Reason 'this CPU lacks what WSL 2 needs (VT-x with EPT, or AMD-V with NPT)'
    }
    if ($null -eq $windows.firmware_virtualization) {
        return New-SetupStep @about -Status unverified -Reason 'Windows does not say whether it is turned on; it shows after the restart'
    }
    New-SetupStep @about -Status done -Reason 'turned on'
}

function Get-SetupRoomStep {
    <#
    .SYNOPSIS
    Returns the step about room on the system drive, before gigabytes are fetched.
    .PARAMETER Fact
    The document of Get-RigFact.
    .PARAMETER Guest
    Answers of the guest scripts by name; $null where Linux was not asked. Where the environment is ready, the room is taken.
    .PARAMETER Option
    The options of Get-SetupPlan.
    #>
    [CmdletBinding()]
    param([psobject] $Fact, [AllowNull()] [hashtable] $Guest, [psobject] $Option)
    $about = @{ Id = 'disk-room'; Title = 'Room on the disk' }
    $free = $Fact.windows.system_drive_free_mib
    if ($null -eq $free) { return New-SetupStep @about -Status unverified -Reason "how much is free on $env:SystemDrive cannot be read" }
    $needed = $script:RoomGibibytes.all
    if ($Option.skip_guest) { $needed = $script:RoomGibibytes.linux }
    if ($null -ne $Guest -and $Guest['environment'] -eq 'ready') { $needed = 1 }
    $is = Format-Gibibyte -Mebibyte $free -Digits 0
    if ($free -lt 1024 * $needed) {
        return New-SetupStep @about -Status blocked -Command 'start ms-settings:storagesense' `
            -Reason "$is GB are free on $env:SystemDrive, and $needed GB are needed for Linux and what is fetched"
    }
    New-SetupStep @about -Status done -Reason "$is GB are free on $env:SystemDrive"
}

function Get-SetupDriverStep {
    <#
    .SYNOPSIS
    Returns the step about the NVIDIA driver of Windows: advice at most, pictures can be made without a GPU.
    .PARAMETER Fact
    The document of Get-RigFact.
    #>
    [CmdletBinding()]
    param([psobject] $Fact)
    $about = @{ Id = 'driver'; Title = 'NVIDIA driver' }
    $where = 'https://www.nvidia.com/drivers'
    $is = "$($Fact.windows.nvidia_driver)"
    if ($null -ne $Fact.windows.nvidia_gpus -and -not @($Fact.windows.nvidia_gpus).Count) {
        return New-SetupStep @about -Status skipped -Reason 'this PC has no NVIDIA card: pictures are made on the CPU, which takes longer'
    }
    if (-not $is) {
        return New-SetupStep @about -Status advice -Command $where `
            -Reason 'none was found; install it in Windows, never inside Linux. Without it pictures are made on the CPU'
    }
    if (Test-FactLess -Value $is -Limit $script:OldestDriver) {
        return New-SetupStep @about -Status advice -Command $where `
            -Reason "$is is too old for CUDA in WSL ($script:OldestDriver); update it in Windows"
    }
    New-SetupStep @about -Status done -Reason $is
}
