# Setup goes on at the next logon: after a restart, and where fetching or installing failed.

$script:MostRetries = 3

function Register-NextRun {
    <#
    .SYNOPSIS
    Registers the task that goes on at the next logon; its window waits at the end where somebody is to read it.
    .PARAMETER Option
    What setup.ps1 was called with.
    #>
    [CmdletBinding()]
    param([psobject] $Option)
    $words = @(if (-not $Option.unattended) { '-Pause' })
    $null = Register-RigResume -ScriptPath $Option.script -ArgumentList $words -Confirm:$false
}

function Register-SetupRetry {
    <#
    .SYNOPSIS
    Lets a resumed run that failed while it fetched or installed come again at the next logon, three times at most.
    .PARAMETER Option
    What setup.ps1 was called with.
    .PARAMETER State
    The object of New-SetupState.
    .PARAMETER ErrorRecord
    What went wrong.
    #>
    [CmdletBinding()]
    param([psobject] $Option, [psobject] $State, [System.Management.Automation.ErrorRecord] $ErrorRecord)
    $code = $ErrorRecord.Exception.Data['exit_code']
    if (-not $Option.resume -or $code -ne 1 -or $State.phase -notin 'wsl', 'guest') { return }
    if ($State.retries -ge $script:MostRetries) { return }
    $State.retries++
    Save-SetupState -State $State -Confirm:$false
    Register-NextRun -Option $Option
    Write-SetupTalk -Text "Setup tries again when you sign in the next time ($($State.retries) of $script:MostRetries)."
}
