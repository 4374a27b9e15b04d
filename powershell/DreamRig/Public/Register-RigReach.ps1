function Register-RigReach {
    <#
    .SYNOPSIS
    Lets other computers of the house reach the page for friends: a firewall rule, and a task that leads the port on to WSL.
    .DESCRIPTION
    For WSL in NAT mode, whose address changes with every start of its virtual machine. A scheduled task at this user's
    logon looks once a minute where WSL is, and leads the port there by a port proxy; it never starts a distribution. The
    rule lets the port in from private networks and those of a domain, never from public ones. Administrator rights are
    needed, once; the task has them too, and its script lies under Program Files, where only administrators write.

    Comes out: one object with TaskName, User, Port, Command and Registered. What was made is asked of Windows before this
    function reports it; where half of it fails, the other half is taken back.
    .PARAMETER Distribution
    The distribution in which the server runs.
    .PARAMETER Port
    The port of the server, and of this PC.
    .EXAMPLE
    Register-RigReach -Distribution Ubuntu -Port 8700 -WhatIf
    .NOTES
    Take it back with Unregister-RigReach.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    [OutputType([pscustomobject])]
    param(
        [Parameter(Mandatory = $true)] [ValidatePattern('^[A-Za-z0-9][A-Za-z0-9._-]*$')] [string] $Distribution,
        [ValidateRange(1024, 65535)] [int] $Port = 8700
    )
    $who = Get-TaskAccount -User '' -Cannot 'The port cannot be led on' -Script 'reach.ps1'
    $wsl = Resolve-WslPath
    if (-not $wsl) {
        throw (New-SetupError -Message 'WSL is not installed here.' -ExitCode 4 -Hint 'run: powershell\setup.ps1')
    }
    $listed = Invoke-Wsl -ArgumentList '--list', '--quiet'
    if ($Distribution -notin @($listed.Out -split '\s+')) {
        throw (New-SetupError -Message "$($who.User) has no distribution $Distribution." -ExitCode 4 `
                -Hint 'see: wsl --list; as administrator you have to be the same person, not another account')
    }
    $leads = Get-Forward -Port $Port
    if ($leads -and (Get-ReachPort) -ne $Port) {
        throw (New-SetupError -Message "Port $Port of this PC leads to $leads already." -ExitCode 4 `
                -Hint "choose another port, or end that: netsh interface portproxy delete v4tov4 listenport=$Port listenaddress=0.0.0.0")
    }
    $words = Get-ReachArgument -Wsl $wsl -Distribution $Distribution -Port $Port
    $result = [pscustomobject]@{
        TaskName = $script:ReachTask; User = $who.User; Port = $Port; Command = "`"$(Get-TaskShell)`" $words"; Registered = $false
    }
    $what = "firewall rule $script:ReachRule for TCP port $Port in private networks, and scheduled task $script:ReachTask at the " +
        "logon of $($who.User), which leads the port on to $Distribution"
    if (-not $PSCmdlet.ShouldProcess($what, 'Make and start')) { return $result }
    Assert-ReachRight
    $left = Undo-Reach
    if ($left) { throw (New-SetupError -Message "What was there before is not gone: $left." -ExitCode 1 -Hint 'restart Windows, then again') }
    try {
        Copy-ReachScript -Port $Port
        Add-ReachRule -Port $Port
        Add-RigTask -Account $who.Account -Words $words -RunLevel Highest -Limit (New-TimeSpan) -Task @{
            TaskName = $script:ReachTask; Trigger = New-ScheduledTaskTrigger -AtLogOn -User $who.Account
            Description = 'Leads the port of the page for friends of dreamrig on to WSL. Remove it with: reach.ps1 -Undo'
        }
        Assert-RigTask -Name $script:ReachTask -RunLevel Highest -What 'leads the port on' -Hint 'Then the same command again'
        $null = Start-ScheduledTask -TaskName $script:ReachTask -TaskPath '\'
    } catch {
        $null = Undo-Reach
        if ($_.Exception.Data['exit_code']) { throw }
        throw (New-SetupError -Message "Windows did not take the task: $($_.Exception.Message)" -ExitCode 4 `
                -Hint 'is the service "Task Scheduler" running? then the same command again')
    }
    $result.Registered = $true
    $result
}
