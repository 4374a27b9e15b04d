"""What WSL hands to this Linux of Windows' GPU: the device, the driver's libraries, and the linker's order of them."""

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
from provision.doctor.steps import SHUTDOWN_WSL, UPDATE_WSL, WINDOWS_DRIVER, edit_wsl_conf, edit_wslconfig

IN_WSL = ("wsl",)
SHADOWS = "linux.libcuda_shadowed"


def no_nvidia_on_windows(facts: FactReader) -> Finding | None:
    """SKIP where the reason for a missing library is that Windows has no NVIDIA GPU at all."""
    if facts.get("windows.nvidia_gpus") == []:
        return skipped("Windows has no NVIDIA GPU.", "windows-driver", evidence(facts, "windows.nvidia_gpus"))
    return None


@check(
    "dxg-device",
    "Does Windows hand its GPU to this Linux (/dev/dxg)?",
    needs=("distribution-version-2",),
    places=IN_WSL,
)
def dxg_device(facts: FactReader) -> Finding:
    """/dev/dxg, and what keeps it away."""
    if facts.get("linux.has_dxg"):
        return passed("/dev/dxg is there.", *evidence(facts, "linux.has_dxg"))
    if facts.get("linux.has_dxg") is None:
        return unknown(facts, "linux.has_dxg")
    culprit, fix = _why_no_dxg(facts)
    return failed(f"/dev/dxg is missing: {culprit}.", evidence(facts, "linux.has_dxg", *_DXG_SWITCHES), *fix)


_DXG_SWITCHES = ("wsl.wslconfig_gpu_support", "linux.wsl_gpu_enabled", "wsl.wslconfig_custom_kernel", "windows.build")


def _why_no_dxg(facts: FactReader) -> tuple[str, tuple[Step, ...]]:
    if facts.get("linux.is_container"):
        return "this container was started without the GPU", (
            Step("Start it with the GPU.", "docker run --gpus all ..."),
        )
    if facts.get("wsl.wslconfig_gpu_support") is False:
        return "gpuSupport=false in .wslconfig", (edit_wslconfig("remove gpuSupport=false."), SHUTDOWN_WSL)
    if facts.get("linux.wsl_gpu_enabled") is False:
        return "the GPU is off in /etc/wsl.conf", (edit_wsl_conf("remove enabled=false under [gpu]."), SHUTDOWN_WSL)
    if facts.get("wsl.wslconfig_custom_kernel"):
        return "the kernel of .wslconfig may lack dxgkrnl", (edit_wslconfig("remove the line kernel=."), SHUTDOWN_WSL)
    return "Windows does not hand its GPU to WSL", NO_DXG


NO_DXG = (UPDATE_WSL, SHUTDOWN_WSL, WINDOWS_DRIVER)


@check(
    "wsl-libraries",
    "Are the driver's libraries mounted (/usr/lib/wsl/lib)?",
    needs=("dxg-device",),
    places=IN_WSL,
)
def wsl_libraries(facts: FactReader) -> Finding:
    """libcuda.so.1 of the Windows driver; in a container its tools mount it elsewhere."""
    proof = evidence(facts, "linux.wsl_lib_has_libcuda", "linux.wsl_lib_mounted")
    if facts.get("linux.wsl_lib_has_libcuda"):
        return passed("The driver's libraries are in /usr/lib/wsl/lib.", *proof)
    if facts.get("linux.is_container") and facts.get("linux.libcuda_paths"):
        return passed("The container brings the driver's libraries.", *evidence(facts, "linux.libcuda_paths"))
    if found := no_nvidia_on_windows(facts):
        return found
    if facts.get("linux.wsl_gpu_enabled") is False:
        sentence = "The driver's libraries are not mounted: the GPU is off in /etc/wsl.conf."
        fix = edit_wsl_conf("remove enabled=false under [gpu].")
        return failed(sentence, (*proof, *evidence(facts, "linux.wsl_gpu_enabled")), fix, SHUTDOWN_WSL)
    sentence = "/usr/lib/wsl/lib has no libcuda.so.1: Windows has no NVIDIA driver, or WSL started before it came."
    return failed(sentence, proof, SHUTDOWN_WSL, WINDOWS_DRIVER)


@check(
    "linker-order", "Does the linker find those libraries before any other?", needs=("wsl-libraries",), places=IN_WSL
)
def linker_order(facts: FactReader) -> Finding:
    """The first libcuda.so.1 must be the one of WSL: any other belongs to a Linux driver, which cannot work here."""
    paths, packages = facts.get("linux.libcuda_paths"), facts.get("linux.apt_nvidia_packages") or []
    proof = evidence(facts, "linux.libcuda_paths", "linux.apt_nvidia_packages", "linux.ld_wsl_conf")
    if facts.get(SHADOWS):
        sentence = f"The linker finds {paths[0] if paths else 'another one'} before the driver's libcuda."
        return failed(sentence, proof, *_unshadow(paths or [""], packages))
    if paths is None:
        return unknown(facts, "linux.libcuda_paths")
    if not paths:
        sentence = "The linker does not know /usr/lib/wsl/lib (ldconfig = false in /etc/wsl.conf does that)."
        return failed(sentence, proof, TELL_LINKER)
    if packages:
        return warned("A Linux NVIDIA driver is installed in WSL; it does no good here.", proof, _purge(packages))
    return passed("The linker finds the driver's libraries first.", *proof)


TELL_LINKER = Step(
    "Tell the linker about the folder.",
    "echo /usr/lib/wsl/lib | sudo tee /etc/ld.so.conf.d/ld.wsl.conf && sudo ldconfig",
    "wsl",
    needs_admin=True,
)


def _unshadow(paths: list[str], packages: list[str]) -> tuple[Step, ...]:
    if packages:
        return _purge(packages), Step("Renew the linker's cache.", "sudo ldconfig", "wsl", True), SHUTDOWN_WSL
    if "/stubs/" in paths[0] or "LD_LIBRARY_PATH" in paths[0]:
        folder = paths[0].rpartition("/")[0]
        return (
            Step(f"Take {folder} out of LD_LIBRARY_PATH (see ~/.bashrc): it serves to link, not to run.", None, "wsl"),
        )
    move = Step(
        "Move that file away.",
        f"sudo mv {paths[0]} {paths[0]}.away",
        "wsl",
        True,
        undo=f"sudo mv {paths[0]}.away {paths[0]}",
    )
    return move, Step("Renew the linker's cache.", "sudo ldconfig", "wsl", True)


def _purge(packages: list[str]) -> Step:
    return Step(
        "Remove the Linux driver; the toolkit may stay.",
        f"sudo apt-get purge -y {' '.join(packages)}",
        "wsl",
        needs_admin=True,
        risk="packages that depend on it go too: read the list",
    )


CHECKS: tuple[Check, ...] = (dxg_device, wsl_libraries, linker_order)
