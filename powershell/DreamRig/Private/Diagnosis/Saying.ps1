# What people say in their own words. The twin of provision/diagnosis/said.py and of search_near in provision/diagnosis/reading.py.

# Of text for each notion that people name together, and how many places of one notion are looked at.
$script:NearCharacters = 60
$script:MostSpans = 200

function Add-Saying {
    <#
    .SYNOPSIS
    Adds what words.json knows to the causes: a signature with the patterns of its notions for every saying.
    .PARAMETER Knowledge
    The object of ConvertTo-Knowledge; it is changed, and returned.
    .PARAMETER Document
    The parsed words.json.
    #>
    [OutputType([pscustomobject])]
    param($Knowledge, $Document)
    $patterns = @{}
    foreach ($notion in $Document.words.PSObject.Properties) { $patterns[$notion.Name] = @($notion.Value) -join '|' }
    foreach ($saying in @($Document.said)) {
        $cause = $Knowledge.BySlug[$saying.cause]
        $said = @($saying.notions | ForEach-Object { $patterns[$_] })
        $signature = [pscustomobject]@{ regex = ''; weight = $saying.weight; states = $false; raises = $false; said = $said }
        $cause.Signatures = @($cause.Signatures) + $signature
        $Knowledge.Sayings = @($Knowledge.Sayings) + $signature
    }
    $Knowledge
}

function Find-Signature {
    <#
    .SYNOPSIS
    Returns Offset and Value of the first place where a signature is found; $null for none.
    .PARAMETER Reading
    The object of Read-ErrorText.
    .PARAMETER Signature
    Of a cause: with a pattern in regex, or with those of notions in said.
    #>
    param($Reading, $Signature)
    $said = Get-MemberValue $Signature 'said'
    if ($said) { Search-NearText $Reading @($said) } else { Search-ErrorText $Reading $Signature.regex }
}

function Search-NearText {
    <#
    .SYNOPSIS
    Returns Offset and Value of the first place where all of these patterns stand near one another, in any order.
    .PARAMETER Reading
    The object of Read-ErrorText.
    .PARAMETER Pattern
    Those of the notions.
    #>
    param($Reading, [string[]] $Pattern)
    $found = @(foreach ($one in $Pattern) { , @(Get-PatternSpan $Reading $one) })
    foreach ($spans in $found) { if (-not $spans.Count) { return $null } }
    foreach ($first in $found[0]) {
        $begin, $end = $first.Begin, $first.End
        for ($index = 1; $index -lt $found.Count; $index++) {
            $nearest, $least = $null, [int]::MaxValue
            foreach ($span in $found[$index]) {
                $distance = [math]::Max($span.Begin - $first.End, $first.Begin - $span.End)
                if ($distance -lt $least) { $nearest, $least = $span, $distance }
            }
            $begin, $end = [math]::Min($begin, $nearest.Begin), [math]::Max($end, $nearest.End)
        }
        if ($end - $begin -le $script:NearCharacters * $found.Count) {
            return [pscustomobject]@{ Offset = $begin; Value = $Reading.Flat.Substring($begin, $end - $begin) }
        }
    }
}

function Get-PatternSpan {
    <#
    .SYNOPSIS
    Returns Begin and End of the first matches of a pattern in the text with its line breaks as spaces.
    .PARAMETER Reading
    The object of Read-ErrorText.
    .PARAMETER Regex
    The pattern of a notion.
    #>
    param($Reading, [string] $Regex)
    $spans = $null
    if (-not $Reading.Spans.TryGetValue($Regex, [ref] $spans)) {
        $spans = @(try {
                $match = (Get-CompiledPattern $Regex).Match($Reading.Flat)
                for ($count = 0; $match.Success -and $count -lt $script:MostSpans; $count++) {
                    [pscustomobject]@{ Begin = $match.Index; End = $match.Index + $match.Length }
                    $match = $match.NextMatch()
                }
            } catch [System.Text.RegularExpressions.RegexMatchTimeoutException] {
                Write-Verbose "No answer in time: $Regex"
            })
        $Reading.Spans[$Regex] = $spans
    }
    $spans
}

function Select-StrongestSaying {
    <#
    .SYNOPSIS
    Returns the hits of a cause; of those in people's own words, which share words, the strongest alone.
    .PARAMETER Hit
    Objects with Signature and Hit, in the order of the cause.
    #>
    param([AllowEmptyCollection()] [object[]] $Hit)
    $strongest = $null
    foreach ($one in $Hit) {
        if ((Get-MemberValue $one.Signature 'said') -and (-not $strongest -or [double]$one.Signature.weight -gt [double]$strongest.Signature.weight)) {
            $strongest = $one
        }
    }
    foreach ($one in $Hit) { if (-not (Get-MemberValue $one.Signature 'said') -or $one -eq $strongest) { $one } }
}
