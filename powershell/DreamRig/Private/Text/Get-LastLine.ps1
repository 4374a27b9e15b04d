# What a program said, for a sentence and for the knowledge base.

function Get-LastLine {
    <#
    .SYNOPSIS
    Returns the last line of a text that says something; '' for none.
    .PARAMETER Text
    Output of a program.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowEmptyString()] [string] $Text)
    $lines = @($Text -split '[\r\n]+' | Where-Object { $_.Trim() })
    if ($lines.Count) { return $lines[-1].Trim() }
    ''
}

function Get-NativeText {
    <#
    .SYNOPSIS
    Returns everything that a program said, and why it did not run to its end.
    .PARAMETER Ran
    The object of Invoke-Native.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([Parameter(Mandatory = $true)] [psobject] $Ran)
    "$($Ran.Out)`n$($Ran.Err)`n$($Ran.Reason)".Trim()
}
