# The codes in a normalised text. The twin of the second half of provision/diagnosis/text.py.

$script:NumberedPattern = '(?:error|erreur|errore|erro|fehler|code|failed|status|exit|returned)[ :=(#]{1,4}' +
'(?:(?:code|number|level|value)[ :=(#]{1,4})?([0-9]{1,5})(?![0-9x%]|\.[0-9])'
$script:ErrnoPattern = '\[Errno (-?[0-9]{1,5})\]' + # Python's
'|(?<![A-Za-z0-9_])WSL \([^)\n]{1,24}\) ERROR: [a-zA-Z0-9_]{1,60}:[0-9]{1,5}: [^\n]{1,160}? failed:? (-?[0-9]{1,5})(?![A-Za-z0-9_])' + # WSL's init
'|(?:code|fehlercode|code d.{1,4}erreur|c.{1,4}digo de error|\u9519\u8bef\u4ee3\u7801|\u30a8\u30e9\u30fc ?\u30b3\u30fc\u30c9) ?[:\uff1a] ?(-?[0-9]{1,5})[,\u3001] ?' +
'[^:\uff1a\n]{2,40}[:\uff1a] ?[0-9]{1,3}(?![0-9])' # a distribution that does not start: "Error code: 2, failure step: 2"
$script:ErrorNamePattern = '^(?:(?:[A-Z][A-Z0-9]+_)?(?:E|ERROR|STATUS)_[A-Z0-9_]{3,60}|RPC_[SX]_[A-Z0-9_]{3,60})\z'

function Find-ErrorCode {
    <#
    .SYNOPSIS
    Returns the codes of a text in the order of their first appearance, each once: Id, Shown, Offset and Certain.
    .PARAMETER Text
    Normalised text.
    .PARAMETER Known
    Ids that somebody knows, as keys. What is no certain code is given only where known.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowEmptyString()] [string] $Text, [System.Collections.IDictionary] $Known)
    $all = @(Find-HexCode -Text $Text) + @(Find-DecimalCode -Text $Text) + @(Find-NamedCode -Text $Text -Known $Known)
    $all = @($all | Where-Object { $_ -and ($_.Certain -or $Known.Contains($_.Id)) })
    if (-not $all.Count) { return }
    $number = 0
    $keys = @(foreach ($code in $all) { '{0:D10} {1} {2:D6}' -f $code.Offset, $code.Id, $number++ })
    $seen = @{}
    foreach ($code in Get-OrdinalOrder -Item $all -Key $keys) {
        if ($seen.ContainsKey($code.Id)) { continue }
        $seen[$code.Id] = $true
        $code
    }
}

function New-FoundCode {
    <#
    .SYNOPSIS
    Returns one found code.
    .PARAMETER Id
    What it is compared by.
    .PARAMETER Shown
    As it stands in the text.
    .PARAMETER Offset
    Where it stands.
    .PARAMETER Certain
    It is an error code and nothing else.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([string] $Id, [string] $Shown, [int] $Offset, [bool] $Certain)
    [pscustomobject]@{ Id = $Id; Shown = $Shown; Offset = $Offset; Certain = $Certain }
}

function ConvertTo-NumberId {
    <#
    .SYNOPSIS
    Returns what a 32-bit number is compared by: Win32 errors as their HRESULT, NTSTATUS without its HRESULT bit.
    .PARAMETER Value
    0 to 4294967295.
    #>
    [OutputType([string])]
    param([long] $Value)
    if ($Value -le 65535) { return '0x8007{0:x4}' -f $Value }
    if (($Value -shr 28) -eq 13) { $Value = $Value -band 4026531839 }
    '0x{0:x}' -f $Value
}

function ConvertTo-DecimalId {
    <#
    .SYNOPSIS
    As ConvertTo-NumberId, for a number written in decimal; below 1000 it may be CUDA's or NVML's and stays as it is.
    .PARAMETER Value
    -2147483648 to 4294967295.
    #>
    [OutputType([string])]
    param([long] $Value)
    if ($Value -lt 0) { return ConvertTo-NumberId -Value ($Value + 4294967296) }
    if ($Value -lt 1000) { return "#$Value" }
    ConvertTo-NumberId -Value $Value
}

function Find-HexCode {
    <#
    .SYNOPSIS
    Returns the codes written in hexadecimal, with and without 0x.
    .PARAMETER Text
    Normalised text.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowEmptyString()] [string] $Text)
    foreach ($match in [regex]::Matches($Text, '(?<![0-9])0[xX]([0-9a-fA-F]{3,16})(?![0-9a-fA-F])')) {
        $digits = $match.Groups[1].Value
        # A sign-extended number counts by its last 8 digits; anything else as long is an address.
        if ($digits.Length -eq 16 -and $digits -match '^f{8}') { $digits = $digits.Substring(8) }
        if ($digits.Length -gt 8) { continue }
        $value = [long][Convert]::ToUInt32($digits, 16)
        $certain = $value -ge 2147483648
        if (-not $certain) {
            $from = [math]::Max(0, $match.Index - 16)
            $certain = $Text.Substring($from, $match.Index - $from) -match '(?:error|code|erreur|errore|fehler|failed)[ :=(]{1,4}\z'
        }
        New-FoundCode -Id (ConvertTo-NumberId -Value $value) -Shown $match.Value.ToLowerInvariant() -Offset $match.Index -Certain $certain
    }
    foreach ($match in [regex]::Matches($Text, '(?<![0-9a-zA-Z_#-])[89a-fA-F][0-9a-fA-F]{7}(?![0-9a-zA-Z_-])')) {
        $value = [long][Convert]::ToUInt32($match.Value, 16)
        New-FoundCode -Id (ConvertTo-NumberId -Value $value) -Shown $match.Value.ToLowerInvariant() -Offset $match.Index -Certain $false
    }
}

function Find-DecimalCode {
    <#
    .SYNOPSIS
    Returns the codes written in decimal: -2143878910, 2151088386, "error 1603".
    .PARAMETER Text
    Normalised text.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowEmptyString()] [string] $Text)
    foreach ($match in [regex]::Matches($Text, '(?<![0-9a-zA-Z_.-])-([12][0-9]{8,9})(?![0-9])')) {
        $value = [long]$match.Value
        if ($value -lt -2147483648) { continue }
        New-FoundCode -Id (ConvertTo-DecimalId -Value $value) -Shown $match.Value -Offset $match.Index -Certain $false
    }
    foreach ($match in [regex]::Matches($Text, '(?<![0-9a-zA-Z_.-])([2-4][0-9]{9})(?![0-9.])')) {
        $value = [long]$match.Value
        if ($value -lt 2147483648 -or $value -gt 4294967295) { continue }
        New-FoundCode -Id (ConvertTo-NumberId -Value $value) -Shown $match.Value -Offset $match.Index -Certain $false
    }
    foreach ($match in [regex]::Matches($Text, $script:NumberedPattern, 'IgnoreCase, CultureInvariant')) {
        $group = $match.Groups[1]
        New-FoundCode -Id (ConvertTo-DecimalId -Value ([long]$group.Value)) -Shown $group.Value -Offset $group.Index -Certain $false
    }
}

function Find-NamedCode {
    <#
    .SYNOPSIS
    Returns the symbolic codes.
    .PARAMETER Text
    Normalised text.
    .PARAMETER Known
    Ids that somebody knows, as keys.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowEmptyString()] [string] $Text, [System.Collections.IDictionary] $Known)
    foreach ($match in [regex]::Matches($Text, $script:ErrnoPattern, 'IgnoreCase, CultureInvariant')) {
        $group = @($match.Groups[1..3] | Where-Object { $_.Success })[0]
        New-FoundCode -Id ('ERRNO_' + $group.Value.Replace('-', 'MINUS_')) -Shown $group.Value -Offset $group.Index -Certain $false
    }
    foreach ($match in [regex]::Matches($Text, '[A-Za-z][A-Za-z0-9_]{3,79}')) {
        $id = $match.Value.ToUpperInvariant()
        $certain = $match.Value.Contains('_') -and $match.Value -cmatch $script:ErrorNamePattern
        if ($certain -or $Known.Contains($id)) {
            New-FoundCode -Id $id -Shown $match.Value -Offset $match.Index -Certain $certain
        }
    }
}
