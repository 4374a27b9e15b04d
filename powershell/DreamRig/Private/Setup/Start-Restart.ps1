# Restarting, and BitLocker before a restart after which the firmware is another.

function Start-Restart {
    <#
    .SYNOPSIS
    Restarts Windows; throws where Windows refuses.
    .DESCRIPTION
    shutdown /t 0: any other time would mean /f, which ends programs with unsaved work. Never a shut-down, which with
    fast startup is no restart.
    .PARAMETER ToFirmware
    Into the firmware settings.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    param([switch] $ToFirmware)
    if (-not $PSCmdlet.ShouldProcess('this PC', 'Restart')) { return }
    $words = @('/r')
    if ($ToFirmware) { $words += '/fw' }
    $words += '/t', '0'
    $ran = Invoke-Native -FilePath 'shutdown.exe' -ArgumentList $words -Changes
    # 203: the first request for the firmware fails on some boards, the second is heard.
    if ($ran.ExitCode -eq 203) { $ran = Invoke-Native -FilePath 'shutdown.exe' -ArgumentList $words -Changes }
    if ($ran.ExitCode -eq 0) { return }
    $said = Get-LastLine -Text "$($ran.Out)$($ran.Err)$($ran.Reason)"
    if ($ToFirmware) {
        throw (New-SetupError -Message "This PC cannot restart into its firmware settings by itself ($said)." -ExitCode 1 `
                -Hint 'restart it, and press the key of the firmware (often Del, F2 or F10) as soon as the screen lights up')
    }
    throw (New-SetupError -Message "Windows refuses to restart ($said)." -Hint 'restart by hand: Start menu, Power, Restart' -ExitCode 1)
}

function Get-BitLockerProtection {
    <#
    .SYNOPSIS
    Returns on, off or unknown: whether the system drive is protected by BitLocker now.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    try {
        $volume = Get-BitLockerVolume -MountPoint $env:SystemDrive -ErrorAction Stop
        if (-not $volume) { return 'off' }
        # Numbers, where the object comes through the compatibility session of 7.
        switch ("$($volume.ProtectionStatus)") {
            { $_ -in 'On', '1' } { return 'on' }
            { $_ -in 'Off', '0' } { return 'off' }
        }
    } catch [System.Management.Automation.CommandNotFoundException] {
        return 'off'
    } catch {
        Write-Verbose "Get-BitLockerVolume: $($_.Exception.Message)"
    }
    'unknown'
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
    } catch {
        $said = $_.Exception.Message
    }
    if ((Get-BitLockerProtection) -eq 'off') { return }
    throw (New-SetupError -Message "BitLocker on $env:SystemDrive could not be suspended. $said".Trim() -ExitCode 1 `
            -Hint 'have your recovery key ready (https://aka.ms/myrecoverykey), then: Restart-RigToFirmware -KeepBitLocker')
}
