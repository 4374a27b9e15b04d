# What a check finds: the first of its rules that holds, or what its function says. The twin of provision/doctor/rules.py; what the
# fields of a rule mean stands in provision/doctor/check_book.py, the rules themselves in CheckTable.ps1.

$script:CheckTable = $null

# The checks that compute. Each function takes the object of New-FactReader.
$script:CheckLooks = @{
    'vm-services'      = 'Test-VmService'
    'network-services' = 'Test-NetworkService'
    'windows-driver'   = 'Test-WindowsDriver'
    'disk-space'       = 'Test-DiskSpace'
}

function Get-Check {
    <#
    .SYNOPSIS
    Returns every check of Windows in fixing order: Name, Asks, Needs, Causes and Rules. Made once.
    #>
    [CmdletBinding()]
    [OutputType([hashtable])]
    param()
    if (-not $script:CheckTable) { $script:CheckTable = @(Get-CheckTable) }
    $script:CheckTable
}

function Get-CheckAnswer {
    <#
    .SYNOPSIS
    Returns what a check finds, its needs left aside.
    .PARAMETER Check
    One of Get-Check.
    .PARAMETER Facts
    The facts.
    #>
    [OutputType([pscustomobject])]
    param($Check, $Facts)
    if (-not $Check.Rules.Count) { return & $script:CheckLooks[$Check.Name] $Facts }
    foreach ($rule in $Check.Rules) {
        $when = $rule['When']
        if ($when -and -not (Test-Predicate $when $Facts)) { continue }
        $unless = $rule['Unless']
        if ($unless -and (Test-Predicate $unless $Facts)) { continue }
        return ConvertTo-Finding $rule $Facts
    }
    throw "No rule of $($Check.Name) holds."
}

function Get-NamedFinding {
    <#
    .SYNOPSIS
    Returns one of the findings that checks.json has for a check that is code.
    .PARAMETER Check
    Name of the check.
    .PARAMETER Name
    Name of the finding.
    .PARAMETER Facts
    The facts.
    .PARAMETER Evidence
    The proof.
    .PARAMETER Value
    The values that its sentence needs: name -> value.
    .PARAMETER Step
    The steps to go in front of its own.
    #>
    [OutputType([pscustomobject])]
    param([string] $Check, [string] $Name, $Facts, $Evidence, $Value, $Step = @())
    $rule = $null
    foreach ($one in Get-Check) { if ($one.Name -eq $Check) { $rule = $one['Findings'][$Name] } }
    if (-not $rule) { throw "There is no finding '$Name' of $Check." }
    $found = ConvertTo-Finding $rule $Facts $Value
    $found.evidence = @($Evidence)
    $found.fix = @($Step) + @($found.fix)
    $found
}

function ConvertTo-Finding {
    <#
    .SYNOPSIS
    Returns what a rule says about these facts.
    .PARAMETER Rule
    The rule.
    .PARAMETER Facts
    The facts.
    .PARAMETER Value
    The values of its words without a dot: name -> value.
    #>
    [OutputType([pscustomobject])]
    param($Rule, $Facts, $Value)
    if ($Rule['Unknown']) { return New-UnknownFinding $Facts $Rule['Unknown'] }
    $fix = @(if ($Rule['Fix']) { foreach ($item in $Rule['Fix']) { Get-FixStep $item $Facts } })
    $proof = Get-FactEvidence $Facts $Rule.Evidence
    New-Finding $Rule.Verdict (Format-CheckText $Rule.Sentence $Facts $Value) $proof $fix $Rule['BlockedBy'] -Stops:$Rule['Stops'] -General:$Rule['General']
}
