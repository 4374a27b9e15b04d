"""The state of the simulated PC, and what turning it on does to it.

The state is one JSON document: the scenario. What tests write into it:

    language, elevated             "de-DE", True; the user's interface and whether this process is an administrator's
    hardware                       firmware_virtualization, nx, slat, vm_monitor, manufacturer, model, processor ...
    boot                           hypervisorlaunchtype ("Auto", "Off", None = not listed), other values of {current}
    features                       {"VirtualMachinePlatform": "Enabled"}: DISM's words; one that is not there is unknown
    services                       {"vmcompute": {"Status": "Running", "StartType": "Manual"}}
    registry                       {"HKLM:\\\\SOFTWARE\\\\...": {"value": 1}}; a key that is not there does not exist
    files                          {"C:\\\\...\\\\ext4.vhdx": {"Attributes": "Archive"}}: paths with a drive letter
    wsl                            kind ("package", "inbox", "stub", "absent"), version, kernel, online;
                                   registers_after_seconds: a distribution is listed that long after --install has ended
                                   (WindowsDeveloperConfig PR 75 waits 10 times 3 s); registry_stays_empty: what is in
                                   `wsl -l` is not under HKCU\\...\\Lxss (WindowsDeveloperConfig PR 62, issue 48);
                                   newest, newest_preview: what --update leaves, and with --pre-release;
                                   lost_files: ["system.vhd"]: an update to 2.7 left it out (WSL 40488, 40968);
                                   no_msi_from: "Users": with a folder for temporary files of such a path the stub's
                                   --install fails, as with a space in the user's name (microsoft/WSL 13806)
    firewall                       {"name of a rule": "its port"}
    nvidia                         {"driver": "552.86", "gpus": [{"name": ..., "model": "WDDM"}]}, None without a driver
    cim                            {"Win32_Processor": [{...}]}: instances that win over the derived ones
    bitlocker, tasks, process_mitigation, pnp, updates
    errors                         {"Get-WindowsOptionalFeature": "Class not registered"}: the command throws that;
                                   {"message": ..., "hresult": "0x80070005"} throws it with that number;
                                   "Get-CimInstance Win32_Processor" is about one class
    subst, unmapped_names          {"S:": "C:\\\\..."}; True: the task scheduler knows accounts by their SID only
    missing                        ["Get-BitLockerVolume"]: this Windows does not have the command
    ineffective                    ["Suspend-BitLocker"]: the command reports success and does nothing
    answers                        what executables say instead of what they would, see simulated_native.py
    after_restart                  merge patches, one for each restart to come (RFC 7396)

Everything else is derived from these by `settle`: CIM classes, services of enabled features, the registry of WSL.
"""

import copy
import fcntl
import json
from pathlib import Path
from typing import Any

State = dict[str, Any]

CURRENT_VERSION = "HKLM:\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
COMPONENT_RESTART = "HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing\\RebootPending"
UPDATE_RESTART = "HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update\\RebootRequired"
SYSTEM_ENVIRONMENT = "HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"
LXSS = "HKCU:\\Software\\Microsoft\\Windows\\CurrentVersion\\Lxss"
STAGED = LXSS + "\\InstallStatus"
MSI = "HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Lxss\\MSI"
SERVICES = "HKLM:\\SYSTEM\\CurrentControlSet\\Services\\"
FORWARDS = SERVICES + "PortProxy\\v4tov4\\tcp"
PLATFORM = "VirtualMachinePlatform"
SUBSYSTEM = "Microsoft-Windows-Subsystem-Linux"
HYPER_V = "Microsoft-Hyper-V"
DEVICE_GUARD = "root\\Microsoft\\Windows\\DeviceGuard\\Win32_DeviceGuard"
CONNECTIONS = "root\\StandardCimv2\\MSFT_NetConnectionProfile"
ENCRYPTION = "root\\cimv2\\Security\\MicrosoftVolumeEncryption\\Win32_EncryptableVolume"
STOPPED = {"Status": "Stopped", "StartType": "Manual"}
RUNNING = {"Status": "Running", "StartType": "Automatic"}


def merge(base: Any, patch: Any) -> Any:
    """`base` with the JSON merge patch applied; None in the patch removes."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def fresh(**patch: Any) -> State:
    """A bare Windows 11 24H2 Home PC with an RTX 3090: no feature enabled, wsl.exe is the stub."""
    state: State = {
        "language": "en-US",
        "elevated": False,
        "boots": 0,
        "boot_time": "2026-11-20T08:00:00Z",
        "hardware": {
            "firmware_virtualization": True, "nx": True, "slat": True, "vm_monitor": True,
            "manufacturer": "ASUS", "model": "System Product Name",
            "board_manufacturer": "ASUSTeK COMPUTER INC.", "board_product": "ROG STRIX B550-F GAMING",
            "processor": "AMD Ryzen 9 5950X 16-Core Processor", "processor_vendor": "AuthenticAMD", "sockets": 1,
            "architecture": "AMD64", "memory_bytes": 34_279_000_000, "chassis": [3], "vbs": 0,
        },
        "boot": {"hypervisorlaunchtype": None},
        "features": {PLATFORM: "Disabled", SUBSYSTEM: "Disabled", "HypervisorPlatform": "Disabled"},
        "services": {"RpcSs": RUNNING, "mpssvc": RUNNING, "SharedAccess": STOPPED},
        "registry": {
            CURRENT_VERSION: {
                "CurrentBuild": "26100", "CurrentBuildNumber": "26100", "UBR": 4349, "EditionID": "Core",
                "InstallationType": "Client", "ProductName": "Windows 10 Home", "CurrentVersion": "6.3",
            },
        },
        "files": {},
        "wsl": {"kind": "stub", "version": "2.4.13.0", "kernel": "5.15.167.4-1", "distributions": []},
        "nvidia": {"driver": "552.86", "gpus": [{"name": "NVIDIA GeForce RTX 3090", "model": "WDDM"}]},
        "cim": {}, "bitlocker": {}, "tasks": {}, "process_mitigation": {}, "pnp": [], "updates": [],
        "errors": {}, "missing": [], "answers": [], "after_restart": [],
    }  # fmt: skip
    return settle(merge(state, patch))


def fresh_25h2(**patch: Any) -> State:
    """The same as sold in 2026: Windows 11 25H2 with an RTX 5080; what wsl.exe fetches is WSL 2.7."""
    of_2026: State = {
        "registry": {CURRENT_VERSION: {"CurrentBuild": "26200", "CurrentBuildNumber": "26200", "UBR": 8737}},
        "wsl": {"version": "2.7.10.0", "kernel": "6.18.33.2-2", "newest_preview": "2.9.12.0"},
        "nvidia": {"driver": "581.80", "gpus": [{"name": "NVIDIA GeForce RTX 5080", "model": "WDDM"}]},
    }
    return settle(merge(fresh(**of_2026), patch))


def ready(**patch: Any) -> State:
    """The same PC with WSL 2 from the package, and Ubuntu in it."""
    vhd_folder = "C:\\Users\\J\u00f6rg M\u00fcller\\AppData\\Local\\Packages\\Ubuntu_79rhkp1fndgsc\\LocalState"
    base: State = {
        "features": {PLATFORM: "Enabled"},
        "wsl": {
            "kind": "package",
            "distributions": [{"name": "Ubuntu", "version": 2, "base_path": vhd_folder}],
            "default": "Ubuntu",
        },
        "files": {
            vhd_folder: {"Attributes": "Directory"},
            vhd_folder + "\\ext4.vhdx": {"Attributes": "Archive", "Length": 2_000_000_000},
        },
    }
    return settle(merge(fresh(**base), patch))


def restart(state: State) -> State:
    """What the machine is like after one restart: waiting features are done, volatile keys are gone."""
    state = copy.deepcopy(state)
    done = {"EnablePending": "Enabled", "DisablePending": "Disabled"}
    state["features"] = {name: done.get(word, word) for name, word in state["features"].items()}
    for key in (COMPONENT_RESTART, UPDATE_RESTART, STAGED):
        state["registry"].pop(key, None)
    for volume in state["bitlocker"].values():
        if volume.get("suspended_restarts", 0) > 0:
            volume["suspended_restarts"] -= 1
            volume["ProtectionStatus"] = "Off" if volume["suspended_restarts"] else "On"
    state.pop("restart_requested", None)
    state["boots"] += 1
    state["boot_time"] = f"2026-11-20T{8 + state['boots']:02d}:00:00Z"
    if state["after_restart"]:
        state = merge(state, state["after_restart"].pop(0))
    return settle(state)


def settle(state: State) -> State:
    """The state with everything that follows from it: the hypervisor, services, CIM classes, the registry."""
    state = copy.deepcopy(state)
    state["hypervisor_present"] = _hypervisor_runs(state)
    _settle_services(state)
    _settle_registry(state)
    state["derived_cim"] = _cim(state)
    return state


def _hypervisor_runs(state: State) -> bool:
    if state.get("force_hypervisor") is not None:
        return bool(state["force_hypervisor"])
    hardware = state["hardware"]
    capable = all(hardware[bit] for bit in ("firmware_virtualization", "nx", "slat", "vm_monitor"))
    wanted = hardware["vbs"] or any(state["features"].get(name) == "Enabled" for name in (PLATFORM, HYPER_V))
    return bool(capable and wanted and state["boot"].get("hypervisorlaunchtype") != "Off")


def _settle_services(state: State) -> None:
    """The services of an enabled feature are there, unless the scenario says something else of them ("absent")."""
    services: State = {}
    if state["features"].get(PLATFORM) == "Enabled":
        services |= {"vmcompute": STOPPED, "hns": STOPPED, "vfpext": STOPPED}
    if state["features"].get(HYPER_V) == "Enabled":
        services |= {"vmcompute": STOPPED, "hns": STOPPED, "vmms": RUNNING}
    if state["wsl"]["kind"] == "package":
        services["WslService"] = RUNNING
    if state["features"].get(SUBSYSTEM) == "Enabled":
        services["LxssManager"] = STOPPED
    services |= state["services"]
    state["derived_services"] = {name: service for name, service in services.items() if service != "absent"}
    for name in ("WslService", "LxssManager"):
        if name in state["derived_services"]:
            state["registry"][SERVICES + name] = {"Type": 16}
        else:
            state["registry"].pop(SERVICES + name, None)


def _settle_registry(state: State) -> None:
    registry = state["registry"]
    registry[SYSTEM_ENVIRONMENT] = {"PROCESSOR_ARCHITECTURE": state["hardware"]["architecture"]}
    wsl = state["wsl"]
    registry.pop(MSI, None)
    if wsl["kind"] == "package":
        registry[MSI] = {"InstallLocation": "C:\\Program Files\\WSL\\", "Version": wsl["version"]}
    for key in [key for key in registry if key.startswith(LXSS + "\\{")]:
        del registry[key]
    if not wsl["distributions"] or wsl.get("registry_stays_empty"):
        registry.get(LXSS, {}).pop("DefaultDistribution", None)
        return
    states = {"installed": 1, "installing": 3, "uninstalling": 4, "converting": 5}
    lxss = registry.setdefault(LXSS, {"DefaultVersion": 2} if wsl["kind"] == "package" else {})
    for number, distribution in enumerate(wsl["distributions"]):
        identity = f"{{00000000-0000-4000-8000-{number:012d}}}"
        registry[f"{LXSS}\\{identity}"] = {
            "DistributionName": distribution["name"],
            "Version": distribution.get("version", 2),
            "State": states[distribution.get("state", "installed")],
            "BasePath": "\\\\?\\" + distribution.get("base_path", "C:\\wsl\\" + distribution["name"]),
            "Flags": 15,
        }
        if distribution["name"] == wsl.get("default", wsl["distributions"][0]["name"]):
            lxss["DefaultDistribution"] = identity


def _cim(state: State) -> dict[str, list[State]]:
    """Instances of the classes that the module asks for. The bits of the processor mean nothing under a hypervisor."""
    hardware, runs = state["hardware"], state["hypervisor_present"]
    memory_kib = hardware["memory_bytes"] // 1024
    words = {"Enabled": 1, "Disabled": 2, "DisabledWithPayloadRemoved": 3, "EnablePending": 2, "DisablePending": 1}
    processor = {
        "Name": hardware["processor"], "Manufacturer": hardware["processor_vendor"],
        "Architecture": 12 if hardware["architecture"] == "ARM64" else 9,
        "VirtualizationFirmwareEnabled": hardware["firmware_virtualization"] and not runs,
        "SecondLevelAddressTranslationExtensions": hardware["slat"] and not runs,
        "VMMonitorModeExtensions": hardware["vm_monitor"] and not runs,
    }  # fmt: skip
    return {
        "Win32_ComputerSystem": [{
            "HypervisorPresent": runs, "Manufacturer": hardware["manufacturer"], "Model": hardware["model"],
            "TotalPhysicalMemory": hardware["memory_bytes"], "PCSystemType": 2 if hardware["chassis"] == [10] else 1,
        }],
        "Win32_Processor": [processor] * hardware["sockets"],
        "Win32_OperatingSystem": [{
            "DataExecutionPrevention_Available": hardware["nx"], "ProductType": 1, "LastBootUpTime": state["boot_time"],
            "FreePhysicalMemory": memory_kib // 2, "LocalDateTime": "2026-11-20T20:00:00Z",
        }],
        "Win32_BaseBoard": [{
            "Manufacturer": hardware["board_manufacturer"], "Product": hardware["board_product"],
        }],
        "Win32_SystemEnclosure": [{"ChassisTypes": hardware["chassis"]}],
        "Win32_PageFileUsage": [{"AllocatedBaseSize": 4864}],
        "Win32_LogicalDisk": [{"DeviceID": "C:", "FreeSpace": 200 * 2**30, "Size": 931 * 2**30}],
        "Win32_OptionalFeature": [
            {"Name": name, "InstallState": words.get(word, 4)} for name, word in state["features"].items()
        ],
        "Win32_PnPEntity": [{"Service": "Vid", "DeviceID": "ROOT\\VID\\0000", "ConfigManagerErrorCode": 0}]
        if state["features"].get(PLATFORM) == "Enabled" else [],
        "Win32_VideoController": [
            {"Name": gpu["name"], "DriverVersion": "31.0.15.5286"}
            for gpu in (state.get("nvidia") or {}).get("gpus", [])
        ],
        CONNECTIONS: [{"IPv4Connectivity": 4, "IPv6Connectivity": 1}],
        DEVICE_GUARD: [{"VirtualizationBasedSecurityStatus": hardware["vbs"], "SecurityServicesRunning": [0]}],
    }  # fmt: skip


RUNTIME_FILES = ("system.vhd", "tools/modules.vhd")
"""What WSL 2.7 starts its virtual machine with, below %ProgramFiles%\\WSL."""


def read(path: Path) -> State:
    """The state as it is now; PowerShell writes it without BOM."""
    loaded: State = json.loads(path.read_text("utf-8"))
    return loaded


def write(path: Path, state: State) -> None:
    """Put the state where the commands look, and the package's own wsl.exe where its installer puts it."""
    path.write_text(json.dumps(state, ensure_ascii=False, indent=1), "utf-8")
    own = path.parent / "Program Files" / "WSL" / "wsl.exe"
    if state["wsl"]["kind"] == "package":
        (own.parent / "tools").mkdir(parents=True, exist_ok=True)
        if not own.exists():
            own.symlink_to(path.parent / "Windows" / "System32" / "wsl.exe")
        for name in RUNTIME_FILES:
            if name in state["wsl"].get("lost_files", []):
                (own.parent / name).unlink(missing_ok=True)
            else:
                (own.parent / name).touch()
    else:
        own.unlink(missing_ok=True)


def note_call(folder: Path, call: dict[str, Any]) -> None:
    """Write down what was asked of Windows: PowerShell appends at the same time, under the lock of .NET."""
    with (folder / "calls.jsonl").open("a", encoding="utf-8") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        log.write(json.dumps(call) + "\n")


def sleep(state: State, seconds: float) -> State:
    """What has come by itself after some seconds: distributions whose registration lags behind."""
    late = state["wsl"].get("late", [])
    for one in late:
        one["seconds"] -= seconds
    for one in [one for one in late if one["seconds"] <= 0]:
        late.remove(one)
        add_distribution(state, one["name"])
    return settle(state)


def add_distribution(state: State, name: str, folder: str | None = None) -> None:
    """Register a distribution whose disk exists."""
    folder = folder or f"C:\\Users\\J\u00f6rg M\u00fcller\\AppData\\Local\\wsl\\{name}"
    entry: State = {"name": name, "version": 2, "base_path": folder}
    state["wsl"]["distributions"].append(entry)
    state["wsl"].setdefault("default", name)
    state["files"][folder] = {"Attributes": "Directory"}
    state["files"][folder + "\\ext4.vhdx"] = {"Attributes": "Archive", "Length": 1_500_000_000}


def build(state: State) -> int:
    """The build of this Windows."""
    return int(state["registry"][CURRENT_VERSION]["CurrentBuild"])
