function Export-Distribution {
    <#
    .SYNOPSIS
    Saves a whole distribution to a tar file; throws, and leaves no half of it, where that fails.
    .PARAMETER Name
    The distribution.
    .PARAMETER Path
    The file; must not exist.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Low')]
    param([string] $Name, [string] $Path)
    $Path = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Path)
    if ([System.IO.File]::Exists($Path)) {
        throw (New-SetupError -Message "$Path is there already." -Hint 'name another file with -ExportPath' -ExitCode 2)
    }
    if (-not $PSCmdlet.ShouldProcess($Path, "Export $Name")) { return }
    $null = [System.IO.Directory]::CreateDirectory((Split-Path -Path $Path -Parent))
    $ran = Invoke-Wsl -ArgumentList '--export', $Name, $Path -TimeoutSeconds 14400 -Changes
    $file = New-Object -TypeName System.IO.FileInfo -ArgumentList $Path
    if ($ran.ExitCode -eq 0 -and $file.Exists -and $file.Length -gt 0) { return }
    if ($file.Exists) { $file.Delete() }
    $said = Get-NativeText -Ran $ran
    throw (New-SetupError -Message "The distribution $Name could not be saved, so nothing was deleted: $(Get-LastLine -Text $said)" `
            -Output $said -Hint 'is there room on that disk? -ExportPath names another place, -NoExport does without' -ExitCode 1)
}

function Get-ExportPath {
    <#
    .SYNOPSIS
    Returns a path for an export that is not taken: DreamRig-backups\NAME-TIME.tar in the user's profile folder.
    .PARAMETER Name
    The distribution.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Name)
    $folder = Join-Path -Path $env:USERPROFILE -ChildPath 'DreamRig-backups'
    Join-Path -Path $folder -ChildPath ('{0}-{1:yyyyMMddTHHmmss}Z.tar' -f $Name, [datetime]::UtcNow)
}
