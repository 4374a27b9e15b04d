function Invoke-Native {
    <#
    .SYNOPSIS
    Runs one native command and returns what it said; nothing else in this module starts a process.
    .DESCRIPTION
    The streams are read as bytes and kept apart, so that UTF-16 of wsl.exe, UTF-8 of Linux programs and the code page
    of older tools all come out as text, and a line on standard error never ends the script (as it does in 5.1 under
    $ErrorActionPreference = 'Stop'). A command that is missing, forbidden or too slow is a result, not an error.

    The result has these properties:
      FilePath, ArgumentList   what was asked
      ExitCode                 Int32, or $null where nothing ran to its end
      Out, Err                 text with LF line ends; '' where there was none, or with -Interactive
      Reason                   '' (it ran to its end), 'absent', 'denied', 'timeout', 'whatif' or 'failed: ...'
      Seconds                  how long it took
    ExitCode 3010 (success, restart needed) and -1 (wsl.exe's own failures) are for the caller to judge.
    .PARAMETER FilePath
    The program: a bare name such as wsl.exe (Windows' own folder is preferred to the rest of PATH), or a full path.
    .PARAMETER ArgumentList
    Its arguments, one string each, unquoted; quoting is done here.
    .PARAMETER TimeoutSeconds
    After that it is killed, with its children where .NET can do that (7), and Reason is 'timeout'.
    .PARAMETER InputText
    What it reads on standard input, sent as UTF-8 without BOM. Without it, standard input is empty.
    .PARAMETER Environment
    Variables set for this one process. WSL_UTF8=1 is always set for wsl.exe: its messages and those of the Linux
    program then share one encoding.
    .PARAMETER WorkingDirectory
    The folder it starts in; the current one without it.
    .PARAMETER Changes
    Says that this call changes the machine: under -WhatIf nothing is started, and Reason is 'whatif'.
    .PARAMETER Interactive
    Gives it the console (progress bars, questions) instead of reading its output; only ExitCode and Reason tell.
    .PARAMETER OwnConsole
    Gives it a console window of its own, whatever the streams of this process are; only ExitCode and Reason tell.
    .PARAMETER Activity
    What is going on: a progress bar with the time that has gone by. '' for none.
    .EXAMPLE
    $seen = Invoke-Native -FilePath 'wsl.exe' -ArgumentList '--version' -TimeoutSeconds 10
    if ($seen.ExitCode -eq 0) { $seen.Out }
    .EXAMPLE
    Invoke-Native -FilePath 'bcdedit.exe' -ArgumentList '/set', '{current}', 'hypervisorlaunchtype', 'auto' -Changes
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param(
        [Parameter(Mandatory = $true)] [string] $FilePath,
        [AllowEmptyString()] [string[]] $ArgumentList = @(),
        [ValidateRange(1, 86400)] [int] $TimeoutSeconds = 30,
        [AllowEmptyString()] [string] $InputText = '',
        [hashtable] $Environment = @{},
        [string] $WorkingDirectory = '',
        [switch] $Changes,
        [switch] $Interactive,
        [switch] $OwnConsole,
        [string] $Activity = ''
    )
    $result = [pscustomobject]@{
        FilePath = $FilePath; ArgumentList = $ArgumentList; ExitCode = $null; Out = ''; Err = ''; Reason = ''; Seconds = 0.0
    }
    if ($Changes -and $WhatIfPreference) {
        $result.Reason = 'whatif'
        return $result
    }
    $path = Resolve-NativePath -FilePath $FilePath
    if (-not $path) {
        $result.Reason = 'absent'
        return $result
    }
    $about = New-NativeStartInfo -Path $path -ArgumentList $ArgumentList -Environment $Environment `
        -WorkingDirectory $WorkingDirectory -Interactive:$Interactive -OwnConsole:$OwnConsole
    Write-Verbose "$path $($about.Arguments)"
    $clock = [System.Diagnostics.Stopwatch]::StartNew()
    try {
        $started = Receive-NativeAhead -StartInfo $about
        if (-not $started) { $started = Start-NativeProcess -StartInfo $about -InputText $InputText }
        Wait-NativeProcess -Started $started -TimeoutSeconds $TimeoutSeconds -Result $result -Activity $Activity
    } catch {
        $result.Reason = Get-NativeReason -ErrorRecord $_
    }
    $result.Seconds = $clock.Elapsed.TotalSeconds
    $result
}

function New-NativeStartInfo {
    <#
    .SYNOPSIS
    Returns the ProcessStartInfo of one call; changes nothing.
    .PARAMETER Path
    Full path of the program.
    .PARAMETER ArgumentList
    Its arguments, unquoted.
    .PARAMETER Environment
    Variables to set for it, beside those that every wsl.exe gets.
    .PARAMETER WorkingDirectory
    The folder it starts in; empty for the current one.
    .PARAMETER Interactive
    Leave it the console.
    .PARAMETER OwnConsole
    A window of its own: by way of the shell, which takes no variables.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [CmdletBinding()]
    [OutputType([System.Diagnostics.ProcessStartInfo])]
    param(
        [string] $Path,
        [AllowEmptyString()] [string[]] $ArgumentList,
        [hashtable] $Environment,
        [string] $WorkingDirectory,
        [switch] $Interactive,
        [switch] $OwnConsole
    )
    $about = New-Object -TypeName System.Diagnostics.ProcessStartInfo
    $about.FileName = $Path
    $about.Arguments = (@($ArgumentList | ForEach-Object { ConvertTo-NativeArgument -Text $_ }) -join ' ')
    $about.UseShellExecute = $false
    if (-not $WorkingDirectory) { $WorkingDirectory = $ExecutionContext.SessionState.Path.CurrentFileSystemLocation.ProviderPath }
    $about.WorkingDirectory = $WorkingDirectory
    if ($OwnConsole) {
        $about.UseShellExecute = $true
        return $about
    }
    if (-not $Interactive) {
        $about.CreateNoWindow = $true
        $about.RedirectStandardInput = $true
        $about.RedirectStandardOutput = $true
        $about.RedirectStandardError = $true
    }
    if ((Split-Path -Path $Path -Leaf) -eq 'wsl.exe') { $about.EnvironmentVariables['WSL_UTF8'] = '1' }
    foreach ($name in $Environment.Keys) { $about.EnvironmentVariables[$name] = "$($Environment[$name])" }
    $about
}

function Start-NativeProcess {
    <#
    .SYNOPSIS
    Starts a process and begins to read it; returns Process, Streams and Clock.
    .PARAMETER StartInfo
    What to start.
    .PARAMETER InputText
    What it reads on standard input.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'Invoke-Native asks, where the program changes something.')]
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([System.Diagnostics.ProcessStartInfo] $StartInfo, [AllowEmptyString()] [string] $InputText)
    $started = [pscustomobject]@{
        Clock = [System.Diagnostics.Stopwatch]::StartNew(); Process = [System.Diagnostics.Process]::Start($StartInfo); Streams = @()
    }
    if ($StartInfo.RedirectStandardOutput) {
        $started.Streams = @(Open-NativeStream -Process $started.Process)
        Send-NativeInput -Process $started.Process -InputText $InputText
    }
    $started
}

function Wait-NativeProcess {
    <#
    .SYNOPSIS
    Waits for a process and fills in the result.
    .PARAMETER Started
    The object of Start-NativeProcess.
    .PARAMETER TimeoutSeconds
    How long it may take, from its start on.
    .PARAMETER Result
    The object of Invoke-Native; ExitCode, Out, Err and Reason are written.
    .PARAMETER Activity
    What is going on, for the progress bar; '' for none.
    #>
    [CmdletBinding()]
    param(
        [psobject] $Started,
        [int] $TimeoutSeconds,
        [psobject] $Result,
        [AllowEmptyString()] [string] $Activity = ''
    )
    $process, $clock, $streams = $Started.Process, $Started.Clock, $Started.Streams
    try {
        # In slices, so that Ctrl-C is answered at once.
        while (-not $process.WaitForExit(100)) {
            if ($clock.Elapsed.TotalSeconds -ge $TimeoutSeconds) {
                $Result.Reason = 'timeout'
                break
            }
            if ($Activity) { Write-Elapsed -Activity $Activity -Elapsed $clock.Elapsed }
        }
        if ($Activity) { Write-Progress -Activity $Activity -Completed }
        if ($Result.Reason -eq '') { $Result.ExitCode = [int] $process.ExitCode }
    } finally {
        # Also reached by Ctrl-C: never leave it behind.
        if (-not $process.HasExited) { Stop-NativeProcess -Process $process }
    }
    if ($streams.Count) {
        $Result.Out = Read-NativeStream -Stream $streams[0]
        $Result.Err = Read-NativeStream -Stream $streams[1]
    }
    $process.Dispose()
}

function Write-Elapsed {
    <#
    .SYNOPSIS
    Draws the progress bar of a program that tells nothing itself: that it is at work, and for how long.
    .PARAMETER Activity
    What is going on.
    .PARAMETER Elapsed
    How long it has taken.
    #>
    [CmdletBinding()]
    param([string] $Activity, [timespan] $Elapsed)
    $minutes = [int] [Math]::Floor($Elapsed.TotalMinutes)
    Write-Progress -Activity $Activity -Status "at work for $minutes min $($Elapsed.Seconds) s"
}

function Open-NativeStream {
    <#
    .SYNOPSIS
    Starts reading both streams of a process in the background; returns two objects with Buffer and Task.
    .DESCRIPTION
    Both are read at the same time: a process that fills one pipe while the other is waited for would never end.
    .PARAMETER Process
    The running process.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([System.Diagnostics.Process] $Process)
    foreach ($reader in $Process.StandardOutput, $Process.StandardError) {
        $buffer = New-Object -TypeName System.IO.MemoryStream
        [pscustomobject]@{ Buffer = $buffer; Task = $reader.BaseStream.CopyToAsync($buffer) }
    }
}

function Send-NativeInput {
    <#
    .SYNOPSIS
    Writes text to a process's standard input and closes it.
    .PARAMETER Process
    The running process.
    .PARAMETER InputText
    The text; sent as UTF-8 without BOM.
    #>
    [CmdletBinding()]
    param([System.Diagnostics.Process] $Process, [AllowEmptyString()] [string] $InputText)
    try {
        if ($InputText) {
            $bytes = (New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false).GetBytes($InputText)
            $Process.StandardInput.BaseStream.Write($bytes, 0, $bytes.Length)
            $Process.StandardInput.BaseStream.Flush()
        }
        $Process.StandardInput.Close()
    } catch [System.IO.IOException] {
        Write-Verbose 'The process ended before it read its input.'
    }
}

function Read-NativeStream {
    <#
    .SYNOPSIS
    Returns the text that a process wrote to one stream.
    .PARAMETER Stream
    One of the objects of Open-NativeStream.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([psobject] $Stream)
    # A grandchild may hold the pipe open for ever; what has come by then is taken.
    $null = $Stream.Task.Wait(2000)
    ConvertFrom-NativeByte -Bytes $Stream.Buffer.ToArray()
}

function Stop-NativeProcess {
    <#
    .SYNOPSIS
    Ends a process that took too long.
    .PARAMETER Process
    The running process.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It ends only what Invoke-Native started a moment ago.')]
    [CmdletBinding()]
    param([System.Diagnostics.Process] $Process)
    try {
        if ($PSVersionTable.PSVersion.Major -ge 6) { $Process.Kill($true) } else { $Process.Kill() }
        $null = $Process.WaitForExit(5000)
    } catch {
        Write-Verbose "It could not be ended: $($_.Exception.Message)"
    }
}
