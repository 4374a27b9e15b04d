# The module behind setup.ps1 and doctor.ps1.
@{
    RootModule           = 'DreamRig.psm1'
    ModuleVersion        = '0.1.0'
    GUID                 = '6f3c1f6e-6d0b-4b7f-9a53-0f1a1d5c7b42'
    Author               = 'dreamrig contributors'
    Copyright            = '(c) dreamrig contributors. MIT licence.'
    Description          = 'Turns a bare Windows PC into one whose GPU computes inside WSL 2, and says what is in the way.'
    PowerShellVersion    = '5.1'
    CompatiblePSEditions = @('Desktop', 'Core')
    FunctionsToExport    = @(
        'Get-RigFact'
        'Test-RigReadiness'
        'Get-RigDiagnosis'
        'Enable-RigFeature'
        'Install-RigDistribution'
        'Reset-RigDistribution'
        'Register-RigResume'
        'Unregister-RigResume'
        'Register-RigServe'
        'Unregister-RigServe'
        'Register-RigReach'
        'Unregister-RigReach'
        'Restart-RigToFirmware'
    )
    CmdletsToExport      = @()
    VariablesToExport    = @()
    AliasesToExport      = @()
    PrivateData          = @{
        PSData = @{
            Tags         = @('WSL', 'WSL2', 'CUDA', 'NVIDIA', 'setup', 'diagnosis', 'Windows', 'PSEdition_Desktop', 'PSEdition_Core')
            LicenseUri   = 'https://opensource.org/license/mit'
            ReleaseNotes = 'See CHANGELOG.md beside the sources.'
        }
    }
}
