# Sentences with values in them: "WSL {wsl.version} is old.", "{windows.memory_mib|gib} GiB". The twin of provision/doctor/wording.py.

# How many characters of a reason a sentence has.
$script:ReasonLimit = 100

function Format-CheckText {
    <#
    .SYNOPSIS
    Returns a text with its values: facts, whose path has a dot, and those that are given along.
    .PARAMETER Template
    The text.
    .PARAMETER Facts
    The facts.
    .PARAMETER Value
    Name -> value of a word without a dot.
    #>
    # A simple function: it is called for every text.
    [OutputType([string])]
    param([string] $Template, $Facts, $Value)
    if (-not $Template.Contains('{')) { return $Template }
    $text, $at = '', 0
    foreach ($found in [regex]::Matches($Template, '\{([a-z0-9_.]+)(?:\|([a-z_]+))?\}')) {
        $path, $form = $found.Groups[1].Value, $found.Groups[2].Value
        $words = if ($path.Contains('.')) { Format-FactWord $Facts $path $form } else { $Value[$path] }
        $text += $Template.Substring($at, $found.Index - $at) + $words
        $at = $found.Index + $found.Length
    }
    $text + $Template.Substring($at)
}

function Format-FactWord {
    <#
    .SYNOPSIS
    Returns a fact in words.
    .PARAMETER Facts
    The facts.
    .PARAMETER Path
    The fact.
    .PARAMETER Form
    capitals; gib and whole_gib: MiB as GiB; several: the first of some sentences, and how many more; listed: all of them;
    reason: why it is not known; '' as it is.
    #>
    [OutputType([string])]
    param($Facts, [string] $Path, [string] $Form)
    $value = if ($Form -eq 'reason') { Get-UnknownReason $Facts $Path } else { Read-Fact $Facts $Path }
    switch ($Form) {
        '' { return "$value" }
        'capitals' { return $value.ToUpperInvariant() }
        'gib' { return Format-Gibibyte $value 1 }
        'whole_gib' { return Format-Gibibyte $value 0 }
        'listed' { return $value -join '; ' }
        'several' {
            $more = if (@($value).Count -gt 1) { "; and $(@($value).Count - 1) more" } else { '' }
            return @($value)[0].TrimEnd('.') + $more
        }
        'reason' {
            $reason = ($value -replace '^failed: ', '').TrimEnd('.')
            return $reason.Substring(0, [math]::Min($script:ReasonLimit, $reason.Length))
        }
    }
    throw "Nobody knows the form '$Form'."
}

function Format-Gibibyte {
    <#
    .SYNOPSIS
    Returns a size in MiB as text in GiB, with a point in every culture.
    .PARAMETER Mebibyte
    The size.
    .PARAMETER Digits
    Digits behind the point.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([double] $Mebibyte, [int] $Digits)
    $size = [math]::Round($Mebibyte / 1024, $Digits, [MidpointRounding]::ToEven)
    $size.ToString("F$Digits", [Globalization.CultureInfo]::InvariantCulture)
}
