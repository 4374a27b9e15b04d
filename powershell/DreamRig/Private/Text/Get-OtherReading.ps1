# The same text as other code pages would read it. The twin of provision/diagnosis/mojibake.py.

# Of Windows' consoles and windows: Chinese, Japanese, Korean, Chinese (traditional), Russian twice, western twice.
$script:OtherPages = @(936, 932, 949, 950, 866, 1251, 1252, 850)
$script:OtherLongest = 20000

function Get-OtherReading {
    <#
    .SYNOPSIS
    Returns other texts that a text, or bytes, may have been, each once; none for plain ASCII.
    .PARAMETER Text
    A string or bytes.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowNull()] [AllowEmptyString()] $Text)
    if ($Text -is [byte[]]) {
        $bytes = [byte[]]@($Text | Select-Object -First $script:OtherLongest)
        if (-not $bytes.Length -or (Test-WideByte -Bytes $bytes)) { return }
        try {
            $Text = (New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false, $true).GetString($bytes)
        } catch {
            foreach ($page in $script:OtherPages) {
                $encoding = Get-CodePage -Page $page
                if ($encoding) { $encoding.GetString($bytes) }
            }
            return
        }
    }
    $Text = "$Text"
    if ($Text.Length -gt $script:OtherLongest) { $Text = $Text.Substring(0, $script:OtherLongest) }
    if ($Text -notmatch '[^\x00-\x7f]') { return }
    $seen = New-Object -TypeName 'System.Collections.Generic.HashSet[string]' -ArgumentList ([StringComparer]::Ordinal)
    $null = $seen.Add($Text)
    foreach ($pair in Get-PagePair) {
        $other = ConvertTo-OtherPage -Text $Text -From $pair[0] -To $pair[1]
        if ($seen.Add($other)) { $other }
    }
}

function Test-WideByte {
    <#
    .SYNOPSIS
    Says whether bytes have a byte order mark, or are UTF-16 without one.
    .PARAMETER Bytes
    The bytes.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param([byte[]] $Bytes)
    if ((@($Bytes[0..1]) -join ' ') -match '^(?:255 254|254 255)\z') { return $true }
    [Array]::IndexOf($Bytes, [byte]0) -ge 0 -and (Get-WideForm -Bytes $Bytes -Start 0) -ne 'narrow'
}

function Get-PagePair {
    <#
    .SYNOPSIS
    Returns pairs of encodings: the one that bytes were taken for, and theirs. UTF-8 taken for each page, each page for a western one.
    #>
    [CmdletBinding()]
    [OutputType([object[]])]
    param()
    $utf8 = New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false, $true
    $pages = @($script:OtherPages | ForEach-Object { Get-CodePage -Page $_ -Strict })
    foreach ($page in $pages) { , @($page, $utf8) }
    foreach ($western in 1252, 850) {
        $taken = Get-CodePage -Page $western -Strict
        if ($taken) { foreach ($page in $pages) { , @($taken, $page) } }
    }
}

function Get-CodePage {
    <#
    .SYNOPSIS
    Returns an encoding; nothing where this system does not have it.
    .PARAMETER Page
    Its number.
    .PARAMETER Strict
    It throws where a character or a byte has no place in it.
    #>
    [CmdletBinding()]
    [OutputType([System.Text.Encoding])]
    param([int] $Page, [switch] $Strict)
    try {
        if (-not $Strict) { return [System.Text.Encoding]::GetEncoding($Page) }
        $encoder, $decoder = [System.Text.EncoderFallback]::ExceptionFallback, [System.Text.DecoderFallback]::ExceptionFallback
        [System.Text.Encoding]::GetEncoding($Page, $encoder, $decoder)
    } catch {
        Write-Verbose "No code page $Page here."
    }
}

function ConvertTo-OtherPage {
    <#
    .SYNOPSIS
    Returns a text read anew, line by line: its bytes in one encoding as those of another. What cannot have been so stays.
    .PARAMETER Text
    Any text.
    .PARAMETER From
    The encoding it was taken for.
    .PARAMETER To
    The one it was written in.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Text, [System.Text.Encoding] $From, [System.Text.Encoding] $To)
    $lines = foreach ($line in $Text.Split("`n")) {
        if ($line -notmatch '[^\x00-\x7f]') { $line; continue }
        try { $To.GetString((ConvertTo-PageByte -Text $line -Page $From)) } catch { $line }
    }
    @($lines) -join "`n"
}

function ConvertTo-PageByte {
    <#
    .SYNOPSIS
    Returns the bytes that a code page shows as a text; what it has no sign for is shown as the byte's own number.
    .PARAMETER Text
    One line.
    .PARAMETER Page
    The code page; strict.
    #>
    [CmdletBinding()]
    [OutputType([byte[]])]
    param([string] $Text, [System.Text.Encoding] $Page)
    $bytes = New-Object -TypeName 'System.Collections.Generic.List[byte]'
    foreach ($character in $Text.ToCharArray()) {
        try {
            $bytes.AddRange([byte[]]$Page.GetBytes([char[]]@($character)))
        } catch {
            # Throws in its turn for what is no byte.
            $bytes.Add([byte][int]$character)
        }
    }
    , $bytes.ToArray()
}
