# Taking back what setup has done, newest first. What others may lean on by now is asked about, and stays without a yes.

function Undo-Setup {
    <#
    .SYNOPSIS
    Takes back what setup changed, and removes every trace of itself: task, state, log, backups.
    .PARAMETER Option
    What setup.ps1 was called with.
    .PARAMETER Result
    The object of Invoke-RigSetup, filled in.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    param([psobject] $Option, [psobject] $Result)
    $state = Read-SetupState
    $changes = @()
    if ($state) { $changes = @($state.changes) }
    $isForAdmin = $changes | Where-Object { $_.kind -in 'feature', 'launch-type' }
    $isAsked = $isForAdmin -and -not $script:SetupTalk.Unattended
    if (-not $WhatIfPreference -and ((Get-ResumeTask) -or $isAsked) -and -not (Test-Elevation)) {
        Request-Elevation -Option $Option -Result $Result
        return
    }
    [array]::Reverse($changes)
    foreach ($change in $changes) { Undo-Change -Change $change }
    $null = Unregister-RigResume
    Remove-SetupTrace
    $Result.Changes = $changes
    $Result.Status = @('undone', 'planned')[[int] [bool] $WhatIfPreference]
    $Result.ExitCode = 0
    $Result.Log = $null
    if (-not $changes.Count) { Write-SetupTalk -Text 'Setup had changed nothing on this PC.' }
}

function Undo-Change {
    <#
    .SYNOPSIS
    Takes one change back, or says how to.
    .PARAMETER Change
    One of the state's changes.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    param([psobject] $Change)
    switch ($Change.kind) {
        'wslconfig' {
            if ($PSCmdlet.ShouldProcess($Change.name, 'Take our settings out')) { Undo-WslConfig -Change $Change }
        }
        'feature' { Undo-Feature -Change $Change }
        'launch-type' {
            if (-not $PSCmdlet.ShouldProcess('hypervisorlaunchtype', 'Set back to off')) { return }
            if (Read-SetupChoice -Question 'Turn the hypervisor at boot off again (WSL 2 and Docker stop working)?') {
                $null = Set-LaunchType -Value 'off' -Confirm:$false
                Write-SetupTalk -Text 'hypervisorlaunchtype: off, from the next start on'
            } else { Write-SetupTalk -Text "hypervisorlaunchtype stays. By hand: bcdedit /set '{current}' hypervisorlaunchtype off" }
        }
        'distribution' { Undo-Distribution -Change $Change }
        'wsl-package' { Write-SetupTalk -Text 'WSL itself stays. By hand: wsl --uninstall' }
        'guest' {
            if ($Change.name -ne 'checkout') { return }
            Write-SetupTalk -Text 'Inside Linux, ~/dreamrig stays. By hand there: rm -r ~/dreamrig ~/.local/share/dreamrig'
        }
    }
}

function Undo-Feature {
    <#
    .SYNOPSIS
    Disables a Windows feature that setup had enabled, after a yes.
    .PARAMETER Change
    One of the state's changes.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    param([psobject] $Change)
    $feature = $script:RigFeatures[$Change.name]
    if (-not $PSCmdlet.ShouldProcess("Windows feature $feature", 'Disable')) { return }
    if (-not (Read-SetupChoice -Question "Disable the Windows feature $feature again (WSL 2, Docker and others may need it)?")) {
        Write-SetupTalk -Text "The feature $feature stays. By hand: Disable-WindowsOptionalFeature -Online -FeatureName $feature"
        return
    }
    $said = Set-FeatureState -FeatureName $feature -Confirm:$false
    $is = Get-FeatureState -FeatureName $feature
    if ($is -notin 'disabled', 'disable-pending', 'payload-removed') {
        throw (New-SetupError -Message "The feature $feature is still $is. $(Get-LastLine -Text $said)".Trim() -ExitCode 1 `
                -Hint "by hand: dism /online /disable-feature /featurename:$feature")
    }
    Write-SetupTalk -Text "${feature}: $is"
}

function Undo-Distribution {
    <#
    .SYNOPSIS
    Deletes a distribution that setup had installed, after a yes, saved to a file first.
    .PARAMETER Change
    One of the state's changes.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
    param([psobject] $Change)
    $name = $Change.name
    # A renewed one (before: where the old was saved to) belonged to the user all along.
    if ($Change.before -or -not (Get-RegisteredDistribution -Name $name)) { return }
    if (-not $PSCmdlet.ShouldProcess("distribution $name", 'Save to a file and delete')) { return }
    if (-not (Read-SetupChoice -Question "Delete the Linux distribution $name with everything in it (saved to a file first)?")) {
        Write-SetupTalk -Text "The distribution $name stays. By hand: wsl --unregister $name"
        return
    }
    $path = Get-ExportPath -Name $name
    Export-Distribution -Name $name -Path $path -Confirm:$false
    Remove-Distribution -Name $name -Confirm:$false
    Write-SetupTalk -Text "The distribution $name is gone; what it was: $path"
}

function Undo-WslConfig {
    <#
    .SYNOPSIS
    Gives .wslconfig back as it was; where somebody has edited it since, only our settings go out of it.
    .PARAMETER Change
    One of the state's changes.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    param([psobject] $Change)
    $path, $backup = $Change.name, $Change.before
    if (-not [System.IO.File]::Exists($path) -or -not $PSCmdlet.ShouldProcess($path, 'Restore')) { return }
    $is = [System.IO.File]::ReadAllBytes($path)
    if ((Get-ByteHash -Bytes $is) -ne $Change.after.sha256) {
        Write-InPlace -Path $path -Bytes (Remove-WslConfigChange -Bytes $is -Change @($Change.after.keys))
        Write-SetupTalk -Text ".wslconfig has been edited since: only our settings are out of it. $(if ($backup) { "As it was: $backup" })".Trim()
    } elseif (-not $backup) {
        [System.IO.File]::Delete($path)
        Write-SetupTalk -Text '.wslconfig: removed, there was none'
    } elseif ([System.IO.File]::Exists($backup)) {
        Write-InPlace -Path $path -Bytes ([System.IO.File]::ReadAllBytes($backup))
        [System.IO.File]::Delete($backup)
        Write-SetupTalk -Text '.wslconfig: as it was'
    }
}

function Remove-WslConfigChange {
    <#
    .SYNOPSIS
    Returns a .wslconfig without our settings, as far as they still stand there as we wrote them.
    .PARAMETER Bytes
    The file.
    .PARAMETER Change
    Objects with section, key, before ($null: the line was not there) and after.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It returns bytes and changes nothing.')]
    [CmdletBinding()]
    [OutputType([byte[]])]
    param([AllowEmptyCollection()] [byte[]] $Bytes, [psobject[]] $Change)
    $file = ConvertFrom-WslConfigByte -Bytes $Bytes
    $lines = Split-WslConfigLine -Text $file.Text
    foreach ($one in $Change) {
        $found = @(Find-WslConfigKey -Lines $lines -Section $one.section -Key $one.key | Where-Object { $_.Value -eq $one.after })
        [array]::Reverse($found)
        foreach ($place in $found) {
            if ($null -eq $one.before) { $lines.RemoveAt($place.Line) } else { $lines[$place.Line] = $place.Head + $one.before + $place.Tail }
        }
    }
    , [byte[]] $file.Writer.GetBytes(($lines -join ''))
}

function Remove-SetupTrace {
    <#
    .SYNOPSIS
    Deletes the state and the log of setup; the lock goes with the end of the run.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    param()
    $folder = Get-SetupFolder
    if (-not $PSCmdlet.ShouldProcess($folder, 'Delete the state and the log of setup')) { return }
    $script:SetupTalk.Log = ''
    foreach ($name in 'state.json', 'state.json.new', 'setup.log') {
        [System.IO.File]::Delete((Join-Path -Path $folder -ChildPath $name))
    }
}
