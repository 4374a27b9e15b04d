"""Windows itself: features, services, restarts, build."""

from __future__ import annotations

from provision.doctor.check import (
    Check,
    FactReader,
    Finding,
    Step,
    check,
    evidence,
    failed,
    passed,
    skipped,
    unknown,
    warned,
)
from provision.doctor.checks.virtualization import ON_WINDOWS, is_too_old, proven
from provision.doctor.steps import (
    RESTART,
    UPDATE_WINDOWS,
    UPDATE_WSL,
    disable_feature,
    enable_feature,
    runs_wsl2,
    service_start,
)

VMP, VMP_STATE = "VirtualMachinePlatform", "windows.features.virtual_machine_platform"
WSL_FEATURE, WSL_STATE = "Microsoft-Windows-Subsystem-Linux", "windows.features.wsl"
OFF = ("disabled", "payload-removed", "absent", "disable-pending")
WINDOWS_11, VFPEXT_BUILD, GPU_BUILD = 22000, 22621, 19044


@check("virtual-machine-platform", "Is the Windows feature Virtual Machine Platform on?", places=ON_WINDOWS)
def virtual_machine_platform(facts: FactReader) -> Finding:
    """The feature's state; where that needs an administrator, the services that it brings."""
    state = facts.get(VMP_STATE)
    proof = evidence(facts, VMP_STATE, "windows.services.vmcompute", "windows.services.hns")
    if runs_wsl2(facts):
        if state not in OFF:
            return proven(facts) or passed("It is on.", *proof)
        return warned(
            "WSL 2 runs without it, on Hyper-V alone: its network may fail.", proof, enable_feature(VMP), RESTART
        )
    if state == "enabled":
        return passed("Virtual Machine Platform is on.", *proof)
    if state == "enable-pending":
        return skipped("Virtual Machine Platform comes on with the next restart.", "pending-reboot", proof)
    if state is None:
        return _platform_by_services(facts)
    if is_too_old(facts):
        return skipped("This Windows is too old to have it.", "windows-build", proof)
    return failed("The Windows feature Virtual Machine Platform is off.", proof, enable_feature(VMP), RESTART)


def _platform_by_services(facts: FactReader) -> Finding:
    services = [facts.get(f"windows.services.{name}") for name in ("vmcompute", "hns")]
    proof = evidence(facts, VMP_STATE, "windows.services.vmcompute", "windows.services.hns")
    if "absent" in services:
        sentence = "The services of Virtual Machine Platform are missing: the feature is off."
        return failed(sentence, proof, enable_feature(VMP), RESTART)
    return unknown(facts, VMP_STATE) if None in services else passed("Its services are there.", *proof)


@check("wsl-feature", "Is the Windows feature for Linux on, where this Windows needs it?", places=ON_WINDOWS)
def wsl_feature(facts: FactReader) -> Finding:
    """Needed below Windows 11, by the WSL that came with Windows, and by WSL 1."""
    state = facts.get(WSL_STATE)
    proof = evidence(facts, WSL_STATE, "windows.build", "wsl.is_inbox")
    if facts.place == "wsl":
        return passed("WSL runs here, so nothing is missing.", *evidence(facts, "linux.kernel"))
    if state == "enabled":
        return passed("The feature Windows Subsystem for Linux is on.", *proof)
    if state == "enable-pending":
        return skipped("The feature comes on with the next restart.", "pending-reboot", proof)
    needed = facts.get("wsl.is_inbox") or facts.get("wsl.default_distribution_version") == 1
    build = facts.get("windows.build")
    if not needed and build is not None and build >= WINDOWS_11:
        return passed("WSL 2 on this Windows does not need it.", *proof)
    if state is None or (build is None and not needed):
        return unknown(facts, "windows.build" if build is None else WSL_STATE)
    sentence = "The Windows feature Windows Subsystem for Linux is off, and this Windows needs it."
    return failed(sentence, proof, enable_feature(WSL_FEATURE), RESTART)


@check(
    "vm-services",
    "Are the services that start virtual machines there and not disabled?",
    needs=("virtual-machine-platform",),
    places=ON_WINDOWS,
)
def vm_services(facts: FactReader) -> Finding:
    """vmcompute, HNS and, from 22621 on, vfpext; and what keeps vmcompute from starting."""
    if found := proven(facts):
        return found
    names = ["vmcompute", "hns", *(["vfpext"] if (facts.get("windows.build") or 0) >= VFPEXT_BUILD else [])]
    states = {name: facts.get(f"windows.services.{name}") for name in names}
    proof = evidence(facts, *(f"windows.services.{name}" for name in names))
    if disabled := [name for name, state in states.items() if state == "disabled"]:
        return failed(f"Disabled: {', '.join(disabled)}.", proof, *map(service_start, disabled))
    if missing := [name for name, state in states.items() if state == "absent"]:
        if facts.get("windows.reboot_pending"):
            return skipped("Missing until Windows has restarted.", "pending-reboot", proof)
        sentence = f"Virtual Machine Platform is listed as on, but {', '.join(missing)} is missing."
        return failed(sentence, proof, disable_feature(VMP), RESTART, enable_feature(VMP), RESTART)
    if None in states.values():
        return unknown(facts, "windows.services.vmcompute")
    return _what_stops_vmcompute(facts) or passed("The services that start virtual machines are there.", *proof)


def _what_stops_vmcompute(facts: FactReader) -> Finding | None:
    if facts.get("windows.vmcompute_cfg_off"):
        sentence = "Exploit protection switches control flow guard off for vmcompute, which then refuses to start."
        return failed(sentence, evidence(facts, "windows.vmcompute_cfg_off"), RESTORE_CFG)
    if facts.get("windows.vm_logon_right") is False:
        sentence = "A policy took the right to log on as a service from virtual machines."
        return failed(sentence, evidence(facts, "windows.vm_logon_right"), RESTORE_RIGHT)
    return None


RESTORE_CFG = Step(
    "Turn control flow guard on for vmcompute again (Windows Security > App & browser control > Exploit protection).",
    "Set-ProcessMitigation -Name vmcompute.exe -Enable CFG",
    "windows",
    needs_admin=True,
)
RESTORE_RIGHT = Step(
    "In the policy Log on as a service, add NT VIRTUAL MACHINE\\Virtual Machines (S-1-5-83-0); until then restart the "
    "service, which gives the right back for a while.",
    "Restart-Service vmcompute -Force",
    "windows",
    needs_admin=True,
)


@check("wsl-service", "Is the WSL service there and not disabled?", places=ON_WINDOWS)
def wsl_service(facts: FactReader) -> Finding:
    """WslService of the package, or LxssManager of the WSL that came with Windows."""
    if facts.place == "wsl":
        return passed("WSL runs here, so its service does.", *evidence(facts, "linux.kernel"))
    paths = ("windows.services.wslservice", "windows.services.lxssmanager")
    states = [facts.get(path) for path in paths]
    proof = evidence(facts, *paths)
    if "disabled" in states:
        name = "wslservice" if states[0] == "disabled" else "LxssManager"
        return failed(f"The service {name} is disabled.", proof, service_start(name), RESTART)
    if states == ["absent", "absent"]:
        return skipped("There is no WSL service: WSL is not installed.", "wsl-version", proof)
    return unknown(facts, paths[0]) if states == [None, None] else passed("The WSL service may start.", *proof)


@check("network-services", "Are the services behind WSL's network not disabled?", places=ON_WINDOWS)
def network_services(facts: FactReader) -> Finding:
    """SharedAccess (connection sharing), MpsSvc (firewall) and HNS."""
    names = ("sharedaccess", "mpssvc", "hns")
    proof = evidence(facts, *(f"windows.services.{name}" for name in names))
    states = {name: facts.get(f"windows.services.{name}") for name in names}
    if disabled := [name for name, state in states.items() if state == "disabled"]:
        fixes = [service_start(name, "auto" if name == "mpssvc" else "demand") for name in disabled]
        judge = warned if runs_wsl2(facts) else failed
        return judge(f"Disabled: {', '.join(disabled)}. Without it WSL may get no network.", proof, *fixes, RESTART)
    if all(state is None for state in states.values()):
        return unknown(facts, "windows.services.sharedaccess")
    return passed("The services behind WSL's network may start.", *proof)


@check("pending-reboot", "Has Windows finished installing, with no restart pending?", places=ON_WINDOWS)
def pending_reboot(facts: FactReader) -> Finding:
    """FAIL where something that WSL needs waits for the restart, WARN otherwise."""
    state = facts.get("windows.reboot_pending")
    features = ("virtual_machine_platform", "wsl")
    waiting = any(facts.get(f"windows.features.{name}") == "enable-pending" for name in features)
    if state is None and not waiting:
        return unknown(facts, "windows.reboot_pending")
    proof = evidence(facts, "windows.reboot_pending", "windows.reboot_reasons")
    if waiting or (state and facts.place == "windows" and facts.get("windows.hypervisor_present") is False):
        return failed("Windows must restart before WSL can work.", proof, RESTART)
    if state:
        return warned("Windows waits for a restart.", proof, RESTART)
    return passed("No restart is pending.", *proof)


@check("windows-build", "Is Windows new enough for the GPU in WSL (19044)?", places=ON_WINDOWS)
def windows_build(facts: FactReader) -> Finding:
    """19044 for CUDA; 18362.1049 for WSL 2 itself."""
    build = facts.get("windows.build")
    if build is None:
        return unknown(facts, "windows.build")
    proof = evidence(facts, "windows.build", "windows.revision")
    if is_too_old(facts):
        return failed(f"Windows build {build} is too old for WSL 2.", proof, UPDATE_WINDOWS)
    if build < GPU_BUILD:
        sentence = f"Windows build {build} cannot give its GPU to WSL: that needs {GPU_BUILD} (21H2) or Windows 11."
        return failed(sentence, proof, UPDATE_WINDOWS, UPDATE_WSL)
    name = "11" if build >= WINDOWS_11 else "10"
    return passed(f"Windows {name}, build {build}.", *proof)


CHECKS: tuple[Check, ...] = (
    virtual_machine_platform,
    wsl_feature,
    vm_services,
    wsl_service,
    network_services,
    pending_reboot,
)
"""windows_build stands behind the checks of WSL."""
