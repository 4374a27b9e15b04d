function Register-RigServe {
    <#
    .SYNOPSIS
    Keeps the page for friends up: a scheduled task at this user's logon holds the distribution and its server.
    .DESCRIPTION
    WSL ends a distribution that no Windows process uses, whatever runs inside as a service. The task runs wsl.exe in the
    foreground, hidden, with the rights of the user and no more; no password is stored. While pictures wait, its process
    asks Windows not to sleep; no power plan is changed, and nothing stays when it ends. It is started at once.

    Comes out: one object with TaskName, User, Command and Registered. That the task is there is asked of Windows before
    this function reports it.
    .PARAMETER Distribution
    The distribution in which dreamrig is.
    .PARAMETER Program
    Path of dreamrig inside it.
    .PARAMETER DataFolder
    DREAMRIG_HOME inside it, where it is not the usual one.
    .EXAMPLE
    Register-RigServe -Distribution Ubuntu -Program /home/me/dreamrig/.venv/bin/dreamrig -WhatIf
    .NOTES
    Take it back with Unregister-RigServe.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    [OutputType([pscustomobject])]
    param(
        [Parameter(Mandatory = $true)] [ValidatePattern('^[A-Za-z0-9][A-Za-z0-9._-]*$')] [string] $Distribution,
        [Parameter(Mandatory = $true)] [ValidatePattern('^/[^"\r\n]+$')] [string] $Program,
        [ValidatePattern('^(/[^"\r\n]+)?$')] [string] $DataFolder = ''
    )
    $who = Get-TaskAccount -User '' -Cannot 'The page cannot be kept up' -Script 'serve.ps1'
    $wsl = Resolve-WslPath
    if (-not $wsl) {
        throw (New-SetupError -Message 'WSL is not installed here.' -ExitCode 4 -Hint 'run: powershell\setup.ps1')
    }
    $words = Get-ServeArgument -Script (Join-Path -Path (Get-ServeFolder) -ChildPath 'stay.ps1') -Wsl $wsl `
        -Distribution $Distribution -Program $Program -DataFolder $DataFolder
    $result = [pscustomobject]@{
        TaskName = $script:ServeTask; User = $who.User; Command = "`"$(Get-TaskShell)`" $words"; Registered = $false
    }
    if (-not $PSCmdlet.ShouldProcess("scheduled task $script:ServeTask at the logon of $($who.User)", 'Register and start')) { return $result }
    $null = Copy-ServeScript
    $task = @{
        TaskName = $script:ServeTask; Trigger = New-ScheduledTaskTrigger -AtLogOn -User $who.Account
        Description = 'Keeps the page for friends of dreamrig up. Remove it with: dreamrig serve uninstall, or serve.ps1 -Undo'
    }
    try {
        Add-RigTask -Task $task -Account $who.Account -Words $words -RunLevel Limited -Limit (New-TimeSpan)
    } catch {
        throw (New-SetupError -Message "Windows did not register the task: $($_.Exception.Message)" -ExitCode 4 `
                -Hint 'start PowerShell with "Run as administrator", and the same command again')
    }
    Assert-RigTask -Name $script:ServeTask -RunLevel Limited -What 'keeps the page up' -Hint 'Or start serve.ps1 once as administrator'
    $null = Start-ScheduledTask -TaskName $script:ServeTask -TaskPath '\'
    $result.Registered = $true
    $result
}
