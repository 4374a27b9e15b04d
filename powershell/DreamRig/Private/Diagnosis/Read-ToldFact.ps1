# Facts that stand in a text. The twin of provision/diagnosis/told.py.

$script:YesWords = @('yes', 'true', 'ja', 'oui', 'si', 'sim') + @(
    [string][char]0x0073 + [char]0x00ed; [string][char]0x662f; [string][char]0x306f + [char]0x3044
    [string][char]0x0434 + [char]0x0430; [string][char]0xc608
)

function Read-ToldFact {
    <#
    .SYNOPSIS
    Returns the facts that stand in a text, as a facts document of hashtables; $null where there are none.
    .DESCRIPTION
    A fact that is told in two ways is not known.
    .PARAMETER Reading
    The object of Read-ErrorText; $null where there is no text.
    .PARAMETER Telling
    The entries of told in causes.json.
    #>
    [CmdletBinding()]
    [OutputType([hashtable])]
    param([AllowNull()] $Reading, [AllowEmptyCollection()] [object[]] $Telling)
    if (-not $Reading) { return $null }
    $found, $differing = @{}, @{}
    foreach ($one in $Telling) {
        $words = @(Find-ToldWord $Reading.Flat $one.regex)
        # A terminal may have broken the value.
        if (-not $words.Count) { $words = @(Find-ToldWord $Reading.Joined $one.regex) }
        foreach ($word in $words) {
            $value = ConvertTo-ToldValue $word $one.kind
            if ($found.ContainsKey($one.fact) -and $found[$one.fact] -cne $value) { $differing[$one.fact] = $true }
            $found[$one.fact] = $value
        }
    }
    $document = @{}
    foreach ($fact in $found.Keys) {
        if ($differing.ContainsKey($fact)) { continue }
        $room, $name = $fact.Split('.', 2)
        if (-not $document.ContainsKey($room)) { $document[$room] = @{} }
        $document[$room][$name] = $found[$fact]
    }
    if ($document.Count) { $document }
}

function Find-ToldWord {
    <#
    .SYNOPSIS
    Returns the first group of every match of a pattern.
    .PARAMETER Text
    The text, its line breaks as spaces.
    .PARAMETER Regex
    The pattern.
    #>
    [OutputType([string])]
    param([string] $Text, [string] $Regex)
    $pattern = $null
    if (-not $script:Patterns.TryGetValue($Regex, [ref] $pattern)) {
        $pattern = [regex]::new($Regex, $script:PatternOptions, $script:PatternPatience)
        $script:Patterns[$Regex] = $pattern
    }
    try {
        foreach ($match in $pattern.Matches($Text)) { $match.Groups[1].Value }
    } catch [System.Text.RegularExpressions.RegexMatchTimeoutException] {
        Write-Verbose "No answer in time: $Regex"
    }
}

function ConvertTo-ToldValue {
    <#
    .SYNOPSIS
    Returns what a word says: Yes is true, 120 as a capability is 12.0, 12040 as a CUDA version is 12.4.
    .PARAMETER Word
    The word.
    .PARAMETER Kind
    yes-no, mention, word, text, number, capability or cuda.
    #>
    param([string] $Word, [string] $Kind)
    switch ($Kind) {
        'yes-no' { return $script:YesWords -ccontains $Word.ToLowerInvariant() }
        'mention' { return $true }
        'word' { return $Word.ToLowerInvariant() }
        'number' { return [long]$Word }
        'capability' { return $Word.Substring(0, $Word.Length - 1) + '.' + $Word.Substring($Word.Length - 1) }
        'cuda' { return '{0}.{1}' -f [math]::Floor([long]$Word / 1000), [math]::Floor(([long]$Word % 1000) / 10) }
        default { return $Word }
    }
}
