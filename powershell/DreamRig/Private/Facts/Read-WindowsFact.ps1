# Every fact of this Windows, in an order in which the later ones can rest on the earlier.

function Read-WindowsFact {
    <#
    .SYNOPSIS
    Returns the facts document of this Windows as nested dictionaries.
    .PARAMETER TimeoutSeconds
    How long one program may take.
    #>
    [CmdletBinding()]
    [OutputType([System.Collections.IDictionary])]
    param([int] $TimeoutSeconds)
    $document = New-FactDocument -Place windows
    Add-VersionFact -Document $document
    Add-ComputerFact -Document $document
    Add-ProcessorFact -Document $document
    Add-FeatureFact -Document $document
    Add-ServiceFact -Document $document
    Add-RestartFact -Document $document
    Add-LaunchFact -Document $document
    Add-ProductFact -Document $document
    Add-GpuFact -Document $document -TimeoutSeconds $TimeoutSeconds
    Add-WslFact -Document $document -TimeoutSeconds $TimeoutSeconds
    Add-DistributionFact -Document $document
    Add-WslConfigFact -Document $document
    $document
}
