# Loads every function of the module; what users may call is listed in DreamRig.psd1.

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

foreach ($folder in 'Private', 'Public') {
    $scripts = Get-ChildItem -LiteralPath (Join-Path $PSScriptRoot $folder) -Filter '*.ps1' | Sort-Object -Property Name
    foreach ($script in $scripts) {
        . $script.FullName
    }
}
