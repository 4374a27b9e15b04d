# The NVIDIA GPU of Windows and its driver. The twin of windows_driver in provision/doctor/checks/gpu.py.

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
    if (-not @($names).Count) { return Get-NamedFinding windows-driver no-gpu $Facts $proof }
    $value = @{ gpu = @($names)[0]; driver = $driver }
    if ($null -eq $driver -or $driver -eq 'absent') { return Get-NamedFinding windows-driver no-driver $Facts $proof $value }
    $known = Find-Gpu -Name $value.gpu
    $least = '470.76'
    $own = Get-MemberValue $known 'minimum_driver_windows'
    if ($own -and (Test-FactLess -Value $least -Limit $own)) { $least = $own }
    $value['least'] = $least
    if (Test-FactLess -Value $driver -Limit $least) { return Get-NamedFinding windows-driver too-old $Facts $proof $value }
    $capability = Get-MemberValue $known 'capability'
    $what = if ($capability -and (Test-FactLess -Value $capability -Limit '6.0')) { 'old-gpu' } else { 'fine' }
    Get-NamedFinding windows-driver $what $Facts $proof $value
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
