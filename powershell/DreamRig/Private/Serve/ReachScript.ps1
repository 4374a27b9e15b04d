# The scheduled task that leads a port of this PC on to WSL, whatever address WSL has. It changes Windows, so it runs with
# administrator rights, and its script lies where only administrators write: nobody else may say what it does.

$script:ReachTask = 'DreamRig-Reach'
$script:ReachRule = 'DreamRig-Reach'
$script:ForwardKey = 'HKLM:\SYSTEM\CurrentControlSet\Services\PortProxy\v4tov4\tcp'

function Get-ReachFolder {
    <#
    .SYNOPSIS
    Returns the folder of the script that the task runs.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param()
    Join-Path -Path (Join-Path -Path $env:ProgramFiles -ChildPath 'DreamRig') -ChildPath 'reach'
}

function Get-ReachPort {
    <#
    .SYNOPSIS
    Returns the port that was let in; 0 where there is none.
    #>
    [CmdletBinding()]
    [OutputType([int])]
    param()
    $note = Join-Path -Path (Get-ReachFolder) -ChildPath 'port'
    if ([System.IO.File]::Exists($note) -and [System.IO.File]::ReadAllText($note) -match '^\s*([0-9]{1,5})\s*$') { return [int] $Matches[1] }
    0
}

function Get-Forward {
    <#
    .SYNOPSIS
    Returns where a port of this PC leads, ADDRESS/PORT; nothing where it leads nowhere. netsh says it in every language.
    .PARAMETER Port
    The port.
    #>
    [CmdletBinding()]
    param([int] $Port)
    Get-RegistryValue -Path $script:ForwardKey -Name "0.0.0.0/$Port"
}

function Copy-ReachScript {
    <#
    .SYNOPSIS
    Puts Desktop\forward.ps1 and the number of the port into Get-ReachFolder.
    .PARAMETER Port
    The port.
    #>
    [CmdletBinding()]
    param([int] $Port)
    $folder = Get-ReachFolder
    $null = [System.IO.Directory]::CreateDirectory($folder)
    $source = Join-Path -Path (Join-Path -Path $script:ModuleFolder -ChildPath 'Desktop') -ChildPath 'forward.ps1'
    [System.IO.File]::Copy($source, (Join-Path -Path $folder -ChildPath 'forward.ps1'), $true)
    [System.IO.File]::WriteAllText((Join-Path -Path $folder -ChildPath 'port'), "$Port")
}

function Get-ReachArgument {
    <#
    .SYNOPSIS
    Returns the arguments of Windows PowerShell that the task runs. Paths are whole: an administrator's task asks no variable.
    .PARAMETER Wsl
    Full path of wsl.exe.
    .PARAMETER Distribution
    The distribution.
    .PARAMETER Port
    The port.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Wsl, [string] $Distribution, [int] $Port)
    $script = Join-Path -Path (Get-ReachFolder) -ChildPath 'forward.ps1'
    $netsh = "$env:SystemRoot\System32\netsh.exe"
    '-NoProfile -NonInteractive -WindowStyle Hidden -ExecutionPolicy Bypass -File "{0}" -Wsl "{1}" -Netsh "{2}" -Distribution "{3}" -Port {4}' -f
        $script, $Wsl, $netsh, $Distribution, $Port
}

function Test-ReachRule {
    <#
    .SYNOPSIS
    Says whether the firewall has our rule.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param()
    $asked = Invoke-Native -FilePath 'netsh.exe' -ArgumentList 'advfirewall', 'firewall', 'show', 'rule', "name=$script:ReachRule"
    $asked.ExitCode -eq 0
}

function Add-ReachRule {
    <#
    .SYNOPSIS
    Lets a port in, in private networks and those of a domain; throws unless the rule is there afterwards.
    .PARAMETER Port
    The port.
    #>
    [CmdletBinding()]
    param([int] $Port)
    Remove-ReachRule
    $null = Invoke-Native -FilePath 'netsh.exe' -Changes -ArgumentList 'advfirewall', 'firewall', 'add', 'rule', "name=$script:ReachRule",
        'dir=in', 'action=allow', 'protocol=TCP', "localport=$Port", 'profile=private,domain'
    if (Test-ReachRule) { return }
    throw (New-SetupError -Message "The firewall did not take the rule for port $Port." -ExitCode 1 `
            -Hint 'is the service "Windows Defender Firewall" running?')
}

function Remove-ReachRule {
    <#
    .SYNOPSIS
    Takes our rule out of the firewall, where it is.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'The functions that users call ask, and name the rule.')]
    [CmdletBinding()]
    param()
    if (-not (Test-ReachRule)) { return }
    $null = Invoke-Native -FilePath 'netsh.exe' -Changes -ArgumentList 'advfirewall', 'firewall', 'delete', 'rule', "name=$script:ReachRule"
}

function Remove-Forward {
    <#
    .SYNOPSIS
    Ends the leading on of a port.
    .PARAMETER Port
    The port.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'The functions that users call ask, and name the port.')]
    [CmdletBinding()]
    param([int] $Port)
    if (-not (Get-Forward -Port $Port)) { return }
    $null = Invoke-Native -FilePath 'netsh.exe' -Changes -ArgumentList 'interface', 'portproxy', 'delete', 'v4tov4',
        "listenport=$Port", 'listenaddress=0.0.0.0'
}

function Assert-ReachRight {
    <#
    .SYNOPSIS
    Throws unless this process has administrator rights.
    #>
    [CmdletBinding()]
    param()
    if (Test-Elevation) { return }
    throw (New-SetupError -Message 'The firewall and the port are for administrators.' -ExitCode 4 `
            -Hint 'start PowerShell with "Run as administrator", and the same command again')
}

function Undo-Reach {
    <#
    .SYNOPSIS
    Takes away the task, the leading on, the rule and the script; returns what is left of them, in words.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'The functions that users call ask, and name all of it.')]
    [CmdletBinding()]
    [OutputType([string])]
    param()
    $port = Get-ReachPort
    $left = @()
    if (Get-RigTask -Name $script:ReachTask) {
        $null = Invoke-Native -FilePath 'schtasks.exe' -ArgumentList '/end', '/tn', $script:ReachTask -Changes
        if (-not (Remove-RigTask -Name $script:ReachTask)) { $left += "the task $script:ReachTask" }
    }
    if ($port) {
        Remove-Forward -Port $port
        if (Get-Forward -Port $port) { $left += "the port proxy of $port" }
    }
    Remove-ReachRule
    if (Test-ReachRule) { $left += "the firewall rule $script:ReachRule" }
    # The number of the port stays as long as something of it does: -Undo can be repeated.
    if (-not $left.Count -and [System.IO.Directory]::Exists((Get-ReachFolder))) { [System.IO.Directory]::Delete((Get-ReachFolder), $true) }
    $left -join ', '
}
