# BitLocker on the system drive, before a restart after which the firmware is another. What nobody can tell is unknown, never off.

$script:VolumeEncryption = 'root/cimv2/Security/MicrosoftVolumeEncryption'

function Get-BitLockerProtection {
    <#
    .SYNOPSIS
    Returns on, off or unknown: whether the system drive is protected by BitLocker now.
    .DESCRIPTION
    Home editions have device encryption without the commands for it: the class behind them is asked then, and manage-bde.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    foreach ($witness in 'Get-ProtectionByCommand', 'Get-ProtectionByCim', 'Get-ProtectionByProgram') {
        try {
            $seen = & $witness
            if ($seen) { return $seen }
        } catch {
            Write-Verbose "${witness}: $($_.Exception.Message)"
        }
    }
    'unknown'
}

function Get-ProtectionByCommand {
    <#
    .SYNOPSIS
    Returns on or off as BitLocker's own command tells; nothing where it does not.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    $volume = Get-BitLockerVolume -MountPoint $env:SystemDrive -ErrorAction Stop
    # Numbers, where the object comes through the compatibility session of 7.
    switch ("$(Get-MemberValue -InputObject $volume -Name 'ProtectionStatus')") {
        { $_ -in 'On', '1' } { return 'on' }
        { $_ -in 'Off', '0' } { return 'off' }
    }
}

function Get-ProtectionByCim {
    <#
    .SYNOPSIS
    Returns on or off as the class behind BitLocker's commands tells; nothing where it does not.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    $volume = Get-CimFirst 'Win32_EncryptableVolume' -Namespace $script:VolumeEncryption -Filter "DriveLetter='$env:SystemDrive'"
    @{ 0 = 'off'; 1 = 'on' }[[int] $volume.ProtectionStatus]
}

function Get-ProtectionByProgram {
    <#
    .SYNOPSIS
    Returns on or off as manage-bde tells by its exit code, which is the same in every language; nothing where it does not.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    $ran = Invoke-Native -FilePath 'manage-bde.exe' -ArgumentList '-status', $env:SystemDrive, '-protectionaserrorlevel' -TimeoutSeconds 60
    if ($null -ne $ran.ExitCode) { @{ 0 = 'on'; 1 = 'off' }[[int] $ran.ExitCode] }
}

function Suspend-SystemBitLocker {
    <#
    .SYNOPSIS
    Suspends BitLocker on the system drive for one start; throws where it is still on afterwards.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    param()
    if (-not $PSCmdlet.ShouldProcess("BitLocker on $env:SystemDrive", 'Suspend for one start')) { return }
    Assert-Elevated -Task 'suspending BitLocker'
    $said = ''
    try {
        $null = Suspend-BitLocker -MountPoint $env:SystemDrive -RebootCount 1 -ErrorAction Stop
    } catch [System.Management.Automation.CommandNotFoundException] {
        $ran = Invoke-Native -FilePath 'manage-bde.exe' -ArgumentList '-protectors', '-disable', $env:SystemDrive, '-rebootcount', '1' -Changes
        $said = Get-LastLine -Text "$($ran.Out)$($ran.Err)$($ran.Reason)"
    } catch {
        $said = $_.Exception.Message
    }
    if ((Get-BitLockerProtection) -eq 'off') { return }
    throw (New-SetupError -Message "BitLocker on $env:SystemDrive could not be suspended. $said".Trim() -ExitCode 1 `
            -Hint "have your recovery key ready (https://aka.ms/myrecoverykey), then: $(Get-FirmwareRestartCommand)")
}

function Get-FirmwareRestartCommand {
    <#
    .SYNOPSIS
    Returns the command that restarts straight into the firmware settings, as one would type it.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    'shutdown /r /fw /t 0'
}
