# One visit to the doctor: run the checks, explain what they found, say what to do next. The twin of provision/checkup.py
# and provision/explain.py, for the Windows half of the chain.

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
        if ($open.Count) { $diagnoses = @(Add-Cause -Finding $open -Facts $Facts -Knowledge (Get-Knowledge)) }
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

function Add-Cause {
    <#
    .SYNOPSIS
    Gives every finding that has one its cause, with the evidence and, for a general fix, its steps; returns those
    diagnoses in fixing order.
    .PARAMETER Finding
    The findings that are neither PASS nor SKIP; changed in place.
    .PARAMETER Facts
    The facts document.
    .PARAMETER Knowledge
    The object of ConvertTo-Knowledge.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([object[]] $Finding, $Facts, $Knowledge)
    $byFacts = @((Resolve-Diagnosis -Text $null -Facts $Facts -Knowledge $Knowledge).diagnoses)
    $causes = Get-CheckCause
    $told = @{}
    foreach ($one in $Finding) {
        $slugs = @(if ($causes.ContainsKey($one.check)) { $causes[$one.check] })
        $best = Select-CheckDiagnosis -Check $one.check -Diagnosis $byFacts -Slug $slugs -Knowledge $Knowledge
        if (-not $best) { $best = Get-ConsistentDiagnosis -Slug $slugs -Facts $Facts -Knowledge $Knowledge }
        if (-not $best) { continue }
        Set-FindingCause -Finding $one -Diagnosis $best
        if ($told.ContainsKey($best.cause)) { continue }
        $told[$best.cause] = $true
        $best
    }
}

function Get-CheckCause {
    <#
    .SYNOPSIS
    Returns check name -> slugs of the causes that break this link, the more special ones first (doctor.schema.json).
    #>
    [CmdletBinding()]
    [OutputType([hashtable])]
    param()
    $causes = @{}
    foreach ($entry in (Read-KnowledgeFile -Name 'doctor.schema.json').'$defs'.checks.const) {
        $causes[$entry.name] = @(Get-MemberList $entry 'causes')
    }
    $causes
}

function Select-CheckDiagnosis {
    <#
    .SYNOPSIS
    Returns the surest diagnosis among those that explain a check, the more special one of equals; $null for none.
    .PARAMETER Check
    Name of the check.
    .PARAMETER Diagnosis
    The diagnoses from the facts, best first.
    .PARAMETER Slug
    The causes of this check, the more special ones first.
    .PARAMETER Knowledge
    The object of ConvertTo-Knowledge.
    #>
    [CmdletBinding()]
    param([string] $Check, [AllowEmptyCollection()] [object[]] $Diagnosis, [AllowEmptyCollection()] [string[]] $Slug, $Knowledge)
    $best, $bestPlace = $null, [int]::MaxValue
    foreach ($one in $Diagnosis) {
        $sure = [array]::IndexOf(@('confirmed', 'likely'), $one.verdict)
        if ($sure -lt 0) { continue }
        $place = [array]::IndexOf($Slug, $one.cause)
        if ($place -lt 0) {
            $document = @($Knowledge.Causes | Where-Object { $_.Document.slug -eq $one.cause })[0].Document
            if ((Get-MemberValue $document 'check') -ne $Check) { continue }
            $place = $Slug.Length
        }
        if ($sure * 1000 + $place -lt $bestPlace) { $best, $bestPlace = $one, ($sure * 1000 + $place) }
    }
    $best
}

function Get-ConsistentDiagnosis {
    <#
    .SYNOPSIS
    Returns the first cause of a check that the facts fit without proving it: likely, since the check failed.
    .PARAMETER Slug
    The causes of the check.
    .PARAMETER Facts
    The facts document.
    .PARAMETER Knowledge
    The object of ConvertTo-Knowledge.
    #>
    [CmdletBinding()]
    param([AllowEmptyCollection()] [string[]] $Slug, $Facts, $Knowledge)
    $reader = New-FactReader -Facts $Facts
    foreach ($one in $Slug) {
        $cause = @($Knowledge.Causes | Where-Object { $_.Document.slug -eq $one })
        if (-not $cause.Count) { continue }
        $document = $cause[0].Document
        $when = $cause[0].When
        if (-not (Test-Predicate $when $reader)) { continue }
        $proof = @(Get-FactBehind -Predicate $when -Reader $reader -Result $true | Select-Object -Unique |
                ForEach-Object { [pscustomobject][ordered]@{ kind = 'fact'; fact = $_; value = Read-Fact $reader $_ } })
        return ConvertTo-DiagnosisObject ([pscustomobject]@{
                Cause = $document; Verdict = 'likely'; Rank = [double]$document.prior; Evidence = $proof
            })
    }
    $null
}

function Set-FindingCause {
    <#
    .SYNOPSIS
    Writes a diagnosis' slug and evidence into a finding; its steps only where the check's own are general or missing.
    .PARAMETER Finding
    The finding; changed in place.
    .PARAMETER Diagnosis
    The diagnosis.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It changes an object in memory.')]
    [CmdletBinding()]
    param($Finding, $Diagnosis)
    $told = @($Finding.evidence | ForEach-Object { Get-MemberValue $_ 'fact' })
    $Finding.cause = $Diagnosis.cause
    $Finding.evidence = @($Finding.evidence) + @($Diagnosis.evidence | Where-Object { $told -notcontains (Get-MemberValue $_ 'fact') })
    if ($Diagnosis.fix.Count -and ($Finding.general -or -not $Finding.fix.Count)) {
        $Finding.fix = @($Diagnosis.fix | ForEach-Object { ConvertTo-Step -Step $_ })
    }
}
