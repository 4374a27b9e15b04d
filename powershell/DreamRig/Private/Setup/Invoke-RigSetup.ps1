# setup.ps1's work: detect, show the plan, act, verify, restart and go on.

$script:MostRestarts = 3
# The facts of this run, for explaining errors.
$script:SetupFact = $null

function Invoke-RigSetup {
    <#
    .SYNOPSIS
    Runs setup and returns what came of it; throws nothing that can be told in a sentence.
    .DESCRIPTION
    The result has Status, ExitCode, Plan, Changes, Distribution, Picture, Log, Message, Hint.
    .PARAMETER Option
    What setup.ps1 was called with, as New-SetupOption makes it.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSShouldProcess', '',
        Justification = 'It takes -WhatIf to hand it on: every function below that changes something asks for itself.')]
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Low')]
    [OutputType([pscustomobject])]
    param([Parameter(Mandatory = $true)] [psobject] $Option)
    $result = [pscustomobject]@{
        Status = 'failed'; ExitCode = 1; Plan = @(); Changes = @(); Distribution = $null; Picture = $null; Log = $null
        Message = ''; Hint = ''
    }
    $script:SetupTalk = @{ Json = $Option.json; Unattended = $Option.unattended -or $Option.json; Log = '' }
    $lock = $null
    try {
        if (-not (Test-WindowsSystem)) {
            throw (New-SetupError -Message 'This is not Windows: setup.ps1 prepares a Windows PC.' -ExitCode 4 `
                    -Hint 'on Linux and in WSL: ./rig doctor')
        }
        if (-not $WhatIfPreference) {
            $lock = Enter-SetupLock
            $script:SetupTalk.Log = $result.Log = Join-Path -Path (Get-SetupFolder) -ChildPath 'setup.log'
            Write-SetupLog -Text "setup.ps1 $($Option.words -join ' ') as $(Get-ProcessUser), PowerShell $($PSVersionTable.PSVersion)"
        }
        if ($Option.undo) { Undo-Setup -Option $Option -Result $result -Confirm:$false }
        else { Invoke-SetupRun -Option $Option -Result $result }
    } catch {
        Set-SetupFailure -ErrorRecord $_ -Result $result
    } finally {
        Write-SetupLog -Text "ended: $($result.Status), exit code $($result.ExitCode)"
        $script:SetupTalk.Log = ''
        if ($lock) { $lock.Dispose() }
        Remove-EmptySetupFolder
    }
    if ($result.Status -eq 'elevating') { Start-Elevated -Option $Option -Result $result }
    else { Show-SetupEnd -Option $Option -Result $result -Confirm:$false }
    $result
}

function Set-SetupFailure {
    <#
    .SYNOPSIS
    Writes an error into the result, with what the knowledge base says about the output behind it.
    .PARAMETER ErrorRecord
    The error.
    .PARAMETER Result
    The object of Invoke-RigSetup.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It changes an object in memory.')]
    [CmdletBinding()]
    param([System.Management.Automation.ErrorRecord] $ErrorRecord, [psobject] $Result)
    $problem = $ErrorRecord.Exception
    $Result.Message = $problem.Message
    if (-not $problem.Data.Contains('exit_code')) {
        # A bug: the place helps whoever reports it.
        $Result.Hint = "please report it, with this: $($ErrorRecord.FullyQualifiedErrorId) $($ErrorRecord.InvocationInfo.PositionMessage)"
        Write-SetupLog -Text "bug: $($problem.Message) $($ErrorRecord.ScriptStackTrace)"
        return
    }
    $Result.ExitCode = $problem.Data['exit_code']
    $Result.Hint = $problem.Data['hint']
    if ($Result.ExitCode -ne 1) { $Result.Status = 'blocked' }
    Write-SetupLog -Text "error: $($problem.Message)"
    if ($problem.Data['output']) {
        Write-SetupLog -Text "output: $($problem.Data['output'])"
        Write-Explanation -Text $problem.Data['output']
    }
}

function Write-Explanation {
    <#
    .SYNOPSIS
    Says what the knowledge base makes of a program's output; nothing where it knows nothing.
    .PARAMETER Text
    The output.
    #>
    [CmdletBinding()]
    param([string] $Text)
    try {
        $known = Get-RigDiagnosis -Text $Text -Facts $script:SetupFact
        $best = @($known.diagnoses | Where-Object { $_.verdict -ne 'ruled out' }) | Select-Object -First 1
        if (-not $best) { return }
        Write-SetupTalk -Text "This is $($best.verdict) to be: $($best.title)"
        $number = 0
        foreach ($step in $best.fix) {
            $number++
            Write-SetupTalk -Text "  $number. $($step.text)"
            if ($step.command) { Write-SetupTalk -Text "       $($step.command)" }
        }
    } catch {
        Write-Verbose "No explanation: $($_.Exception.Message)"
    }
}

function Remove-EmptySetupFolder {
    <#
    .SYNOPSIS
    Removes setup's folder, and the one above, where nothing is in them: a run that was refused leaves no trace.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It removes only what this run made and left empty.')]
    [CmdletBinding()]
    param()
    if ($WhatIfPreference -or -not $env:LOCALAPPDATA) { return }
    $folder = Get-SetupFolder
    foreach ($path in $folder, (Split-Path -Path $folder -Parent)) {
        try {
            if ([System.IO.Directory]::Exists($path)) { [System.IO.Directory]::Delete($path) }
        } catch [System.IO.IOException] {
            return
        }
    }
}

function Invoke-SetupRun {
    <#
    .SYNOPSIS
    One run of setup, up to its end, to the next restart, or to what only the person can do.
    .PARAMETER Option
    What setup.ps1 was called with.
    .PARAMETER Result
    The object of Invoke-RigSetup, filled in.
    #>
    [CmdletBinding()]
    param([psobject] $Option, [psobject] $Result)
    $state = Open-SetupState -Option $Option
    $fact = $script:SetupFact = Get-RigFact
    $guest = Get-GuestAnswer -Fact $fact -Option $Option
    $plan = @(Get-SetupPlan -Fact $fact -Option $Option -Guest $guest -WslConfig (Get-WslConfigPlan -MemoryGB $Option.wsl_memory_gb))
    $Result.Plan = $plan
    $Result.Distribution = @($plan | Where-Object { $_.id -eq 'distribution' })[0].name
    Write-SetupPlan -Plan $plan
    Assert-PlanOpen -Plan $plan
    # Without a word that the plan is agreed to, and with nobody to ask, a plan is all that comes out.
    if ($WhatIfPreference -or ($Option.json -and -not $Option.unattended)) {
        $Result.Status = 'planned'
        $Result.ExitCode = 0
        return
    }
    $open = @($plan | Where-Object { $_.status -in 'needed', 'waiting', 'later' -and $_.id -ne 'guest-doctor' })
    if ($open.Count -and -not (Test-GoAhead -Plan $plan -Fact $fact -Option $Option -Result $Result)) { return }
    $before = $state.changes.Count
    try {
        Invoke-SetupStep -Plan $plan -Option $Option -State $state -Result $Result
    } catch {
        if ($_.Exception.Data.Contains('exit_code')) { Add-SetupFailure -State $state -Message $_.Exception.Message }
        Register-SetupRetry -Option $Option -State $state -ErrorRecord $_
        throw
    } finally {
        $Result.Changes = @($state.changes | Select-Object -Skip $before)
    }
    if ($Result.Status -in 'finished', 'finished-with-findings') {
        Complete-Setup -State $state -HasChanged ($Result.Changes.Count -gt 0) -Result $Result
    }
}

function Invoke-SetupStep {
    <#
    .SYNOPSIS
    Carries the plan out: Windows, a restart where one is needed, WSL, Linux.
    .PARAMETER Plan
    The steps of Get-SetupPlan.
    .PARAMETER Option
    What setup.ps1 was called with.
    .PARAMETER State
    The object of New-SetupState.
    .PARAMETER Result
    The object of Invoke-RigSetup, filled in.
    #>
    [CmdletBinding()]
    param([psobject[]] $Plan, [psobject] $Option, [psobject] $State, [psobject] $Result)
    foreach ($step in @($Plan | Where-Object { $_.status -eq 'needed' -and $_.id -match '^(feature-|launch-type)' })) {
        Confirm-SetupStep -Step $step -Option $Option
        Invoke-WindowsStep -Step $step -State $State
    }
    $restart = @($Plan | Where-Object { $_.id -eq 'restart' -and $_.status -eq 'needed' })
    if ($restart.Count) {
        $firmware = @($Plan | Where-Object { $_.id -eq 'firmware' -and $_.status -eq 'advice' })
        Request-Restart -Reason $restart[0].reason -Firmware $firmware -State $State -Option $Option -Result $Result
        return
    }
    $State.phase = 'wsl'
    $needs = @{}
    foreach ($step in $Plan) { $needs[$step.id] = $step }
    if ($needs['wsl-package'].status -eq 'needed') {
        Confirm-SetupStep -Step $needs['wsl-package'] -Option $Option
        $why = Update-WslPackage -Step $needs['wsl-package'] -State $State
        if ($why) {
            Request-Restart -Reason $why -Firmware @() -State $State -Option $Option -Result $Result
            return
        }
    }
    $needs['wsl-package'].outcome = 'done'
    if ($needs['distribution'].status -eq 'needed') { Confirm-SetupStep -Step $needs['distribution'] -Option $Option }
    Invoke-DistributionStep -Step $needs['distribution'] -Option $Option -State $State
    $needs['distribution'].outcome = 'done'
    if ($needs['wslconfig'].status -eq 'needed') {
        Confirm-SetupStep -Step $needs['wslconfig'] -Option $Option
        Update-WslConfig -MemoryGB $Option.wsl_memory_gb -State $State
        $needs['wslconfig'].outcome = 'done'
    }
    $Result.Status = 'finished'
    $Result.ExitCode = 0
    if ($Option.skip_guest) { return }
    $State.phase = 'guest'
    Invoke-GuestStep -Distribution $needs['distribution'].name -Option $Option -State $State -Result $Result
}

function Complete-Setup {
    <#
    .SYNOPSIS
    Ends a setup that came to its end: no task waits any more, and the state says so.
    .PARAMETER State
    The object of New-SetupState.
    .PARAMETER HasChanged
    This run has changed something.
    .PARAMETER Result
    The object of Invoke-RigSetup.
    #>
    [CmdletBinding()]
    param([psobject] $State, [bool] $HasChanged, [psobject] $Result)
    $hadTask = Unregister-RigResume -Confirm:$false
    if ($HasChanged -or $hadTask -or $State.attempt -gt 0) {
        $State.phase = 'done'
        $State.attempt = 0
        $State.retries = 0
        $State.boot_time = $null
        $State.restart_reasons = @()
        Save-SetupState -State $State -Confirm:$false
    }
    Write-SetupTalk -Text ''
    if ($HasChanged) { Write-SetupTalk -Text 'Setup is done.' }
    else { Write-SetupTalk -Text 'Everything was in place already; nothing was changed.' }
    if ($Result.Picture) { Write-SetupTalk -Text "Your first picture: $($Result.Picture)" }
    if ($Result.Status -eq 'finished-with-findings') { Write-SetupTalk -Text $Result.Message }
    if ($Result.Distribution) { Write-SetupTalk -Text "Go on in Linux: wsl -d $($Result.Distribution) --cd ~/dreamrig" }
}

function Add-SetupFailure {
    <#
    .SYNOPSIS
    Notes in the state what went wrong, so that the next run and a bug report know.
    .PARAMETER State
    The object of New-SetupState.
    .PARAMETER Message
    What went wrong.
    #>
    [CmdletBinding()]
    param([psobject] $State, [string] $Message)
    $State.failures = @(@($State.failures) + [pscustomobject]@{
            step = $State.phase; message = $Message; at = (Format-Instant -Instant ([datetime]::UtcNow))
        } | Select-Object -Last 20)
    Save-SetupState -State $State -Confirm:$false
}
