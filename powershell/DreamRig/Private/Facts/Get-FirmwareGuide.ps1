function Get-FirmwareGuide {
    <#
    .SYNOPSIS
    Returns what to turn on in the firmware of this very PC, as lines; in general words where its maker is not known.
    .PARAMETER Fact
    The document of Get-RigFact.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([psobject] $Fact)
    $windows = $Fact.windows
    "This board: $($windows.board_manufacturer) $($windows.board_product)"
    $own = @(Get-BoardHelp -Facts $Fact)
    if ($own.Count) { $own[0] } else { 'Key at power-on: mostly Del, F2, F10 or Esc.' }
    # Where only NX is off, the rest of the help is about another switch.
    if ($windows.firmware_virtualization -ne $true) {
        if ($own.Count) { $own | Select-Object -Skip 1 }
        else {
            if ($windows.cpu_vendor -ne 'amd') { 'Intel: Advanced > CPU Configuration > Intel Virtualization Technology (VT-x): Enabled.' }
            if ($windows.cpu_vendor -ne 'intel') { 'AMD: Advanced > CPU Configuration > SVM Mode: Enabled.' }
        }
    }
    if ($windows.dep_available -eq $false) { "NX: $(Get-NxPlace -Fact $Fact): Enabled." }
}

function Get-NxPlace {
    <#
    .SYNOPSIS
    Returns where the NX switch is in the firmware of this PC, `path > setting`.
    .PARAMETER Fact
    The document of Get-RigFact.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([psobject] $Fact)
    try {
        $entry = Find-Board -Reader (New-FactReader -Facts $Fact) -Firmware (Read-KnowledgeFile -Name 'firmware.json')
        $place = Get-MemberValue -InputObject $entry -Name 'nx'
        if ($place) { return "$($place.path) > $($place.setting)" }
    } catch {
        Write-Verbose "firmware.json: $($_.Exception.Message)"
    }
    'Advanced > CPU Configuration > NX Mode, No-Execute or Execute Disable Bit'
}
