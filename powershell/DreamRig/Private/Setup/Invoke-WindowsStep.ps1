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
    Write-SetupTalk -Text "$($Step.title) ..."
    $done = Enable-RigFeature -Name $names[$Step.id] -Confirm:$false
    Write-SetupTalk -Text "  $($done.After)"
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
    $said = @()
    $words = @($Step.command -split ' ' | Select-Object -Skip 1)
    # By the Store first, then straight from the web.
    foreach ($way in @(), @('--web-download')) {
        $ran = Invoke-Native -FilePath 'wsl.exe' -ArgumentList ($words + $way) -TimeoutSeconds 1800 -Changes
        $said += "$($ran.Out)`n$($ran.Err)`n$($ran.Reason)".Trim()
        if ($ran.ExitCode -in 0, 3010) { break }
    }
    $after = Get-WslVersion
    if ($after -ne $before) { Add-SetupChange -State $State -Kind 'wsl-package' -Name 'WSL' -Before $before -After $after }
    if (Test-Path -LiteralPath $script:RestartKeys['wsl --install']) { return 'wsl has staged something that counts from the next start on' }
    $text = ($said -join "`n").Trim()
    if (-not $after) {
        throw (New-SetupError -Message "WSL could not be installed: $(Get-LastLine -Text $text)" -Output $text -ExitCode 1 `
                -Hint 'the installer by hand: https://github.com/microsoft/WSL/releases (the .msi for your architecture)')
    }
    if (Test-FactLess -Value $after -Limit $script:OldestWsl) {
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
    $asked = Invoke-Native -FilePath 'wsl.exe' -ArgumentList '--version' -TimeoutSeconds 60
    if ($asked.ExitCode -ne 0) { return '' }
    $versions = @(Get-WslVersionNumber -Text $asked.Out)
    if ($versions.Count -ge 2) { return $versions[0] }
    ''
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
        $ran = Invoke-Native -FilePath 'wsl.exe' -ArgumentList '--set-version', $name, '2' -TimeoutSeconds 14400 -Changes
        if ((Get-RegisteredDistribution -Name $name).Version -ne 2) {
            $said = "$($ran.Out)`n$($ran.Err)`n$($ran.Reason)".Trim()
            throw (New-SetupError -Message "$name could not be converted: $(Get-LastLine -Text $said)" -Output $said -ExitCode 1 `
                    -Hint '.\setup.ps1 -Distribution Ubuntu-24.04 takes a fresh one beside it')
        }
        Add-SetupChange -State $State -Kind 'distribution-version' -Name $name -Before 1 -After 2
        return
    }
    Write-SetupTalk -Text "Linux distribution $name ... (some minutes)"
    $done = Install-RigDistribution -Name $name -Confirm:$false
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
    $done = Reset-RigDistribution -Name $Name -NoExport:$Option.no_export -Confirm:$false
    if ($done.ExportPath) { Write-SetupTalk -Text "  what it was: $($done.ExportPath)" }
    Add-SetupChange -State $State -Kind 'distribution' -Name $Name -Before $done.ExportPath -After 'installed'
}

function Update-WslConfig {
    <#
    .SYNOPSIS
    Puts our settings into .wslconfig, and lets them count where nobody else's work is stopped by that.
    .PARAMETER MemoryMib
    Physical memory.
    .PARAMETER State
    The object of New-SetupState.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Low')]
    param([object] $MemoryMib, [psobject] $State)
    $plan = Get-WslConfigPlan -MemoryMib $MemoryMib
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
    $null = Invoke-Native -FilePath 'wsl.exe' -ArgumentList '--shutdown' -TimeoutSeconds 120 -Changes
}

function Get-RunningDistribution {
    <#
    .SYNOPSIS
    Returns the names of the distributions that run now.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    $asked = Invoke-Native -FilePath 'wsl.exe' -ArgumentList '--list', '--running', '--quiet' -TimeoutSeconds 60
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
