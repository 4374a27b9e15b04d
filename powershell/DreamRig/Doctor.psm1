# Loads what doctor.ps1 needs and nothing of setup's, which is as long again: the doctor starts sooner.

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$script:ModuleFolder = $PSScriptRoot

foreach ($folder in 'Checks', 'Diagnosis', 'Facts', 'Native', 'Text') {
    foreach ($script in [System.IO.Directory]::GetFiles([System.IO.Path]::Combine($PSScriptRoot, 'Private', $folder), '*.ps1')) { . $script }
}
foreach ($name in 'Get-RigFact', 'Test-RigReadiness', 'Get-RigDiagnosis') {
    . ([System.IO.Path]::Combine($PSScriptRoot, 'Public', "$name.ps1"))
}
Export-ModuleMember
