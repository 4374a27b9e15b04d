# Pester 5, on a real Windows: Invoke-Pester tests\pester. What is asserted is in Smoke.ps1.

BeforeDiscovery {
    . (Join-Path -Path $PSScriptRoot -ChildPath 'Smoke.ps1')
    $cases = @(foreach ($name in $Smoke.Keys) { @{ Name = $name } })
}

Describe 'DreamRig on this Windows' {
    BeforeAll {
        . (Join-Path -Path $PSScriptRoot -ChildPath 'Smoke.ps1')
    }

    It '<Name>' -ForEach $cases {
        { & $Smoke[$Name] } | Should -Not -Throw
    }
}
