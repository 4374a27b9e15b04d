# Showing the plan to somebody who sees such a thing for the first time: a headline, and what will happen.

$script:PlanMarks = [ordered]@{
    needed = 'now'; later = 'next'; waiting = 'next'; advice = 'YOU'; unverified = '?'; blocked = 'STOP'; done = 'ok'; skipped = '-'
}
# What a step costs: minutes with a connection of 50 Mbit/s, GB on the disk; and whether it changes Windows.
$script:PlanCosts = @{
    'feature-virtual-machine-platform' = @{ Minutes = 3; Changes = 1 }
    'feature-wsl'                      = @{ Minutes = 3; Changes = 1 }
    'feature-hyper-v'                  = @{ Minutes = 4; Changes = 1 }
    'launch-type'                      = @{ Minutes = 0; Changes = 1 }
    'firmware'                         = @{ Minutes = 5 }
    'restart'                          = @{ Minutes = 3 }
    'wsl-package'                      = @{ Minutes = 3; Gigabytes = 0.7; Changes = 1 }
    'distribution'                     = @{ Minutes = 4; Gigabytes = 1.5; Changes = 1 }
    'wslconfig'                        = @{ Minutes = 0; Changes = 1 }
    'guest-python'                     = @{ Minutes = 2; Gigabytes = 0.3 }
    'guest-checkout'                   = @{ Minutes = 1 }
    'guest-environment'                = @{ Minutes = 12; Gigabytes = 6.5 }
    'guest-doctor'                     = @{ Minutes = 1 }
    'guest-picture'                    = @{ Minutes = 1 }
}

function Write-SetupPlan {
    <#
    .SYNOPSIS
    Shows the plan: one headline, then what will happen and what only the person can do.
    .DESCRIPTION
    With -Verbose also what is fine already or left out, and the command of each step.
    .PARAMETER Plan
    The steps of Get-SetupPlan.
    #>
    [CmdletBinding()]
    param([psobject[]] $Plan)
    Write-SetupTalk -Text (Get-PlanHeadline -Plan $Plan)
    $isFull = $VerbosePreference -ne 'SilentlyContinue'
    $shown = @($Plan | Where-Object { $isFull -or $_.status -notin 'done', 'skipped' })
    foreach ($step in $shown) { Write-PlanStep -Step $step -Full:$isFull }
    # What to know of steps that are fine is said all the same.
    foreach ($step in @($Plan | Where-Object { $_ -notin $shown })) {
        foreach ($line in $step.cautions) { Write-SetupTalk -Text "        ! $line" }
    }
    $legend = @{ needed = 'now = setup does it'; later = 'next = setup does it later'; waiting = 'next = setup does it later'
        advice = 'YOU = by hand'; unverified = '? = nobody can tell from here'; blocked = 'STOP = setup cannot go on'
    }
    $words = @($shown | ForEach-Object { $legend[$_.status] } | Where-Object { $_ } | Select-Object -Unique)
    if ($words.Count) { Write-SetupTalk -Text "  ($($words -join ', ')$(if (-not $isFull) { '; -Verbose shows every command' }))" }
}

function Write-PlanStep {
    <#
    .SYNOPSIS
    Shows one step of the plan.
    .PARAMETER Step
    The step.
    .PARAMETER Full
    With its command, whoever is to run it.
    #>
    [CmdletBinding()]
    param([psobject] $Step, [switch] $Full)
    Write-SetupTalk -Text ('  {0,-4}  {1}: {2}' -f $script:PlanMarks[$Step.status], $Step.title, $Step.reason)
    if ($Step.command -and ($Full -or $Step.status -in 'advice', 'blocked')) { Write-SetupTalk -Text "            $($Step.command)" }
    $bullet = @('!', ' ')[[int] ($Step.status -eq 'advice')]
    foreach ($line in @($Step.cautions) + @($Step.asks)) { Write-SetupTalk -Text "        $bullet $line" }
}

function Get-PlanHeadline {
    <#
    .SYNOPSIS
    Returns what the whole plan takes, in one line.
    .PARAMETER Plan
    The steps of Get-SetupPlan.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([psobject[]] $Plan)
    $blocked = @($Plan | Where-Object { $_.status -eq 'blocked' })
    if ($blocked.Count) { return 'Setup cannot go on yet:' }
    $open = @($Plan | Where-Object { $_.status -in 'needed', 'later', 'waiting' -or ($_.id -eq 'firmware' -and $_.status -eq 'advice') })
    $work = @($open | Where-Object { $_.id -ne 'guest-doctor' })
    if (-not $work.Count) { return 'Everything is in place; the doctor looks once more.' }
    $sum = @{ Minutes = 0; Gigabytes = 0.0; Changes = 0 }
    foreach ($step in $open) {
        $cost = $script:PlanCosts[$step.id]
        if ($cost) { foreach ($key in @($cost.Keys)) { $sum[$key] += $cost[$key] } }
    }
    $minutes = [int] [Math]::Max(5, 5 * [Math]::Ceiling($sum.Minutes / 5))
    $parts = @("about $minutes minutes")
    $restarts = @($open | Where-Object { $_.id -eq 'restart' }).Count
    $parts += @('no restart', '1 restart')[$restarts]
    if ($sum.Gigabytes) { $parts += "$([int] [Math]::Ceiling($sum.Gigabytes)) GB on $env:SystemDrive" }
    $changes = 'no change to Windows'
    if ($sum.Changes -eq 1) { $changes = '1 change to Windows, undone by setup.ps1 -Undo' }
    elseif ($sum.Changes) { $changes = "$($sum.Changes) changes to Windows, all of them undone by setup.ps1 -Undo" }
    $line = "$($parts -join ', '); $changes."
    $line.Substring(0, 1).ToUpperInvariant() + $line.Substring(1)
}

function Assert-PlanOpen {
    <#
    .SYNOPSIS
    Throws where a step is blocked.
    .PARAMETER Plan
    The steps of Get-SetupPlan.
    #>
    [CmdletBinding()]
    param([psobject[]] $Plan)
    foreach ($step in $Plan) {
        if ($step.status -ne 'blocked') { continue }
        throw (New-SetupError -Message "$($step.title): $($step.reason)." -Hint $step.command -ExitCode $step.exit_code)
    }
}

function Confirm-SetupStep {
    <#
    .SYNOPSIS
    With -Confirm: asks before one step, and throws without a yes. Without -Confirm the yes to the plan holds.
    .PARAMETER Step
    The step.
    .PARAMETER Option
    What setup.ps1 was called with.
    #>
    [CmdletBinding()]
    param([psobject] $Step, [psobject] $Option)
    if (-not $Option.confirm -or (Read-SetupChoice -Question "$($Step.title): $($Step.command) - do it?" -Default $true)) { return }
    throw (New-SetupError -Message "Stopped before: $($Step.title)." -Hint 'start setup.ps1 again, it goes on from here' -ExitCode 4)
}
