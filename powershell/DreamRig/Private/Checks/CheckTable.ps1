# Made of provision/knowledge/checks.json by docs/made/check_table.py: change it there, then run
# python -m docs.made.check_table. What the fields mean stands in provision/doctor/check_book.py.

function Get-CheckTable {
    <#
    .SYNOPSIS
    Returns every check of Windows in fixing order; one without rules is code.
    #>
    [OutputType([hashtable])]
    param()
    @(
        @{
            Name = 'windows-half'; Asks = 'Could Windows be asked?'; Needs = @(); Causes = @('interop-path-missing')
            Rules = @(
                @{
                    When = @{
                        Kind = 'any'; Fact = ''
                        Parts = @(
                            @{ Kind = 'unknown'; Fact = 'windows.edition'; Value = $false }
                            @{ Kind = 'unknown'; Fact = 'windows.hypervisor_present'; Value = $false }
                        )
                    }
                    Verdict = 'PASS'; Sentence = 'Windows was asked.'; Evidence = @('windows.build')
                }
                @{
                    Verdict = 'WARN'; Sentence = 'Windows could not be asked: {windows.edition|reason}.'; Evidence = @('windows.edition')
                    Fix = @(
                        @{
                            text = 'Run the Windows half by itself.'
                            command = 'powershell -ExecutionPolicy Bypass -File powershell\doctor.ps1'; where = 'windows'
                        }
                    )
                }
            )
        }
        @{
            Name = 'cpu-virtualization'; Asks = 'Can this CPU run a hypervisor (VT-x / AMD-V and SLAT)?'; Needs = @()
            Causes = @('cpu-no-slat', 'cpu-no-virtualization', 'nested-virtualization-missing')
            Rules = @(
                @{
                    When = @{
                        Kind = 'all'; Fact = ''
                        Parts = @(
                            @{ Kind = 'is'; Fact = 'windows.hypervisor_present'; Value = $true }
                            @{ Kind = 'is'; Fact = 'windows.is_virtual_machine'; Value = $true }
                        )
                    }
                    Verdict = 'SKIP'; Sentence = 'Cannot be told from inside a virtual machine (see hypervisor).'
                    Evidence = @('windows.hypervisor_present', 'windows.is_virtual_machine')
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.hypervisor_present'; Value = $true }; Verdict = 'PASS'
                    Sentence = 'A hypervisor runs, which proves it.'
                    Evidence = @('windows.hypervisor_present', 'windows.is_virtual_machine')
                }
                @{
                    When = @{
                        Kind = 'all'; Fact = ''
                        Parts = @(
                            @{ Kind = 'is'; Fact = 'windows.is_virtual_machine'; Value = $true }
                            @{
                                Kind = 'any'; Fact = ''
                                Parts = @(
                                    @{ Kind = 'is'; Fact = 'windows.slat'; Value = $false }
                                    @{ Kind = 'is'; Fact = 'windows.vm_monitor'; Value = $false }
                                )
                            }
                        )
                    }
                    Verdict = 'FAIL'; Sentence = 'This Windows is a virtual machine that is given no CPU virtualization.'
                    Evidence = @('windows.slat', 'windows.vm_monitor', 'windows.cpu_name'); Fix = @('nested')
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.slat'; Value = $false }; Verdict = 'FAIL'
                    Sentence = 'This CPU has no second level address translation (SLAT): no WSL 2.'
                    Evidence = @('windows.slat', 'windows.vm_monitor', 'windows.cpu_name'); Fix = @('other-pc')
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.vm_monitor'; Value = $false }; Verdict = 'FAIL'
                    Sentence = 'This CPU has no VT-x / AMD-V: no WSL 2.'
                    Evidence = @('windows.slat', 'windows.vm_monitor', 'windows.cpu_name'); Fix = @('other-pc')
                }
                @{
                    When = @{
                        Kind = 'all'; Fact = ''
                        Parts = @(
                            @{ Kind = 'unknown'; Fact = 'windows.slat'; Value = $true }
                            @{ Kind = 'unknown'; Fact = 'windows.vm_monitor'; Value = $true }
                        )
                    }
                    Unknown = 'windows.slat'
                }
                @{
                    Verdict = 'PASS'; Sentence = 'The CPU has VT-x / AMD-V and SLAT.'
                    Evidence = @('windows.slat', 'windows.vm_monitor', 'windows.cpu_name')
                }
            )
        }
        @{
            Name = 'firmware-virtualization'; Asks = 'Is CPU virtualization on in the firmware?'; Needs = @('cpu-virtualization')
            Causes = @('firmware-virtualization-off')
            Rules = @(
                @{
                    When = @{
                        Kind = 'all'; Fact = ''
                        Parts = @(
                            @{ Kind = 'is'; Fact = 'windows.hypervisor_present'; Value = $true }
                            @{ Kind = 'is'; Fact = 'windows.is_virtual_machine'; Value = $true }
                        )
                    }
                    Verdict = 'SKIP'; Sentence = 'Cannot be told from inside a virtual machine (see hypervisor).'
                    Evidence = @('windows.hypervisor_present', 'windows.is_virtual_machine')
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.hypervisor_present'; Value = $true }; Verdict = 'PASS'
                    Sentence = 'A hypervisor runs, which proves it.'
                    Evidence = @('windows.hypervisor_present', 'windows.is_virtual_machine')
                }
                @{
                    When = @{ Kind = 'unknown'; Fact = 'windows.firmware_virtualization'; Value = $true }
                    Unknown = 'windows.firmware_virtualization'
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.firmware_virtualization'; Value = $true }; Verdict = 'PASS'
                    Sentence = 'CPU virtualization is on in the firmware.'
                    Evidence = @('windows.firmware_virtualization', 'windows.hypervisor_present')
                }
                @{
                    Verdict = 'FAIL'; Sentence = 'CPU virtualization is off in the firmware (BIOS/UEFI).'
                    Evidence = @('windows.firmware_virtualization', 'windows.hypervisor_present')
                    Fix = @('into-firmware', @{ made = 'set-virtualization' })
                }
            )
        }
        @{
            Name = 'firmware-nx'; Asks = 'Is no-execute (NX / XD / DEP) on in the firmware?'; Needs = @(); Causes = @('firmware-nx-off')
            Rules = @(
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.dep_available'; Value = $false }; Verdict = 'FAIL'
                    Sentence = 'No-execute (NX / XD / DEP) is off: the hypervisor cannot start.'; Evidence = @('windows.dep_available')
                    Fix = @('into-firmware', @{ made = 'set-nx' })
                }
                @{ When = @{ Kind = 'unknown'; Fact = 'windows.dep_available'; Value = $true }; Unknown = 'windows.dep_available' }
                @{ Verdict = 'PASS'; Sentence = 'No-execute is on.'; Evidence = @('windows.dep_available') }
            )
        }
        @{
            Name = 'hypervisor'; Asks = 'Does the Windows hypervisor run?'
            Needs = @('cpu-virtualization', 'firmware-virtualization', 'firmware-nx')
            Causes = @(
                'hypervisor-device-disabled'
                'feature-state-stale'
                'virtual-machine-platform-missing'
                'hypervisor-launch-off'
                'nested-virtualization-missing'
            )
            Rules = @(
                @{
                    When = @{ Kind = 'unknown'; Fact = 'windows.hypervisor_present'; Value = $true }; Unknown = 'windows.hypervisor_present'
                }
                @{
                    When = @{
                        Kind = 'all'; Fact = ''
                        Parts = @(
                            @{ Kind = 'is'; Fact = 'windows.hypervisor_present'; Value = $true }
                            @{ Kind = 'is'; Fact = 'windows.is_virtual_machine'; Value = $true }
                        )
                    }
                    Verdict = 'WARN'
                    Sentence = 'This Windows is a virtual machine: WSL 2 works only if its host passes CPU virtualization on.'
                    Evidence = @('windows.is_virtual_machine', 'windows.computer_manufacturer', 'windows.computer_model'); Fix = @('nested')
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.hypervisor_present'; Value = $true }; Verdict = 'PASS'
                    Sentence = 'The hypervisor runs.'; Evidence = @('windows.hypervisor_present', 'windows.hypervisor_launch_type')
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.hypervisor_launch_type'; Value = 'off' }; Verdict = 'FAIL'
                    Sentence = 'The hypervisor is told not to start (hypervisorlaunchtype off).'
                    Evidence = @('windows.hypervisor_present', 'windows.hypervisor_launch_type'); Fix = @('launch-hypervisor', 'restart')
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.hypervisor_device_disabled'; Value = $true }; Verdict = 'FAIL'
                    Sentence = 'The hypervisor''s driver is disabled in the device manager.'
                    Evidence = @('windows.hypervisor_device_disabled')
                    Fix = @(
                        @{
                            text = (
                                'In the device manager, under System devices, enable Microsoft Hyper-V Virtualization Infrastructure ' +
                                'Driver.'
                            )
                            command = 'devmgmt.msc'; where = 'windows'; needs_admin = $true; needs_restart = $true
                        }
                        'restart'
                    )
                }
                @{
                    When = @{
                        Kind = 'any'; Fact = ''
                        Parts = @(
                            @{ Kind = 'is'; Fact = 'windows.features.virtual_machine_platform'; Value = 'enable-pending' }
                            @{ Kind = 'is'; Fact = 'windows.reboot_pending'; Value = $true }
                        )
                    }
                    Verdict = 'SKIP'; Sentence = 'No hypervisor runs yet: Windows waits for a restart.'
                    Evidence = @('windows.hypervisor_present', 'windows.hypervisor_launch_type'); BlockedBy = 'pending-reboot'
                }
                @{
                    When = @{
                        Kind = 'any'; Fact = ''
                        Parts = @(
                            @{ Kind = 'less_than'; Fact = 'windows.build'; Value = 18362 }
                            @{
                                Kind = 'all'; Fact = ''
                                Parts = @(
                                    @{ Kind = 'one_of'; Fact = 'windows.build'; Value = @(18362, 18363) }
                                    @{
                                        Kind = 'any'; Fact = ''
                                        Parts = @(
                                            @{ Kind = 'less_than'; Fact = 'windows.revision'; Value = 1049 }
                                            @{ Kind = 'unknown'; Fact = 'windows.revision'; Value = $true }
                                        )
                                    }
                                )
                            }
                        )
                    }
                    Verdict = 'SKIP'; Sentence = 'No hypervisor runs: this Windows is too old for WSL 2.'
                    Evidence = @('windows.hypervisor_present', 'windows.hypervisor_launch_type'); BlockedBy = 'windows-build'
                }
                @{
                    When = @{
                        Kind = 'any'; Fact = ''
                        Parts = @(
                            @{
                                Kind = 'one_of'; Fact = 'windows.features.virtual_machine_platform'
                                Value = @('disabled', 'payload-removed', 'absent')
                            }
                            @{
                                Kind = 'all'; Fact = ''
                                Parts = @(
                                    @{ Kind = 'unknown'; Fact = 'windows.features.virtual_machine_platform'; Value = $true }
                                    @{
                                        Kind = 'any'; Fact = ''
                                        Parts = @(
                                            @{ Kind = 'is'; Fact = 'windows.services.vmcompute'; Value = 'absent' }
                                            @{ Kind = 'is'; Fact = 'windows.services.hns'; Value = 'absent' }
                                        )
                                    }
                                )
                            }
                        )
                    }
                    Verdict = 'SKIP'; Sentence = 'No hypervisor runs: the feature that brings it is off.'
                    Evidence = @('windows.hypervisor_present', 'windows.hypervisor_launch_type'); BlockedBy = 'virtual-machine-platform'
                }
                @{
                    When = @{
                        Kind = 'any'; Fact = ''
                        Parts = @(
                            @{ Kind = 'is'; Fact = 'windows.services.vmcompute'; Value = 'absent' }
                            @{ Kind = 'is'; Fact = 'windows.services.hns'; Value = 'absent' }
                        )
                    }
                    Verdict = 'SKIP'; Sentence = 'No hypervisor runs: the services that start it are missing.'
                    Evidence = @('windows.hypervisor_present', 'windows.hypervisor_launch_type'); BlockedBy = 'vm-services'
                }
                @{
                    Verdict = 'FAIL'; Sentence = 'The CPU and the firmware are ready, but no hypervisor was started.'
                    Evidence = @('windows.hypervisor_present', 'windows.hypervisor_launch_type'); Fix = @('launch-hypervisor', 'restart')
                }
            )
        }
        @{
            Name = 'virtual-machine-platform'; Asks = 'Is the Windows feature Virtual Machine Platform on?'; Needs = @()
            Causes = @('virtual-machine-platform-missing', 'hyperv-feature-partial')
            Rules = @(
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.features.virtual_machine_platform'; Value = 'enabled' }; Verdict = 'PASS'
                    Sentence = 'Virtual Machine Platform is on.'
                    Evidence = @('windows.features.virtual_machine_platform', 'windows.services.vmcompute', 'windows.services.hns')
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.features.virtual_machine_platform'; Value = 'enable-pending' }; Verdict = 'SKIP'
                    Sentence = 'Virtual Machine Platform comes on with the next restart.'
                    Evidence = @('windows.features.virtual_machine_platform', 'windows.services.vmcompute', 'windows.services.hns')
                    BlockedBy = 'pending-reboot'
                }
                @{
                    When = @{
                        Kind = 'all'; Fact = ''
                        Parts = @(
                            @{ Kind = 'unknown'; Fact = 'windows.features.virtual_machine_platform'; Value = $true }
                            @{
                                Kind = 'any'; Fact = ''
                                Parts = @(
                                    @{ Kind = 'is'; Fact = 'windows.services.vmcompute'; Value = 'absent' }
                                    @{ Kind = 'is'; Fact = 'windows.services.hns'; Value = 'absent' }
                                )
                            }
                        )
                    }
                    Verdict = 'FAIL'; Sentence = 'The services of Virtual Machine Platform are missing: the feature is off.'
                    Evidence = @('windows.features.virtual_machine_platform', 'windows.services.vmcompute', 'windows.services.hns')
                    Fix = @(@{ step = 'enable-feature'; with = @{ name = 'VirtualMachinePlatform' } }, 'restart')
                }
                @{
                    When = @{
                        Kind = 'all'; Fact = ''
                        Parts = @(
                            @{ Kind = 'unknown'; Fact = 'windows.features.virtual_machine_platform'; Value = $true }
                            @{
                                Kind = 'any'; Fact = ''
                                Parts = @(
                                    @{ Kind = 'unknown'; Fact = 'windows.services.vmcompute'; Value = $true }
                                    @{ Kind = 'unknown'; Fact = 'windows.services.hns'; Value = $true }
                                )
                            }
                        )
                    }
                    Unknown = 'windows.features.virtual_machine_platform'
                }
                @{
                    When = @{ Kind = 'unknown'; Fact = 'windows.features.virtual_machine_platform'; Value = $true }; Verdict = 'PASS'
                    Sentence = 'Its services are there.'
                    Evidence = @('windows.features.virtual_machine_platform', 'windows.services.vmcompute', 'windows.services.hns')
                }
                @{
                    When = @{
                        Kind = 'any'; Fact = ''
                        Parts = @(
                            @{ Kind = 'less_than'; Fact = 'windows.build'; Value = 18362 }
                            @{
                                Kind = 'all'; Fact = ''
                                Parts = @(
                                    @{ Kind = 'one_of'; Fact = 'windows.build'; Value = @(18362, 18363) }
                                    @{
                                        Kind = 'any'; Fact = ''
                                        Parts = @(
                                            @{ Kind = 'less_than'; Fact = 'windows.revision'; Value = 1049 }
                                            @{ Kind = 'unknown'; Fact = 'windows.revision'; Value = $true }
                                        )
                                    }
                                )
                            }
                        )
                    }
                    Verdict = 'SKIP'; Sentence = 'This Windows is too old to have it.'
                    Evidence = @('windows.features.virtual_machine_platform', 'windows.services.vmcompute', 'windows.services.hns')
                    BlockedBy = 'windows-build'
                }
                @{
                    Verdict = 'FAIL'; Sentence = 'The Windows feature Virtual Machine Platform is off.'
                    Evidence = @('windows.features.virtual_machine_platform', 'windows.services.vmcompute', 'windows.services.hns')
                    Fix = @(@{ step = 'enable-feature'; with = @{ name = 'VirtualMachinePlatform' } }, 'restart')
                }
            )
        }
        @{
            Name = 'wsl-feature'; Asks = 'Is the Windows feature for Linux on, where this Windows needs it?'; Needs = @()
            Causes = @('wsl-feature-missing')
            Rules = @(
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.features.wsl'; Value = 'enabled' }; Verdict = 'PASS'
                    Sentence = 'The feature Windows Subsystem for Linux is on.'
                    Evidence = @('windows.features.wsl', 'windows.build', 'wsl.is_inbox')
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.features.wsl'; Value = 'enable-pending' }; Verdict = 'SKIP'
                    Sentence = 'The feature comes on with the next restart.'
                    Evidence = @('windows.features.wsl', 'windows.build', 'wsl.is_inbox'); BlockedBy = 'pending-reboot'
                }
                @{
                    When = @{ Kind = 'not'; Fact = ''; Parts = @(@{ Kind = 'less_than'; Fact = 'windows.build'; Value = 22000 }) }
                    Unless = @{
                        Kind = 'any'; Fact = ''
                        Parts = @(
                            @{ Kind = 'is'; Fact = 'wsl.is_inbox'; Value = $true }
                            @{ Kind = 'is'; Fact = 'wsl.default_distribution_version'; Value = 1 }
                        )
                    }
                    Verdict = 'PASS'; Sentence = 'WSL 2 on this Windows does not need it.'
                    Evidence = @('windows.features.wsl', 'windows.build', 'wsl.is_inbox')
                }
                @{
                    When = @{
                        Kind = 'all'; Fact = ''
                        Parts = @(
                            @{ Kind = 'unknown'; Fact = 'windows.build'; Value = $true }
                            @{ Kind = 'unknown'; Fact = 'windows.features.wsl'; Value = $true }
                        )
                    }
                    Unknown = 'windows.build'
                }
                @{
                    When = @{ Kind = 'unknown'; Fact = 'windows.build'; Value = $true }
                    Unless = @{
                        Kind = 'any'; Fact = ''
                        Parts = @(
                            @{ Kind = 'is'; Fact = 'wsl.is_inbox'; Value = $true }
                            @{ Kind = 'is'; Fact = 'wsl.default_distribution_version'; Value = 1 }
                        )
                    }
                    Unknown = 'windows.build'
                }
                @{ When = @{ Kind = 'unknown'; Fact = 'windows.features.wsl'; Value = $true }; Unknown = 'windows.features.wsl' }
                @{
                    Verdict = 'FAIL'; Sentence = 'The Windows feature Windows Subsystem for Linux is off, and this Windows needs it.'
                    Evidence = @('windows.features.wsl', 'windows.build', 'wsl.is_inbox')
                    Fix = @(@{ step = 'enable-feature'; with = @{ name = 'Microsoft-Windows-Subsystem-Linux' } }, 'restart')
                }
            )
        }
        @{
            Name = 'vm-services'; Asks = 'Are the services that start virtual machines there and not disabled?'
            Needs = @('virtual-machine-platform')
            Causes = @(
                'vmcompute-not-running'
                'exploit-protection-cfg'
                'vm-logon-right-missing'
                'feature-state-stale'
                'hyperv-feature-partial'
            )
            Rules = @()
            Findings = @{
                disabled = @{ Verdict = 'FAIL'; Sentence = 'Disabled: {names}.'; Evidence = @() }
                waiting = @{
                    Verdict = 'SKIP'; Sentence = 'Missing until Windows has restarted.'; Evidence = @(); BlockedBy = 'pending-reboot'
                }
                missing = @{
                    Verdict = 'FAIL'; Sentence = 'Virtual Machine Platform is listed as on, but {names} is missing.'; Evidence = @()
                    Fix = @(
                        @{ step = 'disable-feature'; with = @{ name = 'VirtualMachinePlatform' } }
                        'restart'
                        @{ step = 'enable-feature'; with = @{ name = 'VirtualMachinePlatform' } }
                        'restart'
                    )
                }
                'cfg-off' = @{
                    Verdict = 'FAIL'
                    Sentence = 'Exploit protection switches control flow guard off for vmcompute, which then refuses to start.'
                    Evidence = @(); Fix = @('restore-cfg')
                }
                'no-logon-right' = @{
                    Verdict = 'FAIL'; Sentence = 'A policy took the right to log on as a service from virtual machines.'; Evidence = @()
                    Fix = @('restore-logon-right')
                }
                fine = @{ Verdict = 'PASS'; Sentence = 'The services that start virtual machines are there.'; Evidence = @() }
            }
        }
        @{
            Name = 'wsl-service'; Asks = 'Is the WSL service there and not disabled?'; Needs = @(); Causes = @('wsl-service-disabled')
            Rules = @(
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.services.wslservice'; Value = 'disabled' }; Verdict = 'FAIL'
                    Sentence = 'The service wslservice is disabled.'
                    Evidence = @('windows.services.wslservice', 'windows.services.lxssmanager')
                    Fix = @(@{ step = 'allow-service'; with = @{ name = 'wslservice'; how = 'demand' } }, 'restart')
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.services.lxssmanager'; Value = 'disabled' }; Verdict = 'FAIL'
                    Sentence = 'The service LxssManager is disabled.'
                    Evidence = @('windows.services.wslservice', 'windows.services.lxssmanager')
                    Fix = @(@{ step = 'allow-service'; with = @{ name = 'LxssManager'; how = 'demand' } }, 'restart')
                }
                @{
                    When = @{
                        Kind = 'all'; Fact = ''
                        Parts = @(
                            @{ Kind = 'is'; Fact = 'windows.services.wslservice'; Value = 'absent' }
                            @{ Kind = 'is'; Fact = 'windows.services.lxssmanager'; Value = 'absent' }
                        )
                    }
                    Verdict = 'SKIP'; Sentence = 'There is no WSL service: WSL is not installed.'
                    Evidence = @('windows.services.wslservice', 'windows.services.lxssmanager'); BlockedBy = 'wsl-version'
                }
                @{
                    When = @{
                        Kind = 'all'; Fact = ''
                        Parts = @(
                            @{ Kind = 'unknown'; Fact = 'windows.services.wslservice'; Value = $true }
                            @{ Kind = 'unknown'; Fact = 'windows.services.lxssmanager'; Value = $true }
                        )
                    }
                    Unknown = 'windows.services.wslservice'
                }
                @{
                    Verdict = 'PASS'; Sentence = 'The WSL service may start.'
                    Evidence = @('windows.services.wslservice', 'windows.services.lxssmanager')
                }
            )
        }
        @{
            Name = 'network-services'; Asks = 'Are the services behind WSL''s network not disabled?'; Needs = @()
            Causes = @('hns-ics-disabled'); Rules = @()
            Findings = @{
                disabled = @{
                    Verdict = 'FAIL'; Sentence = 'Disabled: {names}. Without it WSL may get no network.'; Evidence = @(); Fix = @('restart')
                }
                'disabled-yet-running' = @{
                    Verdict = 'WARN'; Sentence = 'Disabled: {names}. Without it WSL may get no network.'; Evidence = @(); Fix = @('restart')
                }
                fine = @{ Verdict = 'PASS'; Sentence = 'The services behind WSL''s network may start.'; Evidence = @() }
            }
        }
        @{
            Name = 'pending-reboot'; Asks = 'Has Windows finished installing, with no restart pending?'; Needs = @()
            Causes = @('reboot-pending')
            Rules = @(
                @{
                    When = @{ Kind = 'unknown'; Fact = 'windows.reboot_pending'; Value = $true }
                    Unless = @{
                        Kind = 'any'; Fact = ''
                        Parts = @(
                            @{ Kind = 'is'; Fact = 'windows.features.virtual_machine_platform'; Value = 'enable-pending' }
                            @{ Kind = 'is'; Fact = 'windows.features.wsl'; Value = 'enable-pending' }
                        )
                    }
                    Unknown = 'windows.reboot_pending'
                }
                @{
                    When = @{
                        Kind = 'any'; Fact = ''
                        Parts = @(
                            @{ Kind = 'is'; Fact = 'windows.features.virtual_machine_platform'; Value = 'enable-pending' }
                            @{ Kind = 'is'; Fact = 'windows.features.wsl'; Value = 'enable-pending' }
                        )
                    }
                    Verdict = 'FAIL'; Sentence = 'Windows must restart before WSL can work.'
                    Evidence = @('windows.reboot_pending', 'windows.reboot_reasons'); Fix = @('restart')
                }
                @{
                    When = @{
                        Kind = 'all'; Fact = ''
                        Parts = @(
                            @{ Kind = 'is'; Fact = 'windows.reboot_pending'; Value = $true }
                            @{ Kind = 'is'; Fact = 'windows.hypervisor_present'; Value = $false }
                        )
                    }
                    Verdict = 'FAIL'; Sentence = 'Windows must restart before WSL can work.'
                    Evidence = @('windows.reboot_pending', 'windows.reboot_reasons'); Fix = @('restart')
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.reboot_pending'; Value = $true }; Verdict = 'WARN'
                    Sentence = 'Windows waits for a restart.'; Evidence = @('windows.reboot_pending', 'windows.reboot_reasons')
                    Fix = @('restart')
                }
                @{ Verdict = 'PASS'; Sentence = 'No restart is pending.'; Evidence = @('windows.reboot_pending', 'windows.reboot_reasons') }
            )
        }
        @{
            Name = 'wsl-version'; Asks = 'Is WSL installed, with a kernel, and recent enough?'; Needs = @()
            Causes = @('wsl-not-installed', 'kernel-update-missing', 'wsl-package-broken', 'wsl-package-outdated')
            Rules = @(
                @{
                    When = @{
                        Kind = 'any'; Fact = ''
                        Parts = @(
                            @{ Kind = 'less_than'; Fact = 'windows.build'; Value = 18362 }
                            @{
                                Kind = 'all'; Fact = ''
                                Parts = @(
                                    @{ Kind = 'one_of'; Fact = 'windows.build'; Value = @(18362, 18363) }
                                    @{
                                        Kind = 'any'; Fact = ''
                                        Parts = @(
                                            @{ Kind = 'less_than'; Fact = 'windows.revision'; Value = 1049 }
                                            @{ Kind = 'unknown'; Fact = 'windows.revision'; Value = $true }
                                        )
                                    }
                                )
                            }
                        )
                    }
                    Verdict = 'SKIP'; Sentence = 'This Windows is too old for WSL 2.'
                    Evidence = @('wsl.is_installed', 'wsl.version', 'wsl.kernel', 'wsl.is_inbox'); BlockedBy = 'windows-build'
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'wsl.is_installed'; Value = $false }; Verdict = 'FAIL'; Sentence = 'WSL is not installed.'
                    Evidence = @('wsl.is_installed', 'wsl.version', 'wsl.kernel', 'wsl.is_inbox')
                    Fix = @(
                        @{
                            text = 'Install WSL and Ubuntu.'; command = 'wsl --install'; where = 'windows'; needs_admin = $true
                            needs_restart = $true
                        }
                    )
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'wsl.kernel'; Value = 'absent' }
                    Unless = @{ Kind = 'is'; Fact = 'linux.wsl_version'; Value = 2 }; Verdict = 'FAIL'
                    Sentence = 'The Linux kernel of WSL 2 is missing.'
                    Evidence = @('wsl.is_installed', 'wsl.version', 'wsl.kernel', 'wsl.is_inbox'); Fix = @('update-wsl')
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'wsl.is_inbox'; Value = $true }; Verdict = 'WARN'
                    Sentence = 'This is the old WSL that came with Windows; the package is newer and better.'
                    Evidence = @('wsl.is_installed', 'wsl.version', 'wsl.kernel', 'wsl.is_inbox'); Fix = @('update-wsl')
                }
                @{ When = @{ Kind = 'unknown'; Fact = 'wsl.version'; Value = $true }; Unknown = 'wsl.version' }
                @{
                    When = @{ Kind = 'less_than'; Fact = 'wsl.version'; Value = '1.0' }; Verdict = 'WARN'
                    Sentence = 'WSL {wsl.version} is old.'; Evidence = @('wsl.is_installed', 'wsl.version', 'wsl.kernel', 'wsl.is_inbox')
                    Fix = @('update-wsl')
                }
                @{
                    When = @{
                        Kind = 'any'; Fact = ''
                        Parts = @(
                            @{ Kind = 'unknown'; Fact = 'wsl.kernel'; Value = $true }
                            @{ Kind = 'is'; Fact = 'wsl.kernel'; Value = '' }
                        )
                    }
                    Verdict = 'PASS'; Sentence = 'WSL {wsl.version}.'
                    Evidence = @('wsl.is_installed', 'wsl.version', 'wsl.kernel', 'wsl.is_inbox')
                }
                @{
                    Verdict = 'PASS'; Sentence = 'WSL {wsl.version}, kernel {wsl.kernel}.'
                    Evidence = @('wsl.is_installed', 'wsl.version', 'wsl.kernel', 'wsl.is_inbox')
                }
            )
        }
        @{
            Name = 'distribution-version-2'; Asks = 'Is there a Linux distribution, under WSL 2?'; Needs = @('wsl-version')
            Causes = @('cuda-wsl1', 'no-distribution-installed')
            Rules = @(
                @{
                    When = @{ Kind = 'is'; Fact = 'wsl.distribution_count'; Value = 0 }; Verdict = 'FAIL'
                    Sentence = 'No Linux distribution is installed for this user.'; Evidence = @('wsl.distribution_count')
                    Fix = @(@{ text = 'Install one.'; command = 'wsl --install -d Ubuntu'; where = 'windows' })
                }
                @{
                    When = @{ Kind = 'unknown'; Fact = 'wsl.default_distribution_version'; Value = $true }
                    Unknown = 'wsl.default_distribution_version'
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'wsl.default_distribution_version'; Value = 1 }; Verdict = 'FAIL'
                    Sentence = 'This distribution runs under WSL 1, which has no way to a GPU.'
                    Evidence = @('wsl.default_distribution', 'wsl.default_distribution_version')
                    Fix = @(@{ made = 'convert-distribution' }, 'version-2-for-new-ones')
                }
                @{
                    Verdict = 'PASS'; Sentence = 'The distribution runs under WSL 2.'
                    Evidence = @('wsl.default_distribution', 'wsl.default_distribution_version')
                }
            )
        }
        @{
            Name = 'distribution-disk'; Asks = 'Are the distributions'' disks there and readable?'; Needs = @()
            Causes = @('vhd-missing', 'vhd-compressed-or-encrypted')
            Rules = @(
                @{
                    When = @{ Kind = 'is'; Fact = 'wsl.vhd_missing'; Value = $true }; Verdict = 'FAIL'
                    Sentence = 'A distribution is registered whose virtual disk is gone.'
                    Evidence = @('wsl.vhd_missing', 'wsl.distributions')
                    Fix = @(
                        @{ text = 'Put the file ext4.vhdx back, from a backup, into the folder of the distribution.'; where = 'windows' }
                        @{
                            text = 'Or give that distribution up, and install it afresh.'; command = 'wsl --unregister NAME'
                            where = 'windows'; risk = 'whatever was in it is lost'
                        }
                    )
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'wsl.vhd_encrypted_or_compressed'; Value = $true }; Verdict = 'FAIL'
                    Sentence = 'A distribution''s virtual disk is encrypted or compressed by Windows, which WSL refuses.'
                    Evidence = @('wsl.vhd_encrypted_or_compressed', 'wsl.distributions')
                    Fix = @(
                        'shutdown-wsl'
                        @{ text = 'In the folder of ext4.vhdx, undo the compression.'; command = 'compact /u ext4.vhdx'; where = 'windows' }
                        @{ text = 'And the encryption.'; command = 'cipher /d ext4.vhdx'; where = 'windows' }
                    )
                }
                @{
                    When = @{
                        Kind = 'all'; Fact = ''
                        Parts = @(
                            @{ Kind = 'unknown'; Fact = 'wsl.vhd_missing'; Value = $true }
                            @{ Kind = 'unknown'; Fact = 'wsl.vhd_encrypted_or_compressed'; Value = $true }
                        )
                    }
                    Unknown = 'wsl.vhd_missing'
                }
                @{
                    Verdict = 'PASS'; Sentence = 'The distributions'' disks are there.'
                    Evidence = @('wsl.vhd_missing', 'wsl.vhd_encrypted_or_compressed')
                }
            )
        }
        @{
            Name = 'windows-build'; Asks = 'Is Windows new enough for the GPU in WSL (19044)?'; Needs = @()
            Causes = @('windows-build-too-old', 'cuda-windows-build-too-old')
            Rules = @(
                @{ When = @{ Kind = 'unknown'; Fact = 'windows.build'; Value = $true }; Unknown = 'windows.build' }
                @{
                    When = @{
                        Kind = 'any'; Fact = ''
                        Parts = @(
                            @{ Kind = 'less_than'; Fact = 'windows.build'; Value = 18362 }
                            @{
                                Kind = 'all'; Fact = ''
                                Parts = @(
                                    @{ Kind = 'one_of'; Fact = 'windows.build'; Value = @(18362, 18363) }
                                    @{
                                        Kind = 'any'; Fact = ''
                                        Parts = @(
                                            @{ Kind = 'less_than'; Fact = 'windows.revision'; Value = 1049 }
                                            @{ Kind = 'unknown'; Fact = 'windows.revision'; Value = $true }
                                        )
                                    }
                                )
                            }
                        )
                    }
                    Verdict = 'FAIL'; Sentence = 'Windows build {windows.build} is too old for WSL 2.'
                    Evidence = @('windows.build', 'windows.revision'); Fix = @('update-windows')
                }
                @{
                    When = @{ Kind = 'less_than'; Fact = 'windows.build'; Value = 19044 }; Verdict = 'FAIL'
                    Sentence = 'Windows build {windows.build} cannot give its GPU to WSL: that needs 19044 (21H2) or Windows 11.'
                    Evidence = @('windows.build', 'windows.revision'); Fix = @('update-windows', 'update-wsl')
                }
                @{
                    When = @{ Kind = 'less_than'; Fact = 'windows.build'; Value = 22000 }; Verdict = 'PASS'
                    Sentence = 'Windows 10, build {windows.build}.'; Evidence = @('windows.build', 'windows.revision')
                }
                @{ Verdict = 'PASS'; Sentence = 'Windows 11, build {windows.build}.'; Evidence = @('windows.build', 'windows.revision') }
            )
        }
        @{
            Name = 'windows-driver'; Asks = 'Does Windows have an NVIDIA GPU and a recent enough driver?'; Needs = @()
            Causes = @('cuda-driver-too-old', 'cuda-windows-driver-missing'); Rules = @()
            Findings = @{
                'no-gpu' = @{
                    Verdict = 'WARN'; Sentence = 'Windows has no NVIDIA GPU: dreamrig will draw on the CPU.'; Evidence = @()
                    Fix = @('no-gpu'); Stops = $true
                }
                'no-driver' = @{
                    Verdict = 'FAIL'; Sentence = 'Windows has no NVIDIA driver for {gpu}.'; Evidence = @(); Fix = @('windows-driver')
                }
                'too-old' = @{
                    Verdict = 'FAIL'; Sentence = 'The NVIDIA driver {driver} is too old: WSL on this GPU needs {least}.'; Evidence = @()
                    Fix = @('windows-driver', 'shutdown-wsl')
                }
                'old-gpu' = @{
                    Verdict = 'WARN'; Sentence = '{gpu} is older than Pascal: CUDA in WSL does not support it.'; Evidence = @()
                    Fix = @('no-gpu')
                }
                fine = @{ Verdict = 'PASS'; Sentence = '{gpu}, driver {driver}.'; Evidence = @() }
            }
        }
        @{
            Name = 'driver-model'; Asks = 'Is the GPU in the driver model that WSL can use (WDDM)?'; Needs = @('windows-driver')
            Causes = @('cuda-gpu-tcc-mode')
            Rules = @(
                @{
                    When = @{ Kind = 'unknown'; Fact = 'windows.nvidia_driver_model'; Value = $true }
                    Unknown = 'windows.nvidia_driver_model'
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.nvidia_driver_model'; Value = 'wddm' }; Verdict = 'PASS'
                    Sentence = 'The GPU is in WDDM mode.'; Evidence = @('windows.nvidia_driver_model', 'windows.nvidia_gpus')
                }
                @{
                    When = @{ Kind = 'is'; Fact = 'windows.nvidia_driver_model'; Value = 'mixed' }; Verdict = 'WARN'
                    Sentence = 'Not every GPU is in WDDM mode; the others do not reach WSL.'
                    Evidence = @('windows.nvidia_driver_model', 'windows.nvidia_gpus'); Fix = @(@{ made = 'to-wddm' })
                }
                @{
                    Verdict = 'FAIL'; Sentence = 'The GPU is in {windows.nvidia_driver_model|capitals} mode and does not reach WSL.'
                    Evidence = @('windows.nvidia_driver_model', 'windows.nvidia_gpus'); Fix = @(@{ made = 'to-wddm' })
                }
            )
        }
        @{
            Name = 'disk-space'; Asks = 'Is there room for weights and pictures?'; Needs = @(); Causes = @('disk-full'); Rules = @()
            Findings = @{
                full = @{ Verdict = 'FAIL'; Sentence = 'Only {mib} MiB are free{where}.'; Evidence = @(); Fix = @('make-room') }
                little = @{ Verdict = 'WARN'; Sentence = 'Only {gib} GiB are free{where}.'; Evidence = @(); Fix = @('make-room') }
                fine = @{ Verdict = 'PASS'; Sentence = '{gib} GiB are free{where}.'; Evidence = @() }
            }
        }
        @{
            Name = 'memory'; Asks = 'Is there enough memory?'; Needs = @(); Causes = @()
            Rules = @(
                @{ When = @{ Kind = 'unknown'; Fact = 'windows.memory_mib'; Value = $true }; Unknown = 'windows.memory_mib' }
                @{
                    When = @{ Kind = 'not'; Fact = ''; Parts = @(@{ Kind = 'less_than'; Fact = 'windows.memory_mib'; Value = 4096 }) }
                    Verdict = 'PASS'; Sentence = '{windows.memory_mib|whole_gib} GiB of memory.'; Evidence = @('windows.memory_mib')
                }
                @{
                    Verdict = 'WARN'; Sentence = 'Only {windows.memory_mib|gib} GiB of memory: large pictures will not fit.'
                    Evidence = @('windows.memory_mib')
                    Fix = @(@{ text = 'Draw smaller pictures.'; command = 'dreamrig generate --size 128 ...' })
                }
            )
        }
        @{
            Name = 'wslconfig'; Asks = 'Is .wslconfig readable and free of mistakes?'; Needs = @()
            Causes = @('wslconfig-encoding', 'wslconfig-wrong-place', 'wslconfig-invalid')
            Rules = @(
                @{
                    When = @{ Kind = 'is'; Fact = 'wsl.wslconfig_encoding'; Value = 'absent' }; Verdict = 'PASS'
                    Sentence = 'There is no .wslconfig, and none is needed.'
                    Evidence = @('wsl.wslconfig_problems', 'wsl.wslconfig_encoding')
                }
                @{ When = @{ Kind = 'unknown'; Fact = 'wsl.wslconfig_problems'; Value = $true }; Unknown = 'wsl.wslconfig_problems' }
                @{
                    When = @{ Kind = 'absent'; Fact = 'wsl.wslconfig_problems'; Value = $false }; Verdict = 'WARN'
                    Sentence = '.wslconfig: {wsl.wslconfig_problems|several}.'
                    Evidence = @('wsl.wslconfig_problems', 'wsl.wslconfig_encoding')
                    Fix = @(@{ step = 'edit-wslconfig'; with = @{ what = 'correct what is listed.' } }, 'shutdown-wsl')
                }
                @{
                    When = @{ Kind = 'one_of'; Fact = 'wsl.wslconfig_encoding'; Value = @('utf-16', 'other') }; Verdict = 'WARN'
                    Sentence = '.wslconfig is not UTF-8: WSL may ignore it.'
                    Evidence = @('wsl.wslconfig_problems', 'wsl.wslconfig_encoding')
                    Fix = @(
                        @{ step = 'edit-wslconfig'; with = @{ what = 'save it as UTF-8 (in Notepad: Save as, Encoding).' } }
                        'shutdown-wsl'
                    )
                }
                @{
                    Verdict = 'PASS'; Sentence = '.wslconfig has no mistakes.'
                    Evidence = @('wsl.wslconfig_problems', 'wsl.wslconfig_encoding')
                }
            )
        }
    )
}

function Get-CheckStepTable {
    <#
    .SYNOPSIS
    Returns name -> step, with the words still to be filled in.
    #>
    [OutputType([hashtable])]
    param()
    @{
        restart = @{
            text = 'Restart Windows: Restart, not Shut down, which may only hibernate it.'; command = 'shutdown /r /t 0'; where = 'windows'
            needs_restart = $true; risk = 'closes every program'
        }
        'shutdown-wsl' = @{
            text = 'End WSL, so that it starts afresh.'; command = 'wsl --shutdown'; where = 'windows'; risk = 'ends all distributions'
        }
        'update-wsl' = @{ text = 'Bring WSL up to date.'; command = 'wsl --update'; where = 'windows' }
        'update-windows' = @{
            text = 'Install all updates, in Settings > Windows Update.'; command = 'start ms-settings:windowsupdate'; where = 'windows'
        }
        'windows-driver' = @{
            text = 'Install the newest NVIDIA driver on Windows, never inside Linux: https://www.nvidia.com/Download/index.aspx'
            where = 'windows'; needs_admin = $true
        }
        'no-gpu' = @{ text = 'Nothing is broken. For speed, use a PC with an NVIDIA GPU, or Google Colab.' }
        'into-firmware' = @{
            text = 'Restart into the firmware setup (BIOS/UEFI).'; command = 'shutdown /r /fw /t 0'; where = 'windows'; needs_admin = $true
            needs_restart = $true
            risk = 'BitLocker may ask for its recovery key afterwards: have it at hand, or suspend BitLocker for one boot'
        }
        nested = @{
            text = (
                'On the host, with this virtual machine off: expose the CPU''s virtualization to it (Hyper-V as shown; VMware: Virtual' +
                'ize Intel VT-x/EPT or AMD-V/RVI; KVM: nested=1 and host-passthrough; in a cloud: a size that allows it).'
            )
            command = 'Set-VMProcessor -VMName NAME -ExposeVirtualizationExtensions $true'; where = 'host'; needs_admin = $true
            undo = 'Set-VMProcessor -VMName NAME -ExposeVirtualizationExtensions $false'
        }
        'other-pc' = @{ text = 'Use WSL 1 without a GPU, or another PC.' }
        'launch-hypervisor' = @{
            text = 'Let Windows start its hypervisor at boot.'; command = 'bcdedit /set hypervisorlaunchtype auto'; where = 'windows'
            needs_admin = $true; needs_restart = $true; risk = 'old VirtualBox and VMware versions and some anti-cheat programs need it off'
            undo = 'bcdedit /set hypervisorlaunchtype off'
        }
        'enable-feature' = @{
            text = 'Turn the Windows feature {name} on.'; command = 'dism /online /enable-feature /featurename:{name} /all /norestart'
            where = 'windows'; needs_admin = $true; needs_restart = $true
            undo = 'dism /online /disable-feature /featurename:{name} /norestart'
        }
        'disable-feature' = @{
            text = 'Turn the half-installed feature {name} off.'; command = 'dism /online /disable-feature /featurename:{name} /norestart'
            where = 'windows'; needs_admin = $true; needs_restart = $true
        }
        'allow-service' = @{
            text = 'Allow the service {name} to start.'; command = 'sc.exe config {name} start= {how}'; where = 'windows'
            needs_admin = $true; undo = 'sc.exe config {name} start= disabled'
        }
        'restore-cfg' = @{
            text = 'Turn control flow guard on for vmcompute again (Windows Security > App & browser control > Exploit protection).'
            command = 'Set-ProcessMitigation -Name vmcompute.exe -Enable CFG'; where = 'windows'; needs_admin = $true
        }
        'restore-logon-right' = @{
            text = (
                'In the policy Log on as a service, add NT VIRTUAL MACHINE\Virtual Machines (S-1-5-83-0); until then restart the serv' +
                'ice, which gives the right back for a while.'
            )
            command = 'Restart-Service vmcompute -Force'; where = 'windows'; needs_admin = $true
        }
        'edit-wslconfig' = @{
            text = 'In %UserProfile%\.wslconfig: {what}'; command = 'notepad %UserProfile%\.wslconfig'; where = 'windows'
        }
        'edit-wsl-conf' = @{ text = 'In /etc/wsl.conf: {what}'; command = 'sudo nano /etc/wsl.conf'; where = 'wsl'; needs_admin = $true }
        'convert-distribution' = @{
            text = 'Convert it, which takes minutes.'; command = 'wsl --set-version {wsl.default_distribution} 2'; where = 'windows'
            risk = 'keep a copy first: wsl --export NAME backup.tar'; undo = 'wsl --set-version {wsl.default_distribution} 1'
        }
        'convert-some-distribution' = @{
            text = 'Convert it, which takes minutes; wsl -l -v shows its name.'; command = 'wsl --set-version NAME 2'; where = 'windows'
            risk = 'keep a copy first: wsl --export NAME backup.tar'; undo = 'wsl --set-version NAME 1'
        }
        'version-2-for-new-ones' = @{
            text = 'Make WSL 2 the default for new ones.'; command = 'wsl --set-default-version 2'; where = 'windows'
        }
        'list-driver-models' = @{
            text = 'See which GPU is in which mode.'; command = 'nvidia-smi --query-gpu=index,name,driver_model.current --format=csv'
            where = 'windows'
        }
        'to-wddm' = @{
            text = 'Put it in WDDM mode (some data-centre cards cannot).'; command = 'nvidia-smi -i 0 -dm 0'; where = 'windows'
            needs_admin = $true; needs_restart = $true; undo = 'nvidia-smi -i 0 -dm 1'
        }
        'one-to-wddm' = @{
            text = 'Put that one, N, in WDDM mode.'; command = 'nvidia-smi -i N -dm 0'; where = 'windows'; needs_admin = $true
            needs_restart = $true; undo = 'nvidia-smi -i N -dm 1'
        }
        'read-windows-facts' = @{
            text = 'Read the facts on Windows, from the folder of dreamrig.'
            command = 'powershell -ExecutionPolicy Bypass -File powershell\doctor.ps1 -Facts -Json > facts.json'; where = 'windows'
        }
        'give-windows-facts' = @{ text = 'Give them to the doctor here.'; command = 'dreamrig doctor --facts facts.json'; where = 'wsl' }
        'make-room' = @{ text = 'Make room, or put the data where there is some.'; command = 'export DREAMRIG_HOME=/folder/with/room' }
        'own-environment' = @{ text = 'Run dreamrig in an environment of its own: ./rig makes one.'; command = './rig doctor' }
        'look-at-path' = @{
            text = 'Or take the other folder out of PYTHONPATH, or leave it, before you start dreamrig.'; command = 'unset PYTHONPATH'
        }
    }
}
