# What strict mode and the pipeline make awkward: properties that may be missing, and an order that no culture changes.

function Get-MemberValue {
    <#
    .SYNOPSIS
    Returns a property that may be missing, $null then; strict mode refuses to read one that is not there.
    .PARAMETER InputObject
    Any object, or $null.
    .PARAMETER Name
    The property's name.
    #>
    # A simple function: it is called thousands of times, and binding checked parameters takes longest.
    param($InputObject, [string] $Name)
    if ($null -eq $InputObject) { return $null }
    $property = $InputObject.PSObject.Properties[$Name]
    if ($null -eq $property) { return $null }
    # An array stays one, also with a single element or none.
    if ($property.Value -is [array]) { return , $property.Value }
    $property.Value
}

function Get-MemberList {
    <#
    .SYNOPSIS
    Returns the items of a property that holds a list and may be missing or $null, one by one.
    .PARAMETER InputObject
    Any object, or $null.
    .PARAMETER Name
    The property's name.
    #>
    param($InputObject, [string] $Name)
    $value = Get-MemberValue $InputObject $Name
    if ($null -ne $value) { $value }
}

function Get-OrdinalOrder {
    <#
    .SYNOPSIS
    Returns items sorted by character value; Sort-Object follows the user's culture.
    .PARAMETER Item
    The items.
    .PARAMETER Key
    What each is sorted by, in the same order; no key twice.
    #>
    [CmdletBinding()]
    param([AllowEmptyCollection()] [object[]] $Item, [AllowEmptyCollection()] [string[]] $Key)
    $places = @{}
    for ($i = 0; $i -lt $Key.Length; $i++) { $places[$Key[$i]] = $i }
    $sorted = [string[]]$Key.Clone()
    [Array]::Sort($sorted, [StringComparer]::Ordinal)
    foreach ($one in $sorted) { $Item[$places[$one]] }
}
