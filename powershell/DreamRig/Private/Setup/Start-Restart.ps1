# Restarting Windows, into the firmware settings where that is asked for.

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
