# Where this checkout lies: a process with administrator rights, and a task at the next logon, must find it again.

# FILE_ATTRIBUTE_OFFLINE, _RECALL_ON_OPEN and _RECALL_ON_DATA_ACCESS: the file is in the cloud, and only its name is here.
$script:CloudAttributes = 0x1000 -bor 0x40000 -bor 0x400000

function Get-SetupPlaceStep {
    <#
    .SYNOPSIS
    Returns the step about the folder of this checkout: drives of one session only, and files that are not there yet, stop setup.
    .PARAMETER Option
    The options of Get-SetupPlan.
    #>
    [CmdletBinding()]
    param([psobject] $Option)
    $about = @{ Id = 'place'; Title = 'This folder' }
    $copy = 'copy the whole folder to %USERPROFILE%\dreamrig, and start setup.ps1 there'
    $drive = ''
    if ($Option.script -match '^([A-Za-z]:)\\') { $drive = $Matches[1].ToUpperInvariant() }
    if ($Option.script -match '^\\\\') {
        return New-SetupStep @about -Status blocked -Command $copy -Reason 'it lies on a network share, which Linux does not see'
    }
    if ($drive -and $drive -ne $env:SystemDrive) {
        $disk = Get-CimFirst 'Win32_LogicalDisk' -Filter "DeviceID='$drive'" -Optional
        if ("$(Get-MemberValue -InputObject $disk -Name 'DriveType')" -eq '4') {
            return New-SetupStep @about -Status blocked -Command $copy `
                -Reason "$drive is a network drive of this session ($($disk.ProviderName)); administrator rights come in another one, without it"
        }
        $real = Get-SubstFolder -Drive $drive
        if ($real) {
            return New-SetupStep @about -Status blocked -Command "start setup.ps1 from $real" `
                -Reason "$drive stands for $real in this session only (subst); administrator rights come in another one, without it"
        }
    }
    if (Test-CloudFile -Path $Option.script) {
        return New-SetupStep @about -Status blocked -Command 'Explorer: right-click the folder > Always keep on this device; then setup.ps1 again' `
            -Reason 'its files are in OneDrive and not on this disk yet'
    }
    New-SetupStep @about -Status done -Reason 'on a disk of this PC'
}

function Get-SubstFolder {
    <#
    .SYNOPSIS
    Returns the folder that a drive letter stands for, '' where it is a drive.
    .PARAMETER Drive
    For example Z:.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Drive)
    $asked = Invoke-Native -FilePath 'subst.exe' -TimeoutSeconds 10
    if ($asked.Out -match "(?im)^$([regex]::Escape($Drive))\\: => (.+?)\s*$") { return $Matches[1] }
    ''
}

function Test-CloudFile {
    <#
    .SYNOPSIS
    Says whether a file's content is still in the cloud.
    .PARAMETER Path
    The file.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param([string] $Path)
    try {
        $is = [int] (Get-Item -LiteralPath $Path -Force -ErrorAction Stop).Attributes
    } catch {
        Write-Verbose "${Path}: $($_.Exception.Message)"
        return $false
    }
    ($is -band $script:CloudAttributes) -ne 0
}
