# What checks say: findings, steps and evidence, in the shape of provision/knowledge/doctor.schema.json. The twin of
# provision/doctor/check.py; facts are read through the object of New-FactReader, called $Facts.

function New-Finding {
    <#
    .SYNOPSIS
    Returns a finding.
    .PARAMETER Verdict
    PASS, WARN, FAIL, SKIP or CRASH.
    .PARAMETER Sentence
    What was found.
    .PARAMETER Evidence
    The proof.
    .PARAMETER Fix
    The steps.
    .PARAMETER BlockedBy
    SKIP only: the check whose failure makes this one pointless.
    .PARAMETER Stops
    Nothing is broken, but the checks that need this one have nothing to look at.
    .PARAMETER General
    The fix is what one tries when nothing is known: that of a cause, where one is found, is better.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    # A simple function, as most of this file: binding checked parameters takes longest here.
    [OutputType([pscustomobject])]
    param([string] $Verdict, [string] $Sentence, $Evidence = @(), $Fix = @(), [string] $BlockedBy = '', [switch] $Stops, [switch] $General)
    [pscustomobject][ordered]@{
        check = ''; asks = ''; verdict = $Verdict; sentence = $Sentence; evidence = @($Evidence); fix = @($Fix)
        blocked_by = if ($BlockedBy) { $BlockedBy } else { $null }
        cause = $null; seconds = $null; stops = [bool]$Stops; general = [bool]$General
    }
}

function New-UnknownFinding {
    <#
    .SYNOPSIS
    Returns SKIP, because a fact could not be read.
    .PARAMETER Facts
    The facts.
    .PARAMETER Path
    The fact.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [OutputType([pscustomobject])]
    param($Facts, [string] $Path)
    $reason = Get-UnknownReason $Facts $Path
    $half = $Path.Split('.')[0]
    if ($half -in 'windows', 'wsl' -and $reason -match '^(failed|timeout)' -and $reason -eq (Get-UnknownReason $Facts $half)) {
        return New-Finding SKIP 'Cannot be told: Windows could not be asked (see windows-half).' (Get-FactEvidence $Facts $Path)
    }
    $words = @{
        'denied' = 'that needs an administrator'; 'absent' = 'this system does not say'
        'timeout' = 'no answer came in time'; 'not-asked' = 'nobody has asked'
    }[$reason]
    if (-not $words) { $words = ($reason -replace '^failed: ', '').TrimEnd('.') }
    New-Finding SKIP "Cannot be told: $words." (Get-FactEvidence $Facts $Path)
}

function Get-UnknownReason {
    <#
    .SYNOPSIS
    Returns why a fact is not known; not-asked where nobody has tried.
    .PARAMETER Facts
    The facts.
    .PARAMETER Path
    The fact.
    #>
    [OutputType([string])]
    param($Facts, [string] $Path)
    $unknown = Get-MemberValue $Facts.Facts 'unknown'
    while ($Path) {
        $reason = Get-MemberValue $unknown $Path
        if ($reason) { return $reason }
        $Path = if ($Path.Contains('.')) { $Path.Substring(0, $Path.LastIndexOf('.')) } else { '' }
    }
    'not-asked'
}

function Get-FactEvidence {
    <#
    .SYNOPSIS
    Returns the facts under some paths as evidence, or why they are not known.
    .PARAMETER Facts
    The facts.
    .PARAMETER Path
    The dotted paths.
    #>
    [OutputType([pscustomobject])]
    param($Facts, $Path)
    foreach ($one in $Path) {
        $value = Read-Fact $Facts $one
        if ($null -eq $value) {
            [pscustomobject][ordered]@{ kind = 'unknown'; fact = $one; reason = Get-UnknownReason $Facts $one }
        } else {
            [pscustomobject][ordered]@{ kind = 'fact'; fact = $one; value = $value }
        }
    }
}

function New-Step {
    <#
    .SYNOPSIS
    Returns one step of a fix.
    .PARAMETER Text
    What to do.
    .PARAMETER Command
    What to type; '' for nothing.
    .PARAMETER Where
    windows, wsl, firmware, host; '' for here.
    .PARAMETER Admin
    It needs administrator rights.
    .PARAMETER Restart
    A restart follows.
    .PARAMETER Risk
    What can go wrong; '' for nothing.
    .PARAMETER Undo
    How to take it back; '' for not at all.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param(
        [string] $Text, [string] $Command = '', [string] $Where = '', [switch] $Admin, [switch] $Restart,
        [string] $Risk = '', [string] $Undo = ''
    )
    $orNull = { param($word) if ($word) { $word } else { $null } }
    $step = [ordered]@{
        text = $Text; command = & $orNull $Command; needs_admin = [bool]$Admin; needs_restart = [bool]$Restart
        risk = & $orNull $Risk; undo = & $orNull $Undo
    }
    if ($Where) { $step['where'] = $Where }
    [pscustomobject]$step
}

function ConvertTo-Step {
    <#
    .SYNOPSIS
    Returns a step of causes.json with every field that a step of a finding has.
    .PARAMETER Step
    As it stands in causes.json.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Step)
    $made = [ordered]@{
        text = $Step.text; command = Get-MemberValue $Step 'command'
        needs_admin = [bool](Get-MemberValue $Step 'needs_admin'); needs_restart = [bool](Get-MemberValue $Step 'needs_restart')
        risk = Get-MemberValue $Step 'risk'; undo = Get-MemberValue $Step 'undo'
    }
    $where = Get-MemberValue $Step 'where'
    if ($where) { $made['where'] = $where }
    [pscustomobject]$made
}
