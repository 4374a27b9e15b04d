"""Scenarios of the reading side: every branch of the causal tree, and every way in which a query may fail.

Each is a PC and what must be known about it. They are played once per edition: facts, findings and diagnoses together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from simulated_machine import (
    COMPONENT_RESTART,
    CURRENT_VERSION,
    DEVICE_GUARD,
    HYPER_V,
    PLATFORM,
    STAGED,
    SUBSYSTEM,
    State,
    fresh,
    ready,
)
from simulated_pc import SimulatedWindows

DENIED = {"message": "Zugriff verweigert", "hresult": "0x80041003"}
NOT_REGISTERED = {"message": "Klasse nicht registriert", "hresult": "0x80040154"}
NO_SUCH_CLASS = {"message": "Ung\u00fcltige Klasse", "hresult": "0x80041010"}
DISK = "C:\\Users\\J\u00f6rg M\u00fcller\\AppData\\Local\\Packages\\Ubuntu_79rhkp1fndgsc\\LocalState\\ext4.vhdx"
UNINSTALL = "HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\"
RENAMES = "HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Session Manager"
WINDOWS_10 = {CURRENT_VERSION: {"CurrentBuild": "19045", "EditionID": "Professional", "UBR": 3803}}


@dataclass(frozen=True)
class Read:
    """A PC, its .wslconfig, and what must come out.

    facts: dotted path -> value.   unknown: dotted path -> reason.   broken: the first broken link, None for none.
    cause: what is the matter with it.
    """

    state: State
    facts: Mapping[str, Any] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    broken: str | None = None
    cause: str | None = None
    wslconfig: bytes | None = None
    inbox_kernel: bool = False


def inbox(kernel: str = "x", **patch: Any) -> State:
    """Windows 10 with the WSL that came with it."""
    return fresh(
        wsl={
            "kind": "inbox",
            "distributions": [{"name": "Ubuntu", "version": 2, "base_path": DISK[: -len("\\ext4.vhdx")]}],
        },
        files={DISK: {"Attributes": "Archive"}, DISK[: -len("\\ext4.vhdx")]: {"Attributes": "Directory"}},
        registry=WINDOWS_10,
        **{"features": {PLATFORM: "Enabled", SUBSYSTEM: "Enabled"}, **patch},
    )


READS: Mapping[str, Read] = {
    "healthy": Read(
        ready(),
        {
            "windows.build": 26100, "windows.revision": 4349, "windows.edition": "Core",
                "windows.has_home_edition": True,
            "windows.architecture": "x64", "windows.language": "en-US", "windows.is_elevated": False,
            "windows.hypervisor_present": True, "windows.firmware_virtualization": None, "windows.slat": None,
            "windows.features.virtual_machine_platform": "enabled", "windows.features.hyper_v": "absent",
            "windows.services.vfpext": "stopped", "windows.services.wslservice": "running",
            "windows.reboot_pending": False, "windows.reboot_reasons": [], "windows.memory_mib": 32691,
            "windows.system_drive_free_mib": 204800, "windows.is_laptop": False, "windows.is_virtual_machine": False,
            "windows.board_manufacturer": "ASUSTeK COMPUTER INC.", "windows.cpu_vendor": "amd", "windows.conflicts": [],
            "windows.nvidia_gpus": ["NVIDIA GeForce RTX 3090"], "windows.nvidia_driver": "552.86",
            "windows.nvidia_driver_model": "wddm", "wsl.version": "2.4.13.0", "wsl.kernel": "5.15.167.4-1",
            "wsl.is_inbox": False, "wsl.distribution_count": 1, "wsl.default_distribution": "Ubuntu",
            "wsl.vhd_missing": False, "wsl.wslconfig_encoding": "absent", "wsl.wslconfig_problems": [],
        },
        {
            "windows.hypervisor_launch_type": "denied", "windows.bitlocker_on": "denied",
                "windows.vm_logon_right": "denied",
            "windows.slat": "failed: it reads False while a hypervisor runs, and means nothing then",
        },
    ),
    "bare": Read(
        fresh(),
        {
            "windows.hypervisor_present": False, "windows.firmware_virtualization": True, "windows.slat": True,
            "windows.features.virtual_machine_platform": "disabled", "windows.services.vmcompute": "absent",
            "wsl.is_installed": False, "wsl.distribution_count": 0, "wsl.distributions": [],
        },
        {"wsl.version": "absent", "wsl.default_distribution": "absent"},
        broken="virtual-machine-platform", cause="virtual-machine-platform-missing",
    ),
    "firmware off": Read(
        ready(hardware={"firmware_virtualization": False}),
        {"windows.hypervisor_present": False, "windows.firmware_virtualization": False, "windows.vm_monitor": True},
        broken="firmware-virtualization", cause="firmware-virtualization-off",
    ),
    "NX off": Read(
        ready(hardware={"nx": False}), {"windows.dep_available": False, "windows.firmware_virtualization": True},
        broken="firmware-nx", cause="firmware-nx-off",
    ),
    "no SLAT": Read(
        ready(hardware={"slat": False}), {"windows.slat": False}, broken="cpu-virtualization", cause="cpu-no-slat",
    ),
    "one of two sockets off": Read(
        fresh(
            cim={
                "Win32_Processor": [
                    {"Name": "Intel Xeon", "Manufacturer": "GenuineIntel", "VirtualizationFirmwareEnabled": on,
                     "SecondLevelAddressTranslationExtensions": True, "VMMonitorModeExtensions": True}
                    for on in (True, False)
                ]
            }
        ),
        {"windows.firmware_virtualization": False, "windows.slat": True, "windows.cpu_vendor": "intel"},
        broken="firmware-virtualization", cause="firmware-virtualization-off",
    ),
    "launch off, elevated": Read(
        ready(elevated=True, boot={"hypervisorlaunchtype": "Off"}, language="de-DE"),
        {"windows.hypervisor_launch_type": "off", "windows.bitlocker_on": False, "windows.vm_logon_right": True},
        broken="hypervisor", cause="hypervisor-launch-off",
    ),
    "launch off, not elevated": Read(
        ready(boot={"hypervisorlaunchtype": "Off"}), {"windows.hypervisor_launch_type": None},
        {"windows.hypervisor_launch_type": "denied"}, broken="hypervisor",
    ),
    "waiting for a restart": Read(
        fresh(elevated=True, features={PLATFORM: "EnablePending"}, registry={COMPONENT_RESTART: {}, STAGED: {}}),
        {
            "windows.features.virtual_machine_platform": "enable-pending", "windows.reboot_pending": True,
            "windows.reboot_reasons": ["component servicing", "wsl --install", "VirtualMachinePlatform enable-pending"],
            "windows.hypervisor_launch_type": "unset",
        },
        broken="pending-reboot", cause="reboot-pending",
    ),
    "file renames do not count": Read(
        ready(registry={RENAMES: {"PendingFileRenameOperations": ["\\??\\C:\\x", ""]}}),
        {"windows.reboot_pending": False, "windows.reboot_reasons": []},
    ),
    "half enabled": Read(
        ready(services={"vfpext": "absent"}), {"windows.services.vfpext": "absent"},
        broken="vm-services", cause="feature-state-stale",
    ),
    "Hyper-V without the platform": Read(
        ready(
            features={PLATFORM: "Disabled", HYPER_V: "Enabled", "Microsoft-Hyper-V-Services": "Enabled"},
            registry={CURRENT_VERSION: {"EditionID": "Professional"}},
        ),
        {"windows.hypervisor_present": True, "windows.features.hyper_v": "enabled", "windows.services.vmms": "running",
         "windows.has_home_edition": False},
        broken="virtual-machine-platform", cause="virtual-machine-platform-missing",
    ),
    "services disabled": Read(
        ready(services={"vmcompute": {"Status": "Stopped", "StartType": "Disabled"},
                        "SharedAccess": {"Status": "Stopped", "StartType": "Disabled"}}),
        {"windows.services.vmcompute": "disabled", "windows.services.sharedaccess": "disabled"},
        broken="vm-services",
    ),
    "exploit protection": Read(
        ready(process_mitigation={"vmcompute.exe": {"CFG": {"Enable": "OFF"}}}), {"windows.vmcompute_cfg_off": True},
        broken="vm-services", cause="exploit-protection-cfg",
    ),
    "logon right taken": Read(
        ready(elevated=True, service_logon_right="*S-1-5-80-0"), {"windows.vm_logon_right": False},
            broken="vm-services",
    ),
    "device disabled": Read(
        ready(
            force_hypervisor=False,
            cim={"Win32_PnPEntity": [{"Service": "Vid", "DeviceID": "ROOT\\VID\\0000", "ConfigManagerErrorCode": 22}]},
        ),
        {"windows.hypervisor_device_disabled": True}, broken="hypervisor", cause="hypervisor-device-disabled",
    ),
    "guest of VMware": Read(
        ready(force_hypervisor=True, hardware={"manufacturer": "VMware, Inc.", "model": "VMware20,1"}),
        {"windows.is_virtual_machine": True, "windows.hypervisor_present": True},
    ),
    "guest without nesting": Read(
        fresh(hardware={"manufacturer": "innotek GmbH", "model": "VirtualBox", "vm_monitor": False}),
        {"windows.is_virtual_machine": True, "windows.vm_monitor": False}, broken="cpu-virtualization",
    ),
    "Surface is no guest": Read(
        ready(hardware={"manufacturer": "Microsoft Corporation", "model": "Surface Book 3", "chassis": [10]}),
        {"windows.is_virtual_machine": False, "windows.is_laptop": True},
    ),
    "too old": Read(
        fresh(registry={CURRENT_VERSION: {"CurrentBuild": "17763", "UBR": 1}}), {"windows.build": 17763},
        broken="wsl-feature",
    ),
    "too old for the GPU": Read(
        ready(registry={CURRENT_VERSION: {"CurrentBuild": "19041"}}, features={SUBSYSTEM: "Enabled"}),
        {"windows.build": 19041}, broken="windows-build",
    ),
    "inbox WSL without a kernel": Read(
        inbox(), {"wsl.is_inbox": True, "wsl.is_installed": True, "wsl.kernel": "absent", "wsl.default_version": 1},
        {"wsl.version": "absent"}, broken="wsl-version", cause="kernel-update-missing",
    ),
    "inbox WSL with its kernel": Read(
        inbox(), {"wsl.is_inbox": True, "wsl.kernel": None}, {"wsl.kernel": "absent"}, inbox_kernel=True,
    ),
    "wsl.exe hangs": Read(
        ready(answers=[{"command": "wsl.exe", "arguments": "--version", "seconds": 4}]),
        # Its installer has noted the version.
        {"wsl.is_installed": True, "wsl.version": "2.4.13.0", "wsl.distribution_count": 1},
        {"wsl.kernel": "timeout"},
    ),
    "wsl.exe warns first": Read(
        ready(answers=[{"command": "wsl.exe", "arguments": "--version",
                        "out": (
                            "wsl: Unknown key 'wsl2.a1.2.3'\r\r\nWSL version: 2.0.9.0\r\r\n"
                            "Kernel version: 5.15.133.1-1\r\r\n"
                        )}]),
        {"wsl.version": "2.0.9.0", "wsl.kernel": "5.15.133.1-1"},
    ),
    "Japanese": Read(
        ready(language="ja-JP"), {"windows.language": "ja-JP", "wsl.version": "2.4.13.0", "wsl.kernel": "5.15.167.4-1"},
    ),
    "Chinese, without WSL_UTF8": Read(
        ready(language="zh-CN", answers=[{"command": "wsl.exe", "arguments": "--version", "encoding": "utf-16-le",
                                          "out": (
                            "WSL \u7248\u672c\uff1a 2.1.5.0\r\n"
                            "\u5185\u6838\u7248\u672c\uff1a 5.15.146.1-2\r\n"
                        )}]),
        {"wsl.version": "2.1.5.0", "wsl.kernel": "5.15.146.1-2"},
    ),
    "class not registered": Read(
        ready(elevated=True, errors={"Get-WindowsOptionalFeature": NOT_REGISTERED}),
        {"windows.features.virtual_machine_platform": "enabled", "windows.features.wsl": "disabled"},
    ),
    "features cannot be read at all": Read(
        ready(errors={"Get-CimInstance Win32_OptionalFeature": NOT_REGISTERED}),
        {"windows.features.virtual_machine_platform": None, "windows.reboot_pending": False},
        {"windows.features.virtual_machine_platform": "failed: Klasse nicht registriert"},
    ),
    "classes refused": Read(
        ready(errors={f"Get-CimInstance {DEVICE_GUARD}": DENIED, "Get-CimInstance Win32_Processor": DENIED,
                      "Get-CimInstance Win32_BaseBoard": NO_SUCH_CLASS, "Get-ProcessMitigation": DENIED}),
        {"windows.vbs": None, "windows.cpu_vendor": None, "windows.board_product": None},
        {"windows.vbs": "denied", "windows.cpu_vendor": "denied", "windows.board_product": "absent",
         "windows.vmcompute_cfg_off": "denied"},
    ),
    "nothing answers": Read(
        ready(errors=dict.fromkeys(("Get-CimInstance", "Get-Service", "Get-ItemProperty", "Test-Path",
            "Get-UICulture", "Get-ProcessMitigation"), "Out of order."),
            answers=[{"command": name, "code": 1} for name in ("wsl.exe", "nvidia-smi.exe", "whoami.exe")]),
        {"windows.build": None, "wsl.is_installed": None, "windows.nvidia_gpus": None, "windows.services.hns": None},
        {"windows.build": "failed: Out of order.", "windows.hypervisor_present": "failed: Out of order."},
    ),
    "VBS runs": Read(ready(hardware={"vbs": 2}), {"windows.vbs": "running"}),
    "TCC card": Read(
        ready(nvidia={"gpus": [{"name": "NVIDIA RTX A6000", "model": "TCC"}]}), {"windows.nvidia_driver_model": "tcc"},
        broken="driver-model",
    ),
    "two cards, two models": Read(
        ready(nvidia={"gpus": [{"name": "NVIDIA GeForce RTX 3090", "model": "WDDM"}, {"name": "Tesla P40",
            "model": "TCC"}]}),
        {"windows.nvidia_driver_model": "mixed", "windows.nvidia_gpus": ["NVIDIA GeForce RTX 3090", "Tesla P40"]},
    ),
    "no NVIDIA card": Read(
        ready(nvidia=None, cim={"Win32_VideoController": [{"Name": "Intel(R) UHD Graphics",
            "DriverVersion": "31.0.101.2125"}]}),
        {"windows.nvidia_gpus": [], "windows.nvidia_driver": None},
    ),
    "driver asked through CIM": Read(
        ready(answers=[{"command": "nvidia-smi.exe", "code": 9}]),
        {"windows.nvidia_gpus": ["NVIDIA GeForce RTX 3090"], "windows.nvidia_driver": "552.86"},
        {"windows.nvidia_driver_model": "failed: nvidia-smi ended with 9"},
    ),
    "old driver": Read(
        ready(nvidia={"driver": "466.77"}), {"windows.nvidia_driver": "466.77"}, broken="windows-driver",
    ),
    "WSL 1": Read(
        ready(wsl={"distributions": [{"name": "Ubuntu", "version": 1}]}),
        {"wsl.default_distribution_version": 1}, broken="wsl-feature",
    ),
    "disk gone": Read(
        ready(files={DISK: None}), {"wsl.vhd_missing": True}, broken="distribution-disk",
    ),
    "disk compressed": Read(
        ready(files={DISK: {"Attributes": "Archive, Compressed, SparseFile"}}),
        {"wsl.vhd_encrypted_or_compressed": True}, broken="distribution-disk",
    ),
    "several distributions": Read(
        ready(wsl={"distributions": [
            {"name": "docker-desktop", "version": 2}, {"name": "Ubuntu", "version": 2, "base_path": DISK[:-10]},
            {"name": "Debian", "version": 1, "state": "converting"}], "default": "Debian"},
            files={"C:\\wsl\\docker-desktop\\ext4.vhdx": {"Attributes": "Archive"},
                   "C:\\wsl\\docker-desktop": {"Attributes": "Directory"}}),
        {"wsl.distribution_count": 3, "wsl.default_distribution": "Debian", "wsl.default_distribution_version": 1},
        broken="wsl-feature",
    ),
    ".wslconfig in UTF-16": Read(
        ready(), {"wsl.wslconfig_encoding": "utf-16", "wsl.wslconfig_memory_mib": 8192},
        wslconfig="\ufeff[wsl2]\r\nmemory=8GB\r\n".encode("utf-16-le"),
    ),
    ".wslconfig with settings": Read(
        ready(),
        {"wsl.wslconfig_encoding": "utf-8-bom", "wsl.wslconfig_gpu_support": False,
         "wsl.wslconfig_custom_kernel": "C:\\wsl\\bzImage", "wsl.wslconfig_networking_mode": "mirrored"},
        wslconfig=(
            b"\xef\xbb\xbf[wsl2]\r\ngpuSupport=false # for a test\r\n"
            b"kernel=C:\\\\wsl\\\\bzImage\r\nnetworkingMode=Mirrored\r\n"
        ),
    ),
    "products in the way": Read(
        ready(registry={
            UNINSTALL + "vbox": {"DisplayName": "Oracle VM VirtualBox 5.2.44", "DisplayVersion": "5.2.44"},
            UNINSTALL + "vgc": {"DisplayName": "Riot Vanguard"}, UNINSTALL + "git": {"DisplayName": "Git"},
            UNINSTALL + "hidden": {"SystemComponent": 1}}),
        {"windows.conflicts": ["Oracle VM VirtualBox 5.2.44", "Riot Vanguard"]},
    ),
    "Windows on ARM": Read(
        ready(hardware={"architecture": "ARM64", "processor": "Snapdragon(R) X Elite", "processor_vendor": "Qualcomm"},
              nvidia=None, cim={"Win32_VideoController": []}),
        {"windows.architecture": "arm64", "windows.cpu_vendor": "arm", "windows.slat": None},
            {"windows.slat": "absent"},
    ),
    "BitLocker on": Read(
        ready(elevated=True, bitlocker={"C:": {"ProtectionStatus": "On"}}), {"windows.bitlocker_on": True},
    ),
    "too little room": Read(
        ready(cim={"Win32_LogicalDisk": [{"DeviceID": "C:", "FreeSpace": 500 * 2**20}]},
            hardware={"memory_bytes": 2**31}),
        {"windows.system_drive_free_mib": 500, "windows.memory_mib": 2048}, broken="disk-space",
    ),
}  # fmt: skip

# A fresh Windows has 5.1, so that plays them all; 7 plays those in which encodings, JSON, numbers, lists, enumerations,
# errors or time-outs of the editions differ.
IN_BOTH = (
    "healthy", "bare", "launch off, elevated", "waiting for a restart", "one of two sockets off", "services disabled",
    "wsl.exe hangs", "wsl.exe warns first", "Japanese", "Chinese, without WSL_UTF8", "class not registered",
    "classes refused", "nothing answers", "several distributions", ".wslconfig in UTF-16", "products in the way",
)  # fmt: skip
PLAYED: Mapping[str, tuple[str, ...]] = {"pwsh": IN_BOTH, "powershell": tuple(READS)}
CASES = [(edition, name) for edition, names in PLAYED.items() for name in names]


class ReadSide(NamedTuple):
    """The PCs by name, and what a checkup found on each: facts, findings, diagnoses, the rest of the data."""

    pcs: Mapping[str, SimulatedWindows]
    seen: Mapping[str, Any]


def make_pc(read: Read, folder: Path, edition: str) -> SimulatedWindows:
    """The PC of a scenario, with its files."""
    pc = SimulatedWindows(folder, edition, read.state)
    if read.wslconfig is not None:
        (pc.home / ".wslconfig").write_bytes(read.wslconfig)
    if read.inbox_kernel:
        tools = pc.system_root / "System32" / "lxss" / "tools"
        tools.mkdir(parents=True)
        (tools / "kernel").write_bytes(b"MZ")
    return pc
