# Programs that are started before their answer is needed: they work while PowerShell asks other things.

$script:NativeAhead = @{}

function Start-NativeAhead {
    <#
    .SYNOPSIS
    Starts a program that only tells something; the next Invoke-Native with the same words takes its answer.
    .PARAMETER FilePath
    The program, as Invoke-Native has it; $null for none.
    .PARAMETER ArgumentList
    Its arguments.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'For programs that change nothing.')]
    [CmdletBinding()]
    param([AllowNull()] [AllowEmptyString()] [string] $FilePath, [string[]] $ArgumentList)
    $path = if ($FilePath) { Resolve-NativePath -FilePath $FilePath } else { $null }
    if (-not $path) { return }
    $about = New-NativeStartInfo -Path $path -ArgumentList $ArgumentList -Environment @{}
    try {
        $script:NativeAhead["$path $($about.Arguments)"] = Start-NativeProcess -StartInfo $about -InputText ''
    } catch {
        # Invoke-Native meets the same, and has a reason for it.
        Write-Verbose "$($_.Exception.Message)"
    }
}

function Receive-NativeAhead {
    <#
    .SYNOPSIS
    Returns what Start-NativeAhead started with these words, once; $null for nothing.
    .PARAMETER StartInfo
    What would be started.
    #>
    [CmdletBinding()]
    param([System.Diagnostics.ProcessStartInfo] $StartInfo)
    $words = "$($StartInfo.FileName) $($StartInfo.Arguments)"
    $started = $script:NativeAhead[$words]
    $script:NativeAhead.Remove($words)
    $started
}

function Stop-NativeAhead {
    <#
    .SYNOPSIS
    Ends the programs whose answer nobody took.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It ends only what Start-NativeAhead started a moment ago.')]
    [CmdletBinding()]
    param()
    foreach ($started in @($script:NativeAhead.Values)) { if (-not $started.Process.HasExited) { Stop-NativeProcess -Process $started.Process } }
    $script:NativeAhead = @{}
}
