# Taking back what setup has done, newest first. What others may lean on by now is asked about, and stays without a yes.

function Undo-Setup {
    <#
    .SYNOPSIS
    Takes back what setup changed, and removes its traces: task, state, log, backups.
    .DESCRIPTION
    What a person wants to keep, or what failed, stays in the state: another -Undo knows of it, and names it again.
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
    if (-not $WhatIfPreference -and ((Get-RigTask -Name $script:ResumeTask) -or $isAsked) -and -not (Test-Elevation)) {
        Request-Elevation -Option $Option -Result $Result
        return
    }
    $null = Unregister-RigResume
    [array]::Reverse($changes)
    if ($state) { Undo-EachChange -Change $changes -State $state }
    if (-not $state -or -not $state.changes.Count) { Remove-SetupTrace }
    else { Write-SetupTalk -Text 'What stays is remembered: setup.ps1 -Undo asks about it again.' }
    $Result.Changes = $changes
    $Result.Status = @('undone', 'planned')[[int] [bool] $WhatIfPreference]
    $Result.ExitCode = 0
    $Result.Log = $null
    if (-not $changes.Count) { Write-SetupTalk -Text 'Setup had changed nothing on this PC.' }
}

function Undo-EachChange {
    <#
    .SYNOPSIS
    Takes the changes back one by one, and forgets each only when it is taken back.
    .PARAMETER Change
    The state's changes, newest first.
    .PARAMETER State
    The object of Read-SetupState.
    #>
    [CmdletBinding()]
    param([AllowEmptyCollection()] [psobject[]] $Change, [psobject] $State)
    foreach ($one in $Change) {
        if (-not (Undo-Change -Change $one) -or $WhatIfPreference) { continue }
        $State.changes = @($State.changes | Where-Object { $_ -ne $one })
        $State.phase = 'done'
        Save-SetupState -State $State -Confirm:$false
    }
}

function Undo-Change {
    <#
    .SYNOPSIS
    Takes one change back, or says how to; returns $true where nothing of it is left to take back.
    .PARAMETER Change
    One of the state's changes.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param([psobject] $Change)
    switch ($Change.kind) {
        'wslconfig' { return Undo-WslConfig -Change $Change }
        'feature' { return Undo-Feature -Change $Change }
        'launch-type' { return Undo-LaunchType }
        'distribution' { return Undo-Distribution -Change $Change }
        'wsl-package' { return Undo-WslPackage -Change $Change }
        'distribution-version' {
            Write-SetupTalk -Text "$($Change.name) stays under WSL 2. By hand: wsl --set-version $($Change.name) 1"
            return $false
        }
        'guest' {
            if ($Change.name -ne 'checkout' -or -not @(Get-RegisteredDistribution).Count) { return $true }
            Write-SetupTalk -Text 'Inside Linux, ~/dreamrig stays. By hand there: rm -r ~/dreamrig ~/.local/share/dreamrig'
            return $false
        }
    }
    $true
}

function Undo-LaunchType {
    <#
    .SYNOPSIS
    Turns the hypervisor at boot off again, after a yes; returns whether it is.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    [OutputType([bool])]
    param()
    if (-not $PSCmdlet.ShouldProcess('hypervisorlaunchtype', 'Set back to off')) { return $false }
    if (-not (Read-SetupChoice -Question 'Turn the hypervisor at boot off again (WSL 2 and Docker stop working)?')) {
        Write-SetupTalk -Text "hypervisorlaunchtype stays. By hand: bcdedit /set '{current}' hypervisorlaunchtype off"
        return $false
    }
    $null = Set-LaunchType -Value 'off' -Confirm:$false
    Write-SetupTalk -Text 'hypervisorlaunchtype: off, from the next start on'
    $true
}

function Undo-WslPackage {
    <#
    .SYNOPSIS
    Uninstalls WSL itself, after a yes, where setup had installed it; returns whether nothing is left to take back.
    .PARAMETER Change
    One of the state's changes.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
    [OutputType([bool])]
    param([psobject] $Change)
    # One that was there before is newer now, and stays so.
    if ($Change.before -or -not (Get-WslVersion)) { return $true }
    if (-not $PSCmdlet.ShouldProcess('WSL', 'Uninstall')) { return $false }
    if (-not (Read-SetupChoice -Question 'Uninstall WSL itself (Docker and other distributions stop working)?')) {
        Write-SetupTalk -Text 'WSL itself stays. By hand: wsl --uninstall'
        return $false
    }
    $ran = Invoke-Wsl -ArgumentList '--uninstall' -TimeoutSeconds 600 -Changes
    if (Wait-Proof -Proof { -not (Get-WslVersion) } -Tries @(1, $script:ProofTries)[[int] ($ran.ExitCode -eq 0)]) {
        Write-SetupTalk -Text 'WSL: uninstalled'
        return $true
    }
    throw (New-SetupError -Message "WSL could not be uninstalled: $(Get-LastLine -Text (Get-NativeText -Ran $ran))" `
            -Hint 'Settings > Apps > Installed apps > Windows Subsystem for Linux' -ExitCode 1)
}

function Undo-Feature {
    <#
    .SYNOPSIS
    Disables a Windows feature that setup had enabled, after a yes; returns whether it is disabled.
    .PARAMETER Change
    One of the state's changes.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    [OutputType([bool])]
    param([psobject] $Change)
    $feature = $script:RigFeatures[$Change.name]
    if (-not $PSCmdlet.ShouldProcess("Windows feature $feature", 'Disable')) { return $false }
    if (-not (Read-SetupChoice -Question "Disable the Windows feature $feature again (WSL 2, Docker and others may need it)?")) {
        Write-SetupTalk -Text "The feature $feature stays. By hand: Disable-WindowsOptionalFeature -Online -FeatureName $feature"
        return $false
    }
    $said = Set-FeatureState -FeatureName $feature -Confirm:$false
    $is = Get-FeatureState -FeatureName $feature
    if ($is -notin 'disabled', 'disable-pending', 'payload-removed') {
        throw (New-SetupError -Message "The feature $feature is still $is. $(Get-LastLine -Text $said)".Trim() -ExitCode 1 `
                -Hint "by hand: dism /online /disable-feature /featurename:$feature")
    }
    Write-SetupTalk -Text "${feature}: $is"
    $true
}

function Undo-Distribution {
    <#
    .SYNOPSIS
    Deletes a distribution that setup had installed, after a yes, saved to a file first; returns whether it is gone.
    .PARAMETER Change
    One of the state's changes.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
    [OutputType([bool])]
    param([psobject] $Change)
    $name = $Change.name
    if ($Change.before) {
        # A renewed one belonged to the user all along.
        Write-SetupTalk -Text "$name was renewed by -Reset and stays. What it was before: $($Change.before)"
        Write-SetupTalk -Text "  by hand: wsl --import $name-before <folder> `"$($Change.before)`""
        return -not [System.IO.File]::Exists($Change.before)
    }
    if (-not (Get-RegisteredDistribution -Name $name)) { return $true }
    if (-not $PSCmdlet.ShouldProcess("distribution $name", 'Save to a file and delete')) { return $false }
    if (-not (Read-SetupChoice -Question "Delete the Linux distribution $name with everything in it (saved to a file first)?")) {
        Write-SetupTalk -Text "The distribution $name stays. By hand: wsl --unregister $name"
        return $false
    }
    $path = Get-ExportPath -Name $name
    Export-Distribution -Name $name -Path $path -Confirm:$false
    Remove-Distribution -Name $name -Confirm:$false
    Write-SetupTalk -Text "The distribution $name is gone; what it was: $path"
    $true
}

function Undo-WslConfig {
    <#
    .SYNOPSIS
    Gives .wslconfig back as it was; where somebody has edited it since, only our settings go out of it. Returns whether done.
    .PARAMETER Change
    One of the state's changes.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    [OutputType([bool])]
    param([psobject] $Change)
    $path, $backup = $Change.name, $Change.before
    if (-not [System.IO.File]::Exists($path)) {
        if ($backup) { Write-SetupTalk -Text ".wslconfig is gone. As it was before setup: $backup" }
        return $true
    }
    if (-not $PSCmdlet.ShouldProcess($path, 'Restore')) { return $false }
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
    } else {
        Write-InPlace -Path $path -Bytes (Remove-WslConfigChange -Bytes $is -Change @($Change.after.keys))
        Write-SetupTalk -Text ".wslconfig: our settings are out of it; your own copy of it is gone ($backup)"
    }
    $true
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
