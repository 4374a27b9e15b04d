# Writing %UserProfile%\.wslconfig, with the old one kept beside it.

function Get-WslConfigWish {
    <#
    .SYNOPSIS
    Returns the settings that were asked for in .wslconfig: objects with section, key, value, force and why.
    .DESCRIPTION
    WSL takes half of the memory unless told otherwise, and that stays so unless somebody asks for more: the file holds for
    every distribution of this account.
    .PARAMETER MemoryGB
    What -WslMemoryGB asks for; 0 for WSL's own half.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([int] $MemoryGB)
    if ($MemoryGB) {
        [pscustomobject]@{ section = 'wsl2'; key = 'memory'; value = "${MemoryGB}GB"; force = $true; why = 'asked for by -WslMemoryGB' }
    }
}

function Get-WslConfigPlan {
    <#
    .SYNOPSIS
    Returns what has to become of .wslconfig: Path, Old (bytes, $null for no file), New, IsChanged, Changes, Kept, Encoding.
    .PARAMETER MemoryGB
    What -WslMemoryGB asks for; 0 for WSL's own half.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([int] $MemoryGB = 0)
    $path = Join-Path -Path $env:USERPROFILE -ChildPath '.wslconfig'
    $old = $null
    if ([System.IO.File]::Exists($path)) { $old = [System.IO.File]::ReadAllBytes($path) }
    $wishes = @(Get-WslConfigWish -MemoryGB $MemoryGB)
    if ("$((Read-WslConfig -Bytes $old).Values['wsl2.gpusupport'])" -in 'false', '0') {
        $wishes += [pscustomobject]@{
            section = 'wsl2'; key = 'gpuSupport'; value = 'true'; force = $true; why = 'gpuSupport=false hides the GPU from Linux'
        }
    }
    $merged = Merge-WslConfig -Bytes $old -Setting $wishes
    $same = $null -ne $old -and [Convert]::ToBase64String($old) -eq [Convert]::ToBase64String($merged.Bytes)
    [pscustomobject]@{
        Path = $path; Old = $old; New = $merged.Bytes; Changes = $merged.Changes; Kept = $merged.Kept; Encoding = $merged.Encoding
        IsChanged = -not ($same -or ($null -eq $old -and $merged.Bytes.Length -eq 0)); Wishes = $wishes
        HasMemory = [bool] "$((Read-WslConfig -Bytes $old).Values['wsl2.memory'])"
    }
}

function Set-WslConfig {
    <#
    .SYNOPSIS
    Carries a plan for .wslconfig out and reads the file again; returns the path of the backup, '' where there was no file.
    .PARAMETER Plan
    The object of Get-WslConfigPlan.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    [OutputType([string])]
    param([Parameter(Mandatory = $true)] [psobject] $Plan)
    if (-not $PSCmdlet.ShouldProcess($Plan.Path, 'Write the settings of WSL')) { return '' }
    $backup = ''
    try {
        if ($null -ne $Plan.Old) {
            $backup = Get-BackupPath -Path $Plan.Path
            [System.IO.File]::WriteAllBytes($backup, $Plan.Old)
        }
        Write-InPlace -Path $Plan.Path -Bytes $Plan.New
    } catch {
        throw (New-SetupError -Message "$($Plan.Path) cannot be written: $($_.Exception.Message)" -ExitCode 1 `
                -Hint 'is it read-only? see its properties in the Explorer')
    }
    $is = [System.IO.File]::ReadAllBytes($Plan.Path)
    if ([Convert]::ToBase64String($is) -ne [Convert]::ToBase64String($Plan.New)) {
        throw (New-SetupError -Message "$($Plan.Path) does not hold what was written." -Hint "your own is here: $backup" -ExitCode 1)
    }
    $backup
}

function Write-InPlace {
    <#
    .SYNOPSIS
    Replaces the content of a file, which keeps its attributes, rights and links (it may be hidden, or a link to a folder
    under version control).
    .PARAMETER Path
    Full path; made where it is missing.
    .PARAMETER Bytes
    What it shall hold.
    #>
    [CmdletBinding()]
    param([string] $Path, [AllowEmptyCollection()] [byte[]] $Bytes)
    $file = [System.IO.File]::Open($Path, [System.IO.FileMode]::OpenOrCreate, [System.IO.FileAccess]::Write)
    try {
        $file.SetLength(0)
        $file.Write($Bytes, 0, $Bytes.Length)
    } finally {
        $file.Dispose()
    }
}

function Get-BackupPath {
    <#
    .SYNOPSIS
    Returns a path beside a file that is not taken: NAME.dreamrig-TIME.bak.
    .PARAMETER Path
    The file.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Path)
    $stem = '{0}.dreamrig-{1:yyyyMMddTHHmmss}Z' -f $Path, [datetime]::UtcNow
    $taken = ''
    while ([System.IO.File]::Exists("$stem$taken.bak")) { $taken = "-$([int] ($taken -replace '\D', '') + 1)" }
    "$stem$taken.bak"
}
