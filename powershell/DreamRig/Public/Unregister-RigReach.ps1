function Unregister-RigReach {
    <#
    .SYNOPSIS
    Takes back what Register-RigReach did: the task, the port proxy, the firewall rule and the script; proves that they are gone.
    .DESCRIPTION
    Comes out: $true where there was something and it is gone now, $false where there was nothing (or under -WhatIf).
    .EXAMPLE
    Unregister-RigReach
    .EXAMPLE
    Unregister-RigReach -WhatIf
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Low')]
    [OutputType([bool])]
    param()
    if (-not ((Get-RigTask -Name $script:ReachTask) -or (Get-ReachPort) -or (Test-ReachRule))) { return $false }
    $what = "scheduled task $script:ReachTask, port proxy of $(Get-ReachPort), firewall rule $script:ReachRule"
    if (-not $PSCmdlet.ShouldProcess($what, 'Stop and delete')) { return $false }
    Assert-ReachRight
    $left = Undo-Reach
    if ($left) {
        throw (New-SetupError -Message "This cannot be deleted: $left." -ExitCode 1 -Hint 'restart Windows, then: reach.ps1 -Undo')
    }
    $true
}
