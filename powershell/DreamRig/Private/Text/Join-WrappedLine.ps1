# Terminals break lines in the middle of a code, a name or a Wsl/... path. The twin of provision/diagnosis/wraps.py, which says
# what counts as such a break.

$script:WidePattern = '[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]'
$script:WholeHexPattern = '^0[xX](?:[89a-fA-F][0-9a-fA-F]{7}|[fF]{8}[0-9a-fA-F]{8})\z'
$script:ShortHexPattern = '^0[xX][0-9a-fA-F]{3,8}\z'
# The contexts that WSL joins by "/" (microsoft/WSL, src/windows/common/wslutil.cpp, g_contextStrings).
$script:WslContexts = 'Wsl Wslg Bash WslConfig WslC InstallDistro Service RegisterDistro CreateInstance AttachDisk ' +
'DetachDisk CreateVm ParseConfig ConfigureNetworking ConfigureGpu LaunchProcess UpdatePackage ConfigureDistro ' +
'CreateLxProcess EnumerateDistros ExportDistro GetDefaultDistro GetDistroConfiguration GetDistroId SetDefaultDistro ' +
'SetVersion TerminateDistro UnregisterDistro RegisterLxBus MountDisk MountVhd QueryLatestGitHubRelease DebugShell ' +
'Plugin CallMsi Install HCS HNS ReadDistroConfig MoveDistro VerifyChecksum' -split ' '

function Join-WrappedLine {
    <#
    .SYNOPSIS
    Returns text without the line breaks that a terminal put into codes, names and paths.
    .PARAMETER Text
    Text whose lines end in LF.
    .PARAMETER Name
    Known symbolic codes in capitals, as keys.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowEmptyString()] [string] $Text, [System.Collections.IDictionary] $Name)
    if (-not $Text.Contains("`n")) { return $Text }
    $lines = $Text.Split("`n")
    $joined = New-Object -TypeName System.Text.StringBuilder -ArgumentList $lines[0]
    $tail = Get-Tail -Text $lines[0]
    for ($i = 1; $i -lt $lines.Count; $i++) {
        $line = $lines[$i]
        $following = $line.Substring(0, [math]::Min(240, $line.Length))
        if ($tail -and $line -and (Test-WrappedLine -Line $tail -Before $lines[$i - 1] -Following $following -Name $Name)) {
            $tail = Get-Tail -Text ($tail + $line)
        } else {
            $null = $joined.Append("`n")
            $tail = Get-Tail -Text $line
        }
        $null = $joined.Append($line)
    }
    $joined.ToString()
}

function Get-Tail {
    <#
    .SYNOPSIS
    Returns the last 240 characters.
    .PARAMETER Text
    Any text.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowEmptyString()] [string] $Text)
    if ($Text.Length -le 240) { return $Text }
    $Text.Substring($Text.Length - 240)
}

function Get-ColumnCount {
    <#
    .SYNOPSIS
    Returns how many columns of a terminal a line fills; a wide character fills two.
    .PARAMETER Line
    The line.
    #>
    [CmdletBinding()]
    [OutputType([int])]
    param([AllowEmptyString()] [string] $Line)
    if ($Line -notmatch '[^\x00-\x7f]') { return $Line.Length }
    $Line.Length - [regex]::Matches($Line, '[\udc00-\udfff]').Count + [regex]::Matches($Line, $script:WidePattern).Count
}

function Test-WrappedLine {
    <#
    .SYNOPSIS
    Says whether a terminal broke a line where the following one goes on.
    .PARAMETER Line
    The end of what stands before, with what was joined to it already.
    .PARAMETER Before
    The last of its lines: its columns count.
    .PARAMETER Following
    The next line.
    .PARAMETER Name
    Known symbolic codes in capitals, as keys.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param([string] $Line, [AllowEmptyString()] [string] $Before, [string] $Following, [System.Collections.IDictionary] $Name)
    $width = Get-ColumnCount -Line $Before
    $end = [regex]::Match($Line, '[A-Za-z0-9_]*\z').Value
    $start = [regex]::Match($Following, '^[A-Za-z0-9_]*').Value
    $both = $end + $start
    $whole = $end -match $script:WholeHexPattern
    if ($start -and $end) {
        if (-not $whole -and ($both -match $script:WholeHexPattern -or ($width -ge 60 -and $both -match $script:ShortHexPattern))) {
            return $true
        }
        if (Test-WrappedName -End $end -Start $start -Following $Following -Name $Name) { return $true }
    }
    if (Test-WrappedPath -Line $Line -Width $width -Following $Following -End $end -Start $start) { return $true }
    if ($end -match '^[A-Za-z]+\z' -and $start -match '^[A-Za-z]+\z') { return $false }
    80, 100, 120, 132 -contains $width -and -not $Line.EndsWith('  ') -and -not $whole -and -not $Name.Contains($end.ToUpperInvariant())
}

function Test-WrappedName {
    <#
    .SYNOPSIS
    Says whether a line was broken inside a known symbolic code.
    .PARAMETER End
    The word at the end of what stands before.
    .PARAMETER Start
    The word at the start of the next line.
    .PARAMETER Following
    The next line.
    .PARAMETER Name
    Known symbolic codes in capitals, as keys.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param([string] $End, [string] $Start, [string] $Following, [System.Collections.IDictionary] $Name)
    if ($Name.Contains($End.ToUpperInvariant())) { return $false }
    $both = ($End + $Start).ToUpperInvariant()
    if ($Name.Contains($both)) { return $true }
    if ($Start.Length -lt 16 -or $Start.Length -ne $Following.Length) { return $false }
    foreach ($known in $Name.Keys) { if ($known.StartsWith($both, [StringComparison]::Ordinal)) { return $true } }
    $false
}

function Test-WrappedPath {
    <#
    .SYNOPSIS
    Says whether a line was broken inside a Wsl/... path.
    .PARAMETER Line
    The end of what stands before.
    .PARAMETER Width
    Columns of its last line.
    .PARAMETER Following
    The next line.
    .PARAMETER End
    The word at the end of what stands before.
    .PARAMETER Start
    The word at the start of the next line.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param([string] $Line, [int] $Width, [string] $Following, [AllowEmptyString()] [string] $End, [AllowEmptyString()] [string] $Start)
    $after = if ($Start.Length -lt $Following.Length) { [string]$Following[$Start.Length] } else { '' }
    if ($End -and $script:WslContexts -cnotcontains $End -and $script:WslContexts -ccontains ($End + $Start)) {
        if ($after -eq '/' -or $Line.Substring(0, $Line.Length - $End.Length).EndsWith('/')) { return $true }
    }
    $path = [regex]::Match($Line, '[A-Za-z0-9_/]*\z').Value
    if ($path -cnotmatch '^(?:Wsl[A-Za-z]{0,8}|Bash)(?:/[A-Za-z0-9_]*)*\z') { return $false }
    if (-not $Start) { return $Following -cmatch '^/[A-Z0]' }
    if (-not $End) { return $true }
    if ($Width -lt 60 -or -not $path.Contains('/')) { return $false }
    if ($End -cmatch '^[A-Z0-9_]+\z') { return $Start -cmatch '^[A-Z0-9_]+\z' -and (-not $after -or ')].,;"''' -match [regex]::Escape($after)) }
    $after -eq '/'
}
