# The scheduled tasks of this module: one goes on with setup after a restart, one keeps the page for friends up. They lie in
# the root folder of the scheduler (a folder of their own would stay behind), hold no password, and never run as SYSTEM.

function Get-RigTask {
    <#
    .SYNOPSIS
    Returns a task as Windows knows it; nothing where there is none.
    .PARAMETER Name
    Its name.
    #>
    [CmdletBinding()]
    param([string] $Name)
    Get-ScheduledTask -TaskName $Name -TaskPath '\' -ErrorAction SilentlyContinue
}

function Get-TaskAccount {
    <#
    .SYNOPSIS
    Returns whose task it is: User (DOMAIN\name) and Account, by which the scheduler finds it again. Throws for SYSTEM.
    .PARAMETER User
    The user; '' for that of this process.
    .PARAMETER Cannot
    What cannot be done for SYSTEM, in words.
    .PARAMETER Script
    The script to start as somebody else.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowEmptyString()] [string] $User, [string] $Cannot, [string] $Script)
    $account = $User
    if (-not $User) {
        $User = Get-ProcessUser
        $account = Get-ProcessSid
        if (-not $account) { $account = $User }
    }
    if ($User -match '\$$|\\SYSTEM$') {
        throw (New-SetupError -Message "$Cannot as ${User}: WSL refuses to work for it." -ExitCode 4 `
                -Hint "start $Script as the person who uses WSL")
    }
    [pscustomobject]@{ User = $User; Account = $account }
}

function Add-RigTask {
    <#
    .SYNOPSIS
    Registers a task that Windows PowerShell carries out at a logon, in the place of one with that name.
    .PARAMETER Task
    TaskName, Description and Trigger, for Register-ScheduledTask.
    .PARAMETER Account
    Of Get-TaskAccount.
    .PARAMETER Words
    The arguments of Windows PowerShell.
    .PARAMETER Folder
    Where it starts; '' for anywhere.
    .PARAMETER RunLevel
    Highest or Limited.
    .PARAMETER Limit
    How long it may run; zero for ever.
    .PARAMETER More
    Further settings, for New-ScheduledTaskSettingsSet.
    #>
    [CmdletBinding()]
    param([hashtable] $Task, [string] $Account, [string] $Words, [AllowEmptyString()] [string] $Folder, [string] $RunLevel,
        [timespan] $Limit, [hashtable] $More = @{})
    $action = [ordered]@{ Execute = Get-TaskShell; Argument = $Words }
    if ($Folder) { $action['WorkingDirectory'] = $Folder }
    $settings = New-ScheduledTaskSettingsSet -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -MultipleInstances IgnoreNew `
        -ExecutionTimeLimit $Limit @More
    $null = Register-ScheduledTask @Task -Action (New-ScheduledTaskAction @action) -Settings $settings -Force `
        -Principal (New-ScheduledTaskPrincipal -UserId $Account -LogonType Interactive -RunLevel $RunLevel)
}

function Assert-RigTask {
    <#
    .SYNOPSIS
    Throws unless a task is there, interactive and with these rights.
    .PARAMETER Name
    Its name.
    .PARAMETER RunLevel
    Highest or Limited.
    .PARAMETER What
    What the task does, in words.
    .PARAMETER Hint
    What to do where it is not.
    #>
    [CmdletBinding()]
    param([string] $Name, [ValidateSet('Highest', 'Limited')] [string] $RunLevel, [string] $What, [string] $Hint)
    $task = Get-RigTask -Name $Name
    $is = ''
    if ($task) { $is = "$($task.Principal.RunLevel) $($task.Principal.LogonType)" }
    # Numbers, where the objects come through the compatibility session of 7.
    if ($is -in "$RunLevel Interactive", @{ Highest = '1 3'; Limited = '0 3' }[$RunLevel]) { return }
    throw (New-SetupError -Message "The task that $What could not be registered (found: '$is')." -ExitCode 1 `
            -Hint "is the service `"Task Scheduler`" running? $Hint")
}

function Remove-RigTask {
    <#
    .SYNOPSIS
    Deletes a task and says whether it is gone.
    .PARAMETER Name
    Its name.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'The functions that users call ask, and name the task.')]
    [CmdletBinding()]
    [OutputType([bool])]
    param([string] $Name)
    try {
        Unregister-ScheduledTask -TaskName $Name -TaskPath '\' -Confirm:$false -ErrorAction Stop
    } catch {
        Write-Verbose "Unregister-ScheduledTask: $($_.Exception.Message)"
    }
    -not (Get-RigTask -Name $Name)
}

function Get-TaskShell {
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
