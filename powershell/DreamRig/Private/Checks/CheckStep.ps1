# Steps of a fix: those of CheckTable.ps1, and the few that are made of the facts of this PC. The twin of provision/doctor/steps.py
# and provision/doctor/firmware.py.

$script:CheckSteps = $null
$script:GeneralKeys = 'Key at power-on: mostly Del, F2, F10 or Esc.'

function Get-CheckStep {
    <#
    .SYNOPSIS
    Returns a step by its name.
    .PARAMETER Name
    Its name in checks.json.
    .PARAMETER Value
    The values that its words need: name -> value.
    .PARAMETER Facts
    The facts, where its words need some.
    #>
    [OutputType([pscustomobject])]
    param([string] $Name, $Value, $Facts)
    if (-not $script:CheckSteps) { $script:CheckSteps = Get-CheckStepTable }
    if (-not $script:CheckSteps.ContainsKey($Name)) { throw "There is no step '$Name'." }
    ConvertTo-WordedStep $script:CheckSteps[$Name] $Value $Facts
}

function ConvertTo-WordedStep {
    <#
    .SYNOPSIS
    Returns a step of the table with every field that a step of a finding has, and its words filled in.
    .PARAMETER Step
    As it stands in the table.
    .PARAMETER Value
    The values that its words need.
    .PARAMETER Facts
    The facts.
    #>
    [OutputType([pscustomobject])]
    param($Step, $Value, $Facts)
    $made = [ordered]@{
        text = $null; command = $null; needs_admin = [bool]$Step['needs_admin']; needs_restart = [bool]$Step['needs_restart']
        risk = $null; undo = $null
    }
    foreach ($part in 'text', 'command', 'risk', 'undo') {
        if ($Step[$part]) { $made[$part] = Format-CheckText $Step[$part] $Facts $Value }
    }
    if ($Step['where']) { $made['where'] = $Step['where'] }
    [pscustomobject]$made
}

function Get-FixStep {
    <#
    .SYNOPSIS
    Returns the steps that one item of a rule's fix stands for.
    .PARAMETER Item
    The name of a step; a step with values; what makes steps of the facts; or a step written out.
    .PARAMETER Facts
    The facts.
    #>
    [OutputType([pscustomobject])]
    param($Item, $Facts)
    if ($Item -is [string]) { return Get-CheckStep $Item $null $Facts }
    if ($Item.ContainsKey('made')) { return Get-MadeStep -Name $Item.made -Facts $Facts }
    if ($Item.ContainsKey('step')) { return Get-CheckStep $Item.step $Item.with $Facts }
    ConvertTo-WordedStep $Item $null $Facts
}

function Get-MadeStep {
    <#
    .SYNOPSIS
    Returns the steps that are made of the facts of this PC.
    .PARAMETER Name
    set-virtualization, set-nx, convert-distribution or to-wddm.
    .PARAMETER Facts
    The facts.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([string] $Name, $Facts)
    switch ($Name) {
        'set-virtualization' { return Get-FirmwareStep $Facts virtualization }
        'set-nx' { return Get-FirmwareStep $Facts nx }
        'convert-distribution' {
            $step = if (Read-Fact $Facts 'wsl.default_distribution') { 'convert-distribution' } else { 'convert-some-distribution' }
            return Get-CheckStep $step $null $Facts
        }
        'to-wddm' {
            $names = Read-Fact $Facts 'windows.nvidia_gpus'
            if (@($names).Count -eq 1) { return Get-CheckStep 'to-wddm' }
            return (Get-CheckStep 'list-driver-models'), (Get-CheckStep 'one-to-wddm')
        }
    }
    throw "Nobody makes the step '$Name'."
}

function Get-FirmwareStep {
    <#
    .SYNOPSIS
    Returns the step that sets a switch of the firmware: on this board, in general words where its maker is not known.
    .PARAMETER Facts
    The facts.
    .PARAMETER Name
    virtualization or nx.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param($Facts, [ValidateSet('virtualization', 'nx')] [string] $Name)
    $vendor = "$(Read-Fact $Facts 'windows.cpu_vendor')"
    $names = @{
        virtualization = @{ intel = 'Intel Virtualization Technology (VT-x)'; amd = 'SVM Mode'; '' = 'Intel VT-x or AMD SVM' }
        nx             = @{ intel = 'Execute Disable Bit (XD)'; amd = 'NX Mode'; '' = 'NX or XD' }
    }[$Name]
    $setting = if ($names.ContainsKey($vendor)) { $names[$vendor] } else { $names[''] }
    $lines = @(Get-BoardHelp -Facts $Facts.Facts)
    if ($Name -eq 'nx') {
        # The key at power-on holds for every switch, the menu does not.
        $lines = @($lines | Select-Object -First 1)
        if (-not $lines.Count) { $lines = @($script:GeneralKeys) }
        $lines += "${setting}: Enabled."
    } elseif (-not $lines.Count) {
        $lines = $script:GeneralKeys, "${setting}: Enabled."
    }
    New-Step (($lines + 'Save, and let Windows start.') -join ' ') '' firmware
}
