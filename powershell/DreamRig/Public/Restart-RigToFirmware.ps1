function Restart-RigToFirmware {
    <#
    .SYNOPSIS
    Restarts the PC straight into its firmware settings (BIOS, UEFI), with BitLocker out of the way for one start.
    .DESCRIPTION
    A changed firmware setting makes BitLocker ask for the recovery key. So where the system drive is protected, the
    protection is suspended for exactly one start first; Windows takes it up again by itself. Without a yes to that,
    nothing is restarted, unless -KeepBitLocker says that the recovery key is at hand.

    Comes out: one object with Restarting and BitLockerSuspended. The restart itself ends this session; programs with
    unsaved work may hold it up, none is ended by force.
    .PARAMETER KeepBitLocker
    Leave the protection on: you have the recovery key.
    .EXAMPLE
    Restart-RigToFirmware
    .EXAMPLE
    Restart-RigToFirmware -WhatIf
    .EXAMPLE
    Restart-RigToFirmware -KeepBitLocker
    .NOTES
    Needs administrator rights, and a PC that starts by UEFI.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
    [OutputType([pscustomobject])]
    param([switch] $KeepBitLocker)
    $result = [pscustomobject]@{ Restarting = $false; BitLockerSuspended = $false }
    if (-not $KeepBitLocker) {
        $protection = Get-BitLockerProtection
        if ($protection -ne 'off') {
            $what = 'Suspend the protection for one start'
            if (-not $PSCmdlet.ShouldProcess("BitLocker on $env:SystemDrive ($protection)", $what)) {
                if (-not $WhatIfPreference) { return $result }
            } else {
                Suspend-SystemBitLocker -Confirm:$false
                $result.BitLockerSuspended = $true
            }
        }
    }
    if (-not $PSCmdlet.ShouldProcess('this PC', 'Restart into the firmware settings')) { return $result }
    Assert-Elevated -Task 'restarting into the firmware settings'
    Start-Restart -ToFirmware -Confirm:$false
    $result.Restarting = $true
    $result
}
