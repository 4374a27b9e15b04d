"""Can this machine start a virtual machine at all: CPU, firmware, hypervisor."""

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
from provision.doctor.firmware import nx_steps, virtualization_steps
from provision.doctor.steps import RESTART, runs_wsl2

ON_WINDOWS = ("windows", "wsl")
OLDEST, BACKPORTED, BACKPORT_REVISION = 18362, (18362, 18363), 1049
PROVEN = "WSL 2 runs here, which proves it."
NESTED = Step(
    "On the host, with this virtual machine off: expose the CPU's virtualization to it (Hyper-V as shown; VMware: "
    "Virtualize Intel VT-x/EPT or AMD-V/RVI; KVM: nested=1 and host-passthrough; in a cloud: a size that allows it).",
    "Set-VMProcessor -VMName NAME -ExposeVirtualizationExtensions $true",
    "host",
    needs_admin=True,
    undo="Set-VMProcessor -VMName NAME -ExposeVirtualizationExtensions $false",
)


def is_too_old(facts: FactReader) -> bool:
    """Whether this Windows cannot have WSL 2, which came with 2004 (19041) and to 1903 and 1909 by an update."""
    build = facts.get("windows.build")
    if build is None:
        return False
    return build < OLDEST or (build in BACKPORTED and (facts.get("windows.revision") or 0) < BACKPORT_REVISION)


def proven(facts: FactReader) -> Finding | None:
    """PASS where the virtual machine of WSL 2 is the place this runs in."""
    return passed(PROVEN, *evidence(facts, "linux.kernel")) if runs_wsl2(facts) else None


def _behind_hypervisor(facts: FactReader) -> Finding | None:
    """What can be said while a hypervisor runs, which hides the CPU's own bits; None where none does."""
    if facts.get("windows.hypervisor_present") is not True:
        return None
    proof = evidence(facts, "windows.hypervisor_present", "windows.is_virtual_machine")
    if facts.get("windows.is_virtual_machine"):
        return skipped("Cannot be told from inside a virtual machine (see hypervisor).", proof=proof)
    return passed("A hypervisor runs, which proves it.", *proof)


@check("cpu-virtualization", "Can this CPU run a hypervisor (VT-x / AMD-V and SLAT)?", places=ON_WINDOWS)
def cpu_virtualization(facts: FactReader) -> Finding:
    """SLAT and VM monitor extensions, which Windows tells only while no hypervisor runs."""
    if found := proven(facts) or _behind_hypervisor(facts):
        return found
    proof = evidence(facts, "windows.slat", "windows.vm_monitor", "windows.cpu_name")
    slat, monitor = facts.get("windows.slat"), facts.get("windows.vm_monitor")
    if facts.get("windows.is_virtual_machine") and (slat is False or monitor is False):
        return failed("This Windows is a virtual machine that is given no CPU virtualization.", proof, NESTED)
    if slat is False or monitor is False:
        lacks = "second level address translation (SLAT)" if slat is False else "VT-x / AMD-V"
        return failed(f"This CPU has no {lacks}: no WSL 2.", proof, Step("Use WSL 1 without a GPU, or another PC."))
    if slat is None and monitor is None:
        return unknown(facts, "windows.slat")
    return passed("The CPU has VT-x / AMD-V and SLAT.", *proof)


@check(
    "firmware-virtualization",
    "Is CPU virtualization on in the firmware?",
    needs=("cpu-virtualization",),
    places=ON_WINDOWS,
)
def firmware_virtualization(facts: FactReader) -> Finding:
    """VirtualizationFirmwareEnabled, which means something only while no hypervisor runs."""
    if found := proven(facts) or _behind_hypervisor(facts):
        return found
    state = facts.get("windows.firmware_virtualization")
    if state is None:
        return unknown(facts, "windows.firmware_virtualization")
    proof = evidence(facts, "windows.firmware_virtualization", "windows.hypervisor_present")
    if state:
        return passed("CPU virtualization is on in the firmware.", *proof)
    sentence = "CPU virtualization is off in the firmware (BIOS/UEFI)."
    return failed(sentence, proof, *virtualization_steps(facts))


@check("firmware-nx", "Is no-execute (NX / XD / DEP) on in the firmware?", places=ON_WINDOWS)
def firmware_nx(facts: FactReader) -> Finding:
    """DataExecutionPrevention_Available: the hypervisor does not start without it."""
    state = facts.get("windows.dep_available")
    if state is False:
        sentence = "No-execute (NX / XD / DEP) is off: the hypervisor cannot start."
        return failed(sentence, evidence(facts, "windows.dep_available"), *nx_steps(facts))
    if found := proven(facts):
        return found
    if state is None:
        return unknown(facts, "windows.dep_available")
    return passed("No-execute is on.", *evidence(facts, "windows.dep_available"))


@check(
    "hypervisor",
    "Does the Windows hypervisor run?",
    needs=("cpu-virtualization", "firmware-virtualization", "firmware-nx"),
    places=ON_WINDOWS,
)
def hypervisor(facts: FactReader) -> Finding:
    """HypervisorPresent; where it is false, the first reason of those that the facts tell."""
    if found := proven(facts):
        return found
    state = facts.get("windows.hypervisor_present")
    if state is None:
        return unknown(facts, "windows.hypervisor_present")
    proof = evidence(facts, "windows.hypervisor_present", "windows.hypervisor_launch_type")
    if state:
        return _in_guest(facts) if facts.get("windows.is_virtual_machine") else passed("The hypervisor runs.", *proof)
    return _why_absent(facts)


def _in_guest(facts: FactReader) -> Finding:
    proof = evidence(facts, "windows.is_virtual_machine", "windows.computer_manufacturer", "windows.computer_model")
    sentence = "This Windows is a virtual machine: WSL 2 works only if its host passes CPU virtualization on."
    return warned(sentence, proof, NESTED)


def _why_absent(facts: FactReader) -> Finding:
    proof = evidence(facts, "windows.hypervisor_present", "windows.hypervisor_launch_type")
    if facts.get("windows.hypervisor_launch_type") == "off":
        return failed("The hypervisor is told not to start (hypervisorlaunchtype off).", proof, *LAUNCH)
    if facts.get("windows.hypervisor_device_disabled"):
        more = evidence(facts, "windows.hypervisor_device_disabled")
        return failed("The hypervisor's driver is disabled in the device manager.", more, ENABLE_DEVICE, RESTART)
    feature = facts.get("windows.features.virtual_machine_platform")
    if feature == "enable-pending" or facts.get("windows.reboot_pending"):
        return skipped("No hypervisor runs yet: Windows waits for a restart.", "pending-reboot", proof)
    if is_too_old(facts):
        return skipped("No hypervisor runs: this Windows is too old for WSL 2.", "windows-build", proof)
    missing = "absent" in (facts.get("windows.services.vmcompute"), facts.get("windows.services.hns"))
    if feature in ("disabled", "payload-removed", "absent") or (feature is None and missing):
        return skipped("No hypervisor runs: the feature that brings it is off.", "virtual-machine-platform", proof)
    if missing:
        return skipped("No hypervisor runs: the services that start it are missing.", "vm-services", proof)
    return failed("The CPU and the firmware are ready, but no hypervisor was started.", proof, *LAUNCH)


LAUNCH = (
    Step(
        "Let Windows start its hypervisor at boot.",
        "bcdedit /set hypervisorlaunchtype auto",
        "windows",
        needs_admin=True,
        needs_restart=True,
        risk="old VirtualBox and VMware versions and some anti-cheat programs need it off",
        undo="bcdedit /set hypervisorlaunchtype off",
    ),
    RESTART,
)
ENABLE_DEVICE = Step(
    "In the device manager, under System devices, enable Microsoft Hyper-V Virtualization Infrastructure Driver.",
    "devmgmt.msc",
    "windows",
    needs_admin=True,
    needs_restart=True,
)

CHECKS: tuple[Check, ...] = (cpu_virtualization, firmware_virtualization, firmware_nx, hypervisor)
