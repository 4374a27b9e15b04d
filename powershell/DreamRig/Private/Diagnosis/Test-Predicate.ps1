# Predicates over facts: $true, $false or $null (unknown). The twin of provision/diagnosis/predicate.py, which says what they mean.
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
    [pscustomobject]@{ Facts = $Facts; Path = $Path; Answer = $Answer; Cache = @{}; IsTold = $false }
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
