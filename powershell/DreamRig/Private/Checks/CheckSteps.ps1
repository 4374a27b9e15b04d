# Steps that several fixes share. The twin of provision/doctor/steps.py and provision/doctor/firmware.py.

$script:GeneralKeys = 'Key at power-on: mostly Del, F2, F10 or Esc.'

function Get-SharedStep {
    <#
    .SYNOPSIS
    Returns a step that several fixes share.
    .PARAMETER Name
    Which one.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param(
        [ValidateSet('Restart', 'ShutdownWsl', 'UpdateWsl', 'UpdateWindows', 'WindowsDriver', 'IntoFirmware')] [string] $Name
    )
    switch ($Name) {
        'Restart' {
            New-Step 'Restart Windows: Restart, not Shut down, which may only hibernate it.' 'shutdown /r /t 0' windows `
                -Restart -Risk 'closes every program'
        }
        'ShutdownWsl' { New-Step 'End WSL, so that it starts afresh.' 'wsl --shutdown' windows -Risk 'ends all distributions' }
        'UpdateWsl' { New-Step 'Bring WSL up to date.' 'wsl --update' windows }
        'UpdateWindows' { New-Step 'Install all updates, in Settings > Windows Update.' 'start ms-settings:windowsupdate' windows }
        'WindowsDriver' {
            New-Step ('Install the newest NVIDIA driver on Windows, never inside Linux: ' +
                'https://www.nvidia.com/Download/index.aspx') '' windows -Admin
        }
        'IntoFirmware' {
            New-Step 'Restart into the firmware setup (BIOS/UEFI).' 'shutdown /r /fw /t 0' windows -Admin -Restart `
                -Risk ('BitLocker may ask for its recovery key afterwards: have it at hand, or suspend BitLocker for one boot')
        }
    }
}

function Get-FeatureStep {
    <#
    .SYNOPSIS
    Returns the step that turns a Windows feature on or off.
    .PARAMETER Name
    DISM's name of the feature.
    .PARAMETER Off
    Off, to turn it on again.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([string] $Name, [switch] $Off)
    $disable = "dism /online /disable-feature /featurename:$Name /norestart"
    if ($Off) { return New-Step "Turn the half-installed feature $Name off." $disable windows -Admin -Restart }
    New-Step "Turn the Windows feature $Name on." "dism /online /enable-feature /featurename:$Name /all /norestart" windows `
        -Admin -Restart -Undo $disable
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
    New-Step "Allow the service $Name to start." "sc.exe config $Name start= $How" windows -Admin -Undo "sc.exe config $Name start= disabled"
}

function Get-WslConfigStep {
    <#
    .SYNOPSIS
    Returns the step that changes .wslconfig.
    .PARAMETER What
    The change.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([string] $What)
    New-Step "In %UserProfile%\.wslconfig: $What" 'notepad %UserProfile%\.wslconfig' windows
}

function Get-FirmwareStep {
    <#
    .SYNOPSIS
    Returns the steps that turn a switch of the firmware on: on this board, in general words where its maker is not known.
    .PARAMETER Facts
    The facts.
    .PARAMETER Name
    virtualization or nx.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts, [ValidateSet('virtualization', 'nx')] [string] $Name)
    $vendor = "$(Read-Fact $Facts 'windows.cpu_vendor')"
    $names = @{
        virtualization = @{ intel = 'Intel Virtualization Technology (VT-x)'; amd = 'SVM Mode'; '' = 'Intel VT-x or AMD SVM' }
        nx             = @{ intel = 'Execute Disable Bit (XD)'; amd = 'NX Mode'; '' = 'NX or XD' }
    }[$Name]
    $setting = if ($names.ContainsKey($vendor)) { $names[$vendor] } else { $names[''] }
    $lines = @(Get-BoardHelp -Facts $Facts.Facts)
    if ($Name -eq 'nx') {
        # The key at power-on holds for every switch, the menu does not.
        $lines = @($lines | Select-Object -First 1)
        if (-not $lines.Count) { $lines = @($script:GeneralKeys) }
        $lines += "${setting}: Enabled."
    } elseif (-not $lines.Count) {
        $lines = $script:GeneralKeys, "${setting}: Enabled."
    }
    Get-SharedStep IntoFirmware
    New-Step (($lines + 'Save, and let Windows start.') -join ' ') '' firmware
}
