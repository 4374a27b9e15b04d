# How a program is found and given its arguments, and what its failure is called. For Invoke-Native.

function Resolve-NativePath {
    <#
    .SYNOPSIS
    Returns the full path of a program, $null where there is none.
    .DESCRIPTION
    Windows' own folder comes first, so that no file of the same name earlier on PATH runs elevated. A 32-bit process
    is shown another folder under the name System32; Sysnative is the real one there.
    .PARAMETER FilePath
    A bare name or a path.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([Parameter(Mandatory = $true)] [string] $FilePath)
    if ($FilePath -match '[\\/]') {
        if ([System.IO.File]::Exists($FilePath)) { return $FilePath }
        return $null
    }
    if ($env:SystemRoot) {
        foreach ($folder in 'Sysnative', 'System32') {
            $candidate = Join-Path (Join-Path $env:SystemRoot $folder) $FilePath
            if ([System.IO.File]::Exists($candidate)) { return $candidate }
        }
    }
    $found = @(Get-Command -Name $FilePath -CommandType Application -ErrorAction SilentlyContinue)
    if ($found.Count) { return $found[0].Path }
    $null
}

function ConvertTo-NativeArgument {
    <#
    .SYNOPSIS
    Returns one argument quoted for a command line, by the rules of CommandLineToArgvW.
    .DESCRIPTION
    .NET Framework has no ProcessStartInfo.ArgumentList. Backslashes are doubled only in front of a quote.
    .PARAMETER Text
    The argument as the program shall see it.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowEmptyString()] [string] $Text)
    if ($Text -and $Text -notmatch '[\s"]') { return $Text }
    $quoted = [regex]::Replace($Text, '(\\*)"', '$1$1\"')
    $quoted = [regex]::Replace($quoted, '(\\+)$', '$1$1')
    '"' + $quoted + '"'
}

function Get-NativeReason {
    <#
    .SYNOPSIS
    Returns 'absent', 'denied' or 'failed: ...' for an error that starting a program raised.
    .PARAMETER ErrorRecord
    The error.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([System.Management.Automation.ErrorRecord] $ErrorRecord)
    $problem = $ErrorRecord.Exception
    while ($problem.InnerException -and $problem -isnot [System.ComponentModel.Win32Exception]) {
        $problem = $problem.InnerException
    }
    if ($problem -is [System.ComponentModel.Win32Exception]) {
        switch ($problem.NativeErrorCode) {
            2 { return 'absent' }            # ERROR_FILE_NOT_FOUND
            5 { return 'denied' }            # ERROR_ACCESS_DENIED
            13 { return 'denied' }           # EACCES
            740 { return 'denied' }          # ERROR_ELEVATION_REQUIRED
            1260 { return 'denied' }         # ERROR_ACCESS_DISABLED_BY_POLICY
        }
    }
    "failed: $($problem.Message)"
}
