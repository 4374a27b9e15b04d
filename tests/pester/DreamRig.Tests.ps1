# Pester 5, on a real Windows: Invoke-Pester tests\pester. What is asserted is in Smoke.ps1.

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseCompatibleCommands', '', Justification = 'For Pester 5; Windows brings 3.')]
param()

BeforeDiscovery {
    . (Join-Path -Path $PSScriptRoot -ChildPath 'Smoke.ps1')
}

Describe 'DreamRig on this Windows' {
    BeforeAll {
        . (Join-Path -Path $PSScriptRoot -ChildPath 'Smoke.ps1')
    }

    It '<Name>' -ForEach @((Get-SmokeAssertion).Keys | ForEach-Object { @{ Name = $_ } }) {
        { & (Get-SmokeAssertion)[$Name] } | Should -Not -Throw
    }
}
