# How facts get into the document, and how a probe that failed leaves its reason there.

function New-FactDocument {
    <#
    .SYNOPSIS
    Returns an empty facts document (provision/knowledge/facts.schema.json) as nested ordered dictionaries.
    .PARAMETER Place
    windows or other.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [CmdletBinding()]
    [OutputType([System.Collections.IDictionary])]
    param([Parameter(Mandatory = $true)] [ValidateSet('windows', 'other')] [string] $Place)
    [ordered]@{
        schema       = 1
        place        = $Place
        collected_at = [DateTime]::UtcNow.ToString('yyyy-MM-ddTHH:mm:ssZ', [Globalization.CultureInfo]::InvariantCulture)
        collectors   = @("powershell $($PSVersionTable.PSVersion)")
        windows      = $null
        wsl          = $null
        linux        = $null
        cuda         = $null
        torch        = $null
        unknown      = [ordered]@{}
    }
}

function Add-Fact {
    <#
    .SYNOPSIS
    Runs one probe and puts what it found into the document, or why it found nothing.
    .PARAMETER Document
    The document of New-FactDocument.
    .PARAMETER Name
    The dotted paths that this probe answers. One that it does not return, or returns as $null, is unknown: absent.
    .PARAMETER Probe
    Returns a hashtable: dotted path -> value, or -> New-UnknownFact. Whatever it throws makes all its facts unknown.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Document,
        [Parameter(Mandatory = $true)] [string[]] $Name,
        [Parameter(Mandatory = $true)] [scriptblock] $Probe
    )
    $values = @{}
    $reason = 'absent'
    try {
        $values = @(& $Probe)[-1]
    } catch {
        $reason = Get-FailureReason -ErrorRecord $_
        Write-Verbose "$($Name -join ', '): $($_.Exception.Message)"
    }
    foreach ($path in $Name) {
        $value = $null
        if ($values -is [System.Collections.IDictionary] -and $values.Contains($path)) { $value = $values[$path] }
        if (Test-UnknownFact -Value $value) {
            Set-Fact -Document $Document -Path $path -Value $null
            $Document['unknown'][$path] = $value.UnknownBecause
        } else {
            Set-Fact -Document $Document -Path $path -Value $value
            if ($null -eq $value) { $Document['unknown'][$path] = $reason }
        }
    }
}

function Set-Fact {
    <#
    .SYNOPSIS
    Puts a value under a dotted path, making the groups on the way.
    .PARAMETER Document
    The document.
    .PARAMETER Path
    For example windows.features.wsl.
    .PARAMETER Value
    The value; an array stays one.
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It changes an object in memory.')]
    [CmdletBinding()]
    param([System.Collections.IDictionary] $Document, [string] $Path, [AllowNull()] $Value)
    $parts = $Path.Split('.')
    $group = $Document
    for ($i = 0; $i -lt $parts.Length - 1; $i++) {
        if ($null -eq $group[$parts[$i]]) { $group[$parts[$i]] = [ordered]@{} }
        $group = $group[$parts[$i]]
    }
    $group[$parts[-1]] = $Value
}

function New-UnknownFact {
    <#
    .SYNOPSIS
    Returns what stands for a fact that could not be read, with the reason.
    .PARAMETER Reason
    denied, absent, timeout, not-asked or failed: ...
    #>
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'It makes an object in memory.')]
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([Parameter(Mandatory = $true)] [string] $Reason)
    [pscustomobject]@{ UnknownBecause = $Reason }
}

function Test-UnknownFact {
    <#
    .SYNOPSIS
    Says whether a value came from New-UnknownFact.
    .PARAMETER Value
    Any value.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param([AllowNull()] $Value)
    $Value -is [psobject] -and $null -ne $Value.PSObject.Properties['UnknownBecause']
}

function Get-FailureReason {
    <#
    .SYNOPSIS
    Returns denied, absent, timeout or failed: ... for an error; by its type and number, since its text is translated.
    .PARAMETER ErrorRecord
    The error.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([Parameter(Mandatory = $true)] [System.Management.Automation.ErrorRecord] $ErrorRecord)
    $problem = $ErrorRecord.Exception
    while ($problem) {
        if ($problem -is [System.UnauthorizedAccessException] -or $problem -is [System.Security.SecurityException]) { return 'denied' }
        if ($problem -is [System.TimeoutException]) { return 'timeout' }
        if ($problem -is [System.Management.Automation.CommandNotFoundException]) { return 'absent' }
        if ($problem -is [System.Management.Automation.ItemNotFoundException]) { return 'absent' }
        switch ('0x{0:x8}' -f $problem.HResult) {
            '0x80070005' { return 'denied' }     # E_ACCESSDENIED
            '0x800702e4' { return 'denied' }     # ERROR_ELEVATION_REQUIRED
            '0x80041003' { return 'denied' }     # WBEM_E_ACCESS_DENIED
            '0x80041010' { return 'absent' }     # WBEM_E_INVALID_CLASS
            '0x8004100e' { return 'absent' }     # WBEM_E_INVALID_NAMESPACE
            '0x80041002' { return 'absent' }     # WBEM_E_NOT_FOUND
            '0x00040004' { return 'timeout' }    # WBEM_S_TIMEDOUT
            '0x80041069' { return 'timeout' }    # WBEM_E_TIMED_OUT
            '0x800705b4' { return 'timeout' }    # ERROR_TIMEOUT
        }
        # CimException names the same things in a property of its own.
        $named = $problem.PSObject.Properties['NativeErrorCode']
        if ($named) {
            switch ("$($named.Value)") {
                'AccessDenied' { return 'denied' }
                'InvalidClass' { return 'absent' }
                'InvalidNamespace' { return 'absent' }
                'NotFound' { return 'absent' }
            }
        }
        $problem = $problem.InnerException
    }
    'failed: ' + ("$($ErrorRecord.Exception.Message)".Trim() -replace '\s+', ' ')
}

function ConvertTo-FactObject {
    <#
    .SYNOPSIS
    Returns the finished document as objects, so that $facts.windows.build works.
    .PARAMETER Value
    A dictionary of the document, or any value in it.
    #>
    [CmdletBinding()]
    param([AllowNull()] $Value)
    if ($Value -is [System.Collections.IDictionary]) {
        $object = [ordered]@{}
        foreach ($key in $Value.Keys) { $object[$key] = ConvertTo-FactObject -Value $Value[$key] }
        return [pscustomobject]$object
    }
    if ($Value -is [array]) {
        $items = @(foreach ($item in $Value) { ConvertTo-FactObject -Value $item })
        return , $items
    }
    $Value
}
