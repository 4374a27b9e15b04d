# What doctor.ps1 does, as a value: lines for standard output, a problem for standard error, an exit code.

function Invoke-Doctor {
    <#
    .SYNOPSIS
    Returns Lines, Problem and ExitCode.
    .PARAMETER Json
    One JSON document.
    .PARAMETER FactsOnly
    Only the facts.
    .PARAMETER Text
    An error text; '' for none.
    .PARAMETER Report
    A file to write; '' for none.
    .PARAMETER TimeoutSeconds
    How long one program may take.
    .PARAMETER Full
    Every link with its evidence, not only what is broken.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([bool] $Json, [bool] $FactsOnly, [AllowEmptyString()] [string] $Text, [string] $Report, [int] $TimeoutSeconds, [bool] $Full)
    if (-not (Test-WindowsSystem)) {
        return New-DoctorError -Json $Json -ExitCode 4 -Message 'This is not Windows: doctor.ps1 checks the Windows half only.' `
            -Hint 'run: dreamrig doctor'
    }
    $facts = Get-RigFact -TimeoutSeconds $TimeoutSeconds
    if ($FactsOnly) { return Get-FactAnswer -Json $Json -Facts $facts }
    $warnings, $checkup, $diagnosis, $written = @(), $null, $null, ''
    if ($Text.Trim()) { $diagnosis = Get-RigDiagnosis -Text $Text -Facts $facts }
    # The answer to a text does not need the checks, its report does.
    if (-not $diagnosis -or $Report) {
        $checkup = Invoke-Checkup -Facts $facts -WarningAction SilentlyContinue -WarningVariable warnings
    }
    if ($Report) {
        try {
            $written = Write-CheckupReport -Path $Report -Checkup $checkup -Report $diagnosis
        } catch {
            return New-DoctorError -Json $Json -ExitCode 2 -Message "The report cannot be written to ${Report}: $($_.Exception.Message)" `
                -Hint 'give a file in a folder that exists'
        }
    }
    $answer = if ($diagnosis) { Get-DiagnosisAnswer -Json $Json -Diagnosis $diagnosis -Facts $facts }
    else { Get-CheckupAnswer -Json $Json -Checkup $checkup -Written $written -Full $Full }
    $notes = @($warnings | ForEach-Object { "note: $_" })
    if ($written) { $notes += "report: $written" }
    $answer.Problem = $notes -join "`n"
    $answer
}

function New-DoctorError {
    <#
    .SYNOPSIS
    Returns the answer for an error that a sentence explains.
    .PARAMETER Json
    One JSON document.
    .PARAMETER Message
    The sentence.
    .PARAMETER Hint
    What to do.
    .PARAMETER ExitCode
    The exit code.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([bool] $Json, [string] $Message, [string] $Hint, [int] $ExitCode)
    if (-not $Json) {
        return [pscustomobject]@{ Lines = @(); Problem = "error: $Message`nhint: $Hint"; ExitCode = $ExitCode }
    }
    $document = New-RigDocument -Command doctor -Ok $false -ErrorText $Message -Hint $Hint -ExitCode $ExitCode
    [pscustomobject]@{ Lines = @(ConvertTo-RigJson -InputObject $document); Problem = ''; ExitCode = $ExitCode }
}

function Get-FactAnswer {
    <#
    .SYNOPSIS
    Returns the answer that has the facts only.
    .PARAMETER Json
    One JSON document.
    .PARAMETER Facts
    The facts document.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([bool] $Json, $Facts)
    if (-not $Json) { return [pscustomobject]@{ Lines = @(Format-FactList -Facts $Facts); Problem = ''; ExitCode = 0 } }
    $data = [pscustomobject][ordered]@{
        place = $Facts.place; facts = $Facts; findings = @(); first_broken = $null; next = $null; diagnoses = @()
    }
    [pscustomobject]@{ Lines = @(ConvertTo-RigJson -InputObject (New-RigDocument -Command doctor -Data $data)); Problem = ''; ExitCode = 0 }
}

function Get-DiagnosisAnswer {
    <#
    .SYNOPSIS
    Returns the answer to a pasted text.
    .PARAMETER Json
    One JSON document.
    .PARAMETER Diagnosis
    The object of Get-RigDiagnosis.
    .PARAMETER Facts
    The facts document.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([bool] $Json, $Diagnosis, $Facts)
    $open = @($Diagnosis.diagnoses | Where-Object { $_.verdict -ne 'ruled out' })
    $code = if ($open.Count) { 0 } else { 3 }
    $lines = if ($Json) { ConvertTo-RigJson -InputObject (New-RigDocument -Command diagnose -Data $Diagnosis) }
    else { Format-Diagnosis -Report $Diagnosis -Facts $Facts }
    [pscustomobject]@{ Lines = @($lines); Problem = ''; ExitCode = $code }
}

function Get-CheckupAnswer {
    <#
    .SYNOPSIS
    Returns the answer that has every link of the chain.
    .PARAMETER Json
    One JSON document.
    .PARAMETER Checkup
    The object of Invoke-Checkup.
    .PARAMETER Written
    Where the report went; '' for nowhere.
    .PARAMETER Full
    Every link with its evidence.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([bool] $Json, $Checkup, [string] $Written, [bool] $Full)
    $code = if ($Checkup.first_broken) { 3 } else { 0 }
    if (-not $Json) {
        $lines = if ($Full) { Format-Checkup -Checkup $Checkup } else { Format-ShortCheckup -Checkup $Checkup }
        return [pscustomobject]@{ Lines = @($lines); Problem = ''; ExitCode = $code }
    }
    if ($Written) { $Checkup | Add-Member -MemberType NoteProperty -Name 'report' -Value $Written }
    $document = New-RigDocument -Command doctor -Data $Checkup -Ok ($code -eq 0)
    [pscustomobject]@{ Lines = @(ConvertTo-RigJson -InputObject $document); Problem = ''; ExitCode = $code }
}
