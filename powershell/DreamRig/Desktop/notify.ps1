<#
.SYNOPSIS
Shows a notification of Windows; says nothing where that is not possible.
.DESCRIPTION
For Windows PowerShell 5.1, which reaches these classes without further files; setup starts it from 7 as well.
.PARAMETER Title
The first line.
.PARAMETER Text
What there is to say.
#>
[CmdletBinding()]
param([Parameter(Mandatory = $true)] [string] $Title, [Parameter(Mandatory = $true)] [string] $Text)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
# Windows PowerShell's own name among programs that may notify.
$notifier = '{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\WindowsPowerShell\v1.0\powershell.exe'
try {
    $manager = [Type]::GetType('Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType=WindowsRuntime', $true)
    $kind = [Type]::GetType('Windows.UI.Notifications.ToastNotification, Windows.UI.Notifications, ContentType=WindowsRuntime', $true)
    $document = [Activator]::CreateInstance([Type]::GetType('Windows.Data.Xml.Dom.XmlDocument, Windows.Data.Xml.Dom, ContentType=WindowsRuntime', $true))
    $lines = @($Title, $Text | ForEach-Object { '<text>' + [System.Security.SecurityElement]::Escape($_) + '</text>' }) -join ''
    $document.LoadXml("<toast><visual><binding template='ToastGeneric'>$lines</binding></visual></toast>")
    $manager::CreateToastNotifier($notifier).Show([Activator]::CreateInstance($kind, $document))
} catch {
    # Notifications turned off, no desktop, another Windows: the window and the log say it as well.
    Write-Verbose "No notification: $($_.Exception.Message)"
}
