# Predicates over facts: $true, $false or $null (unknown). The twin of provision/predicate.py, which says what they mean.
# The functions that are called thousands of times are simple ones: binding parameters takes longest here.

function ConvertTo-Predicate {
    <#
    .SYNOPSIS
    Returns a predicate of causes.json as hashtables: Kind, and Parts or Fact and Value. Properties take long to look up.
    .PARAMETER Node
    As it stands in the file; $null gives $null.
    #>
    [OutputType([hashtable])]
    param($Node)
    if ($null -eq $Node) { return $null }
    $fields = $Node.PSObject.Properties
    $fact = $fields['fact']
    if (-not $fact) {
        foreach ($field in $fields) {
            $parts = @(foreach ($part in @($field.Value)) { ConvertTo-Predicate $part })
            return @{ Kind = $field.Name; Fact = ''; Parts = $parts }
        }
    }
    foreach ($kind in 'unknown', 'is', 'one_of', 'less_than', 'contains', 'absent') {
        $field = $fields[$kind]
        if ($field) { return @{ Kind = $kind; Fact = $fact.Value; Value = $field.Value; Known = $null } }
    }
    throw "The knowledge base is damaged: a comparison with '$($Node.fact)' has no kind."
}

function Test-Predicate {
    <#
    .SYNOPSIS
    Returns whether a predicate holds; $null where that cannot be told, also where there is no predicate.
    .PARAMETER Predicate
    What ConvertTo-Predicate returned.
    .PARAMETER Reader
    The object of New-FactReader.
    #>
    param($Predicate, $Reader)
    if ($null -eq $Predicate) { return $null }
    if ($Predicate.Fact) {
        # Where one fact is assumed, the comparisons with the others are what they were without it.
        if ($Reader.Path -and $Predicate.Fact -cne $Reader.Path) { return $Predicate.Known }
        return Compare-Fact $Predicate (Read-Fact $Reader $Predicate.Fact)
    }
    if ($Predicate.Kind -eq 'not') { return Get-Negation (Test-Predicate $Predicate.Parts[0] $Reader) }
    # any = not all of the negations. What settles it ends the walk.
    $settling = $Predicate.Kind -eq 'any'
    $unknown = $false
    foreach ($part in $Predicate.Parts) {
        $value = Test-Predicate $part $Reader
        if ($null -eq $value) { $unknown = $true } elseif ($value -eq $settling) { return $settling }
    }
    if ($unknown) { return $null }
    -not $settling
}

function Get-Negation {
    <#
    .SYNOPSIS
    Returns the opposite; of $null, $null.
    .PARAMETER Value
    $true, $false or $null.
    #>
    param($Value)
    if ($null -eq $Value) { return $null }
    -not $Value
}

function New-FactReader {
    <#
    .SYNOPSIS
    Returns an object that facts are read through; one fact may be assumed, see Get-OpenFact.
    .PARAMETER Facts
    A facts document, or $null.
    .PARAMETER Path
    The fact that is assumed; '' for none.
    .PARAMETER Answer
    What it is assumed to be.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowNull()] $Facts, [string] $Path = '', [AllowNull()] $Answer = $null)
    [pscustomobject]@{ Facts = $Facts; Path = $Path; Answer = $Answer; Cache = @{} }
}

function Read-Fact {
    <#
    .SYNOPSIS
    Returns the fact under a dotted path, $null where it is not known.
    .PARAMETER Reader
    The object of New-FactReader.
    .PARAMETER Path
    For example windows.build.
    #>
    param($Reader, [string] $Path)
    if ($Path -eq $Reader.Path) { $node = $Reader.Answer }
    elseif ($Reader.Cache.ContainsKey($Path)) { $node = $Reader.Cache[$Path] }
    else {
        $node = $Reader.Facts
        foreach ($part in $Path.Split('.')) {
            if ($node -is [System.Collections.IDictionary]) { $node = if ($node.Contains($part)) { $node[$part] } else { $null } }
            else { $node = Get-MemberValue -InputObject $node -Name $part }
        }
        $Reader.Cache[$Path] = $node
    }
    if ($node -is [array]) { return , $node }
    $node
}

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

function Get-Comparison {
    <#
    .SYNOPSIS
    Returns every comparison in a predicate, in its order.
    .PARAMETER Predicate
    What ConvertTo-Predicate returned; $null for none.
    #>
    param($Predicate)
    if ($null -eq $Predicate) { return }
    if ($Predicate.Fact) { return $Predicate }
    foreach ($part in $Predicate.Parts) { Get-Comparison $part }
}

function Get-FactBehind {
    <#
    .SYNOPSIS
    Returns the dotted paths of the known facts that make a predicate come out as it does, in its order.
    .PARAMETER Predicate
    What ConvertTo-Predicate returned; $null for none.
    .PARAMETER Reader
    The object of New-FactReader.
    .PARAMETER Result
    How it comes out.
    #>
    [OutputType([string])]
    param($Predicate, $Reader, $Result)
    $value = Test-Predicate $Predicate $Reader
    if ($null -eq $value -or $value -ne $Result) { return }
    if ($Predicate.Fact) {
        if ($null -ne (Read-Fact $Reader $Predicate.Fact)) { $Predicate.Fact }
        return
    }
    if ($Predicate.Kind -eq 'not') { $Result = -not $Result }
    foreach ($part in $Predicate.Parts) { Get-FactBehind $part $Reader $Result }
}
