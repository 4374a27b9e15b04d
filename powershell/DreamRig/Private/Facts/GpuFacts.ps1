# The NVIDIA cards of this PC and their driver.

$script:NvidiaQuestion = '--query-gpu=name,driver_version,driver_model.current', '--format=csv,noheader'

function Add-GpuFact {
    <#
    .SYNOPSIS
    Adds the NVIDIA GPUs, their driver and its model.
    .PARAMETER Document
    The facts document.
    .PARAMETER TimeoutSeconds
    How long nvidia-smi may take.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSReviewUnusedParameter', 'TimeoutSeconds',
        Justification = 'It is used inside the probe.')]
    [CmdletBinding()]
    param([System.Collections.IDictionary] $Document, [int] $TimeoutSeconds)
    Add-Fact $Document 'windows.nvidia_gpus', 'windows.nvidia_driver', 'windows.nvidia_driver_model' {
        $asked = Invoke-NvidiaQuery -TimeoutSeconds $TimeoutSeconds
        $rows = @(if ($asked.ExitCode -eq 0) {
                $asked.Out.Split("`n") | Where-Object { $_.Trim() } | ForEach-Object { , @($_.Split(',') | ForEach-Object { $_.Trim() }) }
            })
        $rows = @($rows | Where-Object { $_.Count -eq 3 })
        if (-not $rows.Count) { return Get-GpuByCim -Reason $asked.Reason -ExitCode $asked.ExitCode }
        $models = @($rows | ForEach-Object { $_[2].ToLowerInvariant() } | Where-Object { $_ -in 'wddm', 'tcc', 'mcdm' } | Sort-Object -Unique)
        @{
            'windows.nvidia_gpus'         = @($rows | ForEach-Object { $_[0] })
            'windows.nvidia_driver'       = $rows[0][1]
            'windows.nvidia_driver_model' = if ($models.Count -gt 1) { 'mixed' } elseif ($models.Count) { $models[0] } else { $null }
        }
    }
}

function Invoke-NvidiaQuery {
    <#
    .SYNOPSIS
    Returns what nvidia-smi.exe says of every GPU: name, driver version, driver model.
    .PARAMETER TimeoutSeconds
    How long it may take.
    #>
    [CmdletBinding()]
    param([int] $TimeoutSeconds)
    $asked = Invoke-Native -FilePath 'nvidia-smi.exe' -ArgumentList $script:NvidiaQuestion -TimeoutSeconds $TimeoutSeconds
    if ($asked.Reason -ne 'absent' -or -not $env:ProgramFiles) { return $asked }
    # Where drivers before 2020 put it.
    $old = Join-Path $env:ProgramFiles 'NVIDIA Corporation/NVSMI/nvidia-smi.exe'
    Invoke-Native -FilePath $old -ArgumentList $script:NvidiaQuestion -TimeoutSeconds $TimeoutSeconds
}

function Get-GpuByCim {
    <#
    .SYNOPSIS
    Returns the NVIDIA facts as the display devices tell them, where nvidia-smi did not.
    .PARAMETER Reason
    Why nvidia-smi did not.
    .PARAMETER ExitCode
    Its exit code, where it ran.
    #>
    [CmdletBinding()]
    [OutputType([hashtable])]
    param([string] $Reason, [AllowNull()] $ExitCode)
    $cards = @(Get-CimInstance -ClassName Win32_VideoController -OperationTimeoutSec 20 -ErrorAction Stop |
            Where-Object { "$($_.Name)" -match 'NVIDIA' })
    if (-not $Reason) { $Reason = "failed: nvidia-smi ended with $ExitCode" }
    $facts = @{
        'windows.nvidia_gpus'         = @($cards | ForEach-Object { "$($_.Name)".Trim() })
        'windows.nvidia_driver'       = New-UnknownFact $Reason
        'windows.nvidia_driver_model' = New-UnknownFact $Reason
    }
    if ($cards.Count) {
        # 31.0.15.5286 is 552.86: the last five digits.
        $digits = "$($cards[0].DriverVersion)" -replace '\D', ''
        if ($digits.Length -ge 5) {
            $facts['windows.nvidia_driver'] = $digits.Substring($digits.Length - 5).Insert(3, '.').TrimStart('0')
        }
    }
    $facts
}
