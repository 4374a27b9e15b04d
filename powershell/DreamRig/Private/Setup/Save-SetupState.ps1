# What setup remembers between restarts: one JSON file, and the lock beside it.

function Get-SetupFolder {
    <#
    .SYNOPSIS
    Returns the folder that holds the state, the lock and the log of setup; makes nothing.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    if (-not $env:LOCALAPPDATA) {
        throw (New-SetupError -Message 'The variable LOCALAPPDATA is not set: there is no place for the state of setup.' `
                -Hint 'start a normal PowerShell of your own account' -ExitCode 4)
    }
    Join-Path -Path (Join-Path -Path $env:LOCALAPPDATA -ChildPath 'DreamRig') -ChildPath 'setup'
}

function New-SetupState {
    <#
    .SYNOPSIS
    Returns the state of a setup that has not done anything yet; makes an object in memory.
    .DESCRIPTION
    phase            windows, wsl, guest or done: how far it came
    attempt          how many restarts it asked for, at most 3 since the last run by hand
    boot_time        UTC, when Windows had started as the last restart was asked for; null before the first
    restart_reasons  why, one sentence for each
    options          what the resumed run shall be called with
    changes          what was changed on this machine: kind, name, before, after, at
    failures         what went wrong: step, message, at
    retries          how often a resumed run that failed came again at a logon
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param()
    [pscustomobject]@{
        schema = 1; phase = 'windows'; attempt = 0; boot_time = $null; restart_reasons = @(); options = $null
        changes = @(); failures = @(); retries = 0; updated_at = $null
    }
}

function Read-SetupState {
    <#
    .SYNOPSIS
    Returns the state that an earlier run left; $null where there is none.
    .DESCRIPTION
    A file that is no state (cut off, edited) counts as none, and a warning says so: what is needed is read from the
    machine again in any case.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param()
    $path = Join-Path -Path (Get-SetupFolder) -ChildPath 'state.json'
    if (-not [System.IO.File]::Exists($path)) { return $null }
    $state = New-SetupState
    try {
        $found = [System.IO.File]::ReadAllText($path) | ConvertFrom-Json
        if ($found.schema -ne 1) { throw 'another version of setup wrote it' }
        foreach ($name in @($state.PSObject.Properties.Name)) {
            # Older files do not have it.
            if ($name -eq 'retries' -and -not $found.PSObject.Properties[$name]) { continue }
            if (-not $found.PSObject.Properties[$name]) { throw "$name is missing" }
            $state.$name = $found.$name
        }
        foreach ($name in 'restart_reasons', 'changes', 'failures') { $state.$name = @($state.$name) }
        $state.attempt = [int] $state.attempt
        $state.retries = [int] $state.retries
    } catch {
        Write-SetupTalk -Text "The state of an earlier run cannot be read ($($_.Exception.Message)); starting afresh." -Kind warning
        return $null
    }
    $state
}

function Save-SetupState {
    <#
    .SYNOPSIS
    Writes the state, whole or not at all.
    .PARAMETER State
    The object of New-SetupState.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Low')]
    param([Parameter(Mandatory = $true)] [psobject] $State)
    $folder = Get-SetupFolder
    $path = Join-Path -Path $folder -ChildPath 'state.json'
    if (-not $PSCmdlet.ShouldProcess($path, 'Write the state of setup')) { return }
    $State.updated_at = Format-Instant -Instant ([datetime]::UtcNow)
    $null = [System.IO.Directory]::CreateDirectory($folder)
    $text = ConvertTo-Json -InputObject $State -Depth 8
    Write-WholeFile -Path $path -Bytes (New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false).GetBytes($text)
}

function Write-WholeFile {
    <#
    .SYNOPSIS
    Puts bytes into a file by way of a second one beside it: after a power cut it holds the old or the new, never half.
    .PARAMETER Path
    Full path.
    .PARAMETER Bytes
    What it shall hold.
    #>
    [CmdletBinding()]
    param([string] $Path, [byte[]] $Bytes)
    $next = "$Path.new"
    [System.IO.File]::WriteAllBytes($next, $Bytes)
    if ([System.IO.File]::Exists($Path)) {
        [System.IO.File]::Replace($next, $Path, [System.Management.Automation.Language.NullString]::Value)
    } else {
        [System.IO.File]::Move($next, $Path)
    }
}

function Add-SetupChange {
    <#
    .SYNOPSIS
    Notes in the state what was changed on the machine, and saves it.
    .PARAMETER State
    The object of New-SetupState.
    .PARAMETER Kind
    feature, launch-type, wsl-package, distribution, wslconfig, guest or restart.
    .PARAMETER Name
    What was changed.
    .PARAMETER Before
    How it was; $null where it was not there.
    .PARAMETER After
    How it is.
    #>
    [CmdletBinding()]
    param([psobject] $State, [string] $Kind, [string] $Name, [object] $Before, [object] $After)
    $State.changes = @($State.changes) + [pscustomobject]@{
        kind = $Kind; name = $Name; before = $Before; after = $After; at = (Format-Instant -Instant ([datetime]::UtcNow))
    }
    Save-SetupState -State $State -Confirm:$false
    $shown = $After
    if ($After -isnot [string] -and $After -isnot [int]) { $shown = ConvertTo-Json -InputObject $After -Depth 4 -Compress }
    Write-SetupLog -Text "changed $Kind ${Name}: $Before -> $shown"
}

function Enter-SetupLock {
    <#
    .SYNOPSIS
    Returns the lock of setup as an open file; dispose it to let go. Throws where another setup holds it.
    .DESCRIPTION
    Windows lets go of it when its holder ends, however it ends, and deletes the file.
    #>
    [CmdletBinding()]
    [OutputType([System.IO.FileStream])]
    param()
    $folder = Get-SetupFolder
    $null = [System.IO.Directory]::CreateDirectory($folder)
    try {
        New-Object -TypeName System.IO.FileStream -ArgumentList (Join-Path -Path $folder -ChildPath 'lock'),
            ([System.IO.FileMode]::OpenOrCreate), ([System.IO.FileAccess]::ReadWrite), ([System.IO.FileShare]::None),
            16, ([System.IO.FileOptions]::DeleteOnClose)
    } catch {
        $problem = $_.Exception.GetBaseException()
        if ($problem -isnot [System.IO.IOException]) {
            throw (New-SetupError -Message "The folder of setup cannot be written: $($problem.Message)" -Hint "see the rights of $folder" -ExitCode 1)
        }
        throw (New-SetupError -Message 'Another setup is at work.' -ExitCode 1 `
                -Hint 'wait for it, or close its window, then start setup.ps1 again')
    }
}

function Format-Instant {
    <#
    .SYNOPSIS
    Returns an instant as ISO 8601 text in UTC, '2026-11-23T06:31:53Z'.
    .PARAMETER Instant
    A DateTime of any kind, or such a text (7 turns it into a DateTime when it reads JSON, 5.1 does not).
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([object] $Instant)
    (ConvertTo-Instant -Value $Instant).ToString('yyyy-MM-ddTHH:mm:ssZ', [cultureinfo]::InvariantCulture)
}

function ConvertTo-Instant {
    <#
    .SYNOPSIS
    Returns a DateTime in UTC for a DateTime or an ISO 8601 text; $null for anything else.
    .PARAMETER Value
    The DateTime or text.
    #>
    [CmdletBinding()]
    [OutputType([datetime])]
    param([object] $Value)
    if ($Value -is [datetime]) { return $Value.ToUniversalTime() }
    $read = [datetime]::MinValue
    $styles = [System.Globalization.DateTimeStyles]'AssumeUniversal, AdjustToUniversal'
    if ([datetime]::TryParse("$Value", [cultureinfo]::InvariantCulture, $styles, [ref] $read)) { return $read }
    $null
}
