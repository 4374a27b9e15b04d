# wsl.exe, asked only where asking installs nothing. Without WSL the wsl.exe of Windows 11 24H2 answers nearly every word
# with an offer to install it, and takes 60 seconds of silence for a yes.

$script:FirstBuildThatOffers = 26100
$script:ServicesKey = 'HKLM:\SYSTEM\CurrentControlSet\Services'

function Invoke-Wsl {
    <#
    .SYNOPSIS
    Runs the wsl.exe of an installed WSL and returns the object of Invoke-Native; Reason is absent where there is none.
    .PARAMETER ArgumentList
    Its arguments, unquoted.
    .PARAMETER TimeoutSeconds
    After that it is killed.
    .PARAMETER InputText
    What it reads on standard input.
    .PARAMETER Changes
    This call changes the machine: not under -WhatIf.
    .PARAMETER Interactive
    Gives it the console instead of reading its output.
    .EXAMPLE
    (Invoke-Wsl -ArgumentList '--list', '--quiet').Out
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param(
        [Parameter(Mandatory = $true)] [string[]] $ArgumentList,
        [int] $TimeoutSeconds = 30,
        [AllowEmptyString()] [string] $InputText = '',
        [switch] $Changes,
        [switch] $Interactive
    )
    $path = Resolve-WslPath
    # A full path that does not exist: absent, told in the shape of every other answer.
    if (-not $path) { $path = Join-Path -Path ([System.IO.Path]::GetTempPath()) -ChildPath 'no-wsl-here\wsl.exe' }
    Invoke-Native -FilePath $path -ArgumentList $ArgumentList -TimeoutSeconds $TimeoutSeconds -InputText $InputText `
        -Changes:$Changes -Interactive:$Interactive
}

function Resolve-WslPath {
    <#
    .SYNOPSIS
    Returns the full path of a wsl.exe that may be asked anything; $null where only the stub is there, or nothing.
    .DESCRIPTION
    The package's own first. Packages from the Store before 2.0 and the WSL of Windows 10 are known by their services, and
    answer under the name in System32.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    $own = Get-WslPackagePath
    if ([System.IO.File]::Exists($own)) { return $own }
    if (Test-Path -LiteralPath "$script:ServicesKey\WslService") { return Resolve-NativePath -FilePath 'wsl.exe' }
    $build = Get-RegistryValue -Path $script:CurrentVersionKey -Name 'CurrentBuild'
    # From 24H2 on Windows has no WSL of its own any more, whatever services were left behind.
    if ([int] $build -ge $script:FirstBuildThatOffers) { return $null }
    if (Test-Path -LiteralPath "$script:ServicesKey\LxssManager") { return Resolve-NativePath -FilePath 'wsl.exe' }
    $null
}

function Get-MissingPackageFile {
    <#
    .SYNOPSIS
    Returns the files of an installed package that no virtual machine starts without, where they are missing.
    .DESCRIPTION
    Updates to WSL 2.7 leave them out (microsoft/WSL 40488, 40968): everything answers, and nothing starts.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    $own = Get-WslPackagePath
    # Older ones have other files.
    if (-not [System.IO.File]::Exists($own) -or (Test-FactLess -Value (Get-WslPackageVersion) -Limit '2.7')) { return }
    foreach ($name in 'system.vhd', 'tools\modules.vhd') {
        $path = Split-Path -Path $own -Parent
        foreach ($part in $name.Split('\')) { $path = Join-Path -Path $path -ChildPath $part }
        if (-not [System.IO.File]::Exists($path)) { $name }
    }
}

function Get-WslPackagePath {
    <#
    .SYNOPSIS
    Returns where the package has its wsl.exe, whether it is there or not. A 32-bit process is shown another ProgramFiles.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    $folder = $env:ProgramW6432
    if (-not $folder) { $folder = $env:ProgramFiles }
    if (-not $folder) { return '' }
    Join-Path -Path (Join-Path -Path $folder -ChildPath 'WSL') -ChildPath 'wsl.exe'
}
