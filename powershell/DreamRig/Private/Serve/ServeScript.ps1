# The scheduled task that keeps the page for friends up while you are logged on.

$script:ServeTask = 'DreamRig-Serve'

function Get-ServeFolder {
    <#
    .SYNOPSIS
    Returns the folder of the script that the task runs: on this PC's own disk, so that a logon waits for no WSL.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    if (-not $env:LOCALAPPDATA) {
        throw (New-SetupError -Message 'The variable LOCALAPPDATA is not set: there is no place for the script of the task.' `
                -Hint 'start PowerShell from the start menu, as the person who is logged on' -ExitCode 4)
    }
    Join-Path -Path (Join-Path -Path $env:LOCALAPPDATA -ChildPath 'DreamRig') -ChildPath 'serve'
}

function Copy-ServeScript {
    <#
    .SYNOPSIS
    Puts Desktop\stay.ps1 into Get-ServeFolder and returns its path.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    $folder = Get-ServeFolder
    $null = [System.IO.Directory]::CreateDirectory($folder)
    $target = Join-Path -Path $folder -ChildPath 'stay.ps1'
    $source = Join-Path -Path (Join-Path -Path $script:ModuleFolder -ChildPath 'Desktop') -ChildPath 'stay.ps1'
    [System.IO.File]::Copy($source, $target, $true)
    $target
}

function Get-ServeArgument {
    <#
    .SYNOPSIS
    Returns the arguments of Windows PowerShell that the task runs.
    .PARAMETER Script
    Path of stay.ps1.
    .PARAMETER Wsl
    Full path of wsl.exe.
    .PARAMETER Distribution
    The distribution.
    .PARAMETER Program
    Path of dreamrig inside it.
    .PARAMETER DataFolder
    DREAMRIG_HOME inside it; '' for the usual one.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Script, [string] $Wsl, [string] $Distribution, [string] $Program, [AllowEmptyString()] [string] $DataFolder = '')
    $words = '-NoProfile -NonInteractive -WindowStyle Hidden -ExecutionPolicy Bypass -File "{0}" -Wsl "{1}" -Distribution "{2}" -Program "{3}"' -f
        $Script, $Wsl, $Distribution, $Program
    if ($DataFolder) { $words += ' -DataFolder "{0}"' -f $DataFolder }
    $words
}

