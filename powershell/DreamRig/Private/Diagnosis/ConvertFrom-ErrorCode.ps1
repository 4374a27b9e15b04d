# What an error number says by itself. The twin of provision/diagnosis/codes.py; numbers: [MS-ERREF] and winerror.h.

$script:Facilities = @{
    0 = 'general'
    1 = 'RPC'
    2 = 'COM dispatch'
    3 = 'structured storage'
    4 = 'interface (the component''s own codes; WSL uses 0x80040300 and on)'
    7 = 'Win32'
    8 = 'Windows'
    9 = 'security (SSPI)'
    10 = 'control'
    11 = 'certificates'
    12 = 'Internet'
    13 = 'media server'
    15 = 'Windows setup (CBS, SetupAPI)'
    16 = 'smart cards'
    17 = 'COM+'
    19 = '.NET runtime'
    23 = 'side-by-side assemblies'
    25 = 'HTTP'
    27 = 'Windows Error Reporting'
    36 = 'Windows Update'
    38 = 'graphics'
    39 = 'shell'
    48 = 'Windows setup or performance logs'
    49 = 'BitLocker'
    50 = 'Windows Filtering Platform'
    51 = 'WinRM'
    52 = 'network drivers (NDIS)'
    53 = 'hypervisor'
    55 = 'virtual machines (Host Compute Service)'
    56 = 'volume manager'
    57 = 'boot configuration (BCD)'
    58 = 'virtual hard disks'
    59 = 'virtual networks (Host Network Service)'
    63 = 'Microsoft Store'
    80 = 'Windows Defender'
    208 = 'Delivery Optimization'
    2170 = 'graphics (DXGI)'
}
$script:NtFacilities = @{
    0 = 'general'
    2 = 'RPC'
    7 = 'Win32'
    53 = 'hypervisor'
    55 = 'virtual machines (Host Compute Service)'
    58 = 'virtual hard disks'
}

function ConvertFrom-ErrorCode {
    <#
    .SYNOPSIS
    Returns all that can be said about one code of a text: shown, hex, name, facility, kind, meaning, in_knowledge_base.
    .PARAMETER Found
    One of Find-ErrorCode.
    .PARAMETER Knowledge
    The object of ConvertTo-Knowledge.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Found, $Knowledge)
    $id = $Found.Id
    if ($Knowledge.NameIds.ContainsKey($id)) { $id = $Knowledge.NameIds[$id] }
    $number = $null
    $kind, $facility, $meaning = $null, $null, $null
    if ($id.StartsWith('0x')) {
        $number = [long][Convert]::ToUInt32($id.Substring(2), 16)
        $class = Get-CodeClass -Number $number
        $kind, $facility, $meaning = $class.Kind, $class.Facility, (Get-CodeSentence -Number $number -Class $class)
    }
    $known = Find-KnownCode -Id $id -Knowledge $Knowledge
    $name = if ($known -and $known.Name) { $known.Name } elseif ($Found.Id -notmatch '^(0x|#)') { $Found.Shown } else { $null }
    [pscustomobject][ordered]@{
        shown             = $Found.Shown
        hex               = if ($null -eq $number) { $null } else { '0x{0:x8}' -f $number }
        name              = $name
        facility          = $facility
        kind              = if ($known -and $known.Kind) { $known.Kind } else { $kind }
        meaning           = if ($known -and $known.Meaning) { $known.Meaning } else { $meaning }
        in_knowledge_base = $Knowledge.Carried.ContainsKey($id)
    }
}

function Find-KnownCode {
    <#
    .SYNOPSIS
    Returns what the knowledge base says of a code: its list of codes first, else a cause that carries it, else $null.
    .PARAMETER Id
    What the code is compared by.
    .PARAMETER Knowledge
    The object of ConvertTo-Knowledge.
    #>
    [CmdletBinding()]
    param([string] $Id, $Knowledge)
    foreach ($code in $Knowledge.Codes) { if ($code.Ids -ccontains $Id) { return $code } }
    foreach ($cause in $Knowledge.Causes) {
        foreach ($code in $cause.Codes) { if ($code.Ids -ccontains $Id) { return $code } }
    }
}

function Get-CodeClass {
    <#
    .SYNOPSIS
    Returns Kind (HRESULT, Win32 or NTSTATUS) and Facility of a 32-bit number.
    .PARAMETER Number
    The number.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([long] $Number)
    $nt = ($Number -shr 16) -band 0xFFF
    if (($Number -shr 28) -eq 12 -and $script:NtFacilities.ContainsKey([int]$nt)) {
        return [pscustomobject]@{ Kind = 'NTSTATUS'; Facility = $script:NtFacilities[[int]$nt] }
    }
    $facility = [int](($Number -shr 16) -band 0x1FFF)
    $words = if ($script:Facilities.ContainsKey($facility)) { $script:Facilities[$facility] } else { "number $facility" }
    [pscustomobject]@{ Kind = if (($Number -shr 16) -eq 0x8007) { 'Win32' } else { 'HRESULT' }; Facility = $words }
}

function Get-CodeSentence {
    <#
    .SYNOPSIS
    Returns a sentence about a number that the knowledge base does not explain.
    .PARAMETER Number
    The number.
    .PARAMETER Class
    What Get-CodeClass said.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([long] $Number, $Class)
    $code = $Number -band 65535
    if ($Class.Kind -eq 'Win32') { return "Windows error $code (on Windows: net helpmsg $code says what it is)." }
    $outcome = if ($Number -ge 2147483648) { 'A failure' } else { 'Not a failure' }
    "$outcome ($($Class.Kind)), facility $($Class.Facility), code $code."
}
