# From facts to a plan: what is fine, what setup will do, and why. Nothing in here changes or asks anything.

function New-SetupStep {
    <#
    .SYNOPSIS
    Returns one step of the plan.
    .PARAMETER Id
    Its name, in kebab-case.
    .PARAMETER Title
    What it is about.
    .PARAMETER Status
    done, needed (setup does it), waiting (for a restart), later (decided when it is reached), advice (for the person),
    skipped, unverified (nobody can tell), or blocked (setup cannot go on).
    .PARAMETER Reason
    Why, in one sentence.
    .PARAMETER Command
    What is run, as one would type it.
    .PARAMETER NeedsAdmin
    Needs administrator rights.
    .PARAMETER NeedsRestart
    Counts from the next start of Windows on.
    .PARAMETER Caution
    What to know before it is done.
    .PARAMETER Ask
    What it may break: asked before it is done.
    .PARAMETER ExitCode
    Of a blocked step: what setup ends with.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param(
        [string] $Id, [string] $Title,
        [ValidateSet('done', 'needed', 'waiting', 'later', 'advice', 'skipped', 'unverified', 'blocked')] [string] $Status,
        [string] $Reason, [string] $Command = '', [switch] $NeedsAdmin, [switch] $NeedsRestart,
        [string[]] $Caution = @(), [string[]] $Ask = @(), [int] $ExitCode = 4
    )
    [pscustomobject]@{
        id = $Id; title = $Title; status = $Status; reason = $Reason; command = $Command
        needs_admin = [bool] $NeedsAdmin; needs_restart = [bool] $NeedsRestart
        cautions = @($Caution); asks = @($Ask); exit_code = $ExitCode
        # What came of it: '' until it is carried out, then done or unverified.
        outcome = ''
    }
}

function Get-SetupPlan {
    <#
    .SYNOPSIS
    Returns the steps from this PC as it is to a first picture, in the order in which they are done.
    .PARAMETER Fact
    The document of Get-RigFact.
    .PARAMETER Option
    hyperv, distribution, skip_guest, accept_conflict; user, console_user: of this process, at the screen; restarted: a
    restart since the last change is proven.
    .PARAMETER Guest
    Answers of the guest scripts by name; $null where Linux was not asked.
    .PARAMETER WslConfig
    The object of Get-WslConfigPlan.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([psobject] $Fact, [psobject] $Option, [AllowNull()] [hashtable] $Guest, [psobject] $WslConfig)
    $windows = @(
        Get-SetupAccountStep -Option $Option
        Get-SetupPlaceStep -Option $Option
        Get-SetupVersionStep -Fact $Fact
        Get-SetupFeatureStep -Fact $Fact -Option $Option
        Get-SetupLaunchStep -Fact $Fact -Option $Option
        Get-SetupFirmwareStep -Fact $Fact
    )
    $restart = Get-SetupRestartStep -Fact $Fact -Step $windows -IsRestarted $Option.restarted
    $isReady = -not @($windows + $restart | Where-Object { $_.status -in 'needed', 'waiting', 'blocked', 'later' }).Count
    $windows
    $restart
    Get-SetupDriverStep -Fact $Fact
    Get-SetupRoomStep -Fact $Fact -Guest $Guest -Option $Option
    Get-SetupPackageStep -Fact $Fact -IsReady $isReady
    Get-SetupDistributionStep -Fact $Fact -Option $Option -IsReady $isReady
    Get-SetupWslConfigStep -WslConfig $WslConfig -IsReady $isReady -MemoryMib $Fact.windows.memory_mib
    Get-SetupGuestStep -Option $Option -Guest $Guest
}

function Get-SetupRestartStep {
    <#
    .SYNOPSIS
    Returns the step about a restart; a blocked one where another restart cannot help.
    .PARAMETER Fact
    The document of Get-RigFact.
    .PARAMETER Step
    The steps before it.
    .PARAMETER IsRestarted
    A restart since the last change is proven.
    #>
    [CmdletBinding()]
    param([psobject] $Fact, [psobject[]] $Step, [bool] $IsRestarted)
    $about = @{ Id = 'restart'; Title = 'Restart' }
    $reasons = @($Step | Where-Object { $_.status -eq 'waiting' } | ForEach-Object { "$($_.title): $($_.reason)" })
    $counting = @($Step | Where-Object { $_.status -in 'needed', 'advice' -and $_.needs_restart } | ForEach-Object { $_.title })
    if ($counting.Count) { $reasons += "$($counting -join ' and ') $(@('count', 'counts')[[int] ($counting.Count -eq 1)]) from the next start on" }
    if (@($Fact.windows.reboot_reasons) -contains 'wsl --install') { $reasons += 'wsl --install has staged something' }
    $isAbsent = $Fact.windows.hypervisor_present -eq $false
    if ($isAbsent -and $Fact.windows.reboot_pending -and -not $reasons.Count) {
        $reasons += "Windows waits for one ($(@($Fact.windows.reboot_reasons) -join ', '))"
    }
    if ($isAbsent -and -not $reasons.Count -and -not @($Step | Where-Object { $_.status -eq 'blocked' }).Count) {
        if ($IsRestarted) {
            return New-SetupStep -Id 'hypervisor' -Title 'Hypervisor' -Status blocked -Command '.\doctor.ps1' -ExitCode 3 `
                -Reason 'everything is turned on and Windows was restarted, and still no hypervisor runs'
        }
        $reasons += 'everything is turned on, and no hypervisor runs yet'
    }
    if (-not $reasons.Count) { return New-SetupStep @about -Status skipped -Reason 'none is needed' }
    New-SetupStep @about -Status needed -NeedsRestart -NeedsAdmin -Reason ($reasons -join '; ') -Command 'shutdown /r /t 0'
}
