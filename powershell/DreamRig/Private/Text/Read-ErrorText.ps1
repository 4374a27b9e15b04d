# A pasted text made ready for the rules: plain, of bounded length, with its codes.

# What all rules are applied to within seconds; of a longer text, lines that tell nothing are left out. Simpler than
# provision/diagnosis/intake.py: which lines are kept of a long text may differ.
$script:LongCharacters = 128KB
$script:CodeSigns = @('0x[89a-f]', 'wsl/', '_e_', 'errno', 'error')
$script:TroublePattern = $null

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
        Spans = New-Object -TypeName 'System.Collections.Generic.Dictionary[string,object]' -ArgumentList ([StringComparer]::Ordinal)
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
    foreach ($match in [regex]::Matches($middle, (Get-TroublePattern))) {
        # Ten thousand times the same line, but for its time and number, tell no more than ten.
        $kind = [regex]::Replace($match.Value, '[0-9]+', '#')
        $seen[$kind] = 1 + $(if ($seen.ContainsKey($kind)) { $seen[$kind] } else { 0 })
        if ($seen[$kind] -gt 10) { continue }
        if ($kept.Length + $match.Length -gt $part - 2) { break }
        $null = $kept.Append($match.Value).Append("`n")
    }
    $Text.Substring(0, $part) + "`n" + $kept.ToString() + $Text.Substring($Text.Length - $part)
}

function Get-TroublePattern {
    <#
    .SYNOPSIS
    Returns a pattern for the lines of a long text that are kept: those with the form of a code, or with a word that many rules need.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    if (-not $script:TroublePattern) {
        $signs = $script:CodeSigns + @((Read-KnowledgeFile -Name 'literals.json').signs)
        $script:TroublePattern = '(?im)^.{0,400}(?:' + ($signs -join '|') + ').{0,400}$'
    }
    $script:TroublePattern
}
