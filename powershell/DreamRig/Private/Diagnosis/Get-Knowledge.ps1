# The knowledge base (provision/knowledge), which Python and PowerShell read. The twin of provision/diagnosis/knowledge.py.

$script:Knowledge = $null

function Get-KnowledgePath {
    <#
    .SYNOPSIS
    Returns the full path of a file in provision/knowledge of this checkout, or in Knowledge of a released module.
    .PARAMETER Name
    File name.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([Parameter(Mandatory = $true)] [string] $Name)
    # A released module has it with it.
    $own = Join-Path (Join-Path $script:ModuleFolder 'Knowledge') $Name
    if ([System.IO.File]::Exists($own)) { return $own }
    $root = Split-Path -Path (Split-Path -Path $script:ModuleFolder -Parent) -Parent
    Join-Path (Join-Path (Join-Path $root 'provision') 'knowledge') $Name
}

function Read-KnowledgeFile {
    <#
    .SYNOPSIS
    Returns the parsed content of a file in provision/knowledge; throws one clear sentence where it is missing or damaged.
    .PARAMETER Name
    File name.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)] [string] $Name)
    $path = Get-KnowledgePath -Name $Name
    if (-not [System.IO.File]::Exists($path)) {
        throw "The knowledge base is missing: $path. Copy the whole project, not only the folder powershell."
    }
    try {
        [System.IO.File]::ReadAllText($path) | ConvertFrom-Json
    } catch {
        throw "The knowledge base is damaged: $path is not JSON. Copy the project anew."
    }
}

function Get-Knowledge {
    <#
    .SYNOPSIS
    Returns the shipped knowledge base, read once.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param()
    if (-not $script:Knowledge) {
        $causes = ConvertTo-Knowledge -Document (Read-KnowledgeFile -Name 'causes.json')
        $script:Knowledge = Add-Saying -Knowledge $causes -Document (Read-KnowledgeFile -Name 'words.json')
    }
    $script:Knowledge
}

function ConvertTo-Knowledge {
    <#
    .SYNOPSIS
    Returns Causes, Queries and Codes ready for the evaluator: codes with the ids they are compared by.
    .DESCRIPTION
    BySlug: slug -> its cause. Telling: the signatures that are evidence alone. Sayings: those in people's own words.
    NameIds: symbolic name in capitals -> the id of its number, or itself where it has none.
    Carried: the ids that some cause carries. Known: all ids and names.
    .PARAMETER Document
    The parsed causes.json.
    #>
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param([Parameter(Mandatory = $true)] $Document)
    $listed = @(Get-MemberList $Document 'codes')
    $carried = @(foreach ($cause in @($Document.causes)) { Get-MemberList $cause 'codes' })
    $nameIds = Get-NameId -Code ($listed + $carried)
    $known = @{}
    foreach ($name in $nameIds.Keys) { $known[$name] = $true }
    $codes = @(foreach ($code in $listed) { ConvertTo-KnownCode $code $nameIds })
    foreach ($code in $codes) { foreach ($id in $code.Ids) { $known[$id] = $true } }
    $carriedIds = @{}
    $causes = @(foreach ($cause in @($Document.causes)) {
            $own = @(foreach ($code in @(Get-MemberList $cause 'codes')) { ConvertTo-KnownCode $code $nameIds })
            foreach ($code in $own) { foreach ($id in $code.Ids) { $known[$id] = $true; $carriedIds[$id] = $true } }
            [pscustomobject]@{
                Codes = $own; Document = $cause; When = ConvertTo-Predicate (Get-MemberValue $cause 'when')
                Signatures = @(Get-MemberList $cause 'signatures'); Context = @(Get-MemberList $cause 'context')
            }
        })
    $telling = New-Object -TypeName 'System.Collections.Generic.HashSet[string]' -ArgumentList ([StringComparer]::Ordinal)
    foreach ($cause in $causes) {
        foreach ($signature in $cause.Signatures) {
            if ((Get-MemberValue $signature 'said') -or (Get-MemberValue $signature 'raises')) { continue }
            $null = $telling.Add($signature.regex)
        }
    }
    $sayings = @($causes | ForEach-Object { $_.Signatures } | Where-Object { Get-MemberValue $_ 'said' })
    [pscustomobject]@{
        Causes = $causes; BySlug = Get-CauseTable $causes; Codes = $codes; NameIds = $nameIds; Known = $known; Carried = $carriedIds
        Queries = @(Get-MemberList $Document 'queries'); Told = @(Get-MemberList $Document 'told'); Telling = @($telling)
        Sayings = $sayings
    }
}

function Get-CauseTable {
    <#
    .SYNOPSIS
    Returns slug -> cause.
    .PARAMETER Cause
    The causes of the evaluator.
    #>
    [OutputType([hashtable])]
    param($Cause)
    $table = @{}
    foreach ($one in $Cause) { $table[$one.Document.slug] = $one }
    $table
}

function Get-NameId {
    <#
    .SYNOPSIS
    Returns symbolic name in capitals -> id of the first number that goes by it, or the name where none does.
    .PARAMETER Code
    Every code, as it stands in the file.
    #>
    [CmdletBinding()]
    [OutputType([hashtable])]
    param([AllowEmptyCollection()] [object[]] $Code)
    $ids = @{}
    foreach ($one in $Code) {
        $fields = $one.PSObject.Properties
        $name, $hex = $fields['name'], $fields['hex']
        if (-not $name -or -not $name.Value) { continue }
        $name = $name.Value.ToUpperInvariant()
        if ($hex -and $hex.Value -and (-not $ids.ContainsKey($name) -or $ids[$name] -eq $name)) {
            $ids[$name] = ConvertTo-NumberId ([Convert]::ToUInt32($hex.Value.Substring(2), 16))
        } elseif (-not $ids.ContainsKey($name)) {
            $ids[$name] = $name
        }
    }
    $ids
}

function ConvertTo-KnownCode {
    <#
    .SYNOPSIS
    Returns one code of the file with Ids: what it is compared by.
    .PARAMETER Code
    As it stands in the file.
    .PARAMETER NameId
    The table of Get-NameId.
    #>
    [OutputType([pscustomobject])]
    param($Code, $NameId)
    # A simple function, and no other called for the fields: there are many hundred codes.
    $of = @{ hex = $null; name = $null; decimal = $null; kind = $null; meaning = $null; weight = 0.0 }
    foreach ($field in $Code.PSObject.Properties) { $of[$field.Name] = $field.Value }
    $ids = @()
    if ($of.hex) { $ids += ConvertTo-NumberId ([Convert]::ToUInt32($of.hex.Substring(2), 16)) }
    if ($of.name) {
        $id = $NameId[$of.name.ToUpperInvariant()]
        if ($ids -cnotcontains $id) { $ids += $id }
    }
    if ($null -ne $of.decimal) {
        $id = ConvertTo-DecimalId $of.decimal
        if ($ids -cnotcontains $id) { $ids += $id }
    }
    [pscustomobject]@{ Ids = $ids; Name = $of.name; Kind = $of.kind; Meaning = $of.meaning; Weight = [double]$of.weight }
}
