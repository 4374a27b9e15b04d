# The best diagnosis first, and each of several errors with its best. The twin of arrange in provision/diagnosis/diagnose.py.

# In fixing order, as LAYERS in provision/diagnosis/cause.py.
$script:Layers = @('firmware', 'windows', 'wsl', 'network', 'disk', 'guest', 'driver', 'cuda', 'torch', 'python', 'container', 'usage')

function Get-DiagnosisOrder {
    <#
    .SYNOPSIS
    Returns the diagnoses with the best first, and each of several errors with its best before the others.
    .PARAMETER Diagnosis
    The diagnoses of Get-CauseVerdict.
    #>
    [CmdletBinding()]
    param([AllowEmptyCollection()] [object[]] $Diagnosis)
    if (-not $Diagnosis.Count) { return }
    $keys = @($Diagnosis | ForEach-Object { Get-DiagnosisKey -Diagnosis $_ })
    $explained = @{}
    $first, $noise, $rest = @(), @(), @()
    foreach ($one in Get-OrdinalOrder -Item $Diagnosis -Key $keys) {
        $isNoise = $one.Cause.effect -eq 'harmless'
        $leads = $one.Verdict -eq 'likely' -or ($one.Verdict -eq 'possible' -and -not $isNoise)
        $new = @($one.Explains | Where-Object { -not $explained.ContainsKey($_) })
        if ($one.Verdict -eq 'confirmed' -or ($leads -and $new.Count)) {
            if ($isNoise -and $one.Verdict -eq 'likely') { $noise += $one } else { $first += $one }
            foreach ($id in $one.Explains) { $explained[$id] = $true }
        } else {
            $rest += $one
        }
    }
    for ($i = $noise.Count - 1; $i -ge 0; $i--) {
        $before = Measure-SeriousDiagnosis -Noise $noise[$i] -First $first
        $first = @($first | Select-Object -First $before) + @($noise[$i]) + @($first | Select-Object -Skip $before)
    }
    $first + $rest
}

function Measure-SeriousDiagnosis {
    <#
    .SYNOPSIS
    Returns how many of the first diagnoses stay before a harmless one.
    .PARAMETER Noise
    The harmless diagnosis.
    .PARAMETER First
    The first diagnoses, in their order.
    #>
    [CmdletBinding()]
    [OutputType([int])]
    param($Noise, [AllowEmptyCollection()] [object[]] $First)
    $count = 0
    $explained = @($Noise.Explains)
    for ($i = 0; $i -lt $First.Count; $i++) {
        $codes = @($First[$i].Explains | Where-Object { $_ -notlike 'line *' -and $explained -cnotcontains $_ })
        if ($First[$i].Verdict -ne 'possible' -or $codes.Count) { $count = $i + 1 }
    }
    $count
}

function Get-DiagnosisKey {
    <#
    .SYNOPSIS
    Returns what a diagnosis is sorted by: verdict, harmless last, layer, rank and prior from high to low, slug.
    .PARAMETER Diagnosis
    One diagnosis.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param($Diagnosis)
    $place = @{ 'confirmed' = 0; 'likely' = 1; 'possible' = 2; 'ruled out' = 4 }[$Diagnosis.Verdict]
    $layer = 0
    if (-not @($Diagnosis.Explains).Count) {
        # Facts alone speak for it.
        if ($Diagnosis.Verdict -eq 'likely') { $place = 3 }
        $layer = [array]::IndexOf($script:Layers, "$(Get-MemberValue $Diagnosis.Cause 'layer')")
        if ($layer -lt 0) { $layer = $script:Layers.Count }
    }
    $harmless = [int]($Diagnosis.Cause.effect -eq 'harmless')
    [string]::Format([Globalization.CultureInfo]::InvariantCulture, '{0}{1}{2:00} {3:00.0000} {4:0.00000000} {5}',
        $place, $harmless, $layer, (50 - $Diagnosis.Rank), (1 - [double]$Diagnosis.Cause.prior), $Diagnosis.Cause.slug)
}

function ConvertTo-DiagnosisObject {
    <#
    .SYNOPSIS
    Returns a diagnosis as it stands in a JSON document.
    .PARAMETER Diagnosis
    One diagnosis.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Diagnosis)
    $cause = $Diagnosis.Cause
    [pscustomobject][ordered]@{
        cause       = $cause.slug
        title       = $cause.title
        verdict     = $Diagnosis.Verdict
        score       = $Diagnosis.Rank
        evidence    = @($Diagnosis.Evidence)
        explanation = $cause.explanation
        effect      = $cause.effect
        fix         = @(Get-MemberList $cause 'fix')
        differs     = @(Get-MemberList $cause 'differs')
        sources     = @(Get-MemberList $cause 'sources')
    }
}

function Get-QueryCandidate {
    <#
    .SYNOPSIS
    Returns what a query has to tell apart: neither confirmed nor ruled out, nor explained by something confirmed.
    .PARAMETER Diagnosis
    The ordered diagnoses.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([AllowEmptyCollection()] [object[]] $Diagnosis)
    $settled = @{}
    foreach ($one in $Diagnosis) {
        if ($one.Verdict -eq 'confirmed') { foreach ($id in $one.Explains) { $settled[$id] = $true } }
    }
    foreach ($one in $Diagnosis) {
        $open = @($one.Explains | Where-Object { -not $settled.ContainsKey($_) })
        if ($one.Verdict -in 'likely', 'possible' -and $open.Count) {
            [pscustomobject]@{
                When = $one.When; Decisive = $one.Cause.decisive; Weight = $one.Rank; Value = $null; Leaves = @(); Reads = @{}
            }
        }
    }
}
