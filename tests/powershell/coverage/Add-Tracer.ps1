# Says which statements PowerShell scripts have, and writes copies that note each statement when it is first reached.
#
#     pwsh -File Add-Tracer.ps1 -Root FOLDER [-Change]
#
# Prints [{id, file, line, function, text, kind, starts_block}] of all scripts below the folder. With -Change the scripts are
# rewritten in place: in front of each statement, on its line, stands one that appends the id to "$env:DREAMRIG_REACHED.PID".
# kind is catch (the first statement of one), throw, blocked (a step that stops setup), or ''.
param([Parameter(Mandatory = $true)] [string] $Root, [switch] $Change)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$Root = [System.IO.Path]::GetFullPath($Root)

# Plain words only: the scripts also run in constrained language mode, and under -WhatIf.
$beginning = 'if($null -eq (Get-Variable -Name RigReached -Scope Global -ValueOnly -ErrorAction Ignore)){$global:RigReached=@{}};'
$note = 'if(!$global:RigReached[{0}]){{$global:RigReached[{0}]=1;' +
'Add-Content -LiteralPath "$env:DREAMRIG_REACHED.$PID" -Value {0} -WhatIf:$false -Confirm:$false -Verbose:$false}};'

function Get-Statement($Tree) {
    $blocks = $Tree.FindAll({
            $args[0] -is [System.Management.Automation.Language.StatementBlockAst] -or
            $args[0] -is [System.Management.Automation.Language.NamedBlockAst]
        }, $true)
    foreach ($block in $blocks) {
        # $(...) and @(...) belong to the statement that they stand in.
        if ($block.Parent -is [System.Management.Automation.Language.SubExpressionAst]) { continue }
        if ($block.Parent -is [System.Management.Automation.Language.ArrayExpressionAst]) { continue }
        foreach ($statement in $block.Statements) {
            if ($statement -is [System.Management.Automation.Language.FunctionDefinitionAst]) { continue }
            [pscustomobject]@{ Ast = $statement; Block = $block; IsFirst = $statement -eq $block.Statements[0] }
        }
    }
}

function Get-Kind($Statement) {
    if ($Statement.IsFirst -and $Statement.Block.Parent -is [System.Management.Automation.Language.CatchClauseAst]) { return 'catch' }
    if ($Statement.Ast -is [System.Management.Automation.Language.ThrowStatementAst]) { return 'throw' }
    if ($Statement.Ast.Extent.Text -match '^(return )?New-SetupStep [^{]*-Status blocked') { return 'blocked' }
    ''
}

function Get-FunctionName($Ast) {
    while ($Ast) {
        if ($Ast -is [System.Management.Automation.Language.FunctionDefinitionAst]) { return $Ast.Name }
        $Ast = $Ast.Parent
    }
    ''
}

$id = 0
$all = foreach ($file in Get-ChildItem -LiteralPath $Root -Recurse | Where-Object { $_.Extension -in '.ps1', '.psm1' } | Sort-Object FullName) {
    $tree = [System.Management.Automation.Language.Parser]::ParseFile($file.FullName, [ref] $null, [ref] $null)
    $found = @(Get-Statement $tree | Sort-Object { $_.Ast.Extent.StartOffset })
    $text = [System.Text.StringBuilder]::new([System.IO.File]::ReadAllText($file.FullName))
    $first = $id
    foreach ($one in $found) {
        [pscustomobject]@{
            id = $id++; file = $file.FullName.Substring($Root.Length).Replace('\', '/').TrimStart('/')
            line = $one.Ast.Extent.StartLineNumber; function = Get-FunctionName $one.Ast
            text = ($one.Ast.Extent.Text -split "`n")[0].Trim(); kind = Get-Kind $one; starts_block = $one.IsFirst
        }
    }
    if (-not $Change) { continue }
    # What runs first: functions may stand above it.
    $start = @(for ($i = 0; $i -lt $found.Count; $i++) { if ($found[$i].Block.Parent -eq $tree) { $i } }) + @(-1) | Select-Object -First 1
    for ($i = $found.Count - 1; $i -ge 0; $i--) {
        # A module, an entry script and what a task runs are where a process begins; the files of the module come after it.
        $before = @('', $beginning)[[int] ($i -eq $start -and $file.Directory.Name -in 'DreamRig', 'Desktop', (Split-Path $Root -Leaf))]
        $null = $text.Insert($found[$i].Ast.Extent.StartOffset, $before + ($note -f ($first + $i)))
    }
    [System.IO.File]::WriteAllText($file.FullName, $text.ToString())
}
ConvertTo-Json -InputObject @($all) -Compress
