# Which cause explains what a check found. The twin of provision/doctor/explain.py, for the Windows half of the chain.

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
    $causes = @{}
    foreach ($check in Get-Check) { $causes[$check.Name] = $check.Causes }
    $told = @{}
    foreach ($one in $Finding) {
        $slugs = $causes[$one.check]
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
    Returns the knowledge base as far as some checks need it: the causes that can explain them, and no words of error texts.
    .DESCRIPTION
    Reading everything, and making the tables for error texts, takes longer than all checks together; without -Text nobody
    reads one. The file is made of causes.json by docs/made/doctor_causes.py.
    .PARAMETER Check
    Names of the checks.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([string[]] $Check)
    if ($script:Knowledge) { return $script:Knowledge }
    $wanted = @{}
    foreach ($one in Get-Check) { if ($Check -contains $one.Name) { foreach ($slug in $one.Causes) { $wanted[$slug] = $true } } }
    $causes = @(foreach ($cause in @((Read-KnowledgeFile -Name 'doctor-causes.json').causes)) {
            if (-not $wanted.ContainsKey($cause.slug) -and $Check -notcontains $cause.check) { continue }
            [pscustomobject]@{
                Codes = @(); Document = $cause; When = ConvertTo-Predicate (Get-MemberValue $cause 'when'); Signatures = @(); Context = @()
            }
        })
    [pscustomobject]@{
        Causes = $causes; BySlug = Get-CauseTable $causes; Codes = @(); NameIds = @{}; Known = @{}; Carried = @{}; Queries = @(); Told = @()
    }
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
            if ((Get-MemberValue $Knowledge.BySlug[$one.cause].Document 'check') -ne $Check) { continue }
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
        $cause = $Knowledge.BySlug[$one]
        if (-not $cause) { continue }
        $document, $when = $cause.Document, $cause.When
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
