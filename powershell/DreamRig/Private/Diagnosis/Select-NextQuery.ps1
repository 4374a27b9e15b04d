# Which one question tells most about the causes that remain. The twin of provision/diagnosis/next_query.py, which says how.

function Select-NextQuery {
    <#
    .SYNOPSIS
    Returns the query that splits the candidates best, as it stands in causes.json; $null where none does.
    .PARAMETER Candidate
    The objects of Get-QueryCandidate.
    .PARAMETER Query
    The queries of the knowledge base.
    .PARAMETER Facts
    The facts document, or $null.
    #>
    [CmdletBinding()]
    param([AllowEmptyCollection()] [object[]] $Candidate, [AllowEmptyCollection()] [object[]] $Query, [AllowNull()] $Facts)
    $best, $bestLeft, $bestAdmin = $null, 1.0, $true
    if (-not $Candidate.Count) { return $null }
    $asked = Get-OpenFact -Candidate $Candidate -Facts $Facts
    $lefts = @{}
    foreach ($one in $Query) {
        $left = 1.0
        foreach ($path in @($one.facts)) {
            if (-not $asked.ContainsKey($path)) { continue }
            if (-not $lefts.ContainsKey($path)) { $lefts[$path] = Get-ExpectedLeft -Path $path -Candidate $Candidate -Facts $Facts }
            if ($lefts[$path] -lt $left) { $left = $lefts[$path] }
        }
        if ($left -ge 1.0) { continue }
        if ($left -lt $bestLeft -or ($left -eq $bestLeft -and -not $one.needs_admin -and $bestAdmin)) {
            $best, $bestLeft, $bestAdmin = $one, $left, [bool]$one.needs_admin
        }
    }
    $best
}

function Get-OpenFact {
    <#
    .SYNOPSIS
    Returns, as keys, the unknown facts that a candidate's predicate reads, where that is unknown itself.
    .DESCRIPTION
    Each candidate also gets Value, what its predicate is without any answer, Leaves, its comparisons, and Reads, the
    facts in it: only those can change it. Each comparison gets Known, what it is without any answer.
    .PARAMETER Candidate
    The causes that remain.
    .PARAMETER Facts
    The facts document, or $null.
    #>
    [CmdletBinding()]
    [OutputType([hashtable])]
    param([object[]] $Candidate, [AllowNull()] $Facts)
    $reader = New-FactReader -Facts $Facts
    $open = @{}
    foreach ($one in $Candidate) {
        $one.Value = Test-Predicate $one.When $reader
        $one.Leaves = @(Get-Comparison -Predicate $one.When)
        foreach ($leaf in $one.Leaves) {
            $one.Reads[$leaf.Fact] = $true
            $leaf.Known = Compare-Fact $leaf (Read-Fact $reader $leaf.Fact)
            if ($null -eq $one.Value -and $null -eq (Read-Fact $reader $leaf.Fact)) { $open[$leaf.Fact] = $true }
        }
    }
    $open
}

function Get-ExpectedLeft {
    <#
    .SYNOPSIS
    Returns the share of all weight that is expected to be left once a fact is known.
    .PARAMETER Path
    The fact.
    .PARAMETER Candidate
    The causes that remain.
    .PARAMETER Facts
    The facts document, or $null.
    #>
    [OutputType([double])]
    param([string] $Path, [object[]] $Candidate, $Facts)
    $weights = @(foreach ($one in $Candidate) { [double]$one.Weight })
    $sum = 0.0
    foreach ($weight in $weights) { $sum += $weight }
    $weights += 0.1 * $sum
    $total = 0.0
    foreach ($weight in $weights) { $total += $weight }
    if ($total -le 0) { return 1.0 }
    $lefts = @(foreach ($answer in @(Get-ThinkableAnswer $Path $Candidate)) {
            , @(Get-LeftBy $Path $answer $Candidate $Facts)
        })
    $sums = @(foreach ($left in $lefts) {
            $one = 0.0
            foreach ($index in $left) { $one += $weights[$index] }
            $one
        })
    $expected = 0.0
    for ($i = 0; $i -lt $weights.Count; $i++) {
        $count, $mean = 0, 0.0
        for ($j = 0; $j -lt $lefts.Count; $j++) { if ($lefts[$j] -contains $i) { $count++; $mean += $sums[$j] } }
        if ($count) { $expected += $weights[$i] * ($mean / $count) } else { $expected += $weights[$i] * $total }
    }
    Get-Rounded -Value ($expected / ($total * $total))
}

function Get-LeftBy {
    <#
    .SYNOPSIS
    Returns the places of the candidates that remain once a fact has an answer; the place after the last is none of them.
    .PARAMETER Path
    The fact.
    .PARAMETER Answer
    What it is.
    .PARAMETER Candidate
    The causes that remain.
    .PARAMETER Facts
    The facts document, or $null.
    #>
    [OutputType([int])]
    param([string] $Path, $Answer, [object[]] $Candidate, $Facts)
    $reader = New-FactReader -Facts $Facts -Path $Path -Answer $Answer
    $settled, $open = @(), @()
    for ($i = 0; $i -lt $Candidate.Count; $i++) {
        $value = $Candidate[$i].Value
        if ($Candidate[$i].Reads.ContainsKey($Path)) { $value = Test-Predicate $Candidate[$i].When $reader }
        if ($value -and $Candidate[$i].Decisive) { $settled += $i }
        if ($null -eq $value -or $value) { $open += $i }
    }
    if ($settled.Count) { return $settled }
    $open + $Candidate.Count
}

function Get-ThinkableAnswer {
    <#
    .SYNOPSIS
    Returns the values that a fact is thought to take, each once.
    .PARAMETER Path
    The fact.
    .PARAMETER Candidate
    The causes that remain.
    #>
    param([string] $Path, [object[]] $Candidate)
    $found, $isYesNo = @(), $false
    $seen = New-Object -TypeName 'System.Collections.Generic.HashSet[string]'
    foreach ($one in $Candidate) {
        foreach ($leaf in $one.Leaves) {
            if ($leaf.Fact -cne $Path) { continue }
            foreach ($value in @(Get-ComparedValue $leaf)) {
                if (-not $seen.Add("$($value.GetType().Name) $value")) { continue }
                $found += $value
                if ($value -is [bool]) { $isYesNo = $true }
            }
        }
    }
    if (-not $isYesNo) { $found += '(anything else)' }
    $found
}

function Get-ComparedValue {
    <#
    .SYNOPSIS
    Returns the values that one comparison tells apart.
    .PARAMETER Leaf
    The comparison.
    #>
    param($Leaf)
    $value = $Leaf.Value
    switch ($Leaf.Kind) {
        'is' {
            $value
            if ($value -is [bool]) { -not $value }
        }
        'one_of' { $value }
        'less_than' {
            $value
            if ($value -is [string]) { '0' } else { 0 }
        }
        'contains' { $value }
        'absent' { 'absent' }
    }
}
