function Enable-RigFeature {
    <#
    .SYNOPSIS
    Turns on one thing that WSL 2 stands on, and proves by a query that it is on.
    .DESCRIPTION
    What is on already is left alone. Success is what Windows says when it is asked afterwards, never an exit code: a
    feature that stays disabled is an error, although DISM reported success. Nothing is restarted.

    Comes out: one object with Name, Before, After, Changed and RestartNeeded. States are enabled, disabled,
    enable-pending, disable-pending, payload-removed and absent; of HypervisorLaunch auto, off and unset.
    .PARAMETER Name
    VirtualMachinePlatform  what WSL 2 needs, on every edition
    Wsl                     Windows Subsystem for Linux, needed below Windows 11 only
    HyperV                  the Hyper-V role; WSL 2 does not need it, and Home editions do not have it
    HypervisorLaunch        the boot setting hypervisorlaunchtype, back to auto
    .EXAMPLE
    Enable-RigFeature -Name VirtualMachinePlatform
    .EXAMPLE
    Enable-RigFeature -Name HypervisorLaunch -WhatIf
    .EXAMPLE
    'VirtualMachinePlatform', 'Wsl' | Enable-RigFeature -Confirm:$false
    .NOTES
    Needs administrator rights.
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
    [OutputType([pscustomobject])]
    param(
        [Parameter(Mandatory = $true, Position = 0, ValueFromPipeline = $true)]
        [ValidateSet('VirtualMachinePlatform', 'Wsl', 'HyperV', 'HypervisorLaunch')]
        [string] $Name
    )
    process {
        if ($Name -eq 'HypervisorLaunch') {
            $before = Get-BootLaunchType
            $after = $before
            if ($before -eq 'off' -and $PSCmdlet.ShouldProcess('boot setting hypervisorlaunchtype', 'Set to auto')) {
                $after = Set-LaunchType -Value 'auto' -Confirm:$false
            }
            return New-FeatureResult -Name $Name -Before $before -After $after
        }
        if ($Name -eq 'HyperV') { Assert-HyperVEdition }
        $feature = $script:RigFeatures[$Name]
        $before = Get-FeatureState -FeatureName $feature
        $after = $before
        $isOn = $before -in 'enabled', 'enable-pending'
        if (-not $isOn -and $PSCmdlet.ShouldProcess("Windows feature $feature", 'Enable')) {
            $said = Set-FeatureState -FeatureName $feature -Enable -Confirm:$false
            $after = Get-FeatureState -FeatureName $feature
            Assert-FeatureOn -FeatureName $feature -State $after -Said $said
        }
        New-FeatureResult -Name $Name -Before $before -After $after
    }
}
