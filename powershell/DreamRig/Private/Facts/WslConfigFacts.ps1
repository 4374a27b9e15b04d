# What WSL reads from .wslconfig, and what it only warns about. The twin of provision/facts/wslconf.py: one test compares them.
# Keys, types and grammar are those of github.com/microsoft/WSL: src/shared/configfile/configfile.cpp and
# src/windows/common/WslCoreConfig.cpp (.wslconfig), src/linux/init/WslDistributionConfig.cpp (wsl.conf).

function Add-WslConfigFact {
    <#
    .SYNOPSIS
    Adds what %UserProfile%\.wslconfig says.
    .PARAMETER Document
    The facts document.
    #>
    [CmdletBinding()]
    param([System.Collections.IDictionary] $Document)
    $names = 'encoding', 'gpu_support', 'custom_kernel', 'memory_mib', 'networking_mode', 'localhost_forwarding', 'problems'
    Add-Fact $Document @($names | ForEach-Object { "wsl.wslconfig_$_" }) {
        $file = Join-Path $env:USERPROFILE '.wslconfig'
        $bytes = $null
        if ([System.IO.File]::Exists($file)) { $bytes = [System.IO.File]::ReadAllBytes($file) }
        $read = Read-WslConfig -Bytes $bytes
        $gpu = "$($read.Values['wsl2.gpusupport'])"
        $memory = $read.Values['wsl2.memory']
        # It began as an experiment, and still works there.
        $network = $read.Values['wsl2.networkingmode']
        if ($null -eq $network) { $network = $read.Values['experimental.networkingmode'] }
        @{
            'wsl.wslconfig_encoding'             = $read.Encoding
            'wsl.wslconfig_gpu_support'          = $gpu -notin 'false', '0'
            'wsl.wslconfig_custom_kernel'        = "$($read.Values['wsl2.kernel'])"
            'wsl.wslconfig_memory_mib'           = if ($memory) { ConvertTo-Mebibyte -Text $memory } else { $null }
            'wsl.wslconfig_networking_mode'      = "$network".ToLowerInvariant()
            'wsl.wslconfig_localhost_forwarding' = "$($read.Values['wsl2.localhostforwarding'])" -notin 'false', '0'
            'wsl.wslconfig_problems'             = @($read.Problems)
        }
    }
}

function Read-WslConfig {
    <#
    .SYNOPSIS
    Returns Encoding, Values ("section.key" in lower case -> value; the first one where a key stands twice) and Problems.
    .PARAMETER Bytes
    The file; $null where there is none.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowNull()] [AllowEmptyCollection()] [byte[]] $Bytes)
    $encoding = Get-WslConfigEncoding -Bytes $Bytes
    $read = [pscustomobject]@{ Encoding = $encoding; Values = @{}; Problems = @() }
    if ($null -eq $Bytes) { return $read }
    if ($encoding -eq 'utf-16') { $read.Problems += 'the file is UTF-16: WSL before 2.0 ignores all of it; save it as UTF-8' }
    if ($encoding -eq 'other') { $read.Problems += 'the file is not UTF-8: letters outside ASCII are misread; save it as UTF-8' }
    $section = ''
    foreach ($line in Get-WslConfigLine -Text (ConvertTo-WslConfigText -Bytes $Bytes -Encoding $encoding)) {
        $wrong = ''
        if ($line.Text -match '^\[([A-Za-z][A-Za-z0-9]*)\][ \t]*(#.*)?$') {
            $section = $Matches[1]
        } elseif ($line.Text -match '^([A-Za-z][A-Za-z0-9]*)[ \t]*=[ \t]*(.*)$') {
            $key = "$section.$($Matches[1])".TrimStart('.')
            $raw = $Matches[2]
            $value = ConvertFrom-WslConfigValue -Raw $raw
            $wrong = $value.Slip
            if (-not $wrong) { $wrong = Get-WslConfigProblem -Key $key -Value $value.Text -Raw $raw }
            $known = $read.Values.ContainsKey($key.ToLowerInvariant())
            if (-not $wrong -and $known) { $wrong = "$key stands here a second time; the first one counts" }
            if (-not $value.Slip -and -not $known) { $read.Values[$key.ToLowerInvariant()] = $value.Text }
        } else {
            $shown = $line.Text.Substring(0, [math]::Min(40, $line.Text.Length))
            $wrong = "'$shown' is no [section], no key = value and no # comment"
        }
        if ($wrong) { $read.Problems += "line $($line.Number): $wrong" }
    }
    $read
}

function Get-WslConfigEncoding {
    <#
    .SYNOPSIS
    Returns absent, utf-8, utf-8-bom, utf-16 or other.
    .PARAMETER Bytes
    The file; $null where there is none.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowNull()] [AllowEmptyCollection()] [byte[]] $Bytes)
    if ($null -eq $Bytes) { return 'absent' }
    if ($Bytes.Length -eq 0) { return 'utf-8' }
    $found = Get-NativeEncoding -Bytes $Bytes
    if ($found.CodePage -in 1200, 1201) { return 'utf-16' }
    if ($found.CodePage -ne 65001 -or $found.DecoderFallback -isnot [System.Text.DecoderExceptionFallback]) { return 'other' }
    if ($Bytes.Length -ge 3 -and $Bytes[0] -eq 0xEF -and $Bytes[1] -eq 0xBB -and $Bytes[2] -eq 0xBF) { return 'utf-8-bom' }
    'utf-8'
}

function ConvertTo-WslConfigText {
    <#
    .SYNOPSIS
    Returns the file's text without BOM.
    .PARAMETER Bytes
    The file.
    .PARAMETER Encoding
    What Get-WslConfigEncoding said.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowEmptyCollection()] [byte[]] $Bytes, [string] $Encoding)
    if ($Bytes.Length -eq 0) { return '' }
    $reader = if ($Encoding -eq 'other') { [System.Text.Encoding]::GetEncoding(28591) } else { Get-NativeEncoding -Bytes $Bytes }
    $reader.GetString($Bytes).TrimStart([char]0xFEFF)
}

function Get-WslConfigLine {
    <#
    .SYNOPSIS
    Returns Number and Text of each line that says something; a backslash at the end continues a line.
    .PARAMETER Text
    The file's text.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowEmptyString()] [string] $Text)
    $pending, $began, $number = '', 0, 0
    foreach ($raw in [regex]::Split($Text, '\r\n|\r|\n')) {
        $number++
        if (-not $pending) { $began = $number }
        $line = $pending + $raw.Trim(' ', "`t")
        if ($raw -match '(?<!\\)(\\\\)*\\$' -and -not $raw.Contains('#')) {
            $pending = $line.Substring(0, $line.Length - 1)
            continue
        }
        $pending = ''
        if ($line -and -not $line.StartsWith('#')) { [pscustomobject]@{ Number = $began; Text = $line } }
    }
    if ($pending) { [pscustomobject]@{ Number = $began; Text = $pending } }
}

function ConvertFrom-WslConfigValue {
    <#
    .SYNOPSIS
    Returns Text, the value with its escapes resolved, and Slip: what is wrong with them, '' for nothing.
    .PARAMETER Raw
    What stands behind the equals sign.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowEmptyString()] [string] $Raw)
    $value, $quoted = '', $false
    for ($i = 0; $i -lt $Raw.Length; $i++) {
        $char = [string]$Raw[$i]
        if ($char -eq '"') { $quoted = -not $quoted }
        elseif ($char -eq '#' -and -not $quoted) { break }
        elseif ($char -eq '\') {
            $i++
            $follower = if ($i -lt $Raw.Length) { [string]$Raw[$i] } else { '' }
            if ($follower -cnotmatch '^[\\"bnt]\z') {
                return [pscustomobject]@{ Text = $value; Slip = "\$follower is no escape: backslashes must be doubled, as in C:\\path" }
            }
            $meant = @{ b = "`b"; n = "`n"; t = "`t" }[$follower]
            $value += if ($meant) { $meant } else { $follower }
        } else { $value += $char }
    }
    [pscustomobject]@{ Text = $value.TrimEnd(' ', "`t"); Slip = if ($quoted) { 'the closing " is missing' } else { '' } }
}

function ConvertTo-Mebibyte {
    <#
    .SYNOPSIS
    Returns a size such as 8GB in MiB; $null where it is none.
    .PARAMETER Text
    The size.
    #>
    [CmdletBinding()]
    param([string] $Text)
    if ($Text -notmatch '^(\d{1,15})([kmgt]?)b?$') { return $null }
    $unit = @{ '' = 1; k = 1KB; m = 1MB; g = 1GB; t = 1TB }[$Matches[2].ToLowerInvariant()]
    [long][math]::Floor([long]$Matches[1] * $unit / 1048576)
}
