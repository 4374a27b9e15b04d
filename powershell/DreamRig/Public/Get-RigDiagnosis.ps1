function Get-RigDiagnosis {
    <#
    .SYNOPSIS
    Returns what an error text, the facts of a machine, or both, say about the cause: ranked diagnoses.
    .DESCRIPTION
    The same rules and the same knowledge base as `dreamrig diagnose`. The result has
      diagnoses    best first: cause, title, verdict (confirmed, likely, possible, ruled out), score, evidence,
                   explanation, effect, fix (the steps), differs, sources
      next_query   the one query that would split the remaining causes best, or $null
      codes        every error code of the text, decoded
      notes        what was left out
    Reads nothing but the knowledge base and changes nothing.
    .PARAMETER Text
    The text, as it was pasted: any language, any encoding damage, a whole scroll-back. Lines may come by pipeline.
    .PARAMETER Facts
    The facts of a machine: what Get-RigFact returns, or a facts document read by ConvertFrom-Json.
    .EXAMPLE
    Get-RigDiagnosis -Text 'WslRegisterDistribution failed with error: 0x80370102' -Facts (Get-RigFact)
    .EXAMPLE
    wsl --status 2>&1 | Get-RigDiagnosis | Select-Object -ExpandProperty diagnoses
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param(
        [Parameter(ValueFromPipeline = $true)] [AllowNull()] [AllowEmptyString()] [AllowEmptyCollection()] [string[]] $Text,
        [AllowNull()] [psobject] $Facts = $null
    )
    begin { $lines = @() }
    process { if ($null -ne $Text) { $lines += $Text } }
    end {
        $joined = if ($lines.Count) { $lines -join "`n" } else { $null }
        Resolve-Diagnosis -Text $joined -Facts $Facts -Knowledge (Get-Knowledge)
    }
}
