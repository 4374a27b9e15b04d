# Products that a running Windows hypervisor changes something for. Judged by the facts' list of installed products.

# Pattern, the first version that lives with the hypervisor ('' where versions do not tell), and what happens before it.
$script:HypervisorConflicts = @(
    @{ Pattern = 'VirtualBox'; Fine = '6.0'; Breaks = 'starts no virtual machine while the Windows hypervisor runs'
        Else = 'runs its virtual machines on the Windows hypervisor, slower' }
    @{ Pattern = 'VMware (Workstation|Player)'; Fine = '15.5.5'; Breaks = 'starts no virtual machine while the Windows hypervisor runs'
        Else = 'runs its virtual machines on the Windows hypervisor, slower' }
    @{ Pattern = 'HAXM'; Fine = ''; Breaks = 'does not work while the Windows hypervisor runs' }
    @{ Pattern = 'BlueStacks|Nox|LDPlayer|MEmu|Genymotion'; Fine = ''; Breaks = 'may not start, or be slow, unless it is a version for Hyper-V' }
    @{ Pattern = 'Vanguard|FACEIT|ESEA'; Fine = ''
        Breaks = 'watches the hypervisor settings, and may refuse to start games until its own requirements for them are met' }
)

function Get-ConflictAdvice {
    <#
    .SYNOPSIS
    Returns what turning the hypervisor on does to other products: cautions (said) and asks (a yes is wanted first).
    .DESCRIPTION
    Nothing changes for anybody where the hypervisor runs already.
    .PARAMETER Fact
    The document of Get-RigFact.
    .PARAMETER Option
    accept_conflict turns questions into remarks.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([psobject] $Fact, [psobject] $Option)
    $advice = [pscustomobject]@{ cautions = @(); asks = @() }
    if ($Fact.windows.hypervisor_present) { return $advice }
    if ($null -eq $Fact.windows.conflicts) {
        $sentence = 'The list of installed programs cannot be read: one of them may need the Windows hypervisor off (VirtualBox, anti-cheat).'
        if ($Option.accept_conflict) { $advice.cautions += $sentence } else { $advice.asks += $sentence }
    }
    foreach ($product in @($Fact.windows.conflicts | Where-Object { $_ })) {
        foreach ($conflict in $script:HypervisorConflicts) {
            if ($product -notmatch $conflict.Pattern) { continue }
            $sentence = "$product $($conflict.Breaks)."
            if (Test-VersionFine -Product $product -Fine $conflict.Fine) { $advice.cautions += "$product $($conflict.Else)." }
            elseif ($Option.accept_conflict) { $advice.cautions += $sentence }
            else { $advice.asks += $sentence }
        }
    }
    $advice
}

function Test-VersionFine {
    <#
    .SYNOPSIS
    Says whether the version in a product's name is at least the one given; $false where either is missing.
    .PARAMETER Product
    `name version`.
    .PARAMETER Fine
    The version; '' for none.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param([string] $Product, [string] $Fine)
    if (-not $Fine -or $Product -notmatch '(\d+(\.\d+){1,3})\S*$') { return $false }
    -not (Test-FactLess -Value $Matches[1] -Limit $Fine)
}
