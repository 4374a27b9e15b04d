# The steps of the plan about WSL, the distribution, .wslconfig, and the work inside Linux.

$script:DefaultDistribution = 'Ubuntu-24.04'
# What a guest script answers where nothing is left to do.
$script:GuestGoals = @{
    user = '.'; python = '^python'; checkout = '^(current|foreign)$'; environment = '^ready$'; doctor = '^$'; picture = '^/'
}

function Get-SetupPackageStep {
    <#
    .SYNOPSIS
    Returns the step about the WSL package.
    .PARAMETER Fact
    The document of Get-RigFact.
    .PARAMETER IsReady
    Nothing before it is open.
    #>
    [CmdletBinding()]
    param([psobject] $Fact, [bool] $IsReady)
    $about = @{ Id = 'wsl-package'; Title = 'WSL itself' }
    $wsl = $Fact.wsl
    $is = if ($null -ne $wsl -and $wsl.version -match '^[0-9]') { $wsl.version } else { $null }
    if ($is -and -not (Test-FactLess -Value $is -Limit $script:OldestWsl)) { return New-SetupStep @about -Status done -Reason "version $is" }
    $status = @('later', 'needed')[[int] $IsReady]
    if ($is) {
        return New-SetupStep @about -Status $status -Command 'wsl --update' -NeedsAdmin `
            -Reason "version $is; from $script:OldestWsl on it installs distributions without the Store"
    }
    if ($null -ne $wsl -and $wsl.is_installed) {
        return New-SetupStep @about -Status $status -Command 'wsl --update' -NeedsAdmin `
            -Reason 'the version that came with Windows gets no updates; the package has the kernel and the GPU support'
    }
    New-SetupStep @about -Status $status -Command 'wsl --install --no-distribution' -NeedsAdmin -Reason 'not installed yet'
}

function Get-SetupDistributionStep {
    <#
    .SYNOPSIS
    Returns the step about the distribution; its `name` says which.
    .PARAMETER Fact
    The document of Get-RigFact.
    .PARAMETER Option
    The options of Get-SetupPlan.
    .PARAMETER IsReady
    Nothing before it is open.
    #>
    [CmdletBinding()]
    param([psobject] $Fact, [psobject] $Option, [bool] $IsReady)
    $known = @()
    if ($null -ne $Fact.wsl) { $known = @($Fact.wsl.distributions | Where-Object { $null -ne $_ }) }
    $name = Select-Distribution -Known $known -Wanted $Option.distribution -Default $Fact.wsl.default_distribution
    $about = @{ Id = 'distribution'; Title = 'Linux distribution' }
    $found = @($known | Where-Object { $_.name -eq $name })
    $install = "wsl --install -d $name --no-launch"
    if ($Option.from_file) { $install = "wsl --install --from-file `"$($Option.from_file)`" --name $name --no-launch" }
    $step = $null
    if ($found.Count -and $found[0].state -in 'installing', 'uninstalling') {
        $step = New-SetupStep @about -Status @('later', 'needed')[[int] $IsReady] -Command "wsl --unregister $name; $install" `
            -Reason "$name was cut off while it was $($found[0].state) (a power cut, a closed window): WSL neither starts it nor installs it again" `
            -Ask "What there is of $name is thrown away, and it is installed afresh (unless another window is installing it right now: then say no)."
    } elseif ($Option.reset -and $found.Count) {
        $saved = 'saved to a file, '
        if ($Option.no_export) { $saved = 'NOT saved, ' }
        $step = New-SetupStep @about -Status @('later', 'needed')[[int] $IsReady] `
            -Command "$(if (-not $Option.no_export) { "wsl --export $name <file>; " })wsl --unregister $name; $install" `
            -Reason "-Reset: $name is ${saved}deleted with everything in it, and installed afresh"
    } elseif ($found.Count -and $found[0].version -eq 1) {
        $step = New-SetupStep @about -Status @('later', 'needed')[[int] $IsReady] -Command "wsl --set-version $name 2" `
            -Reason "$name is a WSL 1 distribution, which has no GPU" `
            -Ask "Converting $name to WSL 2 rewrites its whole disk and can take an hour; wsl --export $name backup.tar saves it first."
    } elseif ($found.Count) {
        $step = New-SetupStep @about -Status done -Reason "$name, WSL 2"
    } elseif ($Option.from_file -and -not [System.IO.File]::Exists($Option.from_file)) {
        $step = New-SetupStep @about -Status blocked -ExitCode 2 -Reason "there is no file $($Option.from_file)" `
            -Command '.\setup.ps1 -FromFile <the .wsl file>; or without -FromFile, which fetches one'
    } else {
        $from = @('', ', and comes from the file')[[int] [bool] $Option.from_file]
        $step = New-SetupStep @about -Status @('later', 'needed')[[int] $IsReady] -Command $install -Reason "$name is not there yet$from"
    }
    $step | Add-Member -MemberType NoteProperty -Name name -Value $name -PassThru
}

function Select-Distribution {
    <#
    .SYNOPSIS
    Returns the name of the distribution to use: the one asked for, else the default one, else any under WSL 2, else ours.
    .PARAMETER Known
    The registered ones, as the facts have them.
    .PARAMETER Wanted
    The one asked for; '' for none.
    .PARAMETER Default
    The default one.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([object[]] $Known, [string] $Wanted, [AllowNull()] [object] $Default)
    if ($Wanted) { return $Wanted }
    $usable = @($Known | Where-Object { $_.version -eq 2 -and $_.name -notmatch $script:ForeignDistributions })
    foreach ($one in $usable) { if ($one.name -eq $Default) { return $one.name } }
    foreach ($one in $usable) { return $one.name }
    $script:DefaultDistribution
}

function Get-SetupWslConfigStep {
    <#
    .SYNOPSIS
    Returns the step about .wslconfig.
    .PARAMETER WslConfig
    The object of Get-WslConfigPlan.
    .PARAMETER IsReady
    Nothing before it is open.
    .PARAMETER MemoryMib
    Physical memory; $null where it is not known.
    #>
    [CmdletBinding()]
    param([psobject] $WslConfig, [bool] $IsReady, [AllowNull()] [object] $MemoryMib)
    $about = @{ Id = 'wslconfig'; Title = '.wslconfig' }
    $cautions = @($WslConfig.Kept | ForEach-Object { "$($_.key)=$($_.value) is your own and stays" })
    $offer = [int] [Math]::Floor([Math]::Min($MemoryMib * 0.75, $MemoryMib - 4096) / 1024)
    if ($offer -ge 8 -and -not @($WslConfig.Changes).Count -and -not $WslConfig.HasMemory) {
        $cautions += "Linux may take half of the memory; setup.ps1 -WslMemoryGB $offer gives it more, for full-size weights"
    }
    if (-not $WslConfig.IsChanged) { return New-SetupStep @about -Status done -Reason 'as it should be' -Caution $cautions }
    $reasons = @()
    foreach ($change in $WslConfig.Changes) {
        $why = @($WslConfig.Wishes | Where-Object { $_.key -eq $change.key })[0].why
        $reasons += "$($change.key)=$($change.after): $why"
    }
    if ($WslConfig.Encoding -in 'utf-16', 'utf-8-bom') { $reasons += "it is $($WslConfig.Encoding), which WSL does not read as it should" }
    New-SetupStep @about -Status @('later', 'needed')[[int] $IsReady] -Reason ($reasons -join '; ') -Caution $cautions `
        -Command "notepad $($WslConfig.Path)"
}

function Get-SetupGuestStep {
    <#
    .SYNOPSIS
    Returns the steps inside Linux.
    .PARAMETER Option
    The options of Get-SetupPlan.
    .PARAMETER Guest
    Answers of the guest scripts by name; $null where Linux was not asked.
    #>
    [CmdletBinding()]
    param([psobject] $Option, [AllowNull()] [hashtable] $Guest)
    $steps = @(
        @{ Id = 'guest-user'; Title = 'Your account in Linux'
            Why = 'named like the one in Windows, without a password; sudo asks for none' }
        @{ Id = 'guest-python'; Title = 'Python'
            Why = 'Python 3.11 or newer with its venv module, by apt' }
        @{ Id = 'guest-checkout'; Title = 'dreamrig in Linux'
            Why = 'a copy in ~/dreamrig: on /mnt/c many small files are slow' }
        @{ Id = 'guest-environment'; Title = 'Environment'
            Why = '~/dreamrig/.venv with torch (about 3 GB to fetch)' }
        @{ Id = 'guest-doctor'; Title = 'Doctor'
            Why = 'the whole chain, up to a number that the GPU has computed' }
        @{ Id = 'guest-picture'; Title = 'First picture'; Why = '"sunset over the sea"' }
    )
    foreach ($step in $steps) {
        $name = $step.Id -replace '^guest-', ''
        $answer = if ($null -ne $Guest) { $Guest[$name] } else { $null }
        $status = 'later'
        if ($Option.skip_guest) { $status = 'skipped' }
        elseif ($step.Id -eq 'guest-doctor') { if ($null -ne $Guest) { $status = 'needed' } }
        elseif ($null -ne $answer) { $status = @('needed', 'done')[[int] ($answer -match $script:GuestGoals[$name])] }
        $reason = $step.Why
        if ($status -eq 'done') { $reason = $answer }
        if ($status -eq 'skipped') { $reason = 'left out by -SkipGuest' }
        New-SetupStep -Id $step.Id -Title $step.Title -Status $status -Reason $reason
    }
}
