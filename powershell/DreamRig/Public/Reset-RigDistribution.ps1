function Reset-RigDistribution {
    <#
    .SYNOPSIS
    Throws a distribution away and installs it afresh, after saving it to a file.
    .DESCRIPTION
    Everything inside the distribution is gone afterwards, except in the export: the whole distribution as one tar file,
    written first and looked at before anything is deleted. `wsl --import` brings it back.

    Comes out: one object with Name, ExportPath ('' with -NoExport) and Changed.
    .PARAMETER Name
    The distribution.
    .PARAMETER ExportPath
    Where the export goes; DreamRig-backups in the user's profile folder without it. A file that is there is not
    overwritten.
    .PARAMETER FromFile
    A .wsl file to install the new one from; '' fetches it by its name.
    .PARAMETER NoExport
    Do not save anything.
    .EXAMPLE
    Reset-RigDistribution -Name Ubuntu-24.04
    .EXAMPLE
    Reset-RigDistribution -Name Ubuntu-24.04 -ExportPath D:\ubuntu.tar -Confirm:$false
    .EXAMPLE
    Reset-RigDistribution -Name Ubuntu-24.04 -NoExport -WhatIf
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
    [OutputType([pscustomobject])]
    param(
        [Parameter(Mandatory = $true, Position = 0)] [ValidatePattern('^[A-Za-z0-9][A-Za-z0-9._-]*$')] [string] $Name,
        [string] $ExportPath = '',
        [string] $FromFile = '',
        [switch] $NoExport
    )
    if (-not (Get-RegisteredDistribution -Name $Name)) {
        throw (New-SetupError -Message "There is no distribution $Name." -Hint 'see: wsl --list' -ExitCode 2)
    }
    if ($NoExport) { $ExportPath = '' } elseif (-not $ExportPath) { $ExportPath = Get-ExportPath -Name $Name }
    $result = [pscustomobject]@{ Name = $Name; ExportPath = $ExportPath; Changed = $false }
    $what = 'Delete everything in it, without saving it, and install it afresh'
    if (-not $NoExport) { $what = "Save it to $ExportPath, delete it, and install it afresh" }
    if (-not $PSCmdlet.ShouldProcess("distribution $Name", $what)) { return $result }
    if (-not $NoExport) { Export-Distribution -Name $Name -Path $ExportPath }
    Remove-Distribution -Name $Name -Confirm:$false
    $result.Changed = $true
    try {
        $null = Install-RigDistribution -Name $Name -FromFile $FromFile -Confirm:$false
    } catch {
        if ($ExportPath) { $_.Exception.Data['hint'] = "what it was: wsl --import $Name <folder> `"$ExportPath`"" }
        throw
    }
    $result
}
