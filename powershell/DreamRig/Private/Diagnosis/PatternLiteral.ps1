# Which patterns a text may match at all: looking for plain words takes a small part of what the patterns take.

$script:PatternLiterals = $null

function Get-PatternLiteral {
    <#
    .SYNOPSIS
    Returns pattern -> the texts in lower case of which one stands in whatever it matches; none for a pattern without such.
    .DESCRIPTION
    From literals.json, made of causes.json by docs/made/literals.py; where it cannot be read, every pattern is tried.
    #>
    [OutputType([System.Collections.IDictionary])]
    param()
    if (-not $script:PatternLiterals) {
        # Letter case tells \s from \S.
        $table = New-Object -TypeName 'System.Collections.Generic.Dictionary[string,string[]]' -ArgumentList ([StringComparer]::Ordinal)
        try {
            foreach ($field in (Read-KnowledgeFile -Name 'literals.json').literals.PSObject.Properties) { $table[$field.Name] = $field.Value }
        } catch {
            Write-Verbose "$($_.Exception.Message)"
        }
        $script:PatternLiterals = $table
    }
    , $script:PatternLiterals
}

function Test-ReadingHit {
    <#
    .SYNOPSIS
    Says whether any rule can speak for a reading of a text: a code that a cause carries, or a signature that is evidence alone.
    .PARAMETER Reading
    The object of Read-ErrorText.
    .PARAMETER Knowledge
    The object of ConvertTo-Knowledge.
    #>
    [OutputType([bool])]
    param($Reading, $Knowledge)
    if (-not $Reading) { return $false }
    foreach ($code in $Reading.Codes) { if ($Knowledge.Carried.ContainsKey($code.ComparedBy)) { return $true } }
    $literals = Get-PatternLiteral
    $flat, $joined = $Reading.Flat.ToLowerInvariant(), $Reading.Joined.ToLowerInvariant()
    foreach ($regex in $Knowledge.Telling) {
        $isPossible = -not $literals.ContainsKey($regex) -or -not $literals[$regex].Length
        if (-not $isPossible) {
            foreach ($literal in $literals[$regex]) {
                if ($flat.Contains($literal) -or $joined.Contains($literal)) { $isPossible = $true; break }
            }
        }
        if ($isPossible -and (Search-ErrorText $Reading $regex)) { return $true }
    }
    foreach ($saying in $Knowledge.Sayings) { if (Search-NearText $Reading $saying.said) { return $true } }
    $false
}
