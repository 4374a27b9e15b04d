# The steps inside Linux. Each is asked for first, done only where the answer wants it, and asked for again.

function Get-GuestAnswer {
    <#
    .SYNOPSIS
    Returns what the guest scripts answer now, by name; $null where there is no Linux to ask yet.
    .DESCRIPTION
    Under -WhatIf nothing is asked: it would start the virtual machine.
    .PARAMETER Fact
    The document of Get-RigFact.
    .PARAMETER Option
    What setup.ps1 was called with.
    #>
    [CmdletBinding()]
    [OutputType([hashtable])]
    param([psobject] $Fact, [psobject] $Option)
    if ($WhatIfPreference -or $Option.skip_guest -or $Option.reset -or -not $Fact.windows.hypervisor_present) { return }
    $known = @($Fact.wsl.distributions | Where-Object { $null -ne $_ })
    $name = Select-Distribution -Known $known -Wanted $Option.distribution -Default $Fact.wsl.default_distribution
    $found = Get-RegisteredDistribution -Name $name
    if (-not $found -or $found.Version -ne 2) { return }
    $user = Invoke-Guest -Distribution $name -Step 'user' -TimeoutSeconds 300
    # What does not start is for the step itself to tell.
    if ($user.ExitCode -ne 0) { return }
    $answers = @{ user = $user.Answer; doctor = $null }
    $answers['python'] = (Invoke-Guest -Distribution $name -Step 'python').Answer
    $source = Get-CheckoutPath -Option $Option
    $answers['checkout'] = (Invoke-Guest -Distribution $name -Step 'checkout' -ArgumentList $source -TimeoutSeconds 300).Answer
    $answers['environment'] = (Invoke-Guest -Distribution $name -Step 'environment').Answer
    $answers['picture'] = 'none'
    if ($answers['environment'] -eq 'ready') { $answers['picture'] = (Invoke-Guest -Distribution $name -Step 'picture').Answer }
    $answers
}

function Get-CheckoutPath {
    <#
    .SYNOPSIS
    Returns the folder of this checkout: the one above powershell\.
    .PARAMETER Option
    What setup.ps1 was called with.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([psobject] $Option)
    Split-Path -Path (Split-Path -Path $Option.script -Parent) -Parent
}

function Invoke-GuestStep {
    <#
    .SYNOPSIS
    Brings Linux from an empty distribution to a first picture.
    .PARAMETER Distribution
    Its name.
    .PARAMETER Option
    What setup.ps1 was called with.
    .PARAMETER State
    The object of New-SetupState.
    .PARAMETER Result
    The object of Invoke-RigSetup, filled in.
    #>
    [CmdletBinding()]
    param([string] $Distribution, [psobject] $Option, [psobject] $State, [psobject] $Result)
    $about = @{ Distribution = $Distribution; Option = $Option; State = $State }
    Add-GuestUser -Distribution $Distribution -State $State
    $null = Add-GuestPart @about -Step 'python' -Talk 'Python in Linux ... (a minute or two)' -Work @{ User = 'root'; TimeoutSeconds = 1800 } `
        -Message "$Distribution has no Python 3.11 or newer." -Hint '.\setup.ps1 -Distribution Ubuntu-24.04 takes one that has'
    Copy-Checkout @about
    $null = Add-GuestPart @about -Step 'environment' -Talk 'The environment with torch ... (about 3 GB to fetch, 5 to 20 minutes)' `
        -Work @{ TimeoutSeconds = 7200 } -Message 'The environment could not be made.' `
        -Hint "see for yourself: wsl -d $Distribution --cd ~/dreamrig ./rig doctor"
    Test-GuestChain -Distribution $Distribution -Result $Result
    $picture = Add-GuestPart @about -Step 'picture' -Talk 'The first picture ...' -Message 'The first picture could not be made.' `
        -Work @{ ArgumentList = @('sunset over the sea'); TimeoutSeconds = 1800 } `
        -Hint "see for yourself: wsl -d $Distribution --cd ~/dreamrig ./rig generate `"sunset over the sea`""
    # Its path as Windows sees it.
    $Result.Picture = "\\wsl.localhost\$Distribution" + $picture.Replace('/', '\')
}

function Add-GuestPart {
    <#
    .SYNOPSIS
    Brings one part of the work inside Linux to its goal, unless it is there; returns the guest script's answer.
    .PARAMETER Distribution
    Its name.
    .PARAMETER Option
    What setup.ps1 was called with.
    .PARAMETER State
    The object of New-SetupState.
    .PARAMETER Step
    Name of the guest script, with its goal in $script:GuestGoals.
    .PARAMETER Talk
    What to tell the person before it is done.
    .PARAMETER Work
    Further arguments of Invoke-Guest for doing it.
    .PARAMETER Message
    What did not work, where it is not there afterwards.
    .PARAMETER Hint
    What to do about that.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([string] $Distribution, [psobject] $Option, [psobject] $State, [string] $Step, [string] $Talk, [hashtable] $Work,
        [string] $Message, [string] $Hint)
    $guest = @{ Distribution = $Distribution; Step = $Step }
    $goal = $script:GuestGoals[$Step]
    $is = Invoke-Guest @guest
    if ($is.Answer -match $goal) { return $is.Answer }
    Write-SetupTalk -Text $Talk
    $null = Invoke-Guest @guest -Verb do -Show:(-not $Option.json) @Work
    $is = Invoke-Guest @guest
    Assert-Guest -Ran $is -Expected $goal -Message $Message -Hint $Hint
    Add-SetupChange -State $State -Kind 'guest' -Name $Step -Before $null -After $is.Answer
    $is.Answer
}

function Add-GuestUser {
    <#
    .SYNOPSIS
    Makes an account in a distribution that setup has installed; one that was there keeps the users it has.
    .PARAMETER Distribution
    Its name.
    .PARAMETER State
    The object of New-SetupState.
    #>
    [CmdletBinding()]
    param([string] $Distribution, [psobject] $State)
    $is = Invoke-Guest -Distribution $Distribution -Step 'user' -TimeoutSeconds 300
    Assert-Guest -Ran $is -Expected '.' -Message "$Distribution does not answer." -Hint '.\doctor.ps1 names the cause'
    if ($is.Answer -ne 'root') { return }
    if (-not @($State.changes | Where-Object { $_.kind -eq 'distribution' -and $_.name -eq $Distribution }).Count) { return }
    $name = ConvertTo-LinuxName -Name $env:USERNAME
    $made = Invoke-Guest -Distribution $Distribution -Step 'user' -Verb do -ArgumentList $name -User root
    # The default user is read when the distribution starts.
    $null = Invoke-Wsl -ArgumentList '--terminate', $Distribution -TimeoutSeconds 60 -Changes
    $is = Invoke-Guest -Distribution $Distribution -Step 'user' -TimeoutSeconds 300
    Assert-Guest -Ran $is -Expected '^(?!root$)' -Hint "make one: wsl -d $Distribution -u root adduser $name" `
        -Message "The account $name could not be made in Linux. $(Get-LastLine -Text $made.Err)"
    Write-SetupTalk -Text "Your account in Linux: $($is.Answer), without a password (sudo asks for none)"
    Add-SetupChange -State $State -Kind 'guest' -Name 'user' -Before 'root' -After $is.Answer
}

function ConvertTo-LinuxName {
    <#
    .SYNOPSIS
    Returns a name that useradd takes, near to a Windows user's: without accents, in lower case.
    .PARAMETER Name
    The Windows user's.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([AllowEmptyString()] [string] $Name)
    $plain = $Name.Normalize([System.Text.NormalizationForm]::FormD).ToLowerInvariant() -replace '[^a-z0-9_-]', ''
    $plain = $plain -replace '^[^a-z]+', ''
    if (-not $plain -or $plain -eq 'root') { return 'dreamer' }
    $plain.Substring(0, [Math]::Min(31, $plain.Length))
}

function Copy-Checkout {
    <#
    .SYNOPSIS
    Copies this checkout into the Linux home folder, where there is none or an older copy of ours.
    .PARAMETER Distribution
    Its name.
    .PARAMETER Option
    What setup.ps1 was called with.
    .PARAMETER State
    The object of New-SetupState.
    #>
    [CmdletBinding()]
    param([string] $Distribution, [psobject] $Option, [psobject] $State)
    $asked = @{ Distribution = $Distribution; Step = 'checkout'; ArgumentList = @(Get-CheckoutPath -Option $Option); TimeoutSeconds = 600 }
    $is = Invoke-Guest @asked
    if ($is.Answer -eq 'foreign') { Write-SetupTalk -Text '~/dreamrig in Linux is your own checkout and stays as it is.' }
    if ($is.Answer -eq 'unreachable') {
        Write-SetupTalk -Kind warning -Text 'This folder cannot be read from inside Linux; the copy there stays as it is.'
    }
    if ($is.Answer -in 'current', 'foreign', 'unreachable') { return }
    $done = Invoke-Guest @asked -Verb do
    $again = Invoke-Guest @asked
    if ($done.ExitCode -ne 0) { $again = $done }
    Assert-Guest -Ran $again -Expected '^current$' -Message 'This checkout could not be copied into Linux.' `
        -Hint 'is the drive mounted there? see [automount] in /etc/wsl.conf; or clone the repository to ~/dreamrig in Linux yourself'
    Write-SetupTalk -Text 'dreamrig in Linux: ~/dreamrig'
    Add-SetupChange -State $State -Kind 'guest' -Name 'checkout' -Before $is.Answer -After 'current'
}

function Test-GuestChain {
    <#
    .SYNOPSIS
    Lets the doctor inside Linux look at the whole chain; what it finds becomes the result's message.
    .PARAMETER Distribution
    Its name.
    .PARAMETER Result
    The object of Invoke-RigSetup, filled in.
    #>
    [CmdletBinding()]
    param([string] $Distribution, [psobject] $Result)
    Write-SetupTalk -Text 'The doctor looks at the whole chain ...'
    $ran = Invoke-Guest -Distribution $Distribution -Step 'doctor' -TimeoutSeconds 600
    $found = $null
    try { $found = ($ran.Out | ConvertFrom-Json).data } catch { Write-Verbose 'The doctor printed no document.' }
    if ($ran.ExitCode -eq 0) {
        Write-SetupTalk -Text '  nothing is wrong'
        return
    }
    $broken = @($found | ForEach-Object { Get-MemberValue -InputObject $_ -Name 'findings' } |
            Where-Object { $null -ne $_ -and $_.check -eq $found.first_broken })
    $Result.Status = 'finished-with-findings'
    $Result.ExitCode = 3
    $Result.Message = "The doctor in Linux ended with $($ran.ExitCode): $(Get-LastLine -Text "$($ran.Err)`n$($ran.Reason)")"
    if ($broken.Count) {
        $Result.Message = "The doctor found a problem, $($broken[0].check): $($broken[0].sentence)"
        $Result.Hint = "$($found.next)"
    }
    if (-not $Result.Hint) { $Result.Hint = "wsl -d $Distribution --cd ~/dreamrig ./rig doctor" }
    Write-SetupTalk -Kind warning -Text $Result.Message
}
