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

function Write-SetupReport {
    <#
    .SYNOPSIS
    Writes the report of a run: the document of -Json with this PC's facts and the log, without names of user and computer.
    .PARAMETER Path
    The file; replaced where it exists.
    .PARAMETER Result
    The object of Invoke-RigSetup.
    #>
    [CmdletBinding()]
    param([string] $Path, [psobject] $Result)
    $document = Get-SetupDocument -Result $Result
    $log = Join-Path -Path (Get-SetupFolder) -ChildPath 'setup.log'
    $lines = @(if ([System.IO.File]::Exists($log)) { [System.IO.File]::ReadAllLines($log) | Select-Object -Last 400 })
    $document.data | Add-Member -MemberType NoteProperty -Name 'facts' -Value $script:SetupFact
    $document.data | Add-Member -MemberType NoteProperty -Name 'transcript' -Value $lines
    $text = ConvertTo-RedactedText -Text (ConvertTo-RigJson -InputObject $document)
    try {
        $full = Get-FullPath -Path $Path
        [System.IO.File]::WriteAllText($full, $text, (New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false))
        Write-SetupTalk -Text "Report, without names: $full"
    } catch {
        Write-SetupTalk -Kind warning -Text "The report cannot be written to ${Path}: $($_.Exception.Message)"
    }
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
    $data = [pscustomobject][ordered]@{
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
