# WSL, the GPU's driver and the machine's room, as Windows sees them. The twin of provision/checks/{wsl,gpu,storage}.py.

function Test-WindowsHalf {
    <#
    .SYNOPSIS
    Whether Windows answered at all.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $edition = Read-Fact $Facts 'windows.edition'
    if ($null -ne $edition -or $null -ne (Read-Fact $Facts 'windows.hypervisor_present')) {
        return New-Finding PASS 'Windows was asked.' (Get-FactEvidence $Facts 'windows.build')
    }
    $reason = ((Get-UnknownReason -Facts $Facts -Path 'windows.edition') -replace '^failed: ', '').TrimEnd('.')
    $reason = $reason.Substring(0, [math]::Min(100, $reason.Length))
    New-Finding WARN "Windows could not be asked: $reason." (Get-FactEvidence $Facts 'windows.edition') `
        (New-Step 'Run the Windows half by itself.' 'powershell -ExecutionPolicy Bypass -File powershell\doctor.ps1' windows)
}

function Test-WslVersion {
    <#
    .SYNOPSIS
    The WSL package, or the WSL that came with Windows.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $version, $kernel = (Read-Fact $Facts 'wsl.version'), (Read-Fact $Facts 'wsl.kernel')
    $installed = Read-Fact $Facts 'wsl.is_installed'
    $proof = Get-FactEvidence $Facts 'wsl.is_installed', 'wsl.version', 'wsl.kernel', 'wsl.is_inbox'
    if (Test-TooOld $Facts) { return New-Finding SKIP 'This Windows is too old for WSL 2.' $proof -BlockedBy 'windows-build' }
    if ($null -ne $installed -and -not $installed) {
        $install = New-Step 'Install WSL and Ubuntu.' 'wsl --install' windows -Admin -Restart
        return New-Finding FAIL 'WSL is not installed.' $proof $install
    }
    $update = Get-SharedStep UpdateWsl
    if ($kernel -eq 'absent') { return New-Finding FAIL 'The Linux kernel of WSL 2 is missing.' $proof $update }
    if (Read-Fact $Facts 'wsl.is_inbox') {
        return New-Finding WARN 'This is the old WSL that came with Windows; the package is newer and better.' $proof $update
    }
    if ($null -eq $version) { return New-UnknownFinding $Facts 'wsl.version' }
    if (Test-FactLess -Value $version -Limit '1.0') { return New-Finding WARN "WSL $version is old." $proof $update }
    $more = if ($kernel) { ", kernel $kernel." } else { '.' }
    New-Finding PASS "WSL $version$more" $proof
}

function Test-DistributionVersion {
    <#
    .SYNOPSIS
    The registration of the default distribution.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    if ((Read-Fact $Facts 'wsl.distribution_count') -eq 0) {
        return New-Finding FAIL 'No Linux distribution is installed for this user.' (Get-FactEvidence $Facts 'wsl.distribution_count') `
            (New-Step 'Install one.' 'wsl --install -d Ubuntu' windows)
    }
    $version = Read-Fact $Facts 'wsl.default_distribution_version'
    if ($null -eq $version) { return New-UnknownFinding $Facts 'wsl.default_distribution_version' }
    $proof = Get-FactEvidence $Facts 'wsl.default_distribution', 'wsl.default_distribution_version'
    if ($version -ne 1) { return New-Finding PASS 'The distribution runs under WSL 2.' $proof }
    $name = Read-Fact $Facts 'wsl.default_distribution'
    $how = 'Convert it, which takes minutes.'
    if (-not $name) { $name, $how = 'NAME', 'Convert it, which takes minutes; wsl -l -v shows its name.' }
    $convert = New-Step $how "wsl --set-version $name 2" windows `
        -Risk 'keep a copy first: wsl --export NAME backup.tar' -Undo "wsl --set-version $name 1"
    New-Finding FAIL 'This distribution runs under WSL 1, which has no way to a GPU.' $proof `
        @($convert, (New-Step 'Make WSL 2 the default for new ones.' 'wsl --set-default-version 2' windows))
}

function Test-DistributionDisk {
    <#
    .SYNOPSIS
    The VHDX files: missing, encrypted or compressed ones cannot be started.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $gone, $packed = (Read-Fact $Facts 'wsl.vhd_missing'), (Read-Fact $Facts 'wsl.vhd_encrypted_or_compressed')
    if ($gone) {
        $fix = (New-Step 'Put the file ext4.vhdx back, from a backup, into the folder of the distribution.' '' windows),
        (New-Step 'Or give that distribution up, and install it afresh.' 'wsl --unregister NAME' windows -Risk 'whatever was in it is lost')
        return New-Finding FAIL 'A distribution is registered whose virtual disk is gone.' `
            (Get-FactEvidence $Facts 'wsl.vhd_missing', 'wsl.distributions') $fix
    }
    if ($packed) {
        $fix = (Get-SharedStep ShutdownWsl), (New-Step 'In the folder of ext4.vhdx, undo the compression.' 'compact /u ext4.vhdx' windows),
        (New-Step 'And the encryption.' 'cipher /d ext4.vhdx' windows)
        return New-Finding FAIL "A distribution's virtual disk is encrypted or compressed by Windows, which WSL refuses." `
            (Get-FactEvidence $Facts 'wsl.vhd_encrypted_or_compressed', 'wsl.distributions') $fix
    }
    if ($null -eq $gone -and $null -eq $packed) { return New-UnknownFinding $Facts 'wsl.vhd_missing' }
    New-Finding PASS "The distributions' disks are there." (Get-FactEvidence $Facts 'wsl.vhd_missing', 'wsl.vhd_encrypted_or_compressed')
}

function Test-WindowsDriver {
    <#
    .SYNOPSIS
    What nvidia-smi.exe says. 470.76 is the first driver with CUDA in WSL 2: docs.nvidia.com/cuda/wsl-user-guide.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $names, $driver = (Read-Fact $Facts 'windows.nvidia_gpus'), (Read-Fact $Facts 'windows.nvidia_driver')
    $proof = Get-FactEvidence $Facts 'windows.nvidia_gpus', 'windows.nvidia_driver'
    if ($null -eq $names) { return New-UnknownFinding $Facts 'windows.nvidia_gpus' }
    if (-not @($names).Count) {
        return New-Finding WARN 'Windows has no NVIDIA GPU: dreamrig will draw on the CPU.' $proof `
            (Get-NoGpuStep) -Stops
    }
    $install = Get-SharedStep WindowsDriver
    if ($null -eq $driver -or $driver -eq 'absent') {
        return New-Finding FAIL "Windows has no NVIDIA driver for $(@($names)[0])." $proof $install
    }
    $known = Find-Gpu -Name @($names)[0]
    $least = '470.76'
    $own = Get-MemberValue $known 'minimum_driver_windows'
    if ($own -and (Test-FactLess -Value $least -Limit $own)) { $least = $own }
    if (Test-FactLess -Value $driver -Limit $least) {
        return New-Finding FAIL "The NVIDIA driver $driver is too old: WSL on this GPU needs $least." $proof `
            @($install, (Get-SharedStep ShutdownWsl))
    }
    $capability = Get-MemberValue $known 'capability'
    if ($capability -and (Test-FactLess -Value $capability -Limit '6.0')) {
        return New-Finding WARN "$(@($names)[0]) is older than Pascal: CUDA in WSL does not support it." $proof (Get-NoGpuStep)
    }
    New-Finding PASS "$(@($names)[0]), driver $driver." $proof
}

function Get-NoGpuStep {
    <#
    .SYNOPSIS
    Returns what to do without a GPU that helps.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param()
    New-Step 'Nothing is broken. For speed, use a PC with an NVIDIA GPU, or Google Colab.'
}

function Find-Gpu {
    <#
    .SYNOPSIS
    Returns the entry of gpus.json for a GPU; $null where there is none.
    .PARAMETER Name
    Its name.
    #>
    [CmdletBinding()]
    param([string] $Name)
    try { $table = Read-KnowledgeFile -Name 'gpus.json' } catch { Write-Verbose "$($_.Exception.Message)"; return $null }
    foreach ($entry in Get-MemberList $table 'gpus') {
        if ([regex]::IsMatch($Name, $entry.pattern, 'IgnoreCase, CultureInvariant')) { return $entry }
    }
    $null
}

function Test-DriverModel {
    <#
    .SYNOPSIS
    WDDM; a GPU in TCC or MCDM mode does not reach WSL.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $model = Read-Fact $Facts 'windows.nvidia_driver_model'
    if ($null -eq $model) { return New-UnknownFinding $Facts 'windows.nvidia_driver_model' }
    $proof = Get-FactEvidence $Facts 'windows.nvidia_driver_model', 'windows.nvidia_gpus'
    if ($model -eq 'wddm') { return New-Finding PASS 'The GPU is in WDDM mode.' $proof }
    $list = New-Step 'See which GPU is in which mode.' 'nvidia-smi --query-gpu=index,name,driver_model.current --format=csv' windows
    $fix = $list, (New-Step 'Put that one, N, in WDDM mode.' 'nvidia-smi -i N -dm 0' windows -Admin -Restart -Undo 'nvidia-smi -i N -dm 1')
    $names = Read-Fact $Facts 'windows.nvidia_gpus'
    if (@($names).Count -eq 1) {
        $fix = New-Step 'Put it in WDDM mode (some data-centre cards cannot).' 'nvidia-smi -i 0 -dm 0' windows `
            -Admin -Restart -Undo 'nvidia-smi -i 0 -dm 1'
    }
    if ($model -eq 'mixed') {
        return New-Finding WARN 'Not every GPU is in WDDM mode; the others do not reach WSL.' $proof $fix
    }
    New-Finding FAIL "The GPU is in $($model.ToUpperInvariant()) mode and does not reach WSL." $proof $fix
}

function Test-DiskSpace {
    <#
    .SYNOPSIS
    Room on the system drive: the large weights take 2 GiB, torch with CUDA 7 GiB.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $path = 'windows.system_drive_free_mib'
    $free = Read-Fact $Facts $path
    if ($null -eq $free) { return New-UnknownFinding $Facts $path }
    $proof = Get-FactEvidence $Facts $path
    $room = New-Step 'Make room, or put the data where there is some.' 'export DREAMRIG_HOME=/folder/with/room'
    if ($free -lt 1024) { return New-Finding FAIL "Only $free MiB are free." $proof $room }
    if ($free -lt 10240) { return New-Finding WARN "Only $(Format-Gibibyte $free 1) GiB are free." $proof $room }
    New-Finding PASS "$(Format-Gibibyte $free 0) GiB are free." $proof
}

function Test-Memory {
    <#
    .SYNOPSIS
    Physical memory.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $size = Read-Fact $Facts 'windows.memory_mib'
    if ($null -eq $size) { return New-UnknownFinding $Facts 'windows.memory_mib' }
    $proof = Get-FactEvidence $Facts 'windows.memory_mib'
    if ($size -ge 4096) { return New-Finding PASS "$(Format-Gibibyte $size 0) GiB of memory." $proof }
    New-Finding WARN "Only $(Format-Gibibyte $size 1) GiB of memory: large pictures will not fit." $proof `
        (New-Step 'Draw smaller pictures.' 'dreamrig generate --size 128 ...')
}

function Format-Gibibyte {
    <#
    .SYNOPSIS
    Returns a size in MiB as text in GiB, with a point in every culture.
    .PARAMETER Mebibyte
    The size.
    .PARAMETER Digits
    Digits behind the point.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([double] $Mebibyte, [int] $Digits)
    $size = [math]::Round($Mebibyte / 1024, $Digits, [MidpointRounding]::ToEven)
    $size.ToString("F$Digits", [Globalization.CultureInfo]::InvariantCulture)
}

function Test-WslConfig {
    <#
    .SYNOPSIS
    What WSL would warn about or pass over in .wslconfig, and a file that it cannot read.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $found, $encoding = (Read-Fact $Facts 'wsl.wslconfig_problems'), (Read-Fact $Facts 'wsl.wslconfig_encoding')
    $proof = Get-FactEvidence $Facts 'wsl.wslconfig_problems', 'wsl.wslconfig_encoding'
    if ($encoding -eq 'absent') { return New-Finding PASS 'There is no .wslconfig, and none is needed.' $proof }
    if ($null -eq $found) { return New-UnknownFinding $Facts 'wsl.wslconfig_problems' }
    $found = @($found)
    if ($found.Count) {
        $more = if ($found.Count -gt 1) { "; and $($found.Count - 1) more" } else { '' }
        return New-Finding WARN ".wslconfig: $($found[0].TrimEnd('.'))$more." $proof `
            @((Get-WslConfigStep 'correct what is listed.'), (Get-SharedStep ShutdownWsl))
    }
    if ($encoding -in 'utf-16', 'other') {
        return New-Finding WARN '.wslconfig is not UTF-8: WSL may ignore it.' $proof `
            @((Get-WslConfigStep 'save it as UTF-8 (in Notepad: Save as, Encoding).'), (Get-SharedStep ShutdownWsl))
    }
    New-Finding PASS '.wslconfig has no mistakes.' $proof
}
