# Where a board or PC maker hides its firmware switches (firmware.json): the user's own board only. The twin of
# provision/diagnosis/board.py.

function Get-BoardHelp {
    <#
    .SYNOPSIS
    Returns one sentence each: the key at power-on; where the switch is; notes. Nothing where the maker is not known.
    .PARAMETER Facts
    The facts document; $null for none.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowNull()] $Facts)
    if ($null -eq $Facts) { return }
    try { $firmware = Read-KnowledgeFile -Name 'firmware.json' } catch { Write-Verbose "$($_.Exception.Message)"; return }
    $reader = New-FactReader -Facts $Facts
    $entry = Find-Board -Reader $reader -Firmware $firmware
    if (-not $entry) { return }
    $keys = @(Get-MemberList $entry 'keys') -join ' or '
    if ($keys) { "$($entry.maker): press $keys at power-on." }
    $vendor = Read-Fact $reader 'windows.cpu_vendor'
    $vendors = if ($vendor -in 'intel', 'amd') { @($vendor) } else { 'intel', 'amd' }
    foreach ($one in $vendors) {
        $place = Get-MemberValue $entry $one
        $where = @((Get-MemberValue $place 'path'), (Get-MemberValue $place 'setting') | Where-Object { $_ }) -join ' > '
        if ($where) { "$(@{ intel = 'Intel'; amd = 'AMD' }[$one]): ${where}: Enabled." }
    }
    $notes = Get-MemberValue $entry 'notes'
    if ($notes) { $notes }
}

function Find-Board {
    <#
    .SYNOPSIS
    Returns the entry of firmware.json for this machine's maker; $null where it is not known, or not listed.
    .PARAMETER Reader
    The object of New-FactReader.
    .PARAMETER Firmware
    The parsed firmware.json.
    #>
    [CmdletBinding()]
    param($Reader, $Firmware)
    $paths = 'windows.board_manufacturer', 'windows.computer_manufacturer', 'windows.computer_model', 'windows.board_product'
    $seen = @(foreach ($path in $paths) { "$(Read-Fact $Reader $path)" }) -join ' '
    foreach ($entry in @(Get-MemberList $Firmware 'makers')) {
        foreach ($word in @(Get-MemberList $entry 'match')) {
            if ([regex]::IsMatch($seen, '(?<!\w)' + [regex]::Escape($word) + '(?!\w)', 'IgnoreCase, CultureInvariant')) { return $entry }
        }
    }
    $null
}
