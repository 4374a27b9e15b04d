# The beginning of a run: what was asked for, what an earlier run left, whether Windows was restarted since.

function New-SetupOption {
    <#
    .SYNOPSIS
    Returns the options of one run.
    .PARAMETER Bound
    The parameters that setup.ps1 was called with.
    .PARAMETER Script
    Full path of setup.ps1.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([System.Collections.IDictionary] $Bound, [string] $Script)
    $words = @(foreach ($name in @($Bound.Keys | Sort-Object)) {
            if ($name -in 'Debug') { continue }
            if ($Bound[$name] -is [switch]) { if ($Bound[$name]) { "-$name" } }
            # A file is named whole: a process with administrator rights starts in another folder.
            elseif ($name -eq 'FromFile') { "-$name", ('"{0}"' -f (Get-FullPath -Path $Bound[$name])) }
            else { "-$name", ('"{0}"' -f $Bound[$name]) }
        })
    $has = { param($name) [bool] ($Bound.ContainsKey($name) -and $Bound[$name]) }
    $text = { param($name) if ($Bound.ContainsKey($name)) { "$($Bound[$name])" } else { '' } }
    $file, $name = (& $text 'FromFile'), (& $text 'Distribution')
    if ($file) {
        $file = Get-FullPath -Path $file
        if (-not $name) { $name = Get-FileDistributionName -Path $file }
    }
    [pscustomobject]@{
        unattended = & $has 'Unattended'; json = & $has 'Json'; hyperv = & $has 'HyperV'; skip_guest = & $has 'SkipGuest'
        no_restart = & $has 'NoRestart'; accept_conflict = & $has 'AcceptConflict'; resume = & $has 'Resume'; undo = & $has 'Undo'
        reset = & $has 'Reset'; no_export = & $has 'NoExport'; confirm = & $has 'Confirm'; verbose = & $has 'Verbose'
        distribution = $name; from_file = $file
        wsl_memory_gb = $(if ($Bound.ContainsKey('WslMemoryGB')) { [int] $Bound['WslMemoryGB'] } else { 0 })
        report_path = & $text 'ReportPath'
        script = $Script; words = $words; restarted = $false; user = (Get-ProcessUser); console_user = ''
    }
}

function Get-FullPath {
    <#
    .SYNOPSIS
    Returns the full path of a file as it was typed, whether it exists or not.
    .PARAMETER Path
    The path.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Path)
    $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Path)
}

function Get-FileDistributionName {
    <#
    .SYNOPSIS
    Returns what a distribution from a file is called: Debian for Debian_WSL_AMD64_v1.20.wsl.
    .PARAMETER Path
    The file.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Path)
    $name = [System.IO.Path]::GetFileNameWithoutExtension($Path)
    # What follows is the kind of file and of processor.
    $name = ($name -split '(?i)[-_](?:wsl|rootfs|x64|x86_64|amd64|arm64|aarch64)(?![a-z])')[0] -replace '(?i)\.(tar|tgz)$', ''
    ($name -replace '[^A-Za-z0-9._-]', '') -replace '^[^A-Za-z0-9]+', ''
}

function Open-SetupState {
    <#
    .SYNOPSIS
    Returns the state to work with; a resumed run takes its options from it, and deletes the task that started it.
    .PARAMETER Option
    What setup.ps1 was called with; filled in.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([psobject] $Option)
    $remembered = 'unattended', 'hyperv', 'skip_guest', 'no_restart', 'accept_conflict', 'distribution', 'from_file', 'wsl_memory_gb', 'report_path'
    $state = Read-SetupState
    $Option.console_user = Get-ConsoleUser
    if ($state -and $state.boot_time) { $Option.restarted = Test-Restarted -Since $state.boot_time }
    if ($Option.resume) {
        if (-not $WhatIfPreference) { $null = Unregister-RigResume -Confirm:$false }
        if (-not $state -or $state.phase -eq 'done') {
            throw (New-SetupError -Message 'There is no setup to go on with.' -Hint 'start one: .\setup.ps1' -ExitCode 2)
        }
        foreach ($name in $remembered) {
            $value = Get-MemberValue -InputObject $state.options -Name $name
            if ($null -ne $value) { $Option.$name = $value }
        }
        $script:SetupTalk.Unattended = $Option.unattended -or $Option.json
        if ($Option.restarted) { Write-SetupTalk -Text "Setup goes on, after restart $($state.attempt) of at most $script:MostRestarts." }
        else { Write-SetupTalk -Text 'Windows has not been restarted since (shutting down with fast startup is no restart).' }
        if (-not $WhatIfPreference) { Wait-Network }
        return $state
    }
    if (-not $state) { $state = New-SetupState }
    elseif ($state.phase -ne 'done') { Write-SetupTalk -Text 'An earlier setup did not come to its end; this one goes on from there.' }
    # Started by a person: the restarts are counted afresh.
    $state.attempt = 0
    $state.retries = 0
    if ($Option.restarted) { $state.boot_time = $null }
    $state.options = $Option | Select-Object -Property $remembered
    $state
}

function Test-Restarted {
    <#
    .SYNOPSIS
    Says whether Windows was started anew since; the instant moves by seconds when the clock is set, hence the minute.
    .PARAMETER Since
    When Windows had started at that time.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param([object] $Since)
    $then = ConvertTo-Instant -Value $Since
    if (-not $then) { return $false }
    [Math]::Abs(((Get-BootTime) - $then).TotalSeconds) -gt 60
}

function Get-BootTime {
    <#
    .SYNOPSIS
    Returns when Windows was started, in UTC.
    #>
    [CmdletBinding()]
    [OutputType([datetime])]
    param()
    ConvertTo-Instant -Value (Get-CimFirst -ClassName 'Win32_OperatingSystem').LastBootUpTime
}

function Get-ConsoleUser {
    <#
    .SYNOPSIS
    Returns who is signed in at the screen, DOMAIN\name; '' where Windows does not say (remote desktop).
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    "$(Get-MemberValue -InputObject (Get-CimFirst -ClassName 'Win32_ComputerSystem') -Name 'UserName')"
}
