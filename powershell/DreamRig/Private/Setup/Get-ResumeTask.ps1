# The scheduled task that goes on with setup after a restart. In the root folder: a folder of its own would stay behind.

$script:ResumeTask = 'DreamRig-Setup-Resume'

function Get-ResumeTask {
    <#
    .SYNOPSIS
    Returns the task as Windows knows it; nothing where there is none.
    #>
    [CmdletBinding()]
    param()
    Get-ScheduledTask -TaskName $script:ResumeTask -TaskPath '\' -ErrorAction SilentlyContinue
}

function New-ResumeTrigger {
    <#
    .SYNOPSIS
    Returns the trigger: at this user's logon, half a minute later, for seven days from now.
    .PARAMETER User
    DOMAIN\name.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [CmdletBinding()]
    param([string] $User)
    $trigger = New-ScheduledTaskTrigger -AtLogOn -User $User
    $trigger.Delay = 'PT30S'
    # Without an end, DeleteExpiredTaskAfter is refused.
    $trigger.EndBoundary = [datetime]::Now.AddDays(7).ToString('s', [cultureinfo]::InvariantCulture)
    $trigger
}

function Assert-ResumeTask {
    <#
    .SYNOPSIS
    Throws unless the task is there, interactive and with the highest rights of its user.
    #>
    [CmdletBinding()]
    param()
    $task = Get-ResumeTask
    $is = ''
    if ($task) { $is = "$($task.Principal.RunLevel) $($task.Principal.LogonType)" }
    # Numbers, where the objects come through the compatibility session of 7.
    if ($is -in 'Highest Interactive', '1 3') { return }
    throw (New-SetupError -Message "The task that goes on after the restart could not be registered (found: '$is')." -ExitCode 1 `
            -Hint 'is the service "Task Scheduler" running? Otherwise restart by hand and start setup.ps1 again afterwards')
}

function Get-ResumeShell {
    <#
    .SYNOPSIS
    Returns the full path of Windows PowerShell: it is in every Windows, at the same place after every update.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    "$env:SystemRoot\System32\WindowsPowerShell\v1.0\powershell.exe"
}

function Get-ProcessSid {
    <#
    .SYNOPSIS
    Returns the security identifier of this process's user; '' where Windows does not say.
    .DESCRIPTION
    Names of Entra and Microsoft accounts are not always found again by the task scheduler (0x80070534, no mapping between
    account names and security IDs was done); the identifier always is.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    $asked = Invoke-Native -FilePath 'whoami.exe' -ArgumentList '/user', '/fo', 'csv', '/nh' -TimeoutSeconds 10
    if ($asked.ExitCode -eq 0 -and $asked.Out -match '"(S-1-[0-9-]+)"') { return $Matches[1] }
    ''
}

function Get-ProcessUser {
    <#
    .SYNOPSIS
    Returns the user of this process, DOMAIN\name.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    "$env:USERDOMAIN\$env:USERNAME"
}
