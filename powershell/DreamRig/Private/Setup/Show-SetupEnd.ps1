function Show-SetupEnd {
    <#
    .SYNOPSIS
    Tells the person how a run ended that went on by itself or took long: by a notification, and the picture opened.
    .PARAMETER Option
    What setup.ps1 was called with.
    .PARAMETER Result
    The object of Invoke-RigSetup.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Low')]
    param([psobject] $Option, [psobject] $Result)
    $isNews = $Option.resume -or @($Result.Changes).Count
    if ($Option.json -or $Option.undo -or -not $isNews -or $Result.Status -in 'restarting', 'planned', 'elevating') { return }
    if (-not $PSCmdlet.ShouldProcess('a notification', 'Show')) { return }
    $title = switch ($Result.Status) {
        'finished' { 'dreamrig is set up' }
        'finished-with-findings' { 'dreamrig is set up, with a finding' }
        'restart-needed' { 'dreamrig: a restart is needed' }
        default { 'dreamrig: setup did not come to its end' }
    }
    $text = if ($Result.Message) { $Result.Message } elseif ($Result.Picture) { "Your first picture: $($Result.Picture)" } else { 'Nothing is left to do.' }
    $script = Join-Path -Path (Join-Path -Path $script:ModuleFolder -ChildPath 'Desktop') -ChildPath 'notify.ps1'
    $words = '-NoProfile', '-NonInteractive', '-ExecutionPolicy', 'Bypass', '-File', $script, $title, $text
    $null = Invoke-Native -FilePath 'powershell.exe' -ArgumentList $words -TimeoutSeconds 30
    $isNew = @($Result.Changes | Where-Object { $_.kind -eq 'guest' -and $_.name -eq 'picture' }).Count
    # By way of the Explorer, which does not run with administrator rights.
    if ($isNew -and $Result.Picture -and -not $Option.unattended) {
        $null = Invoke-Native -FilePath 'explorer.exe' -ArgumentList $Result.Picture -TimeoutSeconds 30
    }
}
