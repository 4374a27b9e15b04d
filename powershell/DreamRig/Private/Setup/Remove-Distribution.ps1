# Distributions that have to go, or to be another version. Each is proven by asking again.

function Repair-Distribution {
    <#
    .SYNOPSIS
    Throws a half-installed distribution away and installs it again; returns the object of Install-RigDistribution.
    .PARAMETER Name
    The distribution.
    .PARAMETER FromFile
    A .wsl file to install it from; '' fetches it by its name.
    .PARAMETER Repair
    The yes to that; without it an error says what to do.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    [OutputType([pscustomobject])]
    param([string] $Name, [string] $FromFile = '', [switch] $Repair)
    if (-not $Repair) {
        throw (New-SetupError -Message "The installation of $Name was cut off: WSL neither starts it nor installs it again." `
                -Hint "wsl --unregister $Name; then setup.ps1 again" -ExitCode 4)
    }
    $result = [pscustomobject]@{ Name = $Name; Before = 'half-installed'; After = 'half-installed'; Version = $null; Changed = $false }
    if (-not $PSCmdlet.ShouldProcess("distribution $Name", 'Throw the half-installed one away and install it again')) { return $result }
    Remove-Distribution -Name $Name -Confirm:$false
    $done = Install-RigDistribution -Name $Name -FromFile $FromFile -Confirm:$false
    $done.Before = 'half-installed'
    $done
}

function Remove-Distribution {
    <#
    .SYNOPSIS
    Unregisters a distribution, which deletes what is in it; throws where it is still there.
    .PARAMETER Name
    The distribution.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
    param([string] $Name)
    if (-not $PSCmdlet.ShouldProcess("distribution $Name", 'Delete')) { return }
    $ran = Invoke-Wsl -ArgumentList '--unregister', $Name -TimeoutSeconds 600 -Changes
    $tries = @(1, $script:ProofTries)[[int] ($ran.ExitCode -eq 0)]
    if (Wait-Proof -Proof { -not (Get-RegisteredDistribution -Name $Name) } -Tries $tries) { return }
    $said = Get-NativeText -Ran $ran
    throw (New-SetupError -Message "The distribution $Name could not be deleted: $(Get-LastLine -Text $said)" -Output $said `
            -Hint "wsl --shutdown; wsl --unregister $Name" -ExitCode 1)
}

function Convert-Distribution {
    <#
    .SYNOPSIS
    Converts a distribution to WSL 2; returns what wsl.exe said where it is not WSL 2 afterwards, '' where it is.
    .PARAMETER Name
    The distribution.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Name)
    $ran = Invoke-Installer -FilePath 'wsl.exe' -ArgumentList '--set-version', $Name, '2' -TimeoutSeconds 14400 `
        -Activity "Converting $Name to WSL 2" -Proof { (Get-RegisteredDistribution -Name $Name).Version -eq 2 }
    if ($ran.IsDone) { return '' }
    "$($ran.Said)`n$($ran.Reason)`nit is not WSL 2".Trim()
}
