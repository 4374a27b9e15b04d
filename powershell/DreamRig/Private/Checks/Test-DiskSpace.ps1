# Room on the disk. The twin of provision/doctor/checks/storage.py, which also knows the disks of WSL.

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
    $what = if ($free -lt 1024) { 'full' } elseif ($free -lt 10240) { 'little' } else { 'fine' }
    $value = @{ mib = "$free"; gib = Format-Gibibyte $free ([int]($what -ne 'fine')); where = '' }
    Get-NamedFinding disk-space $what $Facts $proof $value
}
