# Installing a distribution, the proof that it starts, and what to do where it does not.

function Invoke-DistributionInstall {
    <#
    .SYNOPSIS
    Downloads and registers a distribution; returns what wsl.exe said, '' where all went well. Ask afterwards whether it is there.
    .DESCRIPTION
    By name, as its maker offers it, then straight from the web. A distribution that comes as an app is registered only when
    its own launcher runs: that is done as root, without its questions.
    .PARAMETER Name
    Name as `wsl --list --online` shows it.
    .PARAMETER FromFile
    A file to install it from; '' fetches it.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Name, [string] $FromFile = '')
    $about = @{ Activity = "Linux distribution $Name"; Proof = { Get-RegisteredDistribution -Name $Name } }
    if ($FromFile) {
        return (Invoke-Installer -FilePath 'wsl.exe' -ArgumentList '--install', '--from-file', $FromFile, '--name', $Name, '--no-launch' @about).Said
    }
    $ran = Invoke-Installer -FilePath 'wsl.exe' -ArgumentList '--install', '-d', $Name, '--no-launch' -Way '', '--web-download' @about
    if ($ran.IsDone) { return '' }
    $launcher = Get-DistributionLauncher -Name $Name
    $own = Invoke-Installer -FilePath $launcher -ArgumentList 'install', '--root' -TimeoutSeconds 900 @about
    "$($ran.Said)`n$($own.Said)".Trim()
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
    $ran = Invoke-Wsl -ArgumentList '-d', $Name, '-u', 'root', '-e', '/bin/true' -TimeoutSeconds 300
    if ($ran.ExitCode -eq 0) { return }
    $said = Get-NativeText -Ran $ran
    throw (New-SetupError -Message "The distribution $Name is there, but does not start: $(Get-LastLine -Text $said)" -Output $said `
            -Hint (Get-StartHint) -ExitCode 1)
}

function Get-StartHint {
    <#
    .SYNOPSIS
    Returns what to do about a virtual machine that does not start: what is missing of WSL itself, else the doctor.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    $gone = @(Get-MissingPackageFile)
    if (-not $gone.Count) { return '.\doctor.ps1 names the cause' }
    "an update of WSL has left $($gone -join ' and ') out: fetch the .msi of your version from " +
    'https://github.com/microsoft/WSL/releases, right-click it > Repair (your distributions stay); or: wsl --update --pre-release'
}

function Get-InstallHint {
    <#
    .SYNOPSIS
    Returns what to do about a distribution that could not be installed.
    .PARAMETER Name
    The distribution.
    .PARAMETER Said
    What wsl.exe said.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Name, [AllowEmptyString()] [string] $Said)
    if (@(Get-MissingPackageFile).Count) { return Get-StartHint }
    # The list of distributions and the files lie on other people's servers; a browser often reaches them all the same.
    if ($Said -match 'WININET_E|HTTP_E|0x80072e|0x801901|DistributionInfo\.json') {
        return "fetch its .wsl file with a browser (Ubuntu-24.04: https://releases.ubuntu.com/noble), then: .\setup.ps1 -FromFile <file> -Distribution $Name"
    }
    'names that exist: wsl --list --online'
}
