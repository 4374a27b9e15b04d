function Unregister-RigResume {
    <#
    .SYNOPSIS
    Deletes the scheduled task that goes on with setup after a restart, and proves that it is gone.
    .DESCRIPTION
    Comes out: $true where there was one and it is gone now, $false where there was none (or under -WhatIf).
    .EXAMPLE
    Unregister-RigResume
    .EXAMPLE
    Unregister-RigResume -WhatIf
    .NOTES
    Needs administrator rights where there is a task.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Low')]
    [OutputType([bool])]
    param()
    if (-not (Get-RigTask -Name $script:ResumeTask)) { return $false }
    if (-not $PSCmdlet.ShouldProcess("scheduled task $script:ResumeTask", 'Delete')) { return $false }
    if (-not (Remove-RigTask -Name $script:ResumeTask)) {
        Assert-Elevated -Task "deleting the scheduled task $script:ResumeTask"
        throw (New-SetupError -Message "The scheduled task $script:ResumeTask cannot be deleted." -ExitCode 1 `
                -Hint "delete it in taskschd.msc, or: schtasks /delete /tn $script:ResumeTask /f")
    }
    $true
}
