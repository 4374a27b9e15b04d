# The patterns of the knowledge base in a text, and the lines they are found in. The twin of provision/diagnosis/reading.py.

# Letter case tells \s from \S, which a hashtable takes for the same.
$script:Patterns = New-Object -TypeName 'System.Collections.Generic.Dictionary[string,object]' -ArgumentList ([StringComparer]::Ordinal)
$script:PatternOptions = [System.Text.RegularExpressions.RegexOptions]'IgnoreCase, CultureInvariant'
$script:PatternPatience = [timespan]::FromSeconds(5)

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

function Get-CompiledPattern {
    <#
    .SYNOPSIS
    Returns a regular expression, made once; it gives up in time.
    .PARAMETER Regex
    Its text.
    #>
    [OutputType([regex])]
    param([string] $Regex)
    $pattern = $null
    if (-not $script:Patterns.TryGetValue($Regex, [ref] $pattern)) {
        $pattern = [regex]::new($Regex, $script:PatternOptions, $script:PatternPatience)
        $script:Patterns[$Regex] = $pattern
    }
    $pattern
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
    $pattern = Get-CompiledPattern $Regex
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
