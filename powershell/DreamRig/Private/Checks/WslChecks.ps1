# WSL as Windows sees it. The twin of provision/doctor/checks/wsl.py.

function Test-WindowsHalf {
    <#
    .SYNOPSIS
    Whether Windows answered at all.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $edition = Read-Fact $Facts 'windows.edition'
    if ($null -ne $edition -or $null -ne (Read-Fact $Facts 'windows.hypervisor_present')) {
        return New-Finding PASS 'Windows was asked.' (Get-FactEvidence $Facts 'windows.build')
    }
    $reason = ((Get-UnknownReason -Facts $Facts -Path 'windows.edition') -replace '^failed: ', '').TrimEnd('.')
    $reason = $reason.Substring(0, [math]::Min(100, $reason.Length))
    New-Finding WARN "Windows could not be asked: $reason." (Get-FactEvidence $Facts 'windows.edition') `
        (New-Step 'Run the Windows half by itself.' 'powershell -ExecutionPolicy Bypass -File powershell\doctor.ps1' windows)
}

function Test-WslVersion {
    <#
    .SYNOPSIS
    The WSL package, or the WSL that came with Windows.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $version, $kernel = (Read-Fact $Facts 'wsl.version'), (Read-Fact $Facts 'wsl.kernel')
    $installed = Read-Fact $Facts 'wsl.is_installed'
    $proof = Get-FactEvidence $Facts 'wsl.is_installed', 'wsl.version', 'wsl.kernel', 'wsl.is_inbox'
    if (Test-TooOld $Facts) { return New-Finding SKIP 'This Windows is too old for WSL 2.' $proof -BlockedBy 'windows-build' }
    if ($null -ne $installed -and -not $installed) {
        $install = New-Step 'Install WSL and Ubuntu.' 'wsl --install' windows -Admin -Restart
        return New-Finding FAIL 'WSL is not installed.' $proof $install
    }
    $update = Get-SharedStep UpdateWsl
    if ($kernel -eq 'absent') { return New-Finding FAIL 'The Linux kernel of WSL 2 is missing.' $proof $update }
    if (Read-Fact $Facts 'wsl.is_inbox') {
        return New-Finding WARN 'This is the old WSL that came with Windows; the package is newer and better.' $proof $update
    }
    if ($null -eq $version) { return New-UnknownFinding $Facts 'wsl.version' }
    if (Test-FactLess -Value $version -Limit '1.0') { return New-Finding WARN "WSL $version is old." $proof $update }
    $more = if ($kernel) { ", kernel $kernel." } else { '.' }
    New-Finding PASS "WSL $version$more" $proof
}

function Test-DistributionVersion {
    <#
    .SYNOPSIS
    The registration of the default distribution.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    if ((Read-Fact $Facts 'wsl.distribution_count') -eq 0) {
        return New-Finding FAIL 'No Linux distribution is installed for this user.' (Get-FactEvidence $Facts 'wsl.distribution_count') `
            (New-Step 'Install one.' 'wsl --install -d Ubuntu' windows)
    }
    $version = Read-Fact $Facts 'wsl.default_distribution_version'
    if ($null -eq $version) { return New-UnknownFinding $Facts 'wsl.default_distribution_version' }
    $proof = Get-FactEvidence $Facts 'wsl.default_distribution', 'wsl.default_distribution_version'
    if ($version -ne 1) { return New-Finding PASS 'The distribution runs under WSL 2.' $proof }
    $name = Read-Fact $Facts 'wsl.default_distribution'
    $how = 'Convert it, which takes minutes.'
    if (-not $name) { $name, $how = 'NAME', 'Convert it, which takes minutes; wsl -l -v shows its name.' }
    $convert = New-Step $how "wsl --set-version $name 2" windows `
        -Risk 'keep a copy first: wsl --export NAME backup.tar' -Undo "wsl --set-version $name 1"
    New-Finding FAIL 'This distribution runs under WSL 1, which has no way to a GPU.' $proof `
        @($convert, (New-Step 'Make WSL 2 the default for new ones.' 'wsl --set-default-version 2' windows))
}

function Test-DistributionDisk {
    <#
    .SYNOPSIS
    The VHDX files: missing, encrypted or compressed ones cannot be started.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $gone, $packed = (Read-Fact $Facts 'wsl.vhd_missing'), (Read-Fact $Facts 'wsl.vhd_encrypted_or_compressed')
    if ($gone) {
        $fix = (New-Step 'Put the file ext4.vhdx back, from a backup, into the folder of the distribution.' '' windows),
        (New-Step 'Or give that distribution up, and install it afresh.' 'wsl --unregister NAME' windows -Risk 'whatever was in it is lost')
        return New-Finding FAIL 'A distribution is registered whose virtual disk is gone.' `
            (Get-FactEvidence $Facts 'wsl.vhd_missing', 'wsl.distributions') $fix
    }
    if ($packed) {
        $fix = (Get-SharedStep ShutdownWsl), (New-Step 'In the folder of ext4.vhdx, undo the compression.' 'compact /u ext4.vhdx' windows),
        (New-Step 'And the encryption.' 'cipher /d ext4.vhdx' windows)
        return New-Finding FAIL "A distribution's virtual disk is encrypted or compressed by Windows, which WSL refuses." `
            (Get-FactEvidence $Facts 'wsl.vhd_encrypted_or_compressed', 'wsl.distributions') $fix
    }
    if ($null -eq $gone -and $null -eq $packed) { return New-UnknownFinding $Facts 'wsl.vhd_missing' }
    New-Finding PASS "The distributions' disks are there." (Get-FactEvidence $Facts 'wsl.vhd_missing', 'wsl.vhd_encrypted_or_compressed')
}

function Test-WslConfig {
    <#
    .SYNOPSIS
    What WSL would warn about or pass over in .wslconfig, and a file that it cannot read.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $found, $encoding = (Read-Fact $Facts 'wsl.wslconfig_problems'), (Read-Fact $Facts 'wsl.wslconfig_encoding')
    $proof = Get-FactEvidence $Facts 'wsl.wslconfig_problems', 'wsl.wslconfig_encoding'
    if ($encoding -eq 'absent') { return New-Finding PASS 'There is no .wslconfig, and none is needed.' $proof }
    if ($null -eq $found) { return New-UnknownFinding $Facts 'wsl.wslconfig_problems' }
    $found = @($found)
    if ($found.Count) {
        $more = if ($found.Count -gt 1) { "; and $($found.Count - 1) more" } else { '' }
        return New-Finding WARN ".wslconfig: $($found[0].TrimEnd('.'))$more." $proof `
            @((Get-WslConfigStep 'correct what is listed.'), (Get-SharedStep ShutdownWsl))
    }
    if ($encoding -in 'utf-16', 'other') {
        return New-Finding WARN '.wslconfig is not UTF-8: WSL may ignore it.' $proof `
            @((Get-WslConfigStep 'save it as UTF-8 (in Notepad: Save as, Encoding).'), (Get-SharedStep ShutdownWsl))
    }
    New-Finding PASS '.wslconfig has no mistakes.' $proof
}
