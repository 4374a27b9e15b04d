# Facts about WSL as Windows sees it, without starting a distribution, and about the NVIDIA driver.

$script:WslInstallerKey = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Lxss\MSI'
$script:LxssStates = @{ 1 = 'installed'; 3 = 'installing'; 4 = 'uninstalling'; 5 = 'converting' }

function Add-WslFact {
    <#
    .SYNOPSIS
    Adds which WSL is installed, its version and its kernel.
    .PARAMETER Document
    The facts document, with windows.services, windows.features and windows.build.
    .PARAMETER TimeoutSeconds
    How long wsl.exe may take: it hangs while it is being upgraded.
    .NOTES
    The package is looked for on the disk and in the registry first: without one, asking the wsl.exe of 24H2 for its version
    would install it (oomol-lab/ovm-win PR 87).
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSReviewUnusedParameter', 'TimeoutSeconds',
        Justification = 'It is used inside the probe.')]
    [CmdletBinding()]
    param([System.Collections.IDictionary] $Document, [int] $TimeoutSeconds)
    Add-Fact $Document 'wsl.is_installed', 'wsl.is_inbox', 'wsl.version', 'wsl.kernel' {
        $services = $Document['windows']['services']
        $is = { param($name) $null -ne $services[$name] -and $services[$name] -ne 'absent' }
        $asked = Invoke-Wsl -ArgumentList '--version' -TimeoutSeconds $TimeoutSeconds
        $versions = @(if ($asked.ExitCode -eq 0) { Get-WslVersionNumber -Text $asked.Out })
        if ($versions.Count -ge 2) {
            return @{ 'wsl.is_installed' = $true; 'wsl.is_inbox' = $false; 'wsl.version' = $versions[0]; 'wsl.kernel' = $versions[1] }
        }
        $reason = $asked.Reason
        if (-not $reason) { $reason = "failed: wsl --version ended with $($asked.ExitCode)" }
        $unread = New-UnknownFact $reason
        $package = Get-WslPackageVersion
        if ($package) {
            return @{ 'wsl.is_installed' = $true; 'wsl.is_inbox' = $false; 'wsl.version' = $package; 'wsl.kernel' = $unread }
        }
        if (& $is 'wslservice') {
            return @{ 'wsl.is_installed' = $true; 'wsl.is_inbox' = $false; 'wsl.version' = $unread; 'wsl.kernel' = $unread }
        }
        if ((& $is 'lxssmanager') -or $Document['windows']['features']['wsl'] -eq 'enabled') {
            # The WSL of Windows itself knows no --version, and answers with its usage.
            return @{ 'wsl.is_installed' = $true; 'wsl.is_inbox' = $true; 'wsl.version' = $null; 'wsl.kernel' = Get-InboxKernel }
        }
        $unseen = $null -eq $services['wslservice'] -or $null -eq $services['lxssmanager']
        if ($unseen -or ($asked.Reason -and $asked.Reason -ne 'absent')) {
            return @{ 'wsl.is_installed' = $unread; 'wsl.is_inbox' = $unread; 'wsl.version' = $unread; 'wsl.kernel' = $unread }
        }
        @{ 'wsl.is_installed' = $false; 'wsl.is_inbox' = $false }
    }
}

function Get-WslPackageVersion {
    <#
    .SYNOPSIS
    Returns the version of the WSL package as its installer noted it, or as its program carries it; '' where there is none.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    $noted = "$(Get-RegistryValue -Path $script:WslInstallerKey -Name 'Version')"
    if ($noted -match '^\d+\.\d+') { return $noted }
    $own = Get-WslPackagePath
    if (-not [System.IO.File]::Exists($own)) { return '' }
    $carried = "$([System.Diagnostics.FileVersionInfo]::GetVersionInfo($own).FileVersion)"
    if ($carried -match '^\d+\.\d+') { return $carried }
    ''
}

function Get-WslVersionNumber {
    <#
    .SYNOPSIS
    Returns the version numbers that `wsl --version` lists, in its order: WSL, kernel, and more.
    .PARAMETER Text
    Its output. The labels are translated; that a line is a label, a colon and a number, and in which order, is not.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowEmptyString()] [string] $Text)
    foreach ($line in $Text.Split("`n")) {
        # What else stands there (warnings about .wslconfig, an installation's progress) has no number of its own behind a colon.
        if ($line -match '[:\uff1a]\s*(\d+(\.\d+)+(-\d+)?)\s*$') { $Matches[1] }
    }
}

function Get-InboxKernel {
    <#
    .SYNOPSIS
    Returns the kernel version of the WSL that came with Windows, 'absent' where its kernel is not installed.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    $update = @(Get-InstalledProduct | Where-Object { $_.Name -eq 'Windows Subsystem for Linux Update' })
    if ($update.Count -and $update[0].Version) { return $update[0].Version }
    if (-not [System.IO.File]::Exists("$env:SystemRoot/System32/lxss/tools/kernel")) { return 'absent' }
}

function Add-DistributionFact {
    <#
    .SYNOPSIS
    Adds this user's distributions, from the registry.
    .PARAMETER Document
    The facts document, with wsl.is_inbox and windows.build.
    #>
    [CmdletBinding()]
    param([System.Collections.IDictionary] $Document)
    $names = 'default_distribution', 'default_distribution_version', 'default_version', 'distribution_count', 'distributions',
    'unfinished_distribution', 'vhd_encrypted_or_compressed', 'vhd_missing'
    Add-Fact $Document @($names | ForEach-Object { "wsl.$_" }) {
        $default = Get-RegistryValue $script:LxssKey 'DefaultDistribution'
        $all = @()
        $chosen = $null
        $values = 'DistributionName', 'Version', 'State', 'BasePath', 'VhdFileName'
        foreach ($key in @(Get-RegistryChild -Path $script:LxssKey -Name $values)) {
            if (-not (Get-MemberValue $key 'DistributionName')) { continue }
            $one = Get-DistributionFact -Key $key
            $all += $one
            if ("$(Get-MemberValue $key 'PSChildName')" -eq "$default") { $chosen = $one }
        }
        $unfinished = $all | Where-Object { $_['state'] -and $_['state'] -ne 'installed' } | ForEach-Object { $_['name'] }
        $disks = @($all | Where-Object { $_['version'] -eq 2 })
        @{
            'wsl.distributions'                = $all
            'wsl.distribution_count'           = $all.Count
            'wsl.default_distribution'         = if ($chosen) { $chosen['name'] } else { $null }
            'wsl.default_distribution_version' = if ($chosen) { $chosen['version'] } else { $null }
            'wsl.default_version'              = Get-DefaultVersion -Document $Document
            'wsl.unfinished_distribution'      = "$($unfinished | Select-Object -First 1)"
            'wsl.vhd_missing'                  = @($disks | Where-Object { $_['vhd_exists'] -eq $false }).Count -gt 0
            'wsl.vhd_encrypted_or_compressed'  = @($disks | Where-Object { $_['is_encrypted'] -or $_['is_compressed'] }).Count -gt 0
        }
    }
}

function Get-DefaultVersion {
    <#
    .SYNOPSIS
    Returns the WSL version that a new distribution gets: 1 or 2.
    .PARAMETER Document
    The facts document, with wsl.is_inbox and windows.build.
    #>
    [CmdletBinding()]
    param([System.Collections.IDictionary] $Document)
    $set = Get-RegistryValue $script:LxssKey 'DefaultVersion'
    if ($null -ne $set) { return [int]$set }
    if ($null -eq $Document['wsl']['is_inbox']) { return New-UnknownFact 'absent' }
    # Not set: 2 in the package and in Windows 11, 1 in the WSL of Windows 10.
    if ($Document['wsl']['is_inbox'] -and $Document['windows']['build'] -lt 22000) { return 1 }
    2
}

function Get-DistributionFact {
    <#
    .SYNOPSIS
    Returns what the registry and the disk say about one distribution.
    .PARAMETER Key
    Its values in the registry.
    #>
    [CmdletBinding()]
    [OutputType([System.Collections.IDictionary])]
    param([psobject] $Key)
    $folder = "$(Get-MemberValue $Key 'BasePath')" -replace '^\\\\\?\\', ''
    $disk = Get-MemberValue $Key 'VhdFileName'
    if (-not $disk) { $disk = 'ext4.vhdx' }
    $version = Get-MemberValue $Key 'Version'
    $seen = if ($version -eq 2) { Get-DiskAttribute -Folder $folder -Name $disk } else { @{} }
    [ordered]@{
        base_path     = ConvertTo-RedactedPath -Path $folder
        is_compressed = $seen['is_compressed']
        is_encrypted  = $seen['is_encrypted']
        is_sparse     = $seen['is_sparse']
        name          = Get-MemberValue $Key 'DistributionName'
        state         = $script:LxssStates[[int](Get-MemberValue $Key 'State')]
        version       = $version
        vhd_exists    = $seen['vhd_exists']
    }
}

function Get-DiskAttribute {
    <#
    .SYNOPSIS
    Returns whether a distribution's virtual disk exists, and how NTFS keeps it.
    .PARAMETER Folder
    The distribution's folder.
    .PARAMETER Name
    File name of the disk.
    #>
    [CmdletBinding()]
    [OutputType([hashtable])]
    param([string] $Folder, [string] $Name)
    try {
        $file = "$Folder\$Name"
        if (-not (Test-Path -LiteralPath $file)) { return @{ vhd_exists = $false } }
        $disk = "$((Get-Item -LiteralPath $file -Force -ErrorAction Stop).Attributes)"
        $both = $disk + "$((Get-Item -LiteralPath $Folder -Force -ErrorAction Stop).Attributes)"
        @{
            vhd_exists = $true; is_sparse = $disk -match 'SparseFile'
            is_compressed = $both -match 'Compressed'; is_encrypted = $both -match 'Encrypted'
        }
    } catch {
        Write-Verbose "$Folder cannot be read: $($_.Exception.Message)"
        @{}
    }
}

function ConvertTo-RedactedPath {
    <#
    .SYNOPSIS
    Returns a path with the user's own folder written as %USERPROFILE%.
    .PARAMETER Path
    A path.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowEmptyString()] [string] $Path)
    if ($env:USERPROFILE -and $Path.StartsWith($env:USERPROFILE, [StringComparison]::OrdinalIgnoreCase)) {
        return '%USERPROFILE%' + $Path.Substring($env:USERPROFILE.Length)
    }
    $Path -replace '^[A-Za-z]:\\Users\\[^\\]+', '%USERPROFILE%'
}
