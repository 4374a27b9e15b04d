# Findings and diagnoses as lines for people.

function Format-Checkup {
    <#
    .SYNOPSIS
    Returns the lines of a visit: the machine, every link, what is broken in detail, and the next step last.
    .PARAMETER Checkup
    The object of Invoke-Checkup.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param($Checkup)
    Format-CheckupHead -Facts $Checkup.facts
    ''
    foreach ($finding in $Checkup.findings) { Format-Finding -Finding $finding -Facts $Checkup.facts }
    ''
    Format-NextStep -Checkup $Checkup
}

function Format-CheckupHead {
    <#
    .SYNOPSIS
    Returns which machine this is about, in one line.
    .PARAMETER Facts
    The facts document.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param($Facts)
    $reader = New-FactReader -Facts $Facts
    $build = Read-Fact $reader 'windows.build'
    $gpu = Read-Fact $reader 'windows.nvidia_gpus'
    $parts = @('dreamrig doctor: Windows')
    if ($build) { $parts = @("dreamrig doctor: Windows $(if ($build -ge 22000) { '11' } else { '10' }) build $build") }
    if ($gpu) { $parts += @($gpu)[0] }
    $parts -join ', '
}

function Format-Finding {
    <#
    .SYNOPSIS
    Returns a finding as lines; evidence, cause and fix only where something is wrong.
    .PARAMETER Finding
    The finding.
    .PARAMETER Facts
    The facts document.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param($Finding, $Facts)
    '{0,-5}  {1,-24}  {2}' -f $Finding.verdict, $Finding.check, $Finding.sentence
    if ($Finding.verdict -in 'PASS', 'SKIP') { return }
    foreach ($item in $Finding.evidence) { "       seen   $(Format-Evidence -Evidence $item)" }
    if ($Finding.cause) { "       cause  $($Finding.cause)" }
    Format-Fix -Fix $Finding.fix -Facts $Facts -Indent 7
}

function Format-Fix {
    <#
    .SYNOPSIS
    Returns the steps of a fix as numbered lines; behind a step in the firmware, where this board has its switches.
    .PARAMETER Fix
    The steps.
    .PARAMETER Facts
    The facts document; $null for none.
    .PARAMETER Indent
    Spaces in front.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowEmptyCollection()] [object[]] $Fix, [AllowNull()] $Facts, [int] $Indent)
    $space = ' ' * $Indent
    $number = 0
    foreach ($step in $Fix) {
        $number++
        "${space}fix $number  $(Format-Step -Step $step)"
        $command = Get-MemberValue $step 'command'
        if ($command) { "$space         $command" }
        $risk = Get-MemberValue $step 'risk'
        if ($risk) { "$space       (careful: $risk)" }
        if ((Get-MemberValue $step 'where') -ne 'firmware') { continue }
        # The doctor's own steps have these words in them already.
        Get-BoardHelp -Facts $Facts | Where-Object { -not $step.text.Contains($_) } | ForEach-Object { "$space         $_" }
    }
}

function Format-Step {
    <#
    .SYNOPSIS
    Returns a step's text, where it is done, and what it takes.
    .PARAMETER Step
    The step.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param($Step)
    $where = @{
        wsl = 'inside WSL'; linux = 'in Linux'; firmware = 'in the firmware'; host = 'on the host of this virtual machine'
    }["$(Get-MemberValue $Step 'where')"]
    $notes = @($where | Where-Object { $_ })
    if ((Get-MemberValue $Step 'needs_admin') -and $where -ne 'in the firmware') { $notes += 'as administrator' }
    if (Get-MemberValue $Step 'needs_restart') { $notes += 'a restart follows' }
    if ($notes.Count) { return "$($Step.text) [$($notes -join ', ')]" }
    $Step.text
}

function Format-Evidence {
    <#
    .SYNOPSIS
    Returns one piece of evidence in one line.
    .PARAMETER Evidence
    The evidence.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param($Evidence)
    switch ($Evidence.kind) {
        'fact' {
            $value = ConvertTo-Json -InputObject $Evidence.value -Depth 4 -Compress
            if ($value.Length -gt 160) { $value = $value.Substring(0, 157) + '...' }
            "$($Evidence.fact) = $value"
        }
        'unknown' { "$($Evidence.fact) is not known ($($Evidence.reason))" }
        default { '"' + $Evidence.line + '"' }
    }
}

function Format-NextStep {
    <#
    .SYNOPSIS
    Returns the last line: the first broken link, and the one thing to do next.
    .PARAMETER Checkup
    The object of Invoke-Checkup.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param($Checkup)
    $warned = @($Checkup.findings | Where-Object { $_.verdict -eq 'WARN' -and (Test-Doable -Fix $_.fix) })
    $head = 'Every link of the Windows half holds. Next: run dreamrig doctor inside WSL.'
    if ($Checkup.first_broken) { $head = "First broken link: $($Checkup.first_broken)." }
    elseif ($warned.Count) { $head = "No link is broken. Worth a look: $($warned[0].check)." }
    if (-not $Checkup.next) { return $head }
    $next = "$head Next: $((Format-Step -Step $Checkup.next).TrimEnd('.'))"
    if ($Checkup.next.command) { return "${next}: $($Checkup.next.command)" }
    $next
}

function Format-Diagnosis {
    <#
    .SYNOPSIS
    Returns the diagnoses of a text as lines: confirmed ones whole, else the first three; the others by name.
    .PARAMETER Report
    The object of Get-RigDiagnosis.
    .PARAMETER Facts
    The facts document; $null for none.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param($Report, [AllowNull()] $Facts)
    $open = @($Report.diagnoses | Where-Object { $_.verdict -ne 'ruled out' })
    $ruledOut = @($Report.diagnoses | Where-Object { $_.verdict -eq 'ruled out' })
    if (-not $open.Count) { 'No cause in the knowledge base fits.' }
    $whole = @($open | Where-Object { $_.verdict -eq 'confirmed' }).Count
    if (-not $whole) { $whole = [math]::Min(3, $open.Count) }
    for ($i = 0; $i -lt $whole; $i++) {
        "$($i + 1). $($open[$i].verdict.ToUpperInvariant()): $($open[$i].title) ($($open[$i].cause))"
        "   $($open[$i].explanation)"
        foreach ($item in $open[$i].evidence) { "   because $(Format-Evidence -Evidence $item)" }
        Format-Fix -Fix $open[$i].fix -Facts $Facts -Indent 3
        ''
    }
    if ($open.Count -gt $whole) {
        'Also possible:'
        foreach ($one in $open[$whole..($open.Count - 1)]) { "   $($one.title) ($($one.cause))" }
        ''
    }
    if ($ruledOut.Count) { "Ruled out by the facts: $(@($ruledOut | ForEach-Object { $_.cause }) -join ', ')" }
    foreach ($code in @($Report.codes | Where-Object { -not $_.in_knowledge_base })) {
        $about = @($code.hex, $code.name, $code.meaning | Where-Object { $_ }) -join ', '
        "$($code.shown): not in the knowledge base. $about"
    }
    if ($Report.next_query) { "To tell more, run: $($Report.next_query.command)$(if ($Report.next_query.needs_admin) { ' [as administrator]' })" }
    foreach ($note in $Report.notes) { "note: $note" }
}

function Format-FactList {
    <#
    .SYNOPSIS
    Returns every fact as `dotted.path = value`, then what is not known and why.
    .PARAMETER Facts
    The facts document.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param($Facts)
    foreach ($half in 'windows', 'wsl') { Format-FactGroup -Group (Get-MemberValue $Facts $half) -Path $half }
    $unknown = @($Facts.unknown.PSObject.Properties)
    if ($unknown.Count) { ''; 'Not known:' }
    foreach ($one in $unknown) { "  $($one.Name)  $($one.Value)" }
}

function Format-FactGroup {
    <#
    .SYNOPSIS
    Returns the known facts of one group as lines.
    .PARAMETER Group
    The group.
    .PARAMETER Path
    Its dotted path.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowNull()] $Group, [string] $Path)
    if ($null -eq $Group) { return }
    foreach ($property in $Group.PSObject.Properties) {
        if ($null -eq $property.Value) { continue }
        if ($property.Value -is [System.Management.Automation.PSCustomObject]) {
            Format-FactGroup -Group $property.Value -Path "$Path.$($property.Name)"
        } else {
            "$Path.$($property.Name) = $(ConvertTo-Json -InputObject $property.Value -Depth 4 -Compress)"
        }
    }
}
