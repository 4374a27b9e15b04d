# Reading the registry; nothing in the module reads it in any other way.

function Get-RegistryValue {
    <#
    .SYNOPSIS
    Returns one value of a key, $null where the key or the value does not exist.
    .PARAMETER Path
    For example HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion.
    .PARAMETER Name
    The value's name.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)] [string] $Path,
        [Parameter(Mandatory = $true)] [string] $Name
    )
    if (-not (Test-Path -LiteralPath $Path)) { return $null }
    Get-MemberValue -InputObject (Get-ItemProperty -LiteralPath $Path) -Name $Name
}

function Get-RegistryChild {
    <#
    .SYNOPSIS
    Returns the values of every key directly under a key, one object each; nothing where the key does not exist.
    .PARAMETER Path
    The key above.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)] [string] $Path)
    if (Test-Path -LiteralPath $Path) { Get-ItemProperty -Path "$Path\*" }
}
