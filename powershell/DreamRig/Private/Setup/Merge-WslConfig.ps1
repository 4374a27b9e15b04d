# %UserProfile%\.wslconfig: our keys in, everything else of the user's byte for byte.

function Merge-WslConfig {
    <#
    .SYNOPSIS
    Returns the bytes of a .wslconfig with our settings in it; changes nothing.
    .DESCRIPTION
    The result has Bytes, Changes (one object each: section, key, before, after), Kept (settings that the user has set
    to something else, which stays) and Encoding (absent, utf-8, utf-8-bom, utf-16, other: how the file was). WSL reads UTF-8
    without BOM only, so a BOM goes and UTF-16 is converted. Bytes that are not UTF-8, an umlaut of an old code page in
    a comment for one, come through as they are.
    .PARAMETER Bytes
    The file; none for a file that is not there.
    .PARAMETER Setting
    Objects with section, key, value and force: without force a value of the user's wins.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowNull()] [AllowEmptyCollection()] [byte[]] $Bytes, [psobject[]] $Setting)
    $file = ConvertFrom-WslConfigByte -Bytes $Bytes
    $lines = Split-WslConfigLine -Text $file.Text
    $changes = @()
    $kept = @()
    foreach ($wanted in $Setting) {
        $found = @(Find-WslConfigKey -Lines $lines -Section $wanted.section -Key $wanted.key)
        $other = @($found | Where-Object { $_.Value -ne $wanted.value })
        if ($found.Count -and -not $other.Count) { continue }
        if ($found.Count -and -not $wanted.force) {
            $kept += [pscustomobject]@{ section = $wanted.section; key = $wanted.key; value = $found[0].Value }
            continue
        }
        $before = $null
        if ($found.Count) {
            $before = $other[0].Value
            foreach ($one in $other) { $lines[$one.Line] = $one.Head + $wanted.value + $one.Tail }
        } else {
            Add-WslConfigKey -Lines $lines -Section $wanted.section -Text "$($wanted.key)=$($wanted.value)"
        }
        $changes += [pscustomobject]@{ section = $wanted.section; key = $wanted.key; before = $before; after = $wanted.value }
    }
    [pscustomobject]@{
        Bytes = [byte[]] $file.Writer.GetBytes(($lines -join '')); Changes = $changes; Kept = $kept; Encoding = $file.Encoding
    }
}

function ConvertFrom-WslConfigByte {
    <#
    .SYNOPSIS
    Returns Text, Encoding (its name) and Writer (the encoding that gives the user's bytes back) of a .wslconfig.
    .PARAMETER Bytes
    The file; none for a file that is not there.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowNull()] [AllowEmptyCollection()] [byte[]] $Bytes)
    # Latin-1 maps every byte to one character and back: whatever is not ASCII in comments and paths survives.
    $latin1 = [System.Text.Encoding]::GetEncoding(28591)
    $file = [pscustomobject]@{ Text = ''; Encoding = (Get-WslConfigEncoding -Bytes $Bytes); Writer = $latin1 }
    if ($file.Encoding -eq 'utf-16') {
        $file.Text = ConvertTo-WslConfigText -Bytes $Bytes -Encoding 'utf-16'
        $file.Writer = New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false
    } elseif ($file.Encoding -eq 'utf-8-bom') {
        $file.Text = $latin1.GetString($Bytes, 3, $Bytes.Length - 3)
    } elseif ($null -ne $Bytes) {
        $file.Text = $latin1.GetString($Bytes)
    }
    $file
}

function Split-WslConfigLine {
    <#
    .SYNOPSIS
    Returns the lines of a text with their ends, as one list.
    .PARAMETER Text
    The text.
    #>
    [CmdletBinding()]
    [OutputType([System.Collections.Generic.List[string]])]
    param([AllowEmptyString()] [string] $Text)
    $lines = New-Object -TypeName 'System.Collections.Generic.List[string]'
    foreach ($match in [regex]::Matches($Text, '[^\r\n]*(\r\n|\n|\r)|[^\r\n]+')) { $lines.Add($match.Value) }
    , $lines
}

function Find-WslConfigKey {
    <#
    .SYNOPSIS
    Returns where a key stands: objects with Line, Head (up to the value), Value and Tail (spaces, comment, line end).
    .PARAMETER Lines
    The lines with their ends.
    .PARAMETER Section
    Section name, without brackets.
    .PARAMETER Key
    Key name.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([System.Collections.Generic.List[string]] $Lines, [string] $Section, [string] $Key)
    $here = ''
    $pattern = '(?is)^(\s*' + [regex]::Escape($Key) + '\s*=[ \t]*)(.*?)(\s*(?:#.*)?)$'
    for ($i = 0; $i -lt $Lines.Count; $i++) {
        if ($Lines[$i] -match '^\s*\[([^\]]*)\]') { $here = $Matches[1].Trim() }
        elseif ($here -eq $Section -and $Lines[$i] -match $pattern) {
            [pscustomobject]@{ Line = $i; Head = $Matches[1]; Value = $Matches[2]; Tail = $Matches[3] }
        }
    }
}

function Add-WslConfigKey {
    <#
    .SYNOPSIS
    Puts a line at the end of its section, before the empty lines that follow it; makes the section where it is missing.
    .PARAMETER Lines
    The lines with their ends; changed in place.
    .PARAMETER Section
    Section name, without brackets.
    .PARAMETER Text
    The new line without its end.
    #>
    [CmdletBinding()]
    param([System.Collections.Generic.List[string]] $Lines, [string] $Section, [string] $Text)
    $newline = "`r`n"
    if ($Lines.Count -and $Lines[0] -match '(\r\n|\n|\r)$') { $newline = $Matches[1] }
    $at = -1
    $inside = $false
    for ($i = 0; $i -lt $Lines.Count; $i++) {
        if ($Lines[$i] -match '^\s*\[([^\]]*)\]') {
            if ($inside) { break }
            $inside = $Matches[1].Trim() -eq $Section
        }
        if ($inside -and $Lines[$i].Trim()) { $at = $i }
    }
    if ($at -lt 0) {
        if ($Lines.Count -and $Lines[$Lines.Count - 1] -notmatch '[\r\n]\z') { $Lines[$Lines.Count - 1] += $newline }
        $Lines.Add("[$Section]$newline")
        $at = $Lines.Count - 1
    }
    if ($Lines[$at] -notmatch '[\r\n]\z') { $Lines[$at] += $newline }
    $Lines.Insert($at + 1, $Text + $newline)
}
