# One comparison of a fact: $true, $false or $null (unknown). The twin of provision/diagnosis/predicate.py and versions.py.
# Called thousands of times, so most are simple functions: binding parameters takes longest here.

function Compare-Fact {
    <#
    .SYNOPSIS
    Returns what one comparison comes out as: $true, $false or $null.
    .PARAMETER Leaf
    The comparison: Kind, Fact and Value.
    .PARAMETER Value
    The fact; $null where it is not known.
    #>
    param($Leaf, $Value)
    $wanted = $Leaf.Value
    if ($Leaf.Kind -eq 'unknown') { return ($null -eq $Value) -eq $wanted }
    if ($null -eq $Value) { return $null }
    switch ($Leaf.Kind) {
        'is' { return Test-FactEqual $Value $wanted }
        'one_of' { return Test-FactAmong $Value $wanted }
        'less_than' { return Test-FactLess -Value $Value -Limit $wanted }
        'contains' { return Test-FactContaining -Value $Value -Part $wanted }
    }
    $empty = if ($Value -is [array]) { $Value.Count -eq 0 } else { $Value -is [string] -and ($Value -ceq 'absent' -or $Value -ceq '') }
    $empty -eq $wanted
}

function Test-FactAmong {
    <#
    .SYNOPSIS
    Returns whether a value equals one of several; $null where it does not and one is of another kind.
    .PARAMETER Value
    The fact.
    .PARAMETER Choice
    The several.
    #>
    param($Value, $Choice)
    $unknown = $false
    foreach ($one in @($Choice)) {
        $same = Test-FactEqual $Value $one
        if ($same) { return $true }
        if ($null -eq $same) { $unknown = $true }
    }
    if ($unknown) { return $null }
    $false
}

function Get-FactKind {
    <#
    .SYNOPSIS
    Returns yes-no, number, text or the name of the type.
    .PARAMETER Value
    Any value.
    #>
    [OutputType([string])]
    param($Value)
    if ($Value -is [bool]) { return 'yes-no' }
    if ($Value -is [string]) { return 'text' }
    if ($Value -is [int] -or $Value -is [long] -or $Value -is [double] -or $Value -is [decimal]) { return 'number' }
    if ($Value -is [array]) { return 'list' }
    if ($null -eq $Value) { return 'nothing' }
    $Value.GetType().Name
}

function Test-FactEqual {
    <#
    .SYNOPSIS
    Returns whether two values are of one kind and equal, letter case included; $null where the kinds differ.
    .PARAMETER Value
    The fact.
    .PARAMETER Wanted
    What it is compared with.
    #>
    param($Value, $Wanted)
    # The usual cases at once.
    if ($Value -is [string] -and $Wanted -is [string]) { return $Value -ceq $Wanted }
    if ($Value -is [bool] -and $Wanted -is [bool]) { return $Value -eq $Wanted }
    $kind = Get-FactKind $Value
    if ($kind -ne (Get-FactKind $Wanted)) { return $null }
    switch ($kind) {
        'number' { return [double]$Value -eq [double]$Wanted }
        'list' { return (ConvertTo-Json -InputObject $Value -Compress) -ceq (ConvertTo-Json -InputObject $Wanted -Compress) }
        default { return $Value -ceq $Wanted }
    }
}

function Test-FactLess {
    <#
    .SYNOPSIS
    Returns whether a number is less than a limit, or a dotted version earlier than one; $null for anything else.
    .PARAMETER Value
    The fact.
    .PARAMETER Limit
    What it is compared with.
    #>
    [CmdletBinding()]
    param([AllowEmptyCollection()] [AllowEmptyString()] $Value, $Limit)
    $kind = Get-FactKind -Value $Value
    if ($kind -ne (Get-FactKind -Value $Limit)) { return $null }
    if ($kind -eq 'number') { return [double]$Value -lt [double]$Limit }
    if ($kind -ne 'text') { return $null }
    $first, $second = @($Value, $Limit | ForEach-Object { , @(Get-VersionNumber -Text $_) })
    if (-not $first.Count -or -not $second.Count) { return $null }
    for ($i = 0; $i -lt 9; $i++) {
        $left = if ($i -lt $first.Count) { $first[$i] } else { 0 }
        $right = if ($i -lt $second.Count) { $second[$i] } else { 0 }
        if ($left -ne $right) { return $left -lt $right }
    }
    $false
}

function Get-VersionNumber {
    <#
    .SYNOPSIS
    Returns the numbers at the start of "2.5.1+cu121"; none where it does not begin with one.
    .PARAMETER Text
    The version.
    #>
    [CmdletBinding()]
    [OutputType([int])]
    param([AllowEmptyString()] [string] $Text)
    $match = [regex]::Match($Text, '^[0-9]{1,9}(?:\.[0-9]{1,9}){0,8}')
    if ($match.Success) { $match.Value.Split('.') | ForEach-Object { [int]$_ } }
}

function Test-FactContaining {
    <#
    .SYNOPSIS
    Returns whether a text, or any text of a list, has a part, whatever the letter case; $null for anything else.
    .PARAMETER Value
    The fact.
    .PARAMETER Part
    The part.
    #>
    [CmdletBinding()]
    param([AllowEmptyCollection()] [AllowEmptyString()] $Value, [string] $Part)
    if ($Value -isnot [string] -and $Value -isnot [array]) { return $null }
    $found = $false
    foreach ($text in @($Value)) {
        if ($text -isnot [string]) { return $null }
        if ($text.ToLowerInvariant().Contains($Part.ToLowerInvariant())) { $found = $true }
    }
    $found
}
