# Text as people paste it, made plain. The twin of provision/diagnosis/text.py: same steps, same order, conformance.json tests both.

$script:AnsiPattern = '(?:\x1b\[|\x9b|\u2190\[|\^\[\[)[0-?]{0,64}[ -/]{0,8}([@-~])' + # CSI; ESC is also seen as an arrow, or ^[
'|(?:\x1b[\]PX^_]|\x9d)[^\x07\x1b\x9c\n]{0,4096}(?:\x07|\x1b\\|\x9c)' + # OSC and its like
'|\x1b(?:[ #%()*+][0-~]|[=>78])?' +
'|\[(?:[0-9]{1,3};){0,4}[0-9]{1,3}m(?!\])' # a colour whose ESC got lost
$script:LineEndPattern = '\r+\n?|[\x0b\x0c\u2028\u2029]'
$script:InvisiblePattern = '[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]' +
'|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]' # halves of surrogate pairs
$script:QuotedPattern = '(?m)(?:^[ \t]*>[^\n]*(?:\n|\z)){2,}'
$script:SpacedOutPattern = '(?:[^ \n] (?:  )?){8,}[^ \n]?'
# In pieces: NFKC of a long run of accents takes for ever.
$script:NotAsciiPattern = '[\x00-\x7f]?(?:[\ud800-\udbff][\udc00-\udfff]|[^\x00-\x7f\ud800-\udfff]){1,64}'

function ConvertTo-PlainText {
    <#
    .SYNOPSIS
    Returns the normalised text of anything pasted; lines end in LF.
    .PARAMETER InputObject
    A string, or the bytes of a file in any encoding.
    .PARAMETER Name
    Known symbolic codes in capitals, as keys: one that is broken over two lines is joined whatever the column.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowNull()] $InputObject, [System.Collections.IDictionary] $Name = @{})
    $text = if ($InputObject -is [byte[]]) { ConvertFrom-AnyByte -Bytes $InputObject } else { "$InputObject" }
    $text = Join-WrappedLine -Text (ConvertTo-PlainCharacter -Text $text) -Name $Name
    [regex]::Replace($text, '[ \t]+', ' ').Trim("`n", ' ')
}

function ConvertTo-PlainCharacter {
    <#
    .SYNOPSIS
    Returns text without NULs, colours and invisible characters, in normal forms.
    .PARAMETER Text
    Any text.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowEmptyString()] [string] $Text)
    $Text = [regex]::Replace($Text, '(?:\\[rn]\\x00){1,8}', "`n").Replace('\x00', '').Replace("`0", '')
    $Text = [regex]::Replace($Text, $script:AnsiPattern, [System.Text.RegularExpressions.MatchEvaluator] {
            param($match) if ($match.Groups[1].Value -ceq 'C') { ' ' } else { '' }
        })
    $Text = [regex]::Replace($Text, $script:LineEndPattern, "`n").Replace([string][char]0x85, ' ')
    $Text = [regex]::Replace($Text, $script:InvisiblePattern, '')
    $Text = [regex]::Replace($Text, $script:QuotedPattern, [System.Text.RegularExpressions.MatchEvaluator] {
            param($match) [regex]::Replace($match.Value, '(?m)^[ \t]*(?:>[ \t]?){1,16}', '')
        })
    $Text = [regex]::Replace($Text, $script:SpacedOutPattern, [System.Text.RegularExpressions.MatchEvaluator] {
            param($match) Select-EverySecond -Text $match.Value
        })
    if ($Text -notmatch '[^\x00-\x7f]') { return $Text }
    $Text = [regex]::Replace($Text, $script:NotAsciiPattern, [System.Text.RegularExpressions.MatchEvaluator] {
            param($match)
            # Characters that Unicode has no place for have no normal form.
            try { $match.Value.Normalize([System.Text.NormalizationForm]::FormKC) } catch { $match.Value }
        })
    # .NET without its tables for languages (invariant mode) knows no normal forms; these are the ones that count.
    $Text = [regex]::Replace($Text, '[\u00a0\u2000-\u200a\u202f\u205f\u3000]', ' ')
    [regex]::Replace($Text, '[\uff01-\uff5e]', [System.Text.RegularExpressions.MatchEvaluator] {
            param($match) [string][char]([int]$match.Value[0] - 0xFEE0)
        })
}

function Select-EverySecond {
    <#
    .SYNOPSIS
    Returns the first, third, fifth ... character of a text.
    .PARAMETER Text
    Any text.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Text)
    [regex]::Replace($Text, '(?s)(.).?', '$1')
}

function ConvertFrom-AnyByte {
    <#
    .SYNOPSIS
    Returns the text of bytes: by BOM, else UTF-16 where both ends look like it, else UTF-8; never fails.
    .PARAMETER Bytes
    The bytes.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowEmptyCollection()] [byte[]] $Bytes)
    if (-not $Bytes.Length) { return '' }
    $little, $big, $utf8 = [System.Text.Encoding]::Unicode, [System.Text.Encoding]::BigEndianUnicode, [System.Text.Encoding]::UTF8
    $head = @($Bytes[0..2]) -join ' '
    if ($head -match '^239 187 191') { return $utf8.GetString($Bytes, 3, $Bytes.Length - 3) }
    if ($head -match '^255 254') { return $little.GetString($Bytes, 2, $Bytes.Length - 2) }
    if ($head -match '^254 255') { return $big.GetString($Bytes, 2, $Bytes.Length - 2) }
    if ([Array]::IndexOf($Bytes, [byte]0) -lt 0) { return $utf8.GetString($Bytes) }
    $tail = [math]::Max(0, $Bytes.Length - 4096) -band -2
    $form = Get-WideForm -Bytes $Bytes -Start 0
    if ($form -ne (Get-WideForm -Bytes $Bytes -Start $tail)) { $form = 'narrow' }
    @{ narrow = $utf8; little = $little; big = $big }[$form].GetString($Bytes)
}

function Get-WideForm {
    <#
    .SYNOPSIS
    Returns little or big where a sample looks like UTF-16 of that order, else narrow.
    .PARAMETER Bytes
    The bytes.
    .PARAMETER Start
    Where the sample of at most 4096 bytes begins.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([byte[]] $Bytes, [int] $Start)
    $end = [math]::Min($Bytes.Length, $Start + 4096)
    $pairs, $little, $big, $narrow = 0, 0, 0, 0
    for ($i = $Start; $i + 1 -lt $end; $i += 2) {
        $pairs++
        $first, $second = $Bytes[$i], $Bytes[$i + 1]
        if ($first -and -not $second) { $little++ }
        elseif ($second -and -not $first) { $big++ }
        elseif ($first -ge 9 -and $first -lt 127 -and $second -ge 9 -and $second -lt 127) { $narrow++ }
    }
    $wide, $other = [math]::Max($little, $big), [math]::Min($little, $big)
    if ($wide * 50 -lt $pairs -or $wide -lt 4 * $other -or ($narrow -ge 12 -and $narrow * 20 -gt ($pairs - $wide) * 17)) { return 'narrow' }
    if ($little -gt $big) { 'little' } else { 'big' }
}
