# The keys that .wslconfig has, and what is wrong with others. The twin of provision/facts/wslconf_keys.py.

$script:WslConfigKeys = [ordered]@{
    'general boolean'      = ''
    'general path'         = 'distributionInstallPath'
    'general integer'      = 'instanceIdleTimeout'
    'wsl2 boolean'         = 'autoProxy debugConsole dhcp dnsProxy dnsTunneling earlyBootLogging firewall gpuSupport ' +
    'guiApplications hardwarePerformanceCounters hostFileSystemAccess ipv6 isolateDistroCgroup loadDefaultKernelModules ' +
    'localhostForwarding nestedVirtualization pageReporting safeMode telemetry virtio virtio9p virtiofs'
    'wsl2 integer'         = 'dhcpTimeout distributionStartTimeout kernelBootTimeout kernelDebugPort maxCrashDumpCount ' +
    'mountDeviceTimeout processors vmIdleTimeout'
    'wsl2 size'            = 'defaultVhdSize memory swap'
    'wsl2 path'            = 'crashDumpFolder debugConsoleLogFile kernel kernelModules swapFile systemDistro'
    'wsl2 text'            = 'kernelCommandLine loadKernelModules macAddress networkingMode vmSwitch'
    'experimental boolean' = 'autoProxy bestEffortDnsParsing dnsTunneling firewall hostAddressLoopback setVersionDebug ' +
    'sparseVhd virtioFsAggregateShares'
    'experimental integer' = 'initialAutoProxyTimeout'
    'experimental size'    = 'swiotlb'
    'experimental text'    = 'autoMemoryReclaim dnsTunnelingIpAddress ignoredPorts networkingMode'
}
# Keys of /etc/wsl.conf, which are put into the wrong file now and then.
$script:WslConfKeys = 'automount.enabled automount.ldconfig automount.mountFsTab automount.cgroups automount.options ' +
'automount.root boot.protectBinfmt boot.systemd boot.initTimeout boot.command fileServer.enabled fileServer.logTruncate ' +
'fileServer.logLevel fileServer.logFile filesystem.umask general.guiApplications gpu.appendLibPath gpu.enabled ' +
'interop.appendWindowsPath interop.enabled network.generateHosts network.generateResolvConf network.hostname ' +
'time.useWindowsTimezone user.default'
$script:WslConfigWords = @{
    'wsl2.networkingmode'            = 'none', 'nat', 'bridged', 'mirrored', 'virtioproxy', 'consomme'
    'experimental.networkingmode'    = 'none', 'nat', 'bridged', 'mirrored', 'virtioproxy', 'consomme'
    'experimental.automemoryreclaim' = 'disabled', 'gradual', 'dropcache'
}

function Get-WslConfigKind {
    <#
    .SYNOPSIS
    Returns the known keys: "section.key" in lower case -> Name and Kind (boolean, integer, size, path, text).
    #>
    [CmdletBinding()]
    [OutputType([hashtable])]
    param()
    $known = @{}
    foreach ($group in $script:WslConfigKeys.Keys) {
        $section, $kind = $group.Split(' ')
        foreach ($name in $script:WslConfigKeys[$group].Split(' ')) {
            if ($name) { $known["$section.$name".ToLowerInvariant()] = [pscustomobject]@{ Name = "$section.$name"; Kind = $kind } }
        }
    }
    $known
}

function Get-WslConfigProblem {
    <#
    .SYNOPSIS
    Returns what is wrong with a key or its value, '' for nothing.
    .PARAMETER Key
    section.key as written.
    .PARAMETER Value
    The value as WSL understands it.
    .PARAMETER Raw
    The value as written.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Key, [AllowEmptyString()] [string] $Value, [AllowEmptyString()] [string] $Raw)
    $known = Get-WslConfigKind
    $entry = $known[$Key.ToLowerInvariant()]
    if (-not $entry) { return Get-WslConfigKeyProblem -Key $Key }
    $name = $entry.Name
    $words = $script:WslConfigWords[$name.ToLowerInvariant()]
    if ($words -and $Value.ToLowerInvariant() -notin $words) { return "$name is '$Value', not one of $($words -join ', ')" }
    switch ($entry.Kind) {
        'boolean' { if ($Value -notin 'true', '1', 'false', '0') { return "$name is '$Value', not true or false" } }
        'integer' { if ($Value -notmatch '^[+-]?(0x[0-9a-f]+|\d+)$') { return "$name is '$Value', not a whole number" } }
        'size' {
            if ($Value -notmatch '^(\d+)([kmgt]?)b?$') {
                return "$name is '$Value', not a size such as 8GB or 512MB (a whole number, no space before the unit)"
            }
            if ($Value -match '^\d{1,7}$' -and [long]$Value -gt 0 -and [long]$Value -lt 1048576) {
                return "$name is $Value bytes: the unit is missing, as in ${Value}GB"
            }
        }
        'path' {
            if ($Raw.Replace('\\', '') -match '(?<!\\)\\[bnt]') {
                return "${name}: backslashes must be doubled, as in C:\\path (\t is read as a tab)"
            }
        }
    }
    ''
}

function Get-WslConfigKeyProblem {
    <#
    .SYNOPSIS
    Returns what is wrong with a key that .wslconfig does not have.
    .PARAMETER Key
    section.key as written.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Key)
    if ($Key -in $script:WslConfKeys.Split(' ')) { return "$Key belongs in /etc/wsl.conf inside the distribution" }
    $at = $Key.LastIndexOf('.')
    $section = if ($at -ge 0) { $Key.Substring(0, $at) } else { '' }
    $name = $Key.Substring($at + 1)
    foreach ($group in $script:WslConfigKeys.Keys) {
        if ($name -notin $script:WslConfigKeys[$group].Split(' ')) { continue }
        $owner = $group.Split(' ')[0]
        if ($section) { return "$name belongs under [$owner], not under [$section]" }
        return "$name belongs under [$owner], and has no section"
    }
    "unknown key $Key"
}
