function ConvertFrom-NativeByte {
    <#
    .SYNOPSIS
    Returns the text of bytes that a program wrote: UTF-16 or UTF-8 with or without BOM, else the code page.
    .DESCRIPTION
    Line ends become LF, also the CR CR LF of older versions of wsl.exe.
    .PARAMETER Bytes
    The bytes; none give an empty text.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowEmptyCollection()] [byte[]] $Bytes)
    if (-not $Bytes -or $Bytes.Length -eq 0) { return '' }
    $text = (Get-NativeEncoding -Bytes $Bytes).GetString($Bytes)
    $text = $text.Replace([string][char]0xFEFF, '').Replace("`0", '')
    $text = [regex]::Replace($text, '\r*\n', "`n")
    $text.Replace("`r", "`n")
}

function Get-NativeEncoding {
    <#
    .SYNOPSIS
    Returns the encoding that bytes are in.
    .PARAMETER Bytes
    At least one byte.
    #>
    [CmdletBinding()]
    [OutputType([System.Text.Encoding])]
    param([byte[]] $Bytes)
    if ($Bytes.Length -ge 2) {
        if ($Bytes[0] -eq 0xFF -and $Bytes[1] -eq 0xFE) { return [System.Text.Encoding]::Unicode }
        if ($Bytes[0] -eq 0xFE -and $Bytes[1] -eq 0xFF) { return [System.Text.Encoding]::BigEndianUnicode }
    }
    # In every language there are spaces, digits and line ends, whose second byte is 0 in UTF-16LE.
    for ($i = 1; $i -lt $Bytes.Length -and $i -lt 400; $i += 2) {
        if ($Bytes[$i] -eq 0) { return [System.Text.Encoding]::Unicode }
    }
    try {
        $strict = New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false, $true
        $null = $strict.GetString($Bytes)
        return $strict
    } catch {
        Write-Verbose 'Not UTF-8.'
    }
    $console = [Console]::OutputEncoding
    if ($console.CodePage -ne 65001) { return $console }
    try {
        [System.Text.Encoding]::GetEncoding([System.Globalization.CultureInfo]::CurrentCulture.TextInfo.OEMCodePage)
    } catch {
        [System.Text.Encoding]::GetEncoding(28591)
    }
}
