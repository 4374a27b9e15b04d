# What the commands of the simulated PC do. Every call is logged, then answered from the scenario's state, which a
# changing command writes back; simulated_machine.py says what the state looks like. Dot-source it before the script
# under test; DREAMRIG_SIMULATION names the folder of state.json, calls.jsonl and stubs.ps1.

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSAvoidGlobalVars', '',
    Justification = 'The scripts under test call these functions out of a module of their own: global is where they meet.')]
[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'What is global is read by the next call.')]
[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSReviewUnusedParameter', '',
    Justification = 'Every handler is called with the arguments and the state, whether it needs both or not.')]
param()

. (Join-Path $env:DREAMRIG_SIMULATION 'stubs.ps1')

# The real objects carry enumerations: ConvertTo-Json writes them as numbers, and text needs "$x".
enum SimulatedFeatureState { Disabled; Enabled; EnablePending; DisablePending; DisabledWithPayloadRemoved }
enum SimulatedServiceStatus { Stopped = 1; StartPending; StopPending; Running; ContinuePending; PausePending; Paused }
enum SimulatedStartMode { Boot; System; Automatic; Manual; Disabled }
enum SimulatedProtection { Off; On; Unknown }

$global:SimulatedChanges = @(
    'Enable-WindowsOptionalFeature', 'Disable-WindowsOptionalFeature', 'Invoke-CimMethod', 'Start-Service', 'Stop-Service',
    'Set-Service', 'Restart-Service', 'Register-ScheduledTask', 'Unregister-ScheduledTask', 'Start-ScheduledTask',
    'Set-ScheduledTask', 'Restart-Computer', 'Stop-Computer', 'Checkpoint-Computer', 'Suspend-BitLocker',
    'Resume-BitLocker', 'Set-ItemProperty', 'New-ItemProperty', 'Remove-ItemProperty', 'New-Item', 'Start-Process'
)
# Asked all the time, for files too: logged only where they are about the simulated registry or drive.
$global:SimulatedQuiet = @('Get-ItemProperty', 'Set-ItemProperty', 'New-ItemProperty', 'Remove-ItemProperty', 'New-Item', 'Test-Path', 'Unblock-File')

# An exit code that Linux cannot carry was left in a file by the executable.
Update-TypeData -TypeName System.Diagnostics.Process -MemberName ExitCode -MemberType ScriptProperty -Force -Value {
    $left = Join-Path (Join-Path $env:DREAMRIG_SIMULATION 'codes') "$($this.Id)"
    if ([System.IO.File]::Exists($left)) { [int][System.IO.File]::ReadAllText($left) } else { $this.psbase.ExitCode }
}

# Parsed anew only when it has changed; handlers that change it write it.
$global:SimulatedStateText = ''
$global:SimulatedStateCache = $null
function global:Read-SimulatedState {
    $text = [System.IO.File]::ReadAllText("$env:DREAMRIG_SIMULATION/state.json")
    if ($text -cne $global:SimulatedStateText) {
        $global:SimulatedStateCache = $text | ConvertFrom-Json
        $global:SimulatedStateText = $text
    }
    $global:SimulatedStateCache
}

function global:Write-SimulatedState($State) {
    $json = ConvertTo-Json -InputObject $State -Depth 20
    [System.IO.File]::WriteAllText((Join-Path $env:DREAMRIG_SIMULATION 'state.json'), $json)
}

function global:Write-SimulatedCall($Name, $Bound, $State) {
    $arguments = @{}
    foreach ($key in @($Bound.Keys)) {
        $value = $Bound[$key]
        if ($value -is [switch]) { $value = [bool]$value }
        elseif ($value -is [enum]) { $value = "$value" }
        elseif ($value -is [array]) { $value = @($value | ForEach-Object { "$_" }) }
        elseif ($null -ne $value -and $value -isnot [ValueType]) { $value = "$value" }
        $arguments[$key] = $value
    }
    $call = [ordered]@{ command = $Name; arguments = $arguments; boots = $State.boots; changes = ($SimulatedChanges -contains $Name) }
    $line = (ConvertTo-Json -InputObject $call -Depth 4 -Compress) + "`n"
    # Programs that run beside write there too (simulated_machine.note_call): .NET locks the file, and appends where its end was.
    $bytes = [System.Text.Encoding]::UTF8.GetBytes($line)
    for ($try = 1; ; $try++) {
        try { $log = [System.IO.File]::Open((Join-Path $env:DREAMRIG_SIMULATION 'calls.jsonl'), 'Append', 'Write', 'None'); break }
        catch { if ($try -ge 1000) { throw }; [System.Threading.Thread]::Sleep(5) }
    }
    try { $log.Write($bytes, 0, $bytes.Length) } finally { $log.Dispose() }
}

function global:Invoke-SimulatedCommand($Name, $Bound) {
    Set-StrictMode -Off
    if ($SimulatedQuiet -contains $Name -and -not (Test-SimulatedPath $Bound)) {
        & (Get-Command -Name $Name -CommandType Cmdlet) @Bound
        return
    }
    $state = Read-SimulatedState
    Write-SimulatedCall $Name $Bound $state
    try {
        if ($state.missing -contains $Name) {
            throw (New-Object System.Management.Automation.CommandNotFoundException "The term '$Name' is not recognized.")
        }
        if ($state.errors.$Name) { throw (New-SimulatedError $state.errors.$Name) }
        if ($state.ineffective -contains $Name) { return }
        & $SimulatedHandlers[$Name] $Bound $state
    } catch {
        $global:SimulatedStateText = ''
        if ("$($Bound['ErrorAction'])" -in 'SilentlyContinue', 'Ignore') { return }
        if ("$($Bound['ErrorAction'])" -eq 'Continue') { Write-Error -Message "$_"; return }
        throw
    }
}

# A text, or {"message", "hresult"}: what it says is translated on other Windows, the number is not.
function global:New-SimulatedError($Entry) {
    if ($Entry -is [string]) { return $Entry }
    New-Object System.Runtime.InteropServices.COMException "$($Entry.message)", ([int]$Entry.hresult)
}

# Time goes by without being waited for.
function global:Start-Sleep {
    [CmdletBinding()]
    param([Parameter(Position = 0)] [double] $Seconds = 0, [int] $Milliseconds = 0)
    $state = Read-SimulatedState
    $bound = @{ Seconds = $Seconds + $Milliseconds / 1000 }
    Write-SimulatedCall 'Start-Sleep' $bound $state
    if (@($state.wsl.PSObject.Properties.Name) -notcontains 'late') { return }
    & $env:DREAMRIG_PYTHON -ES "$PSScriptRoot/change_state.py" sleep $bound.Seconds
}

# --- registry, and files with a drive letter ---------------------------------------------------------------------

function global:ConvertTo-SimulatedPath($Path) {
    $plain = "$Path" -replace '^Microsoft\.PowerShell\.Core\\', '' -replace '^Registry::', '' -replace '/', '\'
    $plain = $plain -replace '^HKEY_LOCAL_MACHINE', 'HKLM:' -replace '^HKEY_CURRENT_USER', 'HKCU:'
    $plain = $plain -replace '^\\\\\?\\', ''
    $plain.TrimEnd('\')
}

function global:Test-SimulatedPath($Bound) {
    $path = @($Bound['LiteralPath']) + @($Bound['Path']) | Where-Object { $_ } | Select-Object -First 1
    (ConvertTo-SimulatedPath $path) -match '^(HKLM:|HKCU:|[A-Za-z]:\\)'
}

function global:Get-SimulatedBoundPath($Bound) {
    $path = @($Bound['LiteralPath']) + @($Bound['Path']) | Where-Object { $_ } | Select-Object -First 1
    ConvertTo-SimulatedPath $path
}

function global:Get-SimulatedKey($State, $Path) {
    $names = @($State.registry.PSObject.Properties | ForEach-Object { $_.Name })
    if ($names -contains $Path) { return $State.registry.$Path }
    if (@($names -like "$Path\*").Count) { return [pscustomobject]@{} }
    $null
}

function global:Get-SimulatedChildName($State, $Path) {
    $State.registry.PSObject.Properties | ForEach-Object { $_.Name } |
        Where-Object { $_ -like "$([WildcardPattern]::Escape($Path))\*" } |
        ForEach-Object { ($_.Substring($Path.Length + 1) -split '\\')[0] } | Sort-Object -Unique
}

# {"damaged": true}: a value whose data are not of the kind that it says, as some uninstallers leave them.
function global:Assert-SimulatedValue($Value) {
    if ($Value -is [psobject] -and $Value.PSObject.Properties['damaged']) { throw (New-Object System.InvalidCastException 'Specified cast is not valid.') }
}

function global:New-SimulatedKey($State, $Path) {
    $key = Get-SimulatedKey $State $Path
    if ($null -eq $key) { throw "Cannot find path '$Path' because it does not exist." }
    $object = [ordered]@{ PSPath = "Registry::$Path"; PSChildName = ($Path -split '\\')[-1] }
    foreach ($property in $key.PSObject.Properties) { $object[$property.Name] = $property.Value }
    [pscustomobject]$object
}

function global:Get-Item {
    [CmdletBinding(DefaultParameterSetName = 'Path')]
    param(
        [Parameter(ParameterSetName = 'Path', Mandatory = $true, Position = 0, ValueFromPipeline = $true)] [string[]] $Path,
        [Parameter(ParameterSetName = 'LiteralPath', Mandatory = $true, ValueFromPipelineByPropertyName = $true)] [Alias('PSPath')] [string[]] $LiteralPath,
        [string] $Filter, [string[]] $Include, [string[]] $Exclude, [switch] $Force
    )
    process {
        Set-StrictMode -Off
        if (-not (Test-SimulatedPath $PSBoundParameters)) {
            & (Get-Command -Name Get-Item -CommandType Cmdlet) @PSBoundParameters
            return
        }
        Invoke-SimulatedCommand -Name 'Get-Item' -Bound $PSBoundParameters
    }
}

$global:SimulatedHandlers = @{}
$SimulatedHandlers['Get-Item'] = {
    param($a, $state)
    $path = Get-SimulatedBoundPath $a
    if ($path -notmatch '^HK') {
        $file = $state.files.$path
        if (-not $file) { throw "Cannot find path '$path' because it does not exist." }
        return [pscustomobject]@{ FullName = $path; Name = ($path -split '\\')[-1]; Attributes = "$($file.Attributes)"; Length = $file.Length }
    }
    $key = New-SimulatedKey $state $path
    $children = @(Get-SimulatedChildName $state $path)
    $key | Add-Member -MemberType ScriptMethod -Name GetSubKeyNames -Value { $children }.GetNewClosure() -PassThru |
        Add-Member -MemberType ScriptMethod -Name GetValue -PassThru -Value {
            param($name)
            $value = $this.PSObject.Properties[$name]
            if (-not $value) { return $null }
            Assert-SimulatedValue $value.Value
            $value.Value
        }
}
$SimulatedHandlers['Test-Path'] = {
    param($a, $state)
    $path = Get-SimulatedBoundPath $a
    if ($path -match '^HK') { return ($null -ne (Get-SimulatedKey $state $path)) }
    $file = $state.files.$path
    if ($a['PathType'] -eq 'Leaf' -and $file.Attributes -match 'Directory') { return $false }
    [bool]$file
}
$SimulatedHandlers['Get-ItemProperty'] = {
    param($a, $state)
    $path = Get-SimulatedBoundPath $a
    $paths = @($path)
    if ($path.EndsWith('\*')) {
        $parent = $path.Substring(0, $path.Length - 2)
        $paths = @(Get-SimulatedChildName $state $parent | ForEach-Object { "$parent\$_" })
    }
    foreach ($one in $paths) {
        $key = New-SimulatedKey $state $one
        foreach ($property in $key.PSObject.Properties) {
            if (-not $a['Name'] -or $a['Name'] -contains $property.Name) { Assert-SimulatedValue $property.Value }
        }
        foreach ($name in @($a['Name'] | Where-Object { $_ })) {
            if (-not $key.PSObject.Properties[$name]) { throw "Property $name does not exist at path $one." }
        }
        $key
    }
}
$SimulatedHandlers['New-Item'] = {
    param($a, $state)
    $path = Get-SimulatedBoundPath $a
    $state.registry | Add-Member -MemberType NoteProperty -Name $path -Value ([pscustomobject]@{}) -Force
    Write-SimulatedState $state
    [pscustomobject]@{ PSPath = $path }
}
$SimulatedHandlers['Set-ItemProperty'] = {
    param($a, $state)
    $key = Get-SimulatedKey $state (Get-SimulatedBoundPath $a)
    if ($null -eq $key) { throw "Cannot find path '$(Get-SimulatedBoundPath $a)' because it does not exist." }
    $key | Add-Member -MemberType NoteProperty -Name $a['Name'] -Value $a['Value'] -Force
    Write-SimulatedState $state
}
$SimulatedHandlers['New-ItemProperty'] = $SimulatedHandlers['Set-ItemProperty']
$SimulatedHandlers['Remove-ItemProperty'] = {
    param($a, $state)
    $key = Get-SimulatedKey $state (Get-SimulatedBoundPath $a)
    if ($null -eq $key -or -not $key.PSObject.Properties["$($a['Name'])"]) { throw "Property $($a['Name']) does not exist." }
    $key.PSObject.Properties.Remove("$($a['Name'])")
    Write-SimulatedState $state
}
$SimulatedHandlers['Unblock-File'] = { $null }

# --- queries -----------------------------------------------------------------------------------------------------

$SimulatedHandlers['Get-CimInstance'] = {
    param($a, $state)
    $class = if ($a['ClassName']) { $a['ClassName'] } else { [regex]::Match("$($a['Query'])", '(?i)from\s+(\w+)').Groups[1].Value }
    $filter = if ($a['Filter']) { $a['Filter'] } else { [regex]::Match("$($a['Query'])", '(?i)where\s+(.*)$').Groups[1].Value }
    if ($a['Namespace'] -and $a['Namespace'] -notmatch '^root[\\/]cimv2$') { $class = ($a['Namespace'] -replace '/', '\') + '\' + $class }
    if ($state.errors."Get-CimInstance $class") { throw (New-SimulatedError $state.errors."Get-CimInstance $class") }
    $instances = if ($state.cim.PSObject.Properties[$class]) { $state.cim.$class }
    elseif ($state.derived_cim.PSObject.Properties[$class]) { $state.derived_cim.$class }
    else { throw (New-SimulatedError ([pscustomobject]@{ message = 'Invalid class'; hresult = '0x80041010' })) }
    foreach ($instance in @($instances)) {
        if (-not (Test-SimulatedFilter $instance $filter)) { continue }
        foreach ($date in 'LastBootUpTime', 'LocalDateTime') {
            if ($instance.PSObject.Properties[$date]) {
                $utc = [System.Globalization.DateTimeStyles]::AdjustToUniversal
                $text = if ($instance.$date -is [datetime]) { $instance.$date.ToUniversalTime().ToString('o') } else { $instance.$date }
                $instance = $instance.PSObject.Copy()
                $instance.$date = [datetime]::Parse($text, [cultureinfo]::InvariantCulture, $utc).ToLocalTime()
            }
        }
        $instance
    }
}
function global:Test-SimulatedFilter($Instance, $Filter) {
    if (-not $Filter) { return $true }
    foreach ($part in $Filter -split '(?i)\s+or\s+') {
        if ($part -notmatch '^\s*(\w+)\s*(=|(?i:like))\s*[''"]?(.*?)[''"]?\s*$') { throw 'Invalid query' }
        $name, $operator, $value = $Matches[1], $Matches[2], $Matches[3]
        if ($operator -eq '=' -and "$($Instance.$name)" -eq ($value -replace '\\\\', '\')) { return $true }
        if ($operator -ne '=' -and "$($Instance.$name)" -like ($value -replace '\\\\', '\' -replace '%', '*')) { return $true }
    }
    $false
}
$SimulatedHandlers['Get-Service'] = {
    param($a, $state)
    foreach ($name in @($a['Name'])) {
        $found = $state.derived_services.PSObject.Properties | Where-Object { $_.Name -eq $name }
        if (-not $found) {
            if ("$($a['ErrorAction'])" -in 'SilentlyContinue', 'Ignore') { continue }
            throw "Cannot find any service with service name '$name'."
        }
        [pscustomobject]@{ Name = $found.Name; ServiceName = $found.Name; DisplayName = "Dienst $($found.Name)"
            Status = [SimulatedServiceStatus]$found.Value.Status; StartType = [SimulatedStartMode]$found.Value.StartType }
    }
}
$SimulatedHandlers['Get-WindowsOptionalFeature'] = {
    param($a, $state)
    if (-not $state.elevated) { throw (New-SimulatedError ([pscustomobject]@{ message = 'Elevation.'; hresult = '0x800702e4' })) }
    foreach ($feature in $state.features.PSObject.Properties) {
        if ($a['FeatureName'] -and $feature.Name -notlike $a['FeatureName']) { continue }
        # Under 7 the command runs in a 5.1 session, and what comes over from there carries text.
        $word = if ($PSVersionTable.PSVersion.Major -ge 6) { $feature.Value } else { [SimulatedFeatureState]$feature.Value }
        [pscustomobject]@{ FeatureName = $feature.Name; DisplayName = 'VM-Plattform'; State = $word; RestartRequired = 'Possible' }
    }
}
$SimulatedHandlers['Get-BitLockerVolume'] = {
    param($a, $state)
    if (-not $state.elevated) { throw (New-SimulatedError ([pscustomobject]@{ message = 'Access denied'; hresult = '0x80041003' })) }
    foreach ($mount in @($a['MountPoint'])) {
        $volume = $state.bitlocker.$mount
        $word = if ($volume) { $volume.ProtectionStatus } else { 'Off' }
        [pscustomobject]@{ MountPoint = $mount; ProtectionStatus = [SimulatedProtection]$word }
    }
}
$SimulatedHandlers['Get-ProcessMitigation'] = {
    param($a, $state)
    $entry = $state.process_mitigation.($a['Name'])
    if ($entry) { [pscustomobject]@{ ProcessName = $a['Name']; CFG = [pscustomobject]@{ Enable = $entry.CFG.Enable } } }
}
$SimulatedHandlers['Get-PnpDevice'] = { param($a, $state) $state.pnp | Where-Object { -not $a['InstanceId'] -or $_.InstanceId -like "$($a['InstanceId'])" } }
$SimulatedHandlers['Get-HotFix'] = { param($a, $state) $state.updates | Where-Object { -not $a['Id'] -or $_.HotFixID -in $a['Id'] } }
$SimulatedHandlers['Get-UICulture'] = { param($a, $state) [pscustomobject]@{ Name = $state.language } }
$SimulatedHandlers['Get-WinEvent'] = { throw 'No events were found that match the specified selection criteria.' }
$SimulatedHandlers['Get-AppxPackage'] = { $null }
$SimulatedHandlers['Get-WindowsEdition'] = { param($a, $state) [pscustomobject]@{ Edition = $state.registry.'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'.EditionID } }

. (Join-Path $PSScriptRoot 'WindowsChanges.ps1')
