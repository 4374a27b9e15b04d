function Install-RigDistribution {
    <#
    .SYNOPSIS
    Installs a Linux distribution under WSL 2, and proves that a command runs in it.
    .DESCRIPTION
    One that is registered already is left as it is. Nothing is launched and nothing is asked: no user account is made.
    One whose installation was cut off (a power cut, a closed window) can neither be started nor installed over: it is an
    error, and thrown away first with -Repair.

    Comes out: one object with Name, Before (absent or installed), After, Version and Changed.
    .PARAMETER Name
    Name as `wsl --list --online` shows it.
    .PARAMETER FromFile
    A .wsl file, or a root file system, to install it from; '' fetches it by its name.
    .PARAMETER Repair
    Throw a half-installed one of that name away first, and install it again.
    .EXAMPLE
    Install-RigDistribution
    .EXAMPLE
    Install-RigDistribution -Name Debian -WhatIf
    .EXAMPLE
    Install-RigDistribution -Name Ubuntu-24.04 -FromFile D:\ubuntu-24.04.2-wsl-amd64.wsl
    .NOTES
    Runs as the user whose distribution it shall be: distributions belong to one Windows account.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    [OutputType([pscustomobject])]
    param(
        [Parameter(Position = 0)] [ValidatePattern('^[A-Za-z0-9][A-Za-z0-9._-]*$')] [string] $Name = 'Ubuntu-24.04',
        [string] $FromFile = '', [switch] $Repair
    )
    $known = Get-RegisteredDistribution -Name $Name
    if ($known -and -not $known.IsInstalled) { return Repair-Distribution -Name $Name -FromFile $FromFile -Repair:$Repair }
    $result = [pscustomobject]@{ Name = $Name; Before = 'absent'; After = 'absent'; Version = $null; Changed = $false }
    if ($known) {
        $result.Before = $result.After = 'installed'
        $result.Version = $known.Version
        return $result
    }
    if (-not $PSCmdlet.ShouldProcess("distribution $Name", 'Download and install')) { return $result }
    $said = Invoke-DistributionInstall -Name $Name -FromFile $FromFile
    $known = Get-RegisteredDistribution -Name $Name
    if (-not $known) {
        throw (New-SetupError -Message "The distribution $Name could not be installed: $(Get-LastLine -Text $said)" -Output $said `
                -Hint (Get-InstallHint -Name $Name -Said $said) -ExitCode 1)
    }
    if ($known.Version -eq 1) { # where somebody has set the default version; it is empty, so nothing can get lost
        $null = Convert-Distribution -Name $Name
        $known = Get-RegisteredDistribution -Name $Name
    }
    Assert-DistributionStart -Name $Name
    $result.After = 'installed'
    $result.Version = $known.Version
    $result.Changed = $true
    $result
}
