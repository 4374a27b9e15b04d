# One visit to the doctor: run the checks, explain what they found, say what to do next. The twin of provision/doctor/checkup.py
# and provision/doctor/explain.py, for the Windows half of the chain.

# In fixing order: the first one that is broken is the one to mend first.
$script:Checks = @(
    @{ Name = 'windows-half'; Look = 'Test-WindowsHalf'; Needs = @() }
    @{ Name = 'cpu-virtualization'; Look = 'Test-CpuVirtualization'; Needs = @() }
    @{ Name = 'firmware-virtualization'; Look = 'Test-FirmwareVirtualization'; Needs = @('cpu-virtualization') }
    @{ Name = 'firmware-nx'; Look = 'Test-FirmwareNx'; Needs = @() }
    @{ Name = 'hypervisor'; Look = 'Test-Hypervisor'; Needs = @('cpu-virtualization', 'firmware-virtualization', 'firmware-nx') }
    @{ Name = 'virtual-machine-platform'; Look = 'Test-VirtualMachinePlatform'; Needs = @() }
    @{ Name = 'wsl-feature'; Look = 'Test-WslFeature'; Needs = @() }
    @{ Name = 'vm-services'; Look = 'Test-VmService'; Needs = @('virtual-machine-platform') }
    @{ Name = 'wsl-service'; Look = 'Test-WslService'; Needs = @() }
    @{ Name = 'network-services'; Look = 'Test-NetworkService'; Needs = @() }
    @{ Name = 'pending-reboot'; Look = 'Test-PendingReboot'; Needs = @() }
    @{ Name = 'wsl-version'; Look = 'Test-WslVersion'; Needs = @() }
    @{ Name = 'distribution-version-2'; Look = 'Test-DistributionVersion'; Needs = @('wsl-version') }
    @{ Name = 'distribution-disk'; Look = 'Test-DistributionDisk'; Needs = @() }
    @{ Name = 'windows-build'; Look = 'Test-WindowsBuild'; Needs = @() }
    @{ Name = 'windows-driver'; Look = 'Test-WindowsDriver'; Needs = @() }
    @{ Name = 'driver-model'; Look = 'Test-DriverModel'; Needs = @('windows-driver') }
    @{ Name = 'disk-space'; Look = 'Test-DiskSpace'; Needs = @() }
    @{ Name = 'memory'; Look = 'Test-Memory'; Needs = @() }
    @{ Name = 'wslconfig'; Look = 'Test-WslConfig'; Needs = @() }
)

function Invoke-Checkup {
    <#
    .SYNOPSIS
    Returns data of the doctor's document: place, facts, findings, first_broken, next, diagnoses.
    .PARAMETER Facts
    The facts document.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([Parameter(Mandatory = $true)] $Facts)
    $findings = @(Get-CheckFinding -Facts $Facts)
    $diagnoses = @()
    try {
        # A healthy PC is not kept waiting for the knowledge base.
        $open = @($findings | Where-Object { $_.verdict -notin 'PASS', 'SKIP' -and -not $_.stops })
        if ($open.Count) { $diagnoses = @(Add-Cause -Finding $open -Facts $Facts -Knowledge (Get-FactKnowledge)) }
    } catch {
        # A damaged knowledge base must not silence the checks.
        Write-Warning "No diagnosis: $($_.Exception.Message)"
    }
    $broken = @($findings | Where-Object { $_.verdict -in 'FAIL', 'CRASH' })
    $worth = @($broken + @($findings | Where-Object { $_.verdict -eq 'WARN' -and (Test-Doable -Fix $_.fix) }))
    [pscustomobject][ordered]@{
        place        = $Facts.place
        facts        = $Facts
        findings     = @($findings | Select-Object -Property '*' -ExcludeProperty 'stops', 'general')
        first_broken = if ($broken.Count) { $broken[0].check } else { $null }
        next         = if ($worth.Count -and $worth[0].fix.Count) { $worth[0].fix[0] } else { $null }
        diagnoses    = $diagnoses
    }
}

function Get-CheckFinding {
    <#
    .SYNOPSIS
    Returns the finding of every check. One whose need failed is SKIP; one that throws is CRASH, and the others go on.
    .PARAMETER Facts
    The facts document.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts)
    $reader = New-FactReader -Facts $Facts
    $questions = Get-CheckQuestion
    $made = @{}
    foreach ($check in $script:Checks) {
        $clock = [System.Diagnostics.Stopwatch]::StartNew()
        $finding = Get-BlockedFinding -Need @($check.Needs | ForEach-Object { $made[$_] })
        if (-not $finding) {
            try { $finding = & $check.Look $reader } catch { $finding = New-CrashFinding -ErrorRecord $_ }
        }
        $finding.check = $check.Name
        $finding.asks = $questions[$check.Name]
        $finding.seconds = [math]::Round($clock.Elapsed.TotalSeconds, 3)
        $made[$check.Name] = $finding
        $finding
    }
}

function Get-CheckQuestion {
    <#
    .SYNOPSIS
    Returns check name -> its question, from doctor.schema.json; empty where that cannot be read.
    #>
    [CmdletBinding()]
    [OutputType([hashtable])]
    param()
    $questions = @{}
    foreach ($check in $script:Checks) { $questions[$check.Name] = $check.Name }
    try {
        foreach ($entry in (Read-KnowledgeFile -Name 'doctor.schema.json').'$defs'.checks.const) { $questions[$entry.name] = $entry.asks }
    } catch {
        Write-Verbose "$($_.Exception.Message)"
    }
    $questions
}

function Get-BlockedFinding {
    <#
    .SYNOPSIS
    Returns SKIP where one of the needs failed, or was itself skipped because of one that failed; else $null.
    .PARAMETER Need
    The findings of the needs.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowEmptyCollection()] [object[]] $Need)
    foreach ($one in $Need) {
        if ($one.verdict -in 'FAIL', 'CRASH' -or $one.stops) { return New-Finding SKIP "Needs $($one.check)." -BlockedBy $one.check }
        if ($one.blocked_by) { return New-Finding SKIP "Needs $($one.blocked_by)." -BlockedBy $one.blocked_by }
    }
    $null
}

function New-CrashFinding {
    <#
    .SYNOPSIS
    Returns CRASH for a check that threw; the hint is to report it.
    .PARAMETER ErrorRecord
    What it threw.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([System.Management.Automation.ErrorRecord] $ErrorRecord)
    $where = [pscustomobject][ordered]@{ kind = 'text'; line = "$($ErrorRecord.InvocationInfo.PositionMessage)".Split("`n")[0].Trim() }
    New-Finding CRASH "The check itself broke: $($ErrorRecord.Exception.Message.TrimEnd('.'))." $where `
        (New-Step 'This is a bug in dreamrig or in a driver. Please report it, with the file that this command writes.' `
            'powershell -ExecutionPolicy Bypass -File powershell\doctor.ps1 -Report report.md' windows)
}

function Test-Doable {
    <#
    .SYNOPSIS
    Says whether a fix has a step with a command or a place; others only tell something.
    .PARAMETER Fix
    The steps.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param([AllowEmptyCollection()] [object[]] $Fix)
    @($Fix | Where-Object { $null -ne $_.command -or (Get-MemberValue $_ 'where') }).Count -gt 0
}
