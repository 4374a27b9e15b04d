# The scheduled task that goes on with setup after a restart. In the root folder: a folder of its own would stay behind.

$script:ResumeTask = 'DreamRig-Setup-Resume'

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

