function Test-RigReadiness {
    <#
    .SYNOPSIS
    Follows the Windows half of the chain, from the firmware to the GPU's driver, and returns one finding for each link.
    .DESCRIPTION
    In fixing order: the first one that is broken is the one to mend first. A finding has check, asks, verdict, sentence,
    evidence, fix (steps with text and command), blocked_by and cause. Verdicts: PASS, WARN, FAIL, SKIP (a need failed, or
    nobody can tell), CRASH (the check itself broke). Changes nothing.
    .PARAMETER Facts
    What Get-RigFact returns, or a facts document read by ConvertFrom-Json; without it, this PC is asked.
    .PARAMETER Check
    Only the findings of these checks.
    .EXAMPLE
    Test-RigReadiness | Where-Object verdict -eq FAIL
    .EXAMPLE
    Test-RigReadiness -Facts (Get-Content facts.json -Raw | ConvertFrom-Json) -Check firmware-virtualization, hypervisor
    .NOTES
    Elevated, more can be told: hypervisorlaunchtype and features that wait for a restart.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowNull()] [psobject] $Facts = $null, [string[]] $Check = @())
    $names = @(Get-Check | ForEach-Object { $_.Name })
    $unknown = @($Check | Where-Object { $names -notcontains $_ })
    if ($unknown.Count) { throw "There is no check '$($unknown[0])'. There are: $($names -join ', ')." }
    if ($null -eq $Facts) { $Facts = Get-RigFact }
    (Invoke-Checkup -Facts $Facts).findings | Where-Object { -not $Check.Count -or $Check -contains $_.check }
}
