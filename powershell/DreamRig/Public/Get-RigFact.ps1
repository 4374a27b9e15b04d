function Get-RigFact {
    <#
    .SYNOPSIS
    Returns what can be read about this PC's way to a GPU inside WSL 2: one facts document.
    .DESCRIPTION
    Changes nothing, needs no administrator rights, and starts no distribution. What could not be read is $null, and
    `unknown` has the reason under its dotted path: denied (needs elevation), absent (no such thing), timeout,
    failed: ... The shape is provision/knowledge/facts.schema.json; on anything but Windows all of it is unknown.
    .PARAMETER TimeoutSeconds
    How long one program (wsl.exe, nvidia-smi.exe) may take.
    .EXAMPLE
    (Get-RigFact).windows.hypervisor_present
    .EXAMPLE
    Get-RigFact | ConvertTo-Json -Depth 6
    .NOTES
    Elevated, it also reads hypervisorlaunchtype, waiting states of features, BitLocker and the virtual machines' logon
    right.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([ValidateRange(1, 600)] [int] $TimeoutSeconds = 15)
    if (-not (Test-WindowsSystem)) {
        $document = New-FactDocument -Place other
        foreach ($half in 'windows', 'wsl') { $document['unknown'][$half] = 'absent' }
        return ConvertTo-FactObject -Value $document
    }
    # These take longest, and are read last.
    Start-NativeAhead -FilePath 'nvidia-smi.exe' -ArgumentList $script:NvidiaQuestion
    try {
        Start-NativeAhead -FilePath (Resolve-WslPath) -ArgumentList '--version'
    } catch {
        # The registry cannot be read: whoever asks for WSL's version in its turn says so.
        Write-Verbose "$($_.Exception.Message)"
    }
    try { ConvertTo-FactObject -Value (Read-WindowsFact -TimeoutSeconds $TimeoutSeconds) } finally { Stop-NativeAhead }
}
