# The simulated commands that change the machine, and the scheduled tasks. Part of Windows.ps1.

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSReviewUnusedParameter', '',
    Justification = 'Every handler is called with the arguments and the state, whether it needs both or not.')]
param()

function global:Assert-SimulatedElevation($State) {
    if (-not $State.elevated) { throw 'Access is denied.' }
}

function global:Set-SimulatedMember($Object, $Name, $Value) {
    $Object | Add-Member -MemberType NoteProperty -Name $Name -Value $Value -Force
}

# --- features ----------------------------------------------------------------------------------------------------

function global:Set-SimulatedFeature($Bound, $State, $Done, $Waiting) {
    Assert-SimulatedElevation $State
    if (-not $Bound['Online']) { throw 'Only the running system is simulated.' }
    $restart = $false
    foreach ($name in $Bound['FeatureName']) {
        $known = $State.features.PSObject.Properties | Where-Object { $_.Name -eq $name }
        if (-not $known) { throw "Feature name $name is unknown." }
        if ("$($known.Value)" -ne $Done) {
            $known.Value = $Waiting
            Set-SimulatedMember $State.registry 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending' ([pscustomobject]@{})
            $restart = $true
        }
    }
    Write-SimulatedState $State
    # Without -NoRestart the real command asks; a script must not run into that.
    if ($restart -and -not $Bound['NoRestart']) { throw 'The simulated user was asked whether to restart now: -NoRestart is missing.' }
    [pscustomobject]@{ Path = ''; Online = $true; RestartNeeded = $restart }
}
$SimulatedHandlers['Enable-WindowsOptionalFeature'] = { param($a, $state) Set-SimulatedFeature $a $state 'Enabled' 'EnablePending' }
$SimulatedHandlers['Disable-WindowsOptionalFeature'] = { param($a, $state) Set-SimulatedFeature $a $state 'Disabled' 'DisablePending' }

# --- services ----------------------------------------------------------------------------------------------------

function global:Edit-SimulatedService($Bound, $State, $Change) {
    Assert-SimulatedElevation $State
    foreach ($name in @($Bound['Name'])) {
        $found = $State.derived_services.PSObject.Properties | Where-Object { $_.Name -eq $name }
        if (-not $found) { throw "Cannot find any service with service name '$name'." }
        & $Change $found.Value
        Set-SimulatedMember $State.services $found.Name $found.Value
    }
    Write-SimulatedState $State
}
$SimulatedHandlers['Set-Service'] = {
    param($a, $state)
    Edit-SimulatedService $a $state {
        param($service)
        if ($a['StartupType']) { $service.StartType = "$($a['StartupType'])" }
        if ($a['Status']) { $service.Status = "$($a['Status'])" }
    }
}
$SimulatedHandlers['Start-Service'] = {
    param($a, $state)
    Edit-SimulatedService $a $state {
        param($service)
        if ($service.StartType -eq 'Disabled') { throw "Service '$($a['Name'])' cannot be started." }
        $service.Status = 'Running'
    }
}
$SimulatedHandlers['Restart-Service'] = $SimulatedHandlers['Start-Service']
$SimulatedHandlers['Stop-Service'] = { param($a, $state) Edit-SimulatedService $a $state { param($service) $service.Status = 'Stopped' } }

# --- scheduled tasks ---------------------------------------------------------------------------------------------

function global:ConvertTo-SimulatedPart($Bound) {
    $part = [ordered]@{}
    foreach ($key in $Bound.Keys) {
        if ($key -in 'ErrorAction', 'Verbose') { continue }
        $value = $Bound[$key]
        if ($value -is [switch]) { $value = [bool]$value }
        if ($value -is [timespan] -or $value -is [datetime]) { $value = "$value" }
        $part[$key] = $value
    }
    [pscustomobject]$part
}
foreach ($name in 'Action', 'Trigger', 'Principal', 'SettingsSet') {
    $SimulatedHandlers["New-ScheduledTask$name"] = { param($a) ConvertTo-SimulatedPart $a }
}
# Delay and EndBoundary are set on the trigger object: the command has no parameters for them.
$SimulatedHandlers['New-ScheduledTaskTrigger'] = {
    param($a)
    ConvertTo-SimulatedPart $a | Add-Member -PassThru -NotePropertyMembers @{ Delay = $null; EndBoundary = $null; Enabled = $true }
}
$SimulatedHandlers['New-ScheduledTask'] = { param($a) ConvertTo-SimulatedPart $a }
$SimulatedHandlers['Register-ScheduledTask'] = {
    param($a, $state)
    $task = if ($a['InputObject']) { $a['InputObject'] } else { ConvertTo-SimulatedPart $a }
    $level = if ($task.PSObject.Properties['Principal'] -and $task.Principal) { "$($task.Principal.RunLevel)" } else { "$($a['RunLevel'])" }
    if ($level -eq 'Highest') { Assert-SimulatedElevation $state }
    # Entra and Microsoft accounts: the name is not found again.
    if ($state.unmapped_names -and "$($task.Principal.UserId)" -notlike 'S-1-*') {
        throw (New-SimulatedError ([pscustomobject]@{ message = 'No mapping between account names and security IDs was done.'; hresult = '0x80070534' }))
    }
    $path = if ($a['TaskPath']) { '\' + "$($a['TaskPath'])".Trim('\') + '\' } else { '\' }
    $path = $path -replace '^\\\\$', '\'
    $known = $state.tasks.PSObject.Properties | Where-Object { $_.Name -eq $a['TaskName'] }
    if ($known -and -not $a['Force']) { throw "Cannot create a file when that file already exists." }
    Set-SimulatedMember $task 'TaskName' $a['TaskName']
    Set-SimulatedMember $task 'TaskPath' $path
    Set-SimulatedMember $task 'State' 'Ready'
    Set-SimulatedMember $state.tasks $a['TaskName'] $task
    Write-SimulatedState $state
    $task
}
$SimulatedHandlers['Get-ScheduledTask'] = {
    param($a, $state)
    $found = @($state.tasks.PSObject.Properties | ForEach-Object { $_.Value } | Where-Object {
            (-not $a['TaskName'] -or $_.TaskName -like "$($a['TaskName'])") -and (-not $a['TaskPath'] -or $_.TaskPath -like "$($a['TaskPath'])") })
    if (-not $found.Count -and $a['TaskName'] -and "$($a['TaskName'])" -notmatch '[*?]') {
        throw "No MSFT_ScheduledTask objects found with property 'TaskName' equal to '$($a['TaskName'])'."
    }
    $found
}
$SimulatedHandlers['Unregister-ScheduledTask'] = {
    param($a, $state)
    # The real command asks before it deletes, unless told not to.
    $names = if ($a['InputObject']) { @($a['InputObject'] | ForEach-Object { $_.TaskName }) } else { @($a['TaskName']) }
    foreach ($name in $names) {
        $known = $state.tasks.PSObject.Properties | Where-Object { $_.Name -eq "$name" }
        if (-not $known) { throw "No MSFT_ScheduledTask objects found with property 'TaskName' equal to '$name'." }
        if (-not $a.ContainsKey('Confirm') -or [bool]$a['Confirm']) { throw 'The simulated user was asked: -Confirm:$false is missing.' }
        $state.tasks.PSObject.Properties.Remove($known.Name)
    }
    Write-SimulatedState $state
}
$SimulatedHandlers['Start-ScheduledTask'] = { $null }
$SimulatedHandlers['Set-ScheduledTask'] = { $null }

# --- restarting, BitLocker, programs -----------------------------------------------------------------------------

$SimulatedHandlers['Restart-Computer'] = { param($a, $state) Set-SimulatedMember $state 'restart_requested' 'restart'; Write-SimulatedState $state }
$SimulatedHandlers['Stop-Computer'] = { param($a, $state) Set-SimulatedMember $state 'restart_requested' 'stop'; Write-SimulatedState $state }
$SimulatedHandlers['Checkpoint-Computer'] = { param($a, $state) Assert-SimulatedElevation $state }
$SimulatedHandlers['Suspend-BitLocker'] = {
    param($a, $state)
    Assert-SimulatedElevation $state
    $count = if ($a.ContainsKey('RebootCount')) { $a['RebootCount'] } else { 1 }
    foreach ($mount in @($a['MountPoint'])) {
        Set-SimulatedMember $state.bitlocker $mount ([pscustomobject]@{ ProtectionStatus = 'Off'; suspended_restarts = $count })
    }
    Write-SimulatedState $state
}
$SimulatedHandlers['Resume-BitLocker'] = {
    param($a, $state)
    Assert-SimulatedElevation $state
    foreach ($mount in @($a['MountPoint'])) {
        Set-SimulatedMember $state.bitlocker $mount ([pscustomobject]@{ ProtectionStatus = 'On'; suspended_restarts = 0 })
    }
    Write-SimulatedState $state
}
$SimulatedHandlers['Start-Process'] = { param($a, $state) if ($a['PassThru']) { [pscustomobject]@{ Id = 4711; ExitCode = 0; HasExited = $true } } }
$SimulatedHandlers['Invoke-CimMethod'] = { [pscustomobject]@{ ReturnValue = 0 } }
