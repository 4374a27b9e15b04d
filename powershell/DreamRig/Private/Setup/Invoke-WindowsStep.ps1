# The steps outside Linux, each with its proof, and each noted in the state.

function Invoke-WindowsStep {
    <#
    .SYNOPSIS
    Turns one feature or boot setting on.
    .PARAMETER Step
    A step of the plan.
    .PARAMETER State
    The object of New-SetupState.
    #>
    [CmdletBinding()]
    param([psobject] $Step, [psobject] $State)
    $names = @{
        'feature-virtual-machine-platform' = 'VirtualMachinePlatform'; 'feature-wsl' = 'Wsl'; 'feature-hyper-v' = 'HyperV'
        'launch-type' = 'HypervisorLaunch'
    }
    Write-SetupTalk -Text "$($Step.title) ... (a minute or two)"
    $done = Enable-RigFeature -Name $names[$Step.id] -Confirm:$false
    $Step.outcome = @('unverified', 'done')[[int] [bool] $done.After]
    if ($done.After) { Write-SetupTalk -Text "  $($done.After)" }
    else { Write-SetupTalk -Kind warning -Text 'Windows reported success, and its state cannot be read: it is taken for done until the restart.' }
    if (-not $done.Changed) { return }
    $kind = @('feature', 'launch-type')[[int] ($Step.id -eq 'launch-type')]
    Add-SetupChange -State $State -Kind $kind -Name $done.Name -Before $done.Before -After $done.After
}

function Update-WslPackage {
    <#
    .SYNOPSIS
    Installs or updates WSL itself; returns why a restart is needed, '' where none is. Throws where there is no WSL then.
    .PARAMETER Step
    The step of the plan; its command says which.
    .PARAMETER State
    The object of New-SetupState.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    [OutputType([string])]
    param([psobject] $Step, [psobject] $State)
    if (-not $PSCmdlet.ShouldProcess('WSL', $Step.command)) { return '' }
    Write-SetupTalk -Text "$($Step.title): $($Step.command) ... (some minutes)"
    $before = Get-WslVersion
    $words = @($Step.command -split ' ' | Select-Object -Skip 1)
    # By the Store first, then straight from the web.
    $ran = Invoke-WithPlainTemp {
        Invoke-Installer -FilePath 'wsl.exe' -ArgumentList $words -Way '', '--web-download' -TimeoutSeconds 1800 -Activity $Step.title `
            -Proof { (Test-Path -LiteralPath $script:RestartKeys['wsl --install']) -or -not (Test-OldWsl -Version (Get-WslVersion)) }
    }
    $after = Get-WslVersion
    if ($after -ne $before) { Add-SetupChange -State $State -Kind 'wsl-package' -Name 'WSL' -Before $before -After $after }
    if ($ran.NeedsRestart -or (Test-Path -LiteralPath $script:RestartKeys['wsl --install'])) {
        return 'wsl has staged something that counts from the next start on'
    }
    $text = $ran.Said
    if (-not $after) {
        throw (New-SetupError -Message "WSL could not be installed: $(Get-LastLine -Text $text)" -Output $text -ExitCode 1 `
                -Hint 'the installer by hand: https://github.com/microsoft/WSL/releases (the .msi for your architecture)')
    }
    if (Test-OldWsl -Version $after) {
        Write-SetupTalk -Kind warning -Text "WSL is still $after (wanted: $script:OldestWsl): $(Get-LastLine -Text $text). Going on with it."
        Write-Explanation -Text $text
    } else { Write-SetupTalk -Text "  version $after" }
    ''
}

function Get-WslVersion {
    <#
    .SYNOPSIS
    Returns the version of the WSL package, '' where there is none (or only the one that came with Windows).
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    $asked = Invoke-Wsl -ArgumentList '--version' -TimeoutSeconds 60
    if ($asked.ExitCode -eq 0) {
        $versions = @(Get-WslVersionNumber -Text $asked.Out)
        if ($versions.Count -ge 2) { return $versions[0] }
    }
    Get-WslPackageVersion
}

function Test-OldWsl {
    <#
    .SYNOPSIS
    Says whether a version of WSL is missing or too old to install distributions without the Store.
    .PARAMETER Version
    The version; '' for none.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param([AllowEmptyString()] [string] $Version)
    -not $Version -or (Test-FactLess -Value $Version -Limit $script:OldestWsl)
}

function Invoke-DistributionStep {
    <#
    .SYNOPSIS
    Sees to the distribution: installed, under WSL 2, starting; thrown away first where -Reset asks for that.
    .PARAMETER Step
    The step of the plan.
    .PARAMETER Option
    What setup.ps1 was called with.
    .PARAMETER State
    The object of New-SetupState.
    #>
    [CmdletBinding()]
    param([psobject] $Step, [psobject] $Option, [psobject] $State)
    $name = $Step.name
    if ($Option.reset -and (Get-RegisteredDistribution -Name $name)) {
        Invoke-Reset -Name $name -Option $Option -State $State
        return
    }
    if ($Step.status -ne 'needed') { return }
    if ($Step.command -like '*--set-version*') {
        Write-SetupTalk -Text "Converting $name to WSL 2 ... (up to an hour)"
        $said = Convert-Distribution -Name $name
        if ($said) {
            throw (New-SetupError -Message "$name could not be converted: $(Get-LastLine -Text $said)" -Output $said -ExitCode 1 `
                    -Hint '.\setup.ps1 -Distribution Ubuntu-24.04 takes a fresh one beside it')
        }
        Add-SetupChange -State $State -Kind 'distribution-version' -Name $name -Before 1 -After 2
        return
    }
    Write-SetupTalk -Text "Linux distribution $name ... (some minutes)"
    # The yes to throwing a half-installed one away was given with the plan.
    $done = Install-RigDistribution -Name $name -FromFile $Option.from_file -Repair -Confirm:$false
    Write-SetupTalk -Text "  $($done.After), WSL $($done.Version)"
    if ($done.Changed) { Add-SetupChange -State $State -Kind 'distribution' -Name $name -Before $null -After 'installed' }
}

function Invoke-Reset {
    <#
    .SYNOPSIS
    Throws the distribution away and installs it afresh, for setup.ps1 -Reset.
    .PARAMETER Name
    The distribution.
    .PARAMETER Option
    What setup.ps1 was called with.
    .PARAMETER State
    The object of New-SetupState.
    #>
    [CmdletBinding()]
    param([string] $Name, [psobject] $Option, [psobject] $State)
    $saved = 'It is saved to a file first.'
    if ($Option.no_export) { $saved = 'It is NOT saved first.' }
    # The word -Reset is the yes where nobody can be asked.
    if (-not $script:SetupTalk.Unattended -and -not (Read-SetupChoice -Question "Everything in $Name is deleted. $saved Go on?")) {
        throw (New-SetupError -Message "$Name stays as it is." -Hint 'without -Reset, setup.ps1 goes on with it' -ExitCode 4)
    }
    Write-SetupTalk -Text "Saving and renewing $Name ... (some minutes)"
    $done = Reset-RigDistribution -Name $Name -FromFile $Option.from_file -NoExport:$Option.no_export -Confirm:$false
    if ($done.ExportPath) { Write-SetupTalk -Text "  what it was: $($done.ExportPath)" }
    Add-SetupChange -State $State -Kind 'distribution' -Name $Name -Before $done.ExportPath -After 'installed'
}

function Update-WslConfig {
    <#
    .SYNOPSIS
    Puts our settings into .wslconfig, and lets them count where nobody else's work is stopped by that.
    .PARAMETER MemoryGB
    What -WslMemoryGB asks for.
    .PARAMETER State
    The object of New-SetupState.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Low')]
    param([int] $MemoryGB, [psobject] $State)
    $plan = Get-WslConfigPlan -MemoryGB $MemoryGB
    if (-not $PSCmdlet.ShouldProcess($plan.Path, 'Put our settings in')) { return }
    $backup = Set-WslConfig -Plan $plan -Confirm:$false
    $after = [pscustomobject]@{ sha256 = (Get-ByteHash -Bytes $plan.New); keys = @($plan.Changes) }
    Add-SetupChange -State $State -Kind 'wslconfig' -Name $plan.Path -Before $backup -After $after
    Write-SetupTalk -Text ".wslconfig: $(@($plan.Changes | ForEach-Object { "$($_.key)=$($_.after)" }) -join ', ')"
    if ($backup) { Write-SetupTalk -Text "  yours is kept: $backup" }
    $ours = @($State.changes | Where-Object { $_.kind -eq 'distribution' } | ForEach-Object { $_.name })
    $running = @(Get-RunningDistribution)
    $others = @($running | Where-Object { $_ -notin $ours })
    if (-not $running.Count) { return }
    if ($others.Count -and -not (Read-SetupChoice -Question "It counts after wsl --shutdown, which stops $($others -join ', '). Do that now?")) {
        Write-SetupTalk -Text '  it counts after the next: wsl --shutdown'
        return
    }
    $null = Invoke-Wsl -ArgumentList '--shutdown' -TimeoutSeconds 120 -Changes
}

function Get-RunningDistribution {
    <#
    .SYNOPSIS
    Returns the names of the distributions that run now.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    $asked = Invoke-Wsl -ArgumentList '--list', '--running', '--quiet' -TimeoutSeconds 60
    # Where none runs it says so, in the user's language, with an exit code.
    if ($asked.ExitCode -ne 0) { return }
    $asked.Out -split "`n" | ForEach-Object { $_.Trim() } | Where-Object { $_ }
}

function Get-ByteHash {
    <#
    .SYNOPSIS
    Returns the SHA-256 of bytes, as hexadecimal digits.
    .PARAMETER Bytes
    The bytes.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowEmptyCollection()] [byte[]] $Bytes)
    $maker = [System.Security.Cryptography.SHA256]::Create()
    try { [BitConverter]::ToString($maker.ComputeHash($Bytes)).Replace('-', '').ToLowerInvariant() } finally { $maker.Dispose() }
}
