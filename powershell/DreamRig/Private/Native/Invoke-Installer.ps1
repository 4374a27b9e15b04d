# Programs that install, update, import or convert: in a console window of their own, and judged by what is there afterwards.

# As long as Microsoft's own set-up scripts wait for a distribution to be listed (microsoft/WindowsDeveloperConfig).
$script:ProofTries = 10
$script:ProofPauseSeconds = 3

function Invoke-Installer {
    <#
    .SYNOPSIS
    Runs an installer until its proof holds; returns IsDone, NeedsRestart, Said (its words, '' where none were needed).
    .DESCRIPTION
    `wsl --install` does not succeed without a console window, and its progress belongs to the person, so it gets one.
    Exit codes 0, 3010 and 1641 are claims of success, after which the proof may take its time; any other gets one look.
    Only when every way has failed, the last one is tried once more with its output read: for the explanation.
    .PARAMETER FilePath
    The program.
    .PARAMETER ArgumentList
    Its arguments, unquoted.
    .PARAMETER Way
    Further arguments to try one after the other, each a list in one string, separated by spaces; '' for none.
    .PARAMETER Activity
    What is going on, for the progress bar.
    .PARAMETER TimeoutSeconds
    How long one way may take.
    .PARAMETER Proof
    Returns $true where it is done.
    .EXAMPLE
    Invoke-Installer -FilePath 'wsl.exe' -ArgumentList '--update' -Way '', '--web-download' -Proof { Get-WslVersion }
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param(
        [Parameter(Mandatory = $true)] [string] $FilePath,
        [Parameter(Mandatory = $true)] [string[]] $ArgumentList,
        [AllowEmptyString()] [string[]] $Way = @(''),
        [string] $Activity = '',
        [int] $TimeoutSeconds = 3600,
        [Parameter(Mandatory = $true)] [scriptblock] $Proof
    )
    $result = [pscustomobject]@{ IsDone = $false; NeedsRestart = $false; Said = ''; Reason = '' }
    foreach ($more in $Way) {
        $words = $ArgumentList + @($more -split ' ' | Where-Object { $_ })
        $ran = Invoke-Native -FilePath $FilePath -ArgumentList $words -TimeoutSeconds $TimeoutSeconds -Changes -OwnConsole -Activity $Activity
        $result.Reason = $ran.Reason
        if ($ran.Reason -in 'absent', 'whatif') { return $result }
        $isClaimed = $ran.ExitCode -in 0, 3010, 1641
        if ($ran.ExitCode -in 3010, 1641) { $result.NeedsRestart = $true }
        $result.IsDone = Wait-Proof -Proof $Proof -Tries @(1, $script:ProofTries)[[int] $isClaimed]
        if ($result.IsDone -or $result.NeedsRestart) { return $result }
    }
    $ran = Invoke-Native -FilePath $FilePath -ArgumentList $words -TimeoutSeconds $TimeoutSeconds -Changes -Activity $Activity
    $result.Said = Get-NativeText -Ran $ran
    if (-not $result.Said) { $result.Said = "$(Split-Path -Path $FilePath -Leaf) said nothing and ended with $($ran.ExitCode)" }
    $result.IsDone = Wait-Proof -Proof $Proof -Tries 1
    $result
}

function Invoke-WithPlainTemp {
    <#
    .SYNOPSIS
    Runs a script block with a temporary folder whose name has no space in it.
    .DESCRIPTION
    The wsl.exe of Windows 11 24H2 and 25H2 hands the package it has fetched to msiexec without quotes: with a space in the
    user's name the installation ends with "Catastrophic failure" (microsoft/WSL 13806). Windows' own is for administrators.
    .PARAMETER Script
    What to run; it returns what that returns.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)] [scriptblock] $Script)
    $before = @{ TEMP = $env:TEMP; TMP = $env:TMP }
    $plain = Join-Path -Path "$env:SystemRoot" -ChildPath 'Temp'
    if ("$env:TEMP$env:TMP" -match '\s' -and [System.IO.Directory]::Exists($plain)) { $env:TEMP = $env:TMP = $plain }
    try { & $Script } finally { $env:TEMP, $env:TMP = $before.TEMP, $before.TMP }
}

function Wait-Proof {
    <#
    .SYNOPSIS
    Says whether a query comes to hold within its tries: what an installer has done may be listed seconds later.
    .PARAMETER Proof
    Returns $true where it holds.
    .PARAMETER Tries
    How often it is asked, with a pause between.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param([Parameter(Mandatory = $true)] [scriptblock] $Proof, [int] $Tries = $script:ProofTries)
    for ($try = 1; ; $try++) {
        if (& $Proof) { return $true }
        if ($try -ge $Tries) { return $false }
        Start-Sleep -Seconds $script:ProofPauseSeconds
    }
}
