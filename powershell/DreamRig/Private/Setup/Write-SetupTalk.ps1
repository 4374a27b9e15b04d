# How setup talks: to the person at the screen, to the log file, and in questions.

# Set once by Invoke-RigSetup: Json keeps standard output for the one document, Unattended asks nothing,
# Log is the path of the log file, '' for none.
$script:SetupTalk = @{ Json = $false; Unattended = $false; Log = '' }

function Write-SetupTalk {
    <#
    .SYNOPSIS
    Says one line to the person, and notes it in the log.
    .PARAMETER Text
    The line.
    .PARAMETER Kind
    plain, or warning, which puts 'warning: ' in front.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)] [AllowEmptyString()] [string] $Text,
        [ValidateSet('plain', 'warning')] [string] $Kind = 'plain'
    )
    if ($Kind -eq 'warning') { $Text = "warning: $Text" }
    if ($script:SetupTalk.Json) { [Console]::Error.WriteLine($Text) } else { Write-Host $Text }
    Write-SetupLog -Text $Text
}

function Write-SetupLog {
    <#
    .SYNOPSIS
    Appends one line with the time in UTC to the log file; nothing where no log is kept (-WhatIf).
    .PARAMETER Text
    The line.
    #>
    [CmdletBinding()]
    param([AllowEmptyString()] [string] $Text)
    if (-not $script:SetupTalk.Log -or -not $Text.Trim()) { return }
    $line = '{0}  {1}{2}' -f (Format-Instant -Instant ([datetime]::UtcNow)), $Text, [Environment]::NewLine
    try {
        [System.IO.File]::AppendAllText($script:SetupTalk.Log, $line, (New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false))
    } catch {
        Write-Verbose "The log cannot be written: $($_.Exception.Message)"
    }
}

function Read-SetupChoice {
    <#
    .SYNOPSIS
    Asks a yes-no question; returns $true for yes.
    .PARAMETER Question
    The question, without the choices.
    .PARAMETER Default
    What Enter means.
    .PARAMETER Safe
    What holds with -Unattended, and where nobody is there to answer: what locks nobody out and breaks nothing.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param([Parameter(Mandatory = $true)] [string] $Question, [bool] $Default = $false, [bool] $Safe = $false)
    $word = @('no', 'yes')[[int] $Safe]
    if ($script:SetupTalk.Unattended) {
        Write-SetupTalk -Text "$Question -> $word (unattended: the safe default)"
        return $Safe
    }
    $choices = @('y/N', 'Y/n')[[int] $Default]
    while ($true) {
        try {
            $answer = "$(Read-Host -Prompt "$Question [$choices]")".Trim()
        } catch {
            Write-Verbose "Read-Host: $($_.Exception.Message)"
            $answer = ''
        }
        # The end of a redirected input reads like Enter.
        if ($answer -eq '' -and -not (Test-Attended)) {
            Write-SetupTalk -Text "$Question -> $word (nobody can answer here)"
            return $Safe
        }
        Write-SetupLog -Text "asked: $Question -> $answer"
        if ($answer -eq '') { return $Default }
        if ($answer -match '^(y|yes)$') { return $true }
        if ($answer -match '^(n|no)$') { return $false }
        Write-SetupTalk -Text 'Please answer y or n.'
    }
}

function Test-Attended {
    <#
    .SYNOPSIS
    Says whether a person can answer: there is a keyboard behind the input, and PowerShell may ask.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param()
    -not [Console]::IsInputRedirected -and [Environment]::UserInteractive -and
    -not ([Environment]::GetCommandLineArgs() -match '^-noni')
}

function New-SetupError {
    <#
    .SYNOPSIS
    Returns an exception that setup.ps1 shows as `error:` and `hint:`, ending with ExitCode; throw it.
    .PARAMETER Message
    One full sentence.
    .PARAMETER Hint
    The next command or step.
    .PARAMETER ExitCode
    1 failed, 2 usage or configuration, 3 a check found a problem, 4 the machine is not ready.
    .PARAMETER Output
    What the program that failed had said; the knowledge base is asked about it.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [CmdletBinding()]
    [OutputType([System.InvalidOperationException])]
    param([Parameter(Mandatory = $true)] [string] $Message, [string] $Hint = '', [int] $ExitCode = 1, [string] $Output = '')
    $problem = New-Object -TypeName System.InvalidOperationException -ArgumentList $Message
    $problem.Data['hint'] = $Hint
    $problem.Data['exit_code'] = $ExitCode
    $problem.Data['output'] = $Output
    $problem
}
