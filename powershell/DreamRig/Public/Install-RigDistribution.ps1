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
    .PARAMETER Repair
    Throw a half-installed one of that name away first, and install it again.
    .EXAMPLE
    Install-RigDistribution
    .EXAMPLE
    Install-RigDistribution -Name Debian -WhatIf
    .NOTES
    Runs as the user whose distribution it shall be: distributions belong to one Windows account.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    [OutputType([pscustomobject])]
    param([Parameter(Position = 0)] [ValidatePattern('^[A-Za-z0-9][A-Za-z0-9._-]*$')] [string] $Name = 'Ubuntu-24.04', [switch] $Repair)
    $known = Get-RegisteredDistribution -Name $Name
    if ($known -and -not $known.IsInstalled) { return Repair-Distribution -Name $Name -Repair:$Repair }
    $result = [pscustomobject]@{ Name = $Name; Before = 'absent'; After = 'absent'; Version = $null; Changed = $false }
    if ($known) {
        $result.Before = $result.After = 'installed'
        $result.Version = $known.Version
        return $result
    }
    if (-not $PSCmdlet.ShouldProcess("distribution $Name", 'Download and install')) { return $result }
    $said = Invoke-DistributionInstall -Name $Name
    $known = Get-RegisteredDistribution -Name $Name
    if (-not $known) {
        throw (New-SetupError -Message "The distribution $Name could not be installed: $(Get-LastLine -Text $said)" -Output $said `
                -Hint 'names that exist: wsl --list --online' -ExitCode 1)
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
