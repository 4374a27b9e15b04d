# Checks of the graphics card and its driver, of the disk and the memory. The twin of what provision/checks has of them.

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
