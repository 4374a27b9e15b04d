# Which cause explains what a check found. The twin of provision/doctor/explain.py, for the Windows half of the chain.

$script:FactKnowledge = $null

function Add-Cause {
    <#
    .SYNOPSIS
    Gives every finding that has one its cause, with the evidence and, for a general fix, its steps; returns those
    diagnoses in fixing order.
    .PARAMETER Finding
    The findings that are neither PASS nor SKIP; changed in place.
    .PARAMETER Facts
    The facts document.
    .PARAMETER Knowledge
    The object of ConvertTo-Knowledge.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([object[]] $Finding, $Facts, $Knowledge)
    $byFacts = @((Resolve-Diagnosis -Text $null -Facts $Facts -Knowledge $Knowledge).diagnoses)
    $causes = Get-CheckCause
    $told = @{}
    foreach ($one in $Finding) {
        $slugs = @(if ($causes.ContainsKey($one.check)) { $causes[$one.check] })
        $best = Select-CheckDiagnosis -Check $one.check -Diagnosis $byFacts -Slug $slugs -Knowledge $Knowledge
        if (-not $best) { $best = Get-ConsistentDiagnosis -Slug $slugs -Facts $Facts -Knowledge $Knowledge }
        if (-not $best) { continue }
        Set-FindingCause -Finding $one -Diagnosis $best
        if ($told.ContainsKey($best.cause)) { continue }
        $told[$best.cause] = $true
        $best
    }
}

function Get-FactKnowledge {
    <#
    .SYNOPSIS
    Returns the knowledge base as far as facts alone need it: causes with their predicates, no codes and no signatures.
    .DESCRIPTION
    Making the tables for reading error texts takes longer than all checks together; without -Text nobody reads one.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param()
    if ($script:Knowledge) { return $script:Knowledge }
    if (-not $script:FactKnowledge) {
        $document = Read-KnowledgeFile -Name 'causes.json'
        $causes = @(foreach ($cause in @($document.causes)) {
                [pscustomobject]@{
                    Codes = @(); Document = $cause; When = ConvertTo-Predicate (Get-MemberValue $cause 'when'); Signatures = @(); Context = @()
                }
            })
        $script:FactKnowledge = [pscustomobject]@{
            Causes = $causes; Codes = @(); NameIds = @{}; Known = @{}; Carried = @{}; Queries = @(Get-MemberList $document 'queries')
            Told = @()
        }
    }
    $script:FactKnowledge
}

function Get-CheckCause {
    <#
    .SYNOPSIS
    Returns check name -> slugs of the causes that break this link, the more special ones first (doctor.schema.json).
    #>
    [CmdletBinding()]
    [OutputType([hashtable])]
    param()
    $causes = @{}
    foreach ($entry in (Read-KnowledgeFile -Name 'doctor.schema.json').'$defs'.checks.const) {
        $causes[$entry.name] = @(Get-MemberList $entry 'causes')
    }
    $causes
}

function Select-CheckDiagnosis {
    <#
    .SYNOPSIS
    Returns the surest diagnosis among those that explain a check, the more special one of equals; $null for none.
    .PARAMETER Check
    Name of the check.
    .PARAMETER Diagnosis
    The diagnoses from the facts, best first.
    .PARAMETER Slug
    The causes of this check, the more special ones first.
    .PARAMETER Knowledge
    The object of ConvertTo-Knowledge.
    #>
    [CmdletBinding()]
    param([string] $Check, [AllowEmptyCollection()] [object[]] $Diagnosis, [AllowEmptyCollection()] [string[]] $Slug, $Knowledge)
    $best, $bestPlace = $null, [int]::MaxValue
    foreach ($one in $Diagnosis) {
        $sure = [array]::IndexOf(@('confirmed', 'likely'), $one.verdict)
        if ($sure -lt 0) { continue }
        $place = [array]::IndexOf($Slug, $one.cause)
        if ($place -lt 0) {
            $document = @($Knowledge.Causes | Where-Object { $_.Document.slug -eq $one.cause })[0].Document
            if ((Get-MemberValue $document 'check') -ne $Check) { continue }
            $place = $Slug.Length
        }
        if ($sure * 1000 + $place -lt $bestPlace) { $best, $bestPlace = $one, ($sure * 1000 + $place) }
    }
    $best
}

function Get-ConsistentDiagnosis {
    <#
    .SYNOPSIS
    Returns the first cause of a check that the facts fit without proving it: likely, since the check failed.
    .PARAMETER Slug
    The causes of the check.
    .PARAMETER Facts
    The facts document.
    .PARAMETER Knowledge
    The object of ConvertTo-Knowledge.
    #>
    [CmdletBinding()]
    param([AllowEmptyCollection()] [string[]] $Slug, $Facts, $Knowledge)
    $reader = New-FactReader -Facts $Facts
    foreach ($one in $Slug) {
        $cause = @($Knowledge.Causes | Where-Object { $_.Document.slug -eq $one })
        if (-not $cause.Count) { continue }
        $document = $cause[0].Document
        $when = $cause[0].When
        if (-not (Test-Predicate $when $reader)) { continue }
        $proof = @(Get-FactBehind -Predicate $when -Reader $reader -Result $true | Select-Object -Unique |
                ForEach-Object { [pscustomobject][ordered]@{ kind = 'fact'; fact = $_; value = Read-Fact $reader $_ } })
        return ConvertTo-DiagnosisObject ([pscustomobject]@{
                Cause = $document; Verdict = 'likely'; Rank = [double]$document.prior; Evidence = $proof
            })
    }
    $null
}

function Set-FindingCause {
    <#
    .SYNOPSIS
    Writes a diagnosis' slug and evidence into a finding; its steps only where the check's own are general or missing.
    .PARAMETER Finding
    The finding; changed in place.
    .PARAMETER Diagnosis
    The diagnosis.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It changes an object in memory.')]
    [CmdletBinding()]
    param($Finding, $Diagnosis)
    $told = @($Finding.evidence | ForEach-Object { Get-MemberValue $_ 'fact' })
    $Finding.cause = $Diagnosis.cause
    $Finding.evidence = @($Finding.evidence) + @($Diagnosis.evidence | Where-Object { $told -notcontains (Get-MemberValue $_ 'fact') })
    if ($Diagnosis.fix.Count -and ($Finding.general -or -not $Finding.fix.Count)) {
        $Finding.fix = @($Diagnosis.fix | ForEach-Object { ConvertTo-Step -Step $_ })
    }
}
