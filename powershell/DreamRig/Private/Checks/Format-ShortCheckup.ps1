# A visit to the doctor in a few lines: one for each part of the chain, the broken link whole, and the one command.

$script:CheckGroups = [ordered]@{
    'virtual machines' = 'cpu-virtualization', 'firmware-virtualization', 'firmware-nx', 'hypervisor', 'virtual-machine-platform', 'vm-services'
    'Windows'          = 'windows-half', 'windows-build', 'wsl-feature', 'wsl-service', 'network-services', 'pending-reboot'
    'WSL'              = 'wsl-version', 'distribution-version-2', 'distribution-disk', 'wslconfig'
    'graphics card'    = 'windows-driver', 'driver-model'
    'room'             = 'disk-space', 'memory'
}
$script:VerdictOrder = 'CRASH', 'FAIL', 'WARN', 'SKIP', 'PASS'

function Format-ShortCheckup {
    <#
    .SYNOPSIS
    Returns the lines of a visit: a line for each part of the chain; the first broken link in detail; the next step last.
    .PARAMETER Checkup
    The object of Invoke-Checkup.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param($Checkup)
    Format-CheckupHead -Facts $Checkup.facts
    ''
    foreach ($group in $script:CheckGroups.Keys) {
        Format-CheckGroup -Name $group -Finding @($Checkup.findings | Where-Object { $script:CheckGroups[$group] -contains $_.check })
    }
    ''
    foreach ($finding in @($Checkup.findings | Where-Object { $_.check -eq $Checkup.first_broken })) {
        Format-Finding -Finding $finding -Facts $Checkup.facts
        ''
    }
    Format-ShortNextStep -Checkup $Checkup
}

function Format-CheckGroup {
    <#
    .SYNOPSIS
    Returns one line for a part of the chain: its worst verdict, and the sentence behind it; all of them where several are bad.
    .PARAMETER Name
    Name of the part.
    .PARAMETER Finding
    Its findings.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Name, [AllowEmptyCollection()] [object[]] $Finding)
    if (-not $Finding.Count) { return }
    $bad = @($Finding | Where-Object { $_.verdict -in 'CRASH', 'FAIL', 'WARN' })
    # What cannot be told, or waits for another link, is for -Verbose.
    $told = @($Finding | Where-Object { $_.verdict -eq 'PASS' })
    $worst = @($script:VerdictOrder | Where-Object { $verdict = $_; @($bad + $told | Where-Object { $_.verdict -eq $verdict }).Count })
    if (-not $worst.Count) { return '{0,-5}  {1,-16}  {2}' -f 'SKIP', $Name, $Finding[0].sentence }
    if ($bad.Count) { return '{0,-5}  {1,-16}  {2}' -f $worst[0], $Name, (@($bad | ForEach-Object { $_.sentence }) -join ' ') }
    $sentence = @{ 'virtual machines' = 'The hypervisor runs.'; 'Windows' = 'Build, features, services and restarts are fine.' }[$Name]
    if (-not $sentence -or $told.Count -lt $Finding.Count) { $sentence = @($told | Select-Object -First 2 | ForEach-Object { $_.sentence }) -join ' ' }
    '{0,-5}  {1,-16}  {2}' -f 'PASS', $Name, $sentence
}

function Format-ShortNextStep {
    <#
    .SYNOPSIS
    Returns the last line: the first broken link, and the one command; setup.ps1 where that can do something about it.
    .PARAMETER Checkup
    The object of Invoke-Checkup.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param($Checkup)
    $offer = Get-SetupOffer -Check $Checkup.first_broken -Facts $Checkup.facts
    if (-not $offer) { return Format-NextStep -Checkup $Checkup }
    "First broken link: $($Checkup.first_broken). $($script:SetupOffers[$offer]): $script:SetupCommand"
}
