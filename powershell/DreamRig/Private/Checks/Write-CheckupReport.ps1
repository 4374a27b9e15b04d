# One Markdown file fit for a bug report.

function Write-CheckupReport {
    <#
    .SYNOPSIS
    Writes what the doctor found to a file, without the names of the user and of the computer; UTF-8 without BOM.
    .PARAMETER Path
    The file; replaced where it exists.
    .PARAMETER Checkup
    The object of Invoke-Checkup.
    .PARAMETER Report
    The object of Get-RigDiagnosis for a pasted text; $null for none.
    #>
    [CmdletBinding()]
    param([string] $Path, $Checkup, [AllowNull()] $Report = $null)
    $lines = @('# dreamrig: report of the Windows half', '', "Collected $($Checkup.facts.collected_at) by $(@($Checkup.facts.collectors) -join ', ').", '')
    $lines += @('## Findings', '', '```text') + @(Format-Checkup -Checkup $Checkup) + @('```', '')
    if ($Report) { $lines += @('## The pasted text', '', '```text') + @(Format-Diagnosis -Report $Report -Facts $Checkup.facts) + @('```', '') }
    $lines += @('## Facts', '', '```json', (ConvertTo-RigJson -InputObject $Checkup.facts), '```', '')
    $text = ConvertTo-RedactedText -Text ($lines -join "`n")
    $full = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Path)
    [System.IO.File]::WriteAllText($full, $text, (New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false))
    $full
}

function ConvertTo-RedactedText {
    <#
    .SYNOPSIS
    Returns text without the user's name, the computer's name and their folders.
    .PARAMETER Text
    The text.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Text)
    $names = [ordered]@{ USERPROFILE = '%USERPROFILE%'; COMPUTERNAME = 'COMPUTER'; USERDOMAIN = 'DOMAIN'; USERNAME = 'USER' }
    foreach ($name in $names.Keys) {
        $value = [Environment]::GetEnvironmentVariable($name)
        # A name of one or two letters stands everywhere by chance.
        if (-not $value -or $value.Length -lt 3) { continue }
        $escaped = $value.Replace('\', '\\')
        # As JSON has it where everything but ASCII is escaped, and as 5.1 writes quotes and brackets.
        $coded = [regex]::Replace($escaped, "[^\x20-\x7e]|['<>&]", { param($found) '\u{0:x4}' -f [int] [char] $found.Value })
        foreach ($form in @($value, $escaped, $coded | Select-Object -Unique)) {
            # Behind its separator a name counts anywhere; bare, only as a whole word.
            $Text = [regex]::Replace($Text, '(?<!\w)' + [regex]::Escape($form) + '(?!\w)', $names[$name], 'IgnoreCase, CultureInvariant')
        }
    }
    [regex]::Replace($Text, '(?i)([A-Z]:\\{1,2}Users\\{1,2})[^\\"\s]+', '${1}USER')
}
