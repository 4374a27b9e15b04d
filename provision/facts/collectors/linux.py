"""The Linux half of the facts: kernel, distribution, GPU device, libraries, linker, memory, wsl.conf. Files only, but
for the linker's cache and the package list.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

from provision.facts.facts import Part
from provision.facts.wslconf import Settings, read_wsl_conf
from provision.machine.machine import Machine

WSL_LIB = "/usr/lib/wsl/lib"
LIBCUDA = "libcuda.so.1"
DRIVER_PACKAGES = (
    "cuda-drivers*",
    "libcuda1",
    "libnvidia-compute-*",
    "nvidia-dkms-*",
    "nvidia-driver-*",
    "nvidia-utils-*",
)
COLAB_SIGNS = ("COLAB_RELEASE_TAG", "COLAB_GPU", "COLAB_BACKEND_VERSION")
NVIDIA_VENDOR, DISPLAY_CLASS = "0x10de", "0x03"


def read_text(machine: Machine, path: str) -> str | None:
    """A small text file, None where it cannot be read."""
    data = machine.read(path)
    return None if data is None else data.decode("utf-8", errors="replace")


def find_place(machine: Machine) -> str:
    """windows, wsl, colab, linux or other."""
    if machine.system == "win32":
        return "windows"
    if machine.system != "linux":
        return "other"
    if is_wsl(machine):
        return "wsl"
    return "colab" if is_colab(machine) else "linux"


def is_wsl(machine: Machine) -> bool:
    """Whether this Linux runs in WSL, also with a kernel of the user's own."""
    release = (read_text(machine, "/proc/sys/kernel/osrelease") or "").lower()
    if "microsoft" in release or "wsl" in release:
        return True
    return machine.env("WSL_DISTRO_NAME") is not None or machine.exists("/run/WSL")


def is_colab(machine: Machine) -> bool:
    """Whether this is Google Colab."""
    return any(machine.env(name) is not None for name in COLAB_SIGNS)


def collect_system(machine: Machine) -> Part:
    """Kernel, distribution, process 1, container, memory."""
    kernel = (read_text(machine, "/proc/sys/kernel/osrelease") or "").strip() or None
    in_wsl = is_wsl(machine)
    values: dict[str, Any] = {
        "linux.kernel": kernel,
        "linux.is_wsl": in_wsl,
        "linux.is_colab": is_colab(machine),
        "linux.is_container": is_container(machine),
        "linux.distribution": _distribution(machine),
        "linux.init": _init(machine),
        **_memory(machine),
    }
    if in_wsl:
        values["linux.wsl_version"] = wsl_version(kernel)
    return part(values, collector="python")


def wsl_version(kernel: str | None) -> int | None:
    """1 for the emulated kernel 4.4.0-NNNNN-Microsoft, 2 for any other; None where the kernel is not known."""
    if kernel is None:
        return None
    return 1 if re.fullmatch(r"[34]\.\d+\.\d+-\d+-Microsoft", kernel) else 2


def is_container(machine: Machine) -> bool:
    """Whether this runs in Docker, Podman, LXC or Kubernetes."""
    if machine.exists("/.dockerenv") or machine.exists("/run/.containerenv") or machine.env("container"):
        return True
    groups = read_text(machine, "/proc/1/cgroup") or ""
    return re.search(r"/(docker|kubepods|lxc|containerd|libpod)", groups) is not None


def _distribution(machine: Machine) -> str | None:
    text = read_text(machine, "/etc/os-release") or ""
    values = {key: value.strip("\"'") for key, value in re.findall(r"(?m)^(\w+)=(.*)$", text)}
    return f"{values['ID']} {values.get('VERSION_ID', '')}".strip() if "ID" in values else None


def _init(machine: Machine) -> str | None:
    name = (read_text(machine, "/proc/1/comm") or "").strip()
    if not name:
        return None
    return name if name in ("systemd", "init") else "init" if name.startswith("init(") else "other"


def _memory(machine: Machine) -> dict[str, int | None]:
    sizes = dict(re.findall(r"(?m)^(\w+):\s+(\d+) kB", read_text(machine, "/proc/meminfo") or ""))
    return {
        "linux.memory_mib": int(sizes["MemTotal"]) // 1024 if "MemTotal" in sizes else None,
        "linux.swap_mib": int(sizes["SwapTotal"]) // 1024 if "SwapTotal" in sizes else None,
    }


def collect_gpu(machine: Machine) -> Part:
    """The GPU's device, the driver's libraries, and the order in which the linker finds them."""
    libraries, reason = libcuda_paths(machine)
    in_wsl = is_wsl(machine)
    loader = read_text(machine, "/etc/ld.so.conf.d/ld.wsl.conf")
    values: dict[str, Any] = {
        "linux.has_dxg": machine.exists("/dev/dxg"),
        "linux.wsl_lib_has_libcuda": machine.exists(f"{WSL_LIB}/{LIBCUDA}"),
        "linux.wsl_lib_mounted": _is_mounted(machine, WSL_LIB),
        "linux.ld_wsl_conf": loader is not None and WSL_LIB in loader,
        "linux.libcuda_paths": libraries,
        "linux.nvidia_smi_path": _nvidia_smi(machine),
        "linux.apt_nvidia_packages": driver_packages(machine),
        "linux.nvidia_pci_count": _pci_count(machine),
        "linux.kernel_driver": _kernel_driver(machine),
    }
    if in_wsl and libraries is not None:
        values["linux.libcuda_shadowed"] = is_shadowed(machine, libraries)
    return part(values, {"linux.libcuda_paths": reason} if reason else {})


def libcuda_paths(machine: Machine) -> tuple[list[str] | None, str | None]:
    """Every libcuda.so.1 in the order of the linker: LD_LIBRARY_PATH first, then its cache. Or None, and the reason."""
    folders = filter(None, (machine.env("LD_LIBRARY_PATH") or "").split(":"))
    first = [path for folder in folders if machine.exists(path := f"{folder.rstrip('/')}/{LIBCUDA}")]
    ran = machine.run(machine.which("ldconfig") or "/sbin/ldconfig", "-p")
    if not ran.good:
        return (first or None), ran.why_not
    # "libcuda.so.1 (libc6,x86-64) => /usr/lib/...": an entry without an architecture is a 32-bit one
    entries = re.findall(rf"(?m)^\s*{re.escape(LIBCUDA)} \(([^)]*)\) => (\S+)", ran.text)
    return list(dict.fromkeys([*first, *(path for flags, path in entries if "," in flags)])), None


def is_shadowed(machine: Machine, libraries: list[str]) -> bool:
    """Whether the first libcuda is not the one of WSL. Inside a container the container's tools decide: never."""
    if not libraries or is_container(machine):
        return False
    return not PurePosixPath(machine.realpath(libraries[0])).is_relative_to("/usr/lib/wsl")


def _is_mounted(machine: Machine, folder: str) -> bool | None:
    mounts = read_text(machine, "/proc/self/mounts")
    if mounts is None:
        return None
    points = [line.split()[1] for line in mounts.splitlines() if len(line.split()) > 1]
    return any(point == folder for point in points)


def _nvidia_smi(machine: Machine) -> str:
    found = machine.which("nvidia-smi")
    return machine.realpath(found) if found else "absent"


def driver_packages(machine: Machine) -> list[str] | None:
    """Installed packages of a Linux NVIDIA driver; None where there is no dpkg."""
    if not machine.exists("/var/lib/dpkg/status"):
        return None
    ran = machine.run("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\\n", *DRIVER_PACKAGES)
    if ran.timed_out or ran.code not in (0, 1):  # 1: one of the patterns matches nothing
        return None
    rows = (line.split() for line in ran.text.splitlines())
    return sorted(row[-1] for row in rows if len(row) == 2 and row[0].startswith("ii"))


def _pci_count(machine: Machine) -> int | None:
    folder = "/sys/bus/pci/devices"
    names = machine.listdir(folder)
    if names is None:
        return 0 if machine.exists("/proc/sys/kernel/osrelease") else None
    vendors = {name: (read_text(machine, f"{folder}/{name}/vendor") or "").strip() for name in names}
    ours = [name for name, vendor in vendors.items() if vendor == NVIDIA_VENDOR]
    return sum((read_text(machine, f"{folder}/{name}/class") or "").startswith(DISPLAY_CLASS) for name in ours)


def _kernel_driver(machine: Machine) -> str:
    """The version in /proc/driver/nvidia/version, "absent" where no driver is loaded."""
    text = read_text(machine, "/proc/driver/nvidia/version")
    if text is None:  # some sandboxes hand in the device alone
        return "unknown version" if machine.exists("/dev/nvidiactl") else "absent"
    found = re.search(r"Kernel Module.*?\s(\d+\.\d+(?:\.\d+)*)\s", text)
    return found[1] if found else "unknown version"


def collect_wsl_conf(machine: Machine) -> Part:
    """What /etc/wsl.conf says, and whether Windows programs can be started from here."""
    if not is_wsl(machine):
        return Part()
    settings = wsl_conf(machine)
    values = {
        "linux.wsl_conf_problems": list(settings.problems),
        "linux.wsl_gpu_enabled": settings.boolean("gpu.enabled", True),
        "linux.wsl_systemd": settings.boolean("boot.systemd", False),
        "linux.windows_interop": has_interop(machine, settings),
    }
    return part(values)


def wsl_conf(machine: Machine) -> Settings:
    """/etc/wsl.conf as WSL reads it."""
    return read_wsl_conf(machine.read("/etc/wsl.conf"))


def has_interop(machine: Machine, settings: Settings) -> bool:
    """Whether the kernel hands Windows programs to WSL."""
    if is_container(machine) or not settings.boolean("interop.enabled", True):
        return False
    if wsl_version((read_text(machine, "/proc/sys/kernel/osrelease") or "").strip()) == 1:
        return True  # part of the emulated kernel
    handlers = (f"/proc/sys/fs/binfmt_misc/{name}" for name in ("WSLInterop", "WSLInterop-late"))
    return any(machine.exists(handler) for handler in handlers)


def part(values: dict[str, Any], unknown: dict[str, str] | None = None, collector: str | None = None) -> Part:
    """Values and reasons; a value that is None without a reason is one that this system does not tell."""
    reasons = {path: "absent" for path, value in values.items() if value is None}
    return Part(values, reasons | (unknown or {}), collector)
