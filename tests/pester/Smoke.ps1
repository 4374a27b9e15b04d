# What must hold on every Windows: Get-SmokeAssertion. Pester runs it on a real one (DreamRig.Tests.ps1), the
# project's own tests on the simulated one. Nothing here changes the PC: that is one of the assertions.

$script:PowerShellFolder = Join-Path -Path (Split-Path -Path (Split-Path -Path $PSScriptRoot -Parent) -Parent) -ChildPath 'powershell'

function Assert-That {
    <#
    .SYNOPSIS
    Throws a sentence where something does not hold.
    .PARAMETER Holds
    Whether it does.
    .PARAMETER Sentence
    What is wrong where it does not.
    #>
    param([bool] $Holds, [string] $Sentence)
    if (-not $Holds) { throw $Sentence }
}

function Get-PcState {
    <#
    .SYNOPSIS
    Returns what looking must not change, as one text.
    #>
    $config = Join-Path -Path $env:USERPROFILE -ChildPath '.wslconfig'
    $package = Join-Path -Path (Join-Path -Path $env:ProgramFiles -ChildPath 'WSL') -ChildPath 'wsl.exe'
    $task = @(Get-ScheduledTask -TaskName 'DreamRig-Setup-Resume' -TaskPath '\' -ErrorAction SilentlyContinue)
    @(
        "WSL $([System.IO.File]::Exists($package))"
        "task $($task.Count)"
        "state $([System.IO.Directory]::Exists((Join-Path -Path $env:LOCALAPPDATA -ChildPath 'DreamRig')))"
        ".wslconfig $(if ([System.IO.File]::Exists($config)) { [Convert]::ToBase64String([System.IO.File]::ReadAllBytes($config)) })"
    ) -join "`n"
}

# As it was before anything looked.
$script:Untouched = Get-PcState

function Get-SmokeAssertion {
    <#
    .SYNOPSIS
    Returns name -> assertion that throws a sentence where it does not hold.
    #>
    [OutputType([System.Collections.IDictionary])]
    param()
    [ordered]@{
        'the module exports what its manifest lists, each with help and an example'     = {
            $manifest = Import-PowerShellDataFile -Path (Join-Path -Path $PowerShellFolder -ChildPath 'DreamRig\DreamRig.psd1')
            $module = Import-Module -Name (Join-Path -Path $PowerShellFolder -ChildPath 'DreamRig\DreamRig.psd1') -Force -PassThru
            $names = @($module.ExportedFunctions.Keys | Sort-Object)
            Assert-That (($names -join ' ') -eq (@($manifest.FunctionsToExport | Sort-Object) -join ' ')) "Exported: $names"
            foreach ($name in $names) {
                $help = Get-Help -Name $name -Full
                Assert-That ([bool] "$($help.Synopsis)".Trim()) "$name has no synopsis."
                Assert-That (@($help.examples.example | Where-Object { $_ }).Count -gt 0) "$name has no example."
            }
        }
        'the doctor prints one JSON document and ends with 0 or 3'                      = {
            $text = & (Join-Path -Path $PowerShellFolder -ChildPath 'doctor.ps1') -Json | Out-String
            Assert-That ($LASTEXITCODE -in 0, 3) "It ended with $LASTEXITCODE."
            $document = $text | ConvertFrom-Json
            Assert-That ($document.command -eq 'doctor') "Its command is '$($document.command)'."
            $crashed = @($document.data.findings | Where-Object { $_.verdict -eq 'CRASH' })
            Assert-That (-not $crashed.Count) "A check broke: $(@($crashed | ForEach-Object { $_.sentence }) -join ' ')"
            Assert-That ([int] $document.data.facts.windows.build -gt 10000) 'It did not read the build of Windows.'
        }
        'the doctor says what is the matter in a few lines'                             = {
            $lines = @(& (Join-Path -Path $PowerShellFolder -ChildPath 'doctor.ps1'))
            Assert-That ($lines.Count -le 40) "It took $($lines.Count) lines."
            Assert-That ("$($lines[-1])" -match 'link') "Its last line: $($lines[-1])"
        }
        'an error text is explained'                                                    = {
            $text = & (Join-Path -Path $PowerShellFolder -ChildPath 'doctor.ps1') -Text 'Error: 0x80370102' -Json | Out-String
            $document = $text | ConvertFrom-Json
            Assert-That (@($document.data.diagnoses).Count -gt 0) 'It knew no cause.'
        }
        'setup.ps1 -PlanOnly shows a plan and ends with 0, or with 4 and a sentence'    = {
            $text = & (Join-Path -Path $PowerShellFolder -ChildPath 'setup.ps1') -PlanOnly -Unattended 6>&1 | Out-String
            Assert-That ($LASTEXITCODE -in 0, 4) "It ended with $LASTEXITCODE."
            Assert-That ($text -match 'About \d+ minutes|Everything is in place|Setup cannot go on yet') "No headline: $text"
        }
        'looking changes nothing'                                                       = {
            $null = & (Join-Path -Path $PowerShellFolder -ChildPath 'doctor.ps1') -Json
            $null = & (Join-Path -Path $PowerShellFolder -ChildPath 'setup.ps1') -WhatIf -Unattended 6>&1
            Assert-That ((Get-PcState) -eq $Untouched) "Before: $Untouched`nAfter: $(Get-PcState)"
        }
    }
}
