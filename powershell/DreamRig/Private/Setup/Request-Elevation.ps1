# Getting a yes for the plan, and the rights for it.

function Test-GoAhead {
    <#
    .SYNOPSIS
    Says whether to carry the plan out: with the rights for it, and with a yes to it and to what it may break.
    .PARAMETER Plan
    The steps of Get-SetupPlan.
    .PARAMETER Fact
    The document of Get-RigFact.
    .PARAMETER Option
    What setup.ps1 was called with.
    .PARAMETER Result
    The object of Invoke-RigSetup; filled in where the answer is no.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param([psobject[]] $Plan, [psobject] $Fact, [psobject] $Option, [psobject] $Result)
    $needed = @($Plan | Where-Object { $_.status -eq 'needed' })
    if (@($needed | Where-Object { $_.needs_admin }).Count -and -not $Fact.windows.is_elevated) {
        Request-Elevation -Option $Option -Result $Result
        return $false
    }
    # A yes to the plan was given before the restart.
    if (-not $Option.resume -and -not $script:SetupTalk.Unattended -and -not (Read-SetupChoice -Question 'Shall I do this?' -Default $true)) {
        $Result.Status = 'declined'
        $Result.ExitCode = 4
        $Result.Message = 'Nothing was changed.'
        return $false
    }
    foreach ($ask in @($needed | ForEach-Object { $_.asks } | Select-Object -Unique)) {
        if (Read-SetupChoice -Question "$ask Go on?") { continue }
        throw (New-SetupError -Message "Stopped before a change that may break something: $ask" -ExitCode 4 `
                -Hint 'start setup.ps1 again and answer y, or, where nobody can be asked, with -AcceptConflict')
    }
    $true
}

function Request-Elevation {
    <#
    .SYNOPSIS
    Asks whether to start setup.ps1 again with administrator rights; without a yes, throws with the exact command.
    .PARAMETER Option
    What setup.ps1 was called with.
    .PARAMETER Result
    The object of Invoke-RigSetup; Status elevating lets Start-Elevated follow, once the lock is free.
    #>
    [CmdletBinding()]
    param([psobject] $Option, [psobject] $Result)
    $question = 'That needs administrator rights. Ask Windows for them now?'
    if ($script:SetupTalk.Unattended -or -not (Read-SetupChoice -Question $question -Default $true)) {
        throw (New-SetupError -Message 'Administrator rights are needed for this plan.' -Hint (Get-ElevatedCommand -Option $Option) -ExitCode 4)
    }
    $Result.Status = 'elevating'
}

function Get-ElevatedArgument {
    <#
    .SYNOPSIS
    Returns the arguments of Windows PowerShell that start setup.ps1 as it was called.
    .PARAMETER Option
    What setup.ps1 was called with.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([psobject] $Option)
    ('-NoProfile -ExecutionPolicy Bypass -File "{0}" {1}' -f $Option.script, ($Option.words -join ' ')).Trim()
}

function Get-ElevatedCommand {
    <#
    .SYNOPSIS
    Returns the command that starts setup.ps1 with administrator rights, as one would type it.
    .PARAMETER Option
    What setup.ps1 was called with.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([psobject] $Option)
    "Start-Process -Verb RunAs -FilePath '{0}' -ArgumentList '{1}'" -f (Get-TaskShell), (Get-ElevatedArgument -Option $Option).Replace("'", "''")
}

function Start-Elevated {
    <#
    .SYNOPSIS
    Starts setup.ps1 with administrator rights, waits for it and takes over how it ended.
    .DESCRIPTION
    The one process that is not started by Invoke-Native: only the shell can ask for rights.
    .PARAMETER Option
    What setup.ps1 was called with.
    .PARAMETER Result
    The object of Invoke-RigSetup.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Low')]
    param([psobject] $Option, [psobject] $Result)
    if (-not $PSCmdlet.ShouldProcess('setup.ps1', 'Start with administrator rights')) { return }
    Write-SetupTalk -Text 'Setup goes on in a window of its own.'
    try {
        $words = "$(Get-ElevatedArgument -Option $Option) -Pause"
        $other = Start-Process -FilePath (Get-TaskShell) -ArgumentList $words -Verb RunAs -Wait -PassThru -ErrorAction Stop
        $Result.ExitCode = [int] $other.ExitCode
        $Result.Status = @('failed', 'finished')[[int] ($other.ExitCode -eq 0)]
    } catch {
        $Result.ExitCode = 4
        $Result.Status = 'blocked'
        $Result.Message = "Windows did not give administrator rights: $($_.Exception.Message)"
        $Result.Hint = Get-ElevatedCommand -Option $Option
    }
}
