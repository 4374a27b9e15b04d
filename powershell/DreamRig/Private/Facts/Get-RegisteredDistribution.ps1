# Distributions, as the registry knows them and, where it is silent about one, as `wsl --list` does.

# What other products register for themselves, and what nobody works in.
$script:ForeignDistributions = '^(docker-desktop|rancher-desktop|podman-)'

function Get-RegisteredDistribution {
    <#
    .SYNOPSIS
    Returns this user's distributions: objects with Name, Version (1 or 2), IsInstalled and IsDefault.
    .DESCRIPTION
    IsInstalled is false for one whose installation was cut off. Newer installations do not always fill the registry
    (microsoft/WindowsDeveloperConfig issue 48): one that is asked for by name and not there is looked up in WSL's list.
    .PARAMETER Name
    Only the one of this name.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([string] $Name = '')
    $default = "$(Get-RegistryValue -Path $script:LxssKey -Name 'DefaultDistribution')"
    $found = @(foreach ($key in Get-RegistryChild -Path $script:LxssKey -Name 'DistributionName', 'Version', 'State') {
            $is = Get-MemberValue -InputObject $key -Name 'DistributionName'
            if (-not $is -or ($Name -and $is -ne $Name)) { continue }
            [pscustomobject]@{
                Name = $is; Version = [int] (Get-MemberValue -InputObject $key -Name 'Version')
                IsInstalled = (Get-MemberValue -InputObject $key -Name 'State') -eq 1; IsDefault = "$($key.PSChildName)" -eq $default
            }
        })
    if ($found.Count -or -not $Name) { return $found }
    Get-ListedDistribution -Name $Name
}

function Get-ListedDistribution {
    <#
    .SYNOPSIS
    Returns a distribution as `wsl --list` tells of it; nothing where it does not.
    .DESCRIPTION
    The headings and states are translated; that the name comes first and the version last is not.
    .PARAMETER Name
    The distribution.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([Parameter(Mandatory = $true)] [string] $Name)
    $asked = Invoke-Wsl -ArgumentList '--list', '--quiet' -TimeoutSeconds 60
    if ($asked.ExitCode -ne 0 -or @($asked.Out -split "`n" | ForEach-Object { $_.Trim() }) -notcontains $Name) { return }
    $rows = (Invoke-Wsl -ArgumentList '--list', '--verbose' -TimeoutSeconds 60).Out -split "`n"
    $pattern = '^\s*(\*?)\s*' + [regex]::Escape($Name) + '\s.*?([12])\s*$'
    foreach ($row in $rows) {
        if ($row -notmatch $pattern) { continue }
        return [pscustomobject]@{ Name = $Name; Version = [int] $Matches[2]; IsInstalled = $true; IsDefault = $Matches[1] -eq '*' }
    }
}
