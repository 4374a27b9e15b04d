# Distributions, as the registry knows them: asking wsl.exe would start its service.

# What other products register for themselves, and what nobody works in.
$script:ForeignDistributions = '^(docker-desktop|rancher-desktop|podman-)'

function Get-RegisteredDistribution {
    <#
    .SYNOPSIS
    Returns this user's distributions: objects with Name, Version (1 or 2), IsInstalled and IsDefault.
    .PARAMETER Name
    Only the one of this name.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([string] $Name = '')
    $default = "$(Get-RegistryValue -Path $script:LxssKey -Name 'DefaultDistribution')"
    foreach ($key in Get-RegistryChild -Path $script:LxssKey) {
        $is = Get-MemberValue -InputObject $key -Name 'DistributionName'
        if (-not $is -or ($Name -and $is -ne $Name)) { continue }
        [pscustomobject]@{
            Name = $is; Version = [int] (Get-MemberValue -InputObject $key -Name 'Version')
            IsInstalled = (Get-MemberValue -InputObject $key -Name 'State') -eq 1; IsDefault = "$($key.PSChildName)" -eq $default
        }
    }
}

function Invoke-DistributionInstall {
    <#
    .SYNOPSIS
    Downloads and registers a distribution; returns what wsl.exe said. Whether it is there now, ask afterwards.
    .DESCRIPTION
    By way of the Store first, then straight from the web. A distribution that comes as an app is registered only when
    its own launcher runs: that is done as root, without its questions.
    .PARAMETER Name
    Name as `wsl --list --online` shows it.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Name)
    $said = @()
    foreach ($way in @(), @('--web-download')) {
        $words = @('--install', '-d', $Name, '--no-launch') + $way
        $ran = Invoke-Native -FilePath 'wsl.exe' -ArgumentList $words -TimeoutSeconds 3600 -Changes
        $said += "$($ran.Out)`n$($ran.Err)`n$($ran.Reason)".Trim()
        if ($ran.ExitCode -eq 0 -or (Get-RegisteredDistribution -Name $Name)) { break }
    }
    if (-not (Get-RegisteredDistribution -Name $Name)) {
        $launcher = Get-DistributionLauncher -Name $Name
        $ran = Invoke-Native -FilePath $launcher -ArgumentList 'install', '--root' -TimeoutSeconds 900 -Changes
        if ($ran.Reason -ne 'absent') { $said += "$($ran.Out)`n$($ran.Err)`n$($ran.Reason)".Trim() }
    }
    ($said -join "`n").Trim()
}

function Get-DistributionLauncher {
    <#
    .SYNOPSIS
    Returns the file name of a distribution's own launcher: ubuntu2404.exe for Ubuntu-24.04.
    .PARAMETER Name
    Name of the distribution.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Name)
    if ($Name -eq 'kali-linux') { return 'kali.exe' }
    ($Name.ToLowerInvariant() -replace '[^a-z0-9]', '') + '.exe'
}

function Assert-DistributionStart {
    <#
    .SYNOPSIS
    Throws unless a command runs inside the distribution: the proof that the virtual machine starts.
    .PARAMETER Name
    Name of the distribution.
    #>
    [CmdletBinding()]
    param([string] $Name)
    $ran = Invoke-Native -FilePath 'wsl.exe' -ArgumentList '-d', $Name, '-u', 'root', '-e', '/bin/true' -TimeoutSeconds 300
    if ($ran.ExitCode -eq 0) { return }
    $said = "$($ran.Out)`n$($ran.Err)`n$($ran.Reason)".Trim()
    throw (New-SetupError -Message "The distribution $Name is there, but does not start: $(Get-LastLine -Text $said)" -Output $said `
            -Hint '.\doctor.ps1 names the cause' -ExitCode 1)
}
