function Register-RigResume {
    <#
    .SYNOPSIS
    Lets setup go on by itself after the next restart: a scheduled task at the logon of the same user.
    .DESCRIPTION
    The task runs with that user's own highest rights, only while the user is logged on: no password is stored, nothing
    runs as SYSTEM (under which WSL refuses to work), and the machine's execution policy stays as it is (Bypass holds
    for the one process). The resumed run deletes the task before it does anything else; one that never ran is deleted
    by Windows after seven days.

    Comes out: one object with TaskName, User, Command and Registered. That the task is there, with these rights, is
    asked of Windows before this function reports it.
    .PARAMETER ScriptPath
    Full path of setup.ps1.
    .PARAMETER ArgumentList
    Further words for it, each without spaces or with its own quotes; -Resume is always the first.
    .PARAMETER User
    Whose logon is meant, DOMAIN\name; the user of this process without it.
    .EXAMPLE
    Register-RigResume -ScriptPath 'C:\Users\me\dreamrig\powershell\setup.ps1' -Confirm:$false
    .EXAMPLE
    Register-RigResume -ScriptPath "$PSScriptRoot\setup.ps1" -ArgumentList '-Unattended' -WhatIf
    .NOTES
    Needs administrator rights. Whoever can write to the folder of setup.ps1 decides what runs with these rights after
    the restart, as with every program that is started as administrator.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    [OutputType([pscustomobject])]
    param(
        [Parameter(Mandatory = $true)] [ValidateNotNullOrEmpty()] [string] $ScriptPath,
        [string[]] $ArgumentList = @(),
        [string] $User = ''
    )
    $who = Get-TaskAccount -User $User -Cannot 'Setup cannot go on' -Script 'setup.ps1'
    $words = '-NoProfile -ExecutionPolicy Bypass -File "{0}" -Resume {1}' -f $ScriptPath, ($ArgumentList -join ' ')
    $result = [pscustomobject]@{
        TaskName = $script:ResumeTask; User = $who.User; Command = "`"$(Get-TaskShell)`" $($words.Trim())"; Registered = $false
    }
    if (-not $PSCmdlet.ShouldProcess("scheduled task $script:ResumeTask at the logon of $($who.User)", 'Register')) { return $result }
    Assert-Elevated -Task 'registering the task that goes on after the restart'
    $task = @{
        TaskName = $script:ResumeTask; Trigger = New-ResumeTrigger -User $who.Account
        Description = 'Goes on with the setup of dreamrig after a restart, once. Remove it with: setup.ps1 -Undo'
    }
    Add-RigTask -Task $task -Account $who.Account -Words $words.Trim() -Folder (Split-Path -Path $ScriptPath -Parent) -RunLevel Highest `
        -Limit (New-TimeSpan -Hours 12) -More @{ DeleteExpiredTaskAfter = New-TimeSpan -Minutes 1 }
    Assert-RigTask -Name $script:ResumeTask -RunLevel Highest -What 'goes on after the restart' `
        -Hint 'Otherwise restart by hand and start setup.ps1 again afterwards'
    $result.Registered = $true
    $result
}
