# Loads every function of the module; what users may call is listed in DreamRig.psd1.

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$script:ModuleFolder = $PSScriptRoot

foreach ($folder in 'Private', 'Public') {
    $root = Join-Path $PSScriptRoot $folder
    $scripts = Get-ChildItem -LiteralPath $root -Filter '*.ps1' -Recurse | Sort-Object -Property FullName
    foreach ($script in $scripts) {
        . $script.FullName
    }
}
