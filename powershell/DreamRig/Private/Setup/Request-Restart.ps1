# Restarting in the middle of setup, and going on by itself afterwards; at most three times.

function Request-Restart {
    <#
    .SYNOPSIS
    Prepares the resumption and restarts Windows, or leaves that to the person; throws where too many did not help.
    .PARAMETER Reason
    Why, in one sentence.
    .PARAMETER Firmware
    The step of the plan about the firmware, where something has to be turned on there; else none.
    .PARAMETER State
    The object of New-SetupState.
    .PARAMETER Option
    What setup.ps1 was called with.
    .PARAMETER Result
    The object of Invoke-RigSetup, filled in.
    #>
    [CmdletBinding()]
    param([string] $Reason, [AllowEmptyCollection()] [psobject[]] $Firmware, [psobject] $State, [psobject] $Option, [psobject] $Result)
    $boot = Get-BootTime
    # One that did not happen does not count again.
    if (-not $State.boot_time -or $Option.restarted) { $State.attempt++ }
    if ($State.attempt -gt $script:MostRestarts) {
        $State.attempt = $script:MostRestarts
        $null = Unregister-RigResume -Confirm:$false
        throw (New-SetupError -Message "Windows was restarted $script:MostRestarts times, and a restart is still needed: $Reason." -ExitCode 1 `
                -Hint '.\doctor.ps1 names the cause; after that start setup.ps1 again')
    }
    $State.boot_time = Format-Instant -Instant $boot
    $State.restart_reasons = @($State.restart_reasons) + $Reason
    Save-SetupState -State $State -Confirm:$false
    Register-NextRun -Option $Option
    $Result.Status = 'restart-needed'
    $Result.ExitCode = 4
    $Result.Message = "Windows has to be restarted: $Reason. Setup goes on by itself when you are signed in again."
    Write-SetupTalk -Text ''
    if ($Firmware.Count) { Request-FirmwareRestart -Firmware $Firmware[0] -State $State -Result $Result }
    elseif (Test-RestartNow -Option $Option) {
        Start-Restart -Confirm:$false
        $Result.Status = 'restarting'
    }
}

function Test-RestartNow {
    <#
    .SYNOPSIS
    Says whether to restart at once.
    .PARAMETER Option
    What setup.ps1 was called with.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param([psobject] $Option)
    if ($Option.no_restart) { return $false }
    if ($script:SetupTalk.Unattended) { return $true }
    Read-SetupChoice -Question 'Save your work. Restart Windows now?' -Default $true
}

function Request-FirmwareRestart {
    <#
    .SYNOPSIS
    Says what to turn on in the firmware of this PC, and offers to restart straight into it.
    .PARAMETER Firmware
    The step of the plan.
    .PARAMETER State
    The object of New-SetupState.
    .PARAMETER Result
    The object of Invoke-RigSetup, filled in.
    #>
    [CmdletBinding()]
    param([psobject] $Firmware, [psobject] $State, [psobject] $Result)
    # The page itself stands in the plan; the one document of -Json carries it whole.
    $Result.Message = 'One thing is left for you to do in the firmware (marked YOU). Setup goes on by itself when you are signed in again.'
    $Result.Hint = 'restart into the firmware: shutdown /r /fw /t 0'
    if ($script:SetupTalk.Json) {
        $Result.Message = "$($Firmware.reason.TrimEnd(':')). Setup goes on by itself when you are signed in again."
        $Result.Hint = (@($Firmware.cautions) -join [Environment]::NewLine).Trim()
    }
    $protection = Get-BitLockerProtection
    if ($protection -ne 'off') {
        Write-SetupTalk -Kind warning -Text ("BitLocker on $env:SystemDrive is $protection. After a change in the firmware it asks for the " +
            'recovery key (https://aka.ms/myrecoverykey), unless it is suspended for that one start.')
    }
    if (-not (Read-SetupChoice -Question 'Save your work, and note the lines marked YOU (a photo will do). Restart into the firmware now?')) { return }
    if ($protection -ne 'off' -and -not (Read-SetupChoice -Question 'Suspend BitLocker for one start?' -Default $true)) {
        Write-SetupTalk -Text 'Not restarted. With the recovery key at hand, as administrator: shutdown /r /fw /t 0'
        return
    }
    $done = Restart-RigToFirmware -Confirm:$false
    if ($done.BitLockerSuspended) {
        Add-SetupChange -State $State -Kind 'bitlocker' -Name "$env:SystemDrive" -Before 'on' -After 'suspended for one start'
    }
    if ($done.Restarting) { $Result.Status = 'restarting' }
}
