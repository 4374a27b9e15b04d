# One visit to the doctor: run the checks, explain what they found, say what to do next. The twin of provision/doctor/checkup.py
# and provision/doctor/explain.py, for the Windows half of the chain.

function Invoke-Checkup {
    <#
    .SYNOPSIS
    Returns data of the doctor's document: place, facts, findings, first_broken, next, diagnoses.
    .PARAMETER Facts
    The facts document.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([Parameter(Mandatory = $true)] $Facts)
    $findings = @(Get-CheckFinding -Facts $Facts)
    $diagnoses = @()
    try {
        # A healthy PC is not kept waiting for the knowledge base.
        $open = @($findings | Where-Object { $_.verdict -notin 'PASS', 'SKIP' -and -not $_.stops })
        if ($open.Count) { $diagnoses = @(Add-Cause -Finding $open -Facts $Facts -Knowledge (Get-FactKnowledge -Check @($open.check))) }
    } catch {
        # A damaged knowledge base must not silence the checks.
        Write-Warning "No diagnosis: $($_.Exception.Message)"
    }
    $broken = @($findings | Where-Object { $_.verdict -in 'FAIL', 'CRASH' })
    $worth = @($broken + @($findings | Where-Object { $_.verdict -eq 'WARN' -and (Test-Doable -Fix $_.fix) }))
    [pscustomobject][ordered]@{
        place        = $Facts.place
        facts        = $Facts
        findings     = @($findings | Select-Object -Property '*' -ExcludeProperty 'stops', 'general')
        first_broken = if ($broken.Count) { $broken[0].check } else { $null }
        next         = if ($worth.Count -and $worth[0].fix.Count) { $worth[0].fix[0] } else { $null }
        diagnoses    = $diagnoses
    }
}

function Get-CheckFinding {
    <#
    .SYNOPSIS
    Returns the finding of every check. One whose need failed is SKIP; one that throws is CRASH, and the others go on.
    .PARAMETER Facts
    The facts document.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $reader = New-FactReader -Facts $Facts
    $made = @{}
    foreach ($check in Get-Check) {
        $clock = [System.Diagnostics.Stopwatch]::StartNew()
        $finding = Get-BlockedFinding -Need @($check.Needs | ForEach-Object { $made[$_] })
        if (-not $finding) {
            try { $finding = Get-CheckAnswer -Check $check -Facts $reader } catch { $finding = New-CrashFinding -ErrorRecord $_ }
        }
        $finding.check = $check.Name
        $finding.asks = $check.Asks
        $finding.seconds = [math]::Round($clock.Elapsed.TotalSeconds, 3)
        $made[$check.Name] = $finding
        $finding
    }
}

function Get-BlockedFinding {
    <#
    .SYNOPSIS
    Returns SKIP where one of the needs failed, or was itself skipped because of one that failed; else $null.
    .PARAMETER Need
    The findings of the needs.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowEmptyCollection()] [object[]] $Need)
    foreach ($one in $Need) {
        if ($one.verdict -in 'FAIL', 'CRASH' -or $one.stops) { return New-Finding SKIP "Needs $($one.check)." -BlockedBy $one.check }
        if ($one.blocked_by) { return New-Finding SKIP "Needs $($one.blocked_by)." -BlockedBy $one.blocked_by }
    }
    $null
}

function New-CrashFinding {
    <#
    .SYNOPSIS
    Returns CRASH for a check that threw; the hint is to report it.
    .PARAMETER ErrorRecord
    What it threw.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([System.Management.Automation.ErrorRecord] $ErrorRecord)
    $where = [pscustomobject][ordered]@{ kind = 'text'; line = "$($ErrorRecord.InvocationInfo.PositionMessage)".Split("`n")[0].Trim() }
    New-Finding CRASH "The check itself broke: $($ErrorRecord.Exception.Message.TrimEnd('.'))." $where `
        (New-Step 'This is a bug in dreamrig or in a driver. Please report it, with the file that this command writes.' `
            'powershell -ExecutionPolicy Bypass -File powershell\doctor.ps1 -Report report.md' windows)
}

function Test-Doable {
    <#
    .SYNOPSIS
    Says whether a fix has a step with a command or a place; others only tell something.
    .PARAMETER Fix
    The steps.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param([AllowEmptyCollection()] [object[]] $Fix)
    @($Fix | Where-Object { $null -ne $_.command -or (Get-MemberValue $_ 'where') }).Count -gt 0
}
