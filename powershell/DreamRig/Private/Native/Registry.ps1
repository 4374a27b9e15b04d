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
    (Get-Item -LiteralPath $Path).GetValue($Name)
}

function Get-RegistryChild {
    <#
    .SYNOPSIS
    Returns some values of every key directly under a key, one object each; nothing where the key does not exist.
    .DESCRIPTION
    Value by value: one of a kind that is not what it says makes a query for all of them fail ("Specified cast is not
    valid"), and uninstallers of others leave such values behind.
    .PARAMETER Path
    The key above.
    .PARAMETER Name
    The values; $null where a key does not have one, or has a damaged one.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)] [string] $Path, [Parameter(Mandatory = $true)] [string[]] $Name)
    if (-not (Test-Path -LiteralPath $Path)) { return }
    foreach ($child in (Get-Item -LiteralPath $Path).GetSubKeyNames()) {
        $values = [ordered]@{ PSChildName = $child }
        foreach ($one in $Name) { $values[$one] = $null }
        try {
            $key = Get-Item -LiteralPath "$Path\$child" -ErrorAction Stop
            foreach ($one in $Name) { $values[$one] = $key.GetValue($one) }
        } catch {
            Write-Verbose "$Path\${child}: $($_.Exception.Message)"
        }
        [pscustomobject]$values
    }
}
