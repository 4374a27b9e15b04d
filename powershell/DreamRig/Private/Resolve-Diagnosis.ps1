# Text and facts in, ranked diagnoses out. The twin of provision/diagnose.py, which says how scores, verdicts and ranks
# come about; provision/knowledge/conformance.json tests both.

# Letter case tells \s from \S, which a hashtable takes for the same.
$script:Patterns = New-Object -TypeName 'System.Collections.Generic.Dictionary[string,object]' -ArgumentList ([StringComparer]::Ordinal)
# What all rules are applied to within seconds; of a longer text, lines that tell nothing are left out. Simpler than
# provision/intake.py: which lines are kept of a long text may differ.
$script:LongCharacters = 128KB
$script:TroublePattern = '(?im)^.{0,400}(?:0x[89a-f]|wsl/|_e_|error|fehler|erreur|fail|cannot|could not|unable|denied|' +
'invalid|not found|not supported|corrupt|killed|blocked|missing|cuda|nvidia|nvml|hyper-v|virtual|wslconfig|resol|warn|disabled).{0,400}$'

# In fixing order, as LAYERS in provision/cause.py.
$script:Layers = @('firmware', 'windows', 'wsl', 'network', 'disk', 'guest', 'driver', 'cuda', 'torch', 'container', 'usage')

function Resolve-Diagnosis {
    <#
    .SYNOPSIS
    Returns diagnoses (the best first), next_query, codes and notes for a text and the facts of a machine.
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
    $reading = Read-ErrorText -Text $Text -Knowledge $Knowledge
    $reader = New-FactReader -Facts $Facts
    $judged = @(foreach ($cause in $Knowledge.Causes) { Get-CauseVerdict $cause $reading $reader })
    $ordered = @(Get-DiagnosisOrder -Diagnosis $judged)
    $query = Select-NextQuery -Candidate @(Get-QueryCandidate -Diagnosis $ordered) -Query $Knowledge.Queries -Facts $Facts
    $codes = @(if ($reading) { $reading.Codes | Select-Object -First 20 | ForEach-Object { ConvertFrom-ErrorCode -Found $_ -Knowledge $Knowledge } })
    $notes = @(if ($reading -and $reading.IsCut) { 'The text is long: read were its beginning, its end, and the lines around codes and errors.' })
    [pscustomobject][ordered]@{
        diagnoses  = @($ordered | ForEach-Object { ConvertTo-DiagnosisObject -Diagnosis $_ })
        next_query = $query
        codes      = $codes
        notes      = $notes
    }
}

function Read-ErrorText {
    <#
    .SYNOPSIS
    Returns the text ready for the rules (Text, Flat, Joined, Codes, IsCut); $null where there is nothing but blanks.
    .PARAMETER Text
    A string or bytes.
    .PARAMETER Knowledge
    The object of ConvertTo-Knowledge.
    #>
    [CmdletBinding()]
    param([AllowNull()] [AllowEmptyString()] $Text, $Knowledge)
    if ($null -eq $Text) { return $null }
    if ($Text -is [byte[]]) { $Text = ConvertFrom-AnyByte -Bytes $Text }
    $short = Limit-Text -Text "$Text" -Length (2 * $script:LongCharacters)
    $plain = ConvertTo-PlainText -InputObject $short -Name $Knowledge.NameIds
    if (-not $plain) { return $null }
    $isCut = $short.Length -lt "$Text".Length -or $plain.Length -gt $script:LongCharacters
    $plain = Limit-Text -Text $plain -Length $script:LongCharacters
    $byId = @{}
    $codes = @(foreach ($code in Find-ErrorCode -Text $plain -Known $Knowledge.Known) {
            $id = if ($Knowledge.NameIds.ContainsKey($code.Id)) { $Knowledge.NameIds[$code.Id] } else { $code.Id }
            if ($byId.ContainsKey($id)) { continue }
            $byId[$id] = $true
            $code | Add-Member -MemberType NoteProperty -Name ComparedBy -Value $id -PassThru
        })
    [pscustomobject]@{
        Text = $plain; Flat = $plain.Replace("`n", ' '); Joined = $plain.Replace("`n", ''); Codes = $codes; IsCut = $isCut
        Hits = New-Object -TypeName 'System.Collections.Generic.Dictionary[string,object]' -ArgumentList ([StringComparer]::Ordinal)
    }
}

function Limit-Text {
    <#
    .SYNOPSIS
    Returns a text of bounded length: of a longer one the beginning, the lines with words of trouble in them, the end.
    .PARAMETER Text
    Any text.
    .PARAMETER Length
    How many characters there may be.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowEmptyString()] [string] $Text, [int] $Length)
    if ($Text.Length -le $Length) { return $Text }
    $part = [int][math]::Floor($Length / 3)
    # UTF-16 whose NULs became spaces is searched as it will be read.
    $middle = $Text.Substring($part, $Text.Length - 2 * $part).Replace("`0", '').Replace("`r", "`n")
    $kept = New-Object -TypeName System.Text.StringBuilder
    $seen = @{}
    foreach ($match in [regex]::Matches($middle, $script:TroublePattern)) {
        # Ten thousand times the same line, but for its time and number, tell no more than ten.
        $kind = [regex]::Replace($match.Value, '[0-9]+', '#')
        $seen[$kind] = 1 + $(if ($seen.ContainsKey($kind)) { $seen[$kind] } else { 0 })
        if ($seen[$kind] -gt 10) { continue }
        if ($kept.Length + $match.Length -gt $part - 2) { break }
        $null = $kept.Append($match.Value).Append("`n")
    }
    $Text.Substring(0, $part) + "`n" + $kept.ToString() + $Text.Substring($Text.Length - $part)
}

function Search-ErrorText {
    <#
    .SYNOPSIS
    Returns Offset and Value of the first match of a regular expression; $null for none.
    .DESCRIPTION
    In the text; else in the text with line breaks as spaces; else without them, as terminals break words anywhere.
    .PARAMETER Reading
    The object of Read-ErrorText.
    .PARAMETER Regex
    The pattern of a signature.
    #>
    param($Reading, [string] $Regex)
    $hit = $null
    # Many causes share a context.
    if (-not $Reading.Hits.TryGetValue($Regex, [ref] $hit)) {
        $hit = Find-Pattern $Reading $Regex
        $Reading.Hits[$Regex] = $hit
    }
    $hit
}

function Find-Pattern {
    <#
    .SYNOPSIS
    As Search-ErrorText, without remembering what was found.
    .PARAMETER Reading
    The object of Read-ErrorText.
    .PARAMETER Regex
    The pattern of a signature.
    #>
    param($Reading, [string] $Regex)
    if (-not $script:Patterns.ContainsKey($Regex)) {
        $options = [System.Text.RegularExpressions.RegexOptions]'IgnoreCase, CultureInvariant'
        $script:Patterns[$Regex] = New-Object -TypeName regex -ArgumentList $Regex, $options, ([timespan]::FromSeconds(5))
    }
    $pattern = $script:Patterns[$Regex]
    try {
        $match = $pattern.Match($Reading.Flat)
        $hasBreaks = $Reading.Joined.Length -ne $Reading.Text.Length
        # What is nowhere in Flat needs a line break to match; what is in Text counts before it.
        if ($hasBreaks -and ($match.Success -or $Regex.Contains('\n'))) {
            $inText = $pattern.Match($Reading.Text)
            if ($inText.Success) { $match = $inText }
        }
        if ($match.Success) { return [pscustomobject]@{ Offset = $match.Index; Value = $match.Value } }
        if (-not $hasBreaks) { return $null }
        $match = $pattern.Match($Reading.Joined)
        if ($match.Success) { [pscustomobject]@{ Offset = Get-TextOffset -Reading $Reading -Index $match.Index; Value = $match.Value } }
    } catch [System.Text.RegularExpressions.RegexMatchTimeoutException] {
        # A hostile text must not stop the others.
        Write-Verbose "No answer in time: $Regex"
    }
}

function Get-TextOffset {
    <#
    .SYNOPSIS
    Returns where in the text the character stands that has an index in the text without line breaks.
    .PARAMETER Reading
    The object of Read-ErrorText.
    .PARAMETER Index
    The index.
    #>
    [CmdletBinding()]
    [OutputType([int])]
    param($Reading, [int] $Index)
    $offset, $left = 0, $Index
    foreach ($line in $Reading.Text.Split("`n")) {
        if ($left -lt $line.Length) { break }
        $left -= $line.Length
        $offset += $line.Length + 1
    }
    $offset + $left
}

function Get-TextEvidence {
    <#
    .SYNOPSIS
    Returns the line at an offset, and what in it counted.
    .PARAMETER Reading
    The object of Read-ErrorText.
    .PARAMETER Offset
    Where the match begins.
    .PARAMETER Matched
    What matched.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Reading, [int] $Offset, [string] $Matched)
    $start = if ($Offset) { $Reading.Text.LastIndexOf("`n", $Offset - 1) + 1 } else { 0 }
    $end = $Reading.Text.IndexOf("`n", $Offset)
    $line = if ($end -lt 0) { $Reading.Text.Substring($start) } else { $Reading.Text.Substring($start, [math]::Max(0, $end - $start)) }
    if ($line.Length -gt 200) {
        # So that what matched stays in sight.
        $begin = [math]::Max(0, [math]::Min($Offset - $start - 100, $line.Length - 200))
        $line = $line.Substring($begin, 200)
    }
    $shown = $Matched.Substring(0, [math]::Min(80, $Matched.Length)).Trim()
    [pscustomobject][ordered]@{ kind = 'text'; line = $line.Trim(); matched = $shown }
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
    $match = [pscustomobject]@{ Score = 0.0; States = $false; Evidence = @(); Explains = @() }
    if (-not $Reading) { return $match }
    $found = @(foreach ($code in $Cause.Codes) {
            foreach ($one in $Reading.Codes) { if ($code.Ids -ccontains $one.ComparedBy) { [pscustomobject]@{ Code = $code; Found = $one } } }
        })
    $hits = @(foreach ($signature in $Cause.Signatures) {
            $hit = Search-ErrorText $Reading $signature.regex
            if ($hit) { [pscustomobject]@{ Signature = $signature; Hit = $hit } }
        })
    if (-not $found.Count -and -not $hits.Count) { return $match }
    $heaviest = 0.0
    foreach ($one in $found) { if ($one.Code.Weight -gt $heaviest) { $heaviest = $one.Code.Weight } }
    $missing = 1 - $heaviest
    foreach ($one in $hits) { $missing *= 1 - [double]$one.Signature.weight }
    $score = 1 - $missing
    foreach ($context in $Cause.Context) {
        if ($score -gt 0 -and (Search-ErrorText $Reading $context.regex)) { $score *= [double]$context.factor }
    }
    $match.Score = Get-Rounded -Value ([math]::Min($score, 1.0))
    if ($match.Score -le 0) {
        $match.Score = 0.0
        return $match
    }
    $codes = @($found | ForEach-Object { $_.Found } | Select-Object -Unique)
    $match.States = @($hits | Where-Object { Get-MemberValue $_.Signature 'states' }).Count -gt 0
    $match.Evidence = @(Get-MatchEvidence -Reading $Reading -Code $codes -Hit $hits)
    $match.Explains = @(if ($codes.Count) { $codes | ForEach-Object { $_.ComparedBy } } else {
            'line ' + ($Reading.Text.Substring(0, $hits[0].Hit.Offset).Split("`n").Count - 1)
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

function Get-DiagnosisOrder {
    <#
    .SYNOPSIS
    Returns the diagnoses with the best first, and each of several errors with its best before the others.
    .PARAMETER Diagnosis
    The diagnoses of Get-CauseVerdict.
    #>
    [CmdletBinding()]
    param([AllowEmptyCollection()] [object[]] $Diagnosis)
    if (-not $Diagnosis.Count) { return }
    $keys = @($Diagnosis | ForEach-Object { Get-DiagnosisKey -Diagnosis $_ })
    $explained = @{}
    $first, $noise, $rest = @(), @(), @()
    foreach ($one in Get-OrdinalOrder -Item $Diagnosis -Key $keys) {
        $isNoise = $one.Cause.effect -eq 'harmless'
        $leads = $one.Verdict -eq 'likely' -or ($one.Verdict -eq 'possible' -and -not $isNoise)
        $new = @($one.Explains | Where-Object { -not $explained.ContainsKey($_) })
        if ($one.Verdict -eq 'confirmed' -or ($leads -and $new.Count)) {
            if ($isNoise -and $one.Verdict -eq 'likely') { $noise += $one } else { $first += $one }
            foreach ($id in $one.Explains) { $explained[$id] = $true }
        } else {
            $rest += $one
        }
    }
    for ($i = $noise.Count - 1; $i -ge 0; $i--) {
        $before = Measure-SeriousDiagnosis -Noise $noise[$i] -First $first
        $first = @($first | Select-Object -First $before) + @($noise[$i]) + @($first | Select-Object -Skip $before)
    }
    $first + $rest
}

function Measure-SeriousDiagnosis {
    <#
    .SYNOPSIS
    Returns how many of the first diagnoses stay before a harmless one.
    .PARAMETER Noise
    The harmless diagnosis.
    .PARAMETER First
    The first diagnoses, in their order.
    #>
    [CmdletBinding()]
    [OutputType([int])]
    param($Noise, [AllowEmptyCollection()] [object[]] $First)
    $covered = @($Noise.Explains)
    $count = 0
    for ($i = 0; $i -lt $First.Count; $i++) {
        $codes = @($First[$i].Explains | Where-Object { $_ -notlike 'line *' -and $covered -cnotcontains $_ })
        if ($First[$i].Verdict -ne 'possible' -or $codes.Count) { $count = $i + 1 }
    }
    $count
}

function Get-DiagnosisKey {
    <#
    .SYNOPSIS
    Returns what a diagnosis is sorted by: verdict, harmless last, layer, rank and prior from high to low, slug.
    .PARAMETER Diagnosis
    One diagnosis.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param($Diagnosis)
    $place = @{ 'confirmed' = 0; 'likely' = 1; 'possible' = 2; 'ruled out' = 4 }[$Diagnosis.Verdict]
    $layer = 0
    if (-not @($Diagnosis.Explains).Count) {
        # Facts alone speak for it.
        if ($Diagnosis.Verdict -eq 'likely') { $place = 3 }
        $layer = [array]::IndexOf($script:Layers, "$(Get-MemberValue $Diagnosis.Cause 'layer')")
        if ($layer -lt 0) { $layer = $script:Layers.Count }
    }
    $harmless = [int]($Diagnosis.Cause.effect -eq 'harmless')
    [string]::Format([Globalization.CultureInfo]::InvariantCulture, '{0}{1}{2:00} {3:00.0000} {4:0.00000000} {5}',
        $place, $harmless, $layer, (50 - $Diagnosis.Rank), (1 - [double]$Diagnosis.Cause.prior), $Diagnosis.Cause.slug)
}

function ConvertTo-DiagnosisObject {
    <#
    .SYNOPSIS
    Returns a diagnosis as it stands in a JSON document.
    .PARAMETER Diagnosis
    One diagnosis.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Diagnosis)
    $cause = $Diagnosis.Cause
    [pscustomobject][ordered]@{
        cause       = $cause.slug
        title       = $cause.title
        verdict     = $Diagnosis.Verdict
        score       = $Diagnosis.Rank
        evidence    = @($Diagnosis.Evidence)
        explanation = $cause.explanation
        effect      = $cause.effect
        fix         = @(Get-MemberList $cause 'fix')
        differs     = @(Get-MemberList $cause 'differs')
        sources     = @(Get-MemberList $cause 'sources')
    }
}

function Get-QueryCandidate {
    <#
    .SYNOPSIS
    Returns what a query has to tell apart: neither confirmed nor ruled out, nor explained by something confirmed.
    .PARAMETER Diagnosis
    The ordered diagnoses.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowEmptyCollection()] [object[]] $Diagnosis)
    $settled = @{}
    foreach ($one in $Diagnosis) {
        if ($one.Verdict -eq 'confirmed') { foreach ($id in $one.Explains) { $settled[$id] = $true } }
    }
    foreach ($one in $Diagnosis) {
        $open = @($one.Explains | Where-Object { -not $settled.ContainsKey($_) })
        if ($one.Verdict -in 'likely', 'possible' -and $open.Count) {
            [pscustomobject]@{
                When = $one.When; Decisive = $one.Cause.decisive; Weight = $one.Rank; Value = $null; Leaves = @(); Reads = @{}
            }
        }
    }
}
