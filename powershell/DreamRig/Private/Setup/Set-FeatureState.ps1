# Windows features and the boot setting of the hypervisor: asked, set, and judged by asking again.

# Names of Enable-RigFeature -> DISM's.
$script:RigFeatures = @{
    VirtualMachinePlatform = 'VirtualMachinePlatform'
    Wsl                    = 'Microsoft-Windows-Subsystem-Linux'
    HyperV                 = 'Microsoft-Hyper-V'
}
$script:FeatureWords = @{
    Enabled = 'enabled'; Disabled = 'disabled'; EnablePending = 'enable-pending'; DisablePending = 'disable-pending'
    DisabledWithPayloadRemoved = 'payload-removed'; Removed = 'payload-removed'; NotPresent = 'absent'
}

function Get-FeatureState {
    <#
    .SYNOPSIS
    Returns enabled, disabled, enable-pending, disable-pending, payload-removed, absent, or '' where it cannot be read.
    .DESCRIPTION
    DISM's command first; where that is damaged (Class not registered), dism.exe itself, whose words /english fixes.
    .PARAMETER FeatureName
    DISM's name of the feature.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([Parameter(Mandatory = $true)] [string] $FeatureName)
    try {
        $feature = Get-WindowsOptionalFeature -Online -FeatureName $FeatureName -ErrorAction Stop
        if (-not $feature) { return 'absent' }
        return Get-FeatureWord -Word "$($feature.State)"
    } catch {
        Write-Verbose "Get-WindowsOptionalFeature: $($_.Exception.Message)"
        if ($_.Exception.Message -match '0x800f080c') { return 'absent' }
    }
    $asked = Invoke-Native -FilePath 'dism.exe' -TimeoutSeconds 120 `
        -ArgumentList '/Online', '/English', '/Get-FeatureInfo', "/FeatureName:$FeatureName"
    if ($asked.Out -match '(?m)^State\s*:\s*(.+?)\s*$') { return Get-FeatureWord -Word ($Matches[1] -replace ' ', '') }
    if ($asked.Out -match '0x800f080c') { return 'absent' }
    ''
}

function Get-FeatureWord {
    <#
    .SYNOPSIS
    Returns our word for a state in DISM's words; '' for one that is new to us.
    .PARAMETER Word
    Enabled, EnablePending ...
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Word)
    if ($script:FeatureWords.ContainsKey($Word)) { return $script:FeatureWords[$Word] }
    ''
}

function Set-FeatureState {
    <#
    .SYNOPSIS
    Asks Windows to enable or disable a feature without restarting; returns what it complained about, '' for nothing.
    .PARAMETER FeatureName
    DISM's name of the feature.
    .PARAMETER Enable
    On, with the features that it needs; off without it.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    [OutputType([string])]
    param([Parameter(Mandatory = $true)] [string] $FeatureName, [switch] $Enable)
    if (-not $PSCmdlet.ShouldProcess($FeatureName, @('Disable', 'Enable')[[int] [bool] $Enable])) { return '' }
    Assert-Elevated -Task "changing the Windows feature $FeatureName"
    $quiet = @{ Online = $true; FeatureName = $FeatureName; NoRestart = $true; WarningAction = 'SilentlyContinue'; ErrorAction = 'Stop' }
    # Its own progress bar, minutes long.
    if (-not $script:SetupTalk.Json) { $ProgressPreference = 'Continue' }
    try {
        if ($Enable) { $null = Enable-WindowsOptionalFeature @quiet -All } else { $null = Disable-WindowsOptionalFeature @quiet }
        return ''
    } catch {
        $complaint = $_.Exception.Message
        if ($complaint -match '0x800f080c|0x800704ec') { return $complaint }
    }
    # The command's own module may be what is broken.
    $verb = @('/Disable-Feature', '/Enable-Feature')[[int] [bool] $Enable]
    $words = @('/Online', '/English', '/NoRestart', $verb, "/FeatureName:$FeatureName")
    if ($Enable) { $words += '/All' }
    $ran = Invoke-Native -FilePath 'dism.exe' -TimeoutSeconds 1800 -Changes -ArgumentList $words
    if ($ran.ExitCode -in 0, 3010) { return '' }
    (@($complaint, $ran.Out, $ran.Err, $ran.Reason) -join "`n").Trim()
}

function Assert-FeatureOn {
    <#
    .SYNOPSIS
    Throws unless a feature is on, or waits for a restart to be on.
    .PARAMETER FeatureName
    DISM's name of the feature.
    .PARAMETER State
    What Get-FeatureState said.
    .PARAMETER Said
    What Windows complained about as it was asked; '' where it claimed success.
    #>
    [CmdletBinding()]
    param([string] $FeatureName, [AllowEmptyString()] [string] $State, [AllowEmptyString()] [string] $Said)
    if ($State -in 'enabled', 'enable-pending') { return }
    # Success was claimed and the proof cannot be had: unverified, which is no failure.
    if (-not $State -and -not $Said) { return }
    $claim = 'Windows reported success, but'
    if ($Said) { $claim = "Windows said: $(Get-LastLine -Text $Said)" + [Environment]::NewLine + 'and' }
    if ($State -eq 'absent') {
        throw (New-SetupError -Message "$claim this Windows has no feature $FeatureName." -ExitCode 1 `
                -Hint 'the edition or a trimmed image lacks it; see the list: dism /online /get-features')
    }
    $is = $State
    if (-not $is) { $is = 'in a state that cannot be read' }
    throw (New-SetupError -Message "$claim the Windows feature $FeatureName is still $is." -ExitCode 1 `
            -Hint 'repair the component store: DISM /Online /Cleanup-Image /RestoreHealth, then sfc /scannow, then setup.ps1 again')
}

function Assert-HyperVEdition {
    <#
    .SYNOPSIS
    Throws where the edition of Windows has no Hyper-V role, with the reason why that does not matter for WSL 2.
    #>
    [CmdletBinding()]
    param()
    $edition = Get-RegistryValue -Path $script:CurrentVersionKey -Name 'EditionID'
    if ("$edition" -notlike 'Core*') { return }
    throw (New-SetupError -ExitCode 2 -Message ('Hyper-V cannot be turned on: Windows Home has no Hyper-V role. ' +
                'WSL 2 does not need it, VirtualMachinePlatform brings the same hypervisor.') `
            -Hint 'leave -HyperV out')
}

function New-FeatureResult {
    <#
    .SYNOPSIS
    Returns what Enable-RigFeature gives out.
    .PARAMETER Name
    What was asked for.
    .PARAMETER Before
    Its state before.
    .PARAMETER After
    Its state now.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([string] $Name, [string] $Before, [string] $After)
    $changed = $Before -ne $After
    [pscustomobject]@{
        Name = $Name; Before = $Before; After = $After; Changed = $changed
        RestartNeeded = ($changed -or $After -in 'enable-pending', 'disable-pending')
    }
}

function Get-BootLaunchType {
    <#
    .SYNOPSIS
    Returns auto, off or unset (which means auto); throws where it cannot be read.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    $is = Read-LaunchType
    if (-not (Test-UnknownFact -Value $is)) { return $is }
    Assert-Elevated -Task 'reading the boot settings'
    throw (New-SetupError -Message "The boot settings cannot be read ($($is.UnknownBecause))." `
            -Hint "look yourself: bcdedit /enum '{current}'" -ExitCode 1)
}

function Set-LaunchType {
    <#
    .SYNOPSIS
    Sets hypervisorlaunchtype of this Windows; returns what it is afterwards, throws where it did not take.
    .PARAMETER Value
    auto or off.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    [OutputType([string])]
    param([ValidateSet('auto', 'off')] [string] $Value)
    if (-not $PSCmdlet.ShouldProcess('hypervisorlaunchtype', "Set to $Value")) { return '' }
    Assert-Elevated -Task 'changing the boot settings'
    $ran = Invoke-Native -FilePath 'bcdedit.exe' -ArgumentList '/set', '{current}', 'hypervisorlaunchtype', $Value -Changes
    $is = Get-BootLaunchType
    if ($is -ne $Value) {
        throw (New-SetupError -ExitCode 1 -Hint "try it yourself in an elevated PowerShell: bcdedit /set '{current}' hypervisorlaunchtype $Value" `
                -Message "hypervisorlaunchtype is still $is. bcdedit said: $(Get-LastLine -Text "$($ran.Out)$($ran.Err)$($ran.Reason)")")
    }
    $is
}

function Assert-Elevated {
    <#
    .SYNOPSIS
    Throws unless this process has administrator rights.
    .PARAMETER Task
    What they are needed for.
    #>
    [CmdletBinding()]
    param([string] $Task)
    if (Test-Elevation) { return }
    throw (New-SetupError -Message "Administrator rights are needed for $Task." -ExitCode 4 `
            -Hint 'start PowerShell with "Run as administrator", and the same command again')
}
