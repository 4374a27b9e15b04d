function Unregister-RigServe {
    <#
    .SYNOPSIS
    Takes back what Register-RigServe did: stops and deletes the task, and proves that it is gone; deletes its script.
    .DESCRIPTION
    Comes out: $true where there was one and it is gone now, $false where there was none (or under -WhatIf). The server
    inside WSL keeps its picture and ends with the distribution; pictures and queue stay.
    .EXAMPLE
    Unregister-RigServe
    .EXAMPLE
    Unregister-RigServe -WhatIf
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Low')]
    [OutputType([bool])]
    param()
    if (-not (Get-RigTask -Name $script:ServeTask)) { return $false }
    if (-not $PSCmdlet.ShouldProcess("scheduled task $script:ServeTask", 'Stop and delete')) { return $false }
    $null = Invoke-Native -FilePath 'schtasks.exe' -ArgumentList '/end', '/tn', $script:ServeTask -Changes
    if (-not (Remove-RigTask -Name $script:ServeTask)) {
        throw (New-SetupError -Message "The scheduled task $script:ServeTask cannot be deleted." -ExitCode 1 `
                -Hint "delete it in taskschd.msc, or as administrator: schtasks /delete /tn $script:ServeTask /f")
    }
    $folder = Get-ServeFolder
    if ([System.IO.Directory]::Exists($folder)) { [System.IO.Directory]::Delete($folder, $true) }
    $true
}
