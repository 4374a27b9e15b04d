# Work inside Linux: the scripts in ..\Guest, handed over on standard input. Nothing of theirs stands on a command line,
# where wsl.exe and a shell would each take quotes and backslashes their own way.

function Invoke-Guest {
    <#
    .SYNOPSIS
    Runs one guest script inside a distribution; returns the object of Invoke-Native, with Answer: its last line.
    .PARAMETER Distribution
    Name of the distribution.
    .PARAMETER Step
    Name of the script: user, checkout, python, environment, doctor, picture.
    .PARAMETER Verb
    ask only looks, do changes.
    .PARAMETER ArgumentList
    Further arguments of the script.
    .PARAMETER User
    Linux user; the default one without it.
    .PARAMETER TimeoutSeconds
    How long it may take.
    .PARAMETER Show
    Let the person see its output while it runs, instead of collecting it.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param(
        [Parameter(Mandatory = $true)] [string] $Distribution,
        [Parameter(Mandatory = $true)] [string] $Step,
        [ValidateSet('ask', 'do')] [string] $Verb = 'ask',
        [string[]] $ArgumentList = @(),
        [string] $User = '',
        [int] $TimeoutSeconds = 60,
        [switch] $Show
    )
    $text = Get-GuestScript -Step $Step -ArgumentList (@($Verb) + $ArgumentList)
    $where = @('-d', $Distribution)
    $who = $where
    if ($User) { $who += '-u', $User }
    if ($Show) {
        # Standard input then belongs to the person, so the script has to be a file; /run is gone with the next stop.
        $put = "cat >/run/dreamrig-setup.sh <<'DREAMRIG-END'`n$text`nDREAMRIG-END`n"
        $null = Invoke-Wsl -ArgumentList ($where + @('-u', 'root', '-e', 'sh', '-s')) -InputText $put -Changes
        $ran = Invoke-Wsl -ArgumentList ($who + @('-e', 'sh', '/run/dreamrig-setup.sh')) `
            -TimeoutSeconds $TimeoutSeconds -Changes -Interactive
    } else {
        $ran = Invoke-Wsl -ArgumentList ($who + @('-e', 'sh', '-s')) -InputText $text `
            -TimeoutSeconds $TimeoutSeconds -Changes:($Verb -eq 'do')
    }
    $ran | Add-Member -MemberType NoteProperty -Name Answer -Value (Get-LastLine -Text $ran.Out) -PassThru
}

function Get-GuestScript {
    <#
    .SYNOPSIS
    Returns the text of a guest script with its arguments set, with LF line ends.
    .PARAMETER Step
    Name of the script.
    .PARAMETER ArgumentList
    Its arguments.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Step, [string[]] $ArgumentList)
    $folder = Join-Path -Path $script:ModuleFolder -ChildPath 'Guest'
    $text = [System.IO.File]::ReadAllText((Join-Path -Path $folder -ChildPath "$Step.sh"))
    $words = @($ArgumentList | ForEach-Object { "'" + $_.Replace("'", "'\''") + "'" }) -join ' '
    "set -- $words`n$text".Replace("`r`n", "`n")
}

function Assert-Guest {
    <#
    .SYNOPSIS
    Throws unless a guest script answered as expected.
    .PARAMETER Ran
    The object of Invoke-Guest.
    .PARAMETER Expected
    Regular expression for the answer.
    .PARAMETER Message
    What did not work.
    .PARAMETER Hint
    What to do about it.
    #>
    [CmdletBinding()]
    param([psobject] $Ran, [string] $Expected, [string] $Message, [string] $Hint)
    if ($Ran.ExitCode -eq 0 -and $Ran.Answer -match $Expected) { return }
    $said = Get-NativeText -Ran $Ran
    $last = Get-LastLine -Text "$($Ran.Err)`n$($Ran.Reason)"
    if (-not $last) { $last = $Ran.Answer }
    throw (New-SetupError -Message ("$Message $last".Trim()) -Hint $Hint -Output $said -ExitCode 1)
}
