# JSON that Python, and any console, can read.

function ConvertTo-RigJson {
    <#
    .SYNOPSIS
    Returns a value as JSON in ASCII: it survives every code page, and 5.1's console has one of its own.
    .PARAMETER InputObject
    The value; a list of one stays a list.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowNull()] $InputObject)
    $json = ConvertTo-Json -InputObject $InputObject -Depth 20
    # Line ends as everywhere; letters outside ASCII can only stand in strings.
    $json = $json.Replace("`r`n", "`n")
    [regex]::Replace($json, '[^\x00-\x7f]', [System.Text.RegularExpressions.MatchEvaluator] {
            param($match) '\u{0:x4}' -f [int]$match.Value[0]
        })
}

function New-RigDocument {
    <#
    .SYNOPSIS
    Returns the one document of a command's JSON: schema, command, ok, data, errors.
    .PARAMETER Command
    doctor or diagnose.
    .PARAMETER Data
    What it found; $null after an error.
    .PARAMETER Ok
    Whether all is well.
    .PARAMETER ErrorText
    One sentence; '' for no error.
    .PARAMETER Hint
    What to do about it.
    .PARAMETER ExitCode
    The exit code that goes with the error.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param(
        [string] $Command, [AllowNull()] $Data = $null, [bool] $Ok = $true,
        [string] $ErrorText = '', [string] $Hint = '', [int] $ExitCode = 0
    )
    $errors = @(if ($ErrorText) { [pscustomobject][ordered]@{ message = $ErrorText; hint = $Hint; exit_code = $ExitCode } })
    [pscustomobject][ordered]@{ schema = 1; command = $Command; ok = $Ok; data = $Data; errors = $errors }
}
