# The network after a restart: the logon comes before it, wireless ones above all.

$script:NetworkTries = 24
$script:NetworkPauseSeconds = 5

function Wait-Network {
    <#
    .SYNOPSIS
    Waits until Windows says that it reaches the internet, two minutes at most; says so once.
    .DESCRIPTION
    Behind some firewalls Windows never says it although all is well: setup goes on in any case.
    #>
    [CmdletBinding()]
    param()
    for ($try = 0; $try -lt $script:NetworkTries; $try++) {
        if (Test-Network) { return }
        if ($try -eq 0) { Write-SetupTalk -Text 'Waiting for the network ...' }
        Start-Sleep -Seconds $script:NetworkPauseSeconds
    }
    Write-SetupTalk -Kind warning -Text 'Windows says that it does not reach the internet; setup tries all the same.'
}

function Test-Network {
    <#
    .SYNOPSIS
    Says whether some connection reaches the internet, as far as Windows has found out; $true where it does not tell.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param()
    try {
        $all = @(Get-CimInstance -Namespace root/StandardCimv2 -ClassName MSFT_NetConnectionProfile -OperationTimeoutSec 20 -ErrorAction Stop)
    } catch {
        Write-Verbose "MSFT_NetConnectionProfile: $($_.Exception.Message)"
        return $true
    }
    # 4: Internet.
    @($all | Where-Object { $_.IPv4Connectivity -eq 4 -or $_.IPv6Connectivity -eq 4 }).Count -gt 0
}
