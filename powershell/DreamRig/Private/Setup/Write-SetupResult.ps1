function Write-SetupResult {
    <#
    .SYNOPSIS
    Prints how setup ended: the one JSON document, or what went wrong and what to do.
    .PARAMETER Result
    The object of Invoke-RigSetup.
    .PARAMETER Json
    The document.
    #>
    [CmdletBinding()]
    param([psobject] $Result, [switch] $Json)
    if ($Json) {
        [Console]::Out.WriteLine((ConvertTo-RigJson -InputObject (Get-SetupDocument -Result $Result)))
        return
    }
    if (-not $Result.Message -or $Result.Status -eq 'finished-with-findings') { return }
    $word = @('error: ', '')[[int] ($Result.Status -in 'restarting', 'restart-needed', 'declined')]
    [Console]::Error.WriteLine("$word$($Result.Message)")
    if ($Result.Hint) { [Console]::Error.WriteLine("hint: $($Result.Hint)") }
}

function Get-SetupDocument {
    <#
    .SYNOPSIS
    Returns the document of setup.ps1 -Json.
    .PARAMETER Result
    The object of Invoke-RigSetup.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([psobject] $Result)
    $plan = @($Result.Plan | Select-Object -Property * -ExcludeProperty 'exit_code', 'name')
    $data = [ordered]@{
        status       = $Result.Status
        plan         = $plan
        changes      = @($Result.Changes)
        distribution = $Result.Distribution
        picture      = $Result.Picture
        log          = $Result.Log
    }
    New-RigDocument -Command 'setup' -Data $data -Ok ($Result.ExitCode -eq 0) -ErrorText $Result.Message -Hint $Result.Hint `
        -ExitCode $Result.ExitCode
}
