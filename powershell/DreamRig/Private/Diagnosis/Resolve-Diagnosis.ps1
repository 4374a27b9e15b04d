# Text and facts in, ranked diagnoses out. The twin of provision/diagnosis/diagnose.py, which says how scores, verdicts and ranks
# come about; provision/knowledge/conformance.json tests both.

# Of most causes: the text does not point to them.
$script:NoMatch = [pscustomobject]@{ Score = 0.0; States = $false; Evidence = @(); Explains = @() }

function Resolve-Diagnosis {
    <#
    .SYNOPSIS
    Returns diagnoses (the best first), next_query, codes and notes for a text and the facts of a machine.
    .DESCRIPTION
    A text in which no rule hits is read in other code pages as well; the first in which one hits counts.
    .PARAMETER Text
    A string or bytes; $null for none.
    .PARAMETER Facts
    A facts document; $null for none.
    .PARAMETER Knowledge
    The object of ConvertTo-Knowledge.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowNull()] [AllowEmptyString()] $Text, [AllowNull()] $Facts, [Parameter(Mandatory = $true)] $Knowledge)
    $read = Get-ReadingVerdict -Text $Text -Facts $Facts -Knowledge $Knowledge
    if (-not $read.IsExplained) {
        foreach ($other in Get-OtherReading -Text $Text) {
            if (-not (Test-ReadingHit -Reading (Read-ErrorText -Text $other -Knowledge $Knowledge) -Knowledge $Knowledge)) { continue }
            $found = Get-ReadingVerdict -Text $other -Facts $Facts -Knowledge $Knowledge
            if ($found.IsExplained) { $read = $found; break }
        }
    }
    $reading, $ordered = $read.Reading, $read.Ordered
    $query = Select-NextQuery -Candidate @(Get-QueryCandidate -Diagnosis $ordered) -Query $Knowledge.Queries -Facts $read.Facts
    $codes = @(if ($reading) { $reading.Codes | Select-Object -First 20 | ForEach-Object { ConvertFrom-ErrorCode -Found $_ -Knowledge $Knowledge } })
    $notes = @(if ($reading -and $reading.IsCut) { 'The text is long: read were its beginning, its end, and the lines around codes and errors.' })
    [pscustomobject][ordered]@{
        diagnoses  = @($ordered | ForEach-Object { ConvertTo-DiagnosisObject -Diagnosis $_ })
        next_query = $query
        codes      = $codes
        notes      = $notes
    }
}

function Get-ReadingVerdict {
    <#
    .SYNOPSIS
    Returns one reading of a text: Reading, Facts, Ordered (the diagnoses, the best first) and IsExplained (a rule hit).
    .PARAMETER Text
    A string or bytes; $null for none.
    .PARAMETER Facts
    A facts document; $null for none.
    .PARAMETER Knowledge
    The object of ConvertTo-Knowledge.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowNull()] [AllowEmptyString()] $Text, [AllowNull()] $Facts, $Knowledge)
    $reading = Read-ErrorText -Text $Text -Knowledge $Knowledge
    # Without a facts document, the facts are those that stand in the text.
    $told = if ($null -eq $Facts) { Read-ToldFact -Reading $reading -Telling $Knowledge.Told } else { $null }
    if ($told) { $Facts = $told }
    $reader = New-FactReader -Facts $Facts
    $reader.IsTold = $null -ne $told
    $judged = @(foreach ($cause in $Knowledge.Causes) { Get-CauseVerdict $cause $reading $reader })
    $explaining = @($judged | Where-Object { @($_.Explains).Count })
    if ($told) { $judged = $explaining }
    [pscustomobject]@{
        Reading = $reading; Facts = $Facts; Ordered = @(Get-DiagnosisOrder -Diagnosis $judged); IsExplained = $explaining.Count -gt 0
    }
}

function Get-TextMatch {
    <#
    .SYNOPSIS
    Returns how the text points to a cause: Score, States, Evidence and Explains.
    .PARAMETER Cause
    One of the knowledge base.
    .PARAMETER Reading
    The object of Read-ErrorText; $null where there is no text.
    #>
    [OutputType([pscustomobject])]
    param($Cause, $Reading)
    if (-not $Reading) { return $script:NoMatch }
    $found = @(if ($Reading.Codes.Count) {
            foreach ($code in $Cause.Codes) {
                foreach ($one in $Reading.Codes) { if ($code.Ids -ccontains $one.ComparedBy) { [pscustomobject]@{ Code = $code; Found = $one } } }
            }
        })
    $hits = @(foreach ($signature in $Cause.Signatures) {
            $hit = Find-Signature $Reading $signature
            if ($hit) { [pscustomobject]@{ Signature = $signature; Hit = $hit } }
        })
    $hits = @(Select-StrongestSaying -Hit $hits)
    # Words that only raise a score make none.
    $telling = @($hits | Where-Object { -not (Get-MemberValue $_.Signature 'raises') })
    if (-not $found.Count -and -not $telling.Count) { return $script:NoMatch }
    $heaviest = 0.0
    foreach ($one in $found) { if ($one.Code.Weight -gt $heaviest) { $heaviest = $one.Code.Weight } }
    $missing = 1 - $heaviest
    foreach ($one in $hits) { $missing *= 1 - [double]$one.Signature.weight }
    $score = 1 - $missing
    foreach ($context in $Cause.Context) {
        if ($score -gt 0 -and (Search-ErrorText $Reading $context.regex)) { $score *= [double]$context.factor }
    }
    $score = Get-Rounded -Value ([math]::Min($score, 1.0))
    if ($score -le 0) { return $script:NoMatch }
    $match = [pscustomobject]@{ Score = $score; States = $false; Evidence = @(); Explains = @() }
    $codes = @($found | ForEach-Object { $_.Found } | Select-Object -Unique)
    $match.States = @($hits | Where-Object { Get-MemberValue $_.Signature 'states' }).Count -gt 0
    $match.Evidence = @(Get-MatchEvidence -Reading $Reading -Code $codes -Hit $hits)
    $match.Explains = @(if ($codes.Count) { $codes | ForEach-Object { $_.ComparedBy } } else {
            'line ' + ($Reading.Text.Substring(0, $telling[0].Hit.Offset).Split("`n").Count - 1)
        })
    $match
}

function Get-MatchEvidence {
    <#
    .SYNOPSIS
    Returns at most 8 lines of evidence, each once: those of the codes, then those of the signatures.
    .PARAMETER Reading
    The object of Read-ErrorText.
    .PARAMETER Code
    The codes that counted.
    .PARAMETER Hit
    The signatures that were found.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Reading, [AllowEmptyCollection()] [object[]] $Code, [AllowEmptyCollection()] [object[]] $Hit)
    $lines = @(
        foreach ($one in $Code) { Get-TextEvidence -Reading $Reading -Offset $one.Offset -Matched $one.Shown }
        foreach ($one in $Hit) { Get-TextEvidence -Reading $Reading -Offset $one.Hit.Offset -Matched $one.Hit.Value }
    )
    $seen = New-Object -TypeName 'System.Collections.Generic.HashSet[string]'
    $lines | Where-Object { $seen.Add("$($_.line)`n$($_.matched)") } | Select-Object -First 8
}

function Get-Rounded {
    <#
    .SYNOPSIS
    Returns a number to four digits, halves upwards: the same on every machine.
    .PARAMETER Value
    The number.
    #>
    [CmdletBinding()]
    [OutputType([double])]
    param([double] $Value)
    [math]::Floor($Value * 10000 + 0.5) / 10000
}

function Get-CauseVerdict {
    <#
    .SYNOPSIS
    Returns the diagnosis for one cause; nothing where it is not worth listing.
    .PARAMETER Cause
    One of the knowledge base.
    .PARAMETER Reading
    The object of Read-ErrorText; $null where there is no text.
    .PARAMETER Reader
    The object of New-FactReader.
    #>
    param($Cause, $Reading, $Reader)
    $document = $Cause.Document
    # Without any facts, nothing can be said of a predicate, also of one that asks whether a fact is unknown.
    $when = if ($null -eq $Reader.Facts) { $null } else { Test-Predicate $Cause.When $Reader }
    # What a text tells must be what it rests on.
    if ($Reader.IsTold -and $null -ne $when -and -not @(Get-FactBehind $Cause.When $Reader $when).Count) { $when = $null }
    $match = Get-TextMatch $Cause $Reading
    $verdict = Select-Verdict $when $document.decisive $match ($null -ne $Reading)
    if (-not $verdict) { return }
    $weight = if ($Reading) { $match.Score } else { 1.0 }
    $factor = if ($when) { 1.5 } else { 1.0 }
    $behind = @(if ($null -ne $when) { Get-FactBehind $Cause.When $Reader $when | Select-Object -Unique })
    $facts = @(foreach ($path in $behind) {
            [pscustomobject][ordered]@{ kind = 'fact'; fact = $path; value = Read-Fact -Reader $Reader -Path $path }
        })
    [pscustomobject]@{
        Cause = $document; When = $Cause.When; Verdict = $verdict; Explains = $match.Explains; Evidence = @($match.Evidence) + $facts
        Rank = Get-Rounded -Value ($weight * (0.5 + [double]$document.prior / 2) * $factor)
    }
}

function Select-Verdict {
    <#
    .SYNOPSIS
    Returns confirmed, likely, possible or ruled out; '' where the cause is not worth listing.
    .PARAMETER When
    Its predicate over the facts.
    .PARAMETER Decisive
    Whether that proves it.
    .PARAMETER Match
    How the text points to it.
    .PARAMETER HasText
    Whether there is a text.
    #>
    [OutputType([string])]
    param($When, $Decisive, $Match, $HasText)
    $pointed = $Match.Score -gt 0
    if ($false -eq $When -and $null -ne $When) {
        if ($pointed) { return 'ruled out' }
        return ''
    }
    if ($Match.States -or ($When -and $Decisive -and ($pointed -or -not $HasText))) { return 'confirmed' }
    if ($Match.Score -ge 0.6 -or ($When -and ($pointed -or ($Decisive -and $HasText)))) { return 'likely' }
    if ($pointed) { return 'possible' }
    ''
}
