# Runs lines of PowerShell with the module loaded; prints {"value": ...}, or {"error", "hint", "exit_code"} of what they throw.
param([string] $Text)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module (Join-Path $PSScriptRoot '../../../powershell/DreamRig/DreamRig.psd1') -Force
try {
    $value = & ([scriptblock]::Create($Text))
    $said = @{ value = $value }
} catch {
    $said = @{ error = $_.Exception.Message; hint = $_.Exception.Data['hint']; exit_code = $_.Exception.Data['exit_code'] }
}
[Console]::Out.WriteLine((ConvertTo-Json -InputObject $said -Depth 8))
exit 0
