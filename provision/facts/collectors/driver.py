"""The cuda and torch halves of the facts. Everything that loads a driver or torch does so in a child process."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

from provision.facts.facts import Part
from provision.machine.machine import Machine, Ran

CUDA_KEYS = (
    "library_error",
    "init_code",
    "driver_cuda",
    "device_count",
    "gpu_name",
    "gpu_names",
    "capability",
    "memory_mib",
)
NVML_KEYS = ("nvml_code", "driver", "power_limit_watts", "power_default_watts")
RUN_KEYS = ("arch_list", "cuda_available", "kernel", "kernel_error", "kernel_milliseconds", "kernel_tflops")
DRIVER_SECONDS, KERNEL_SECONDS = 20.0, 180.0
"""Time-outs. Importing torch from a cold, slow disk takes a minute or more."""


def run_probe(machine: Machine, name: str, timeout_seconds: float) -> tuple[dict[str, Any], str | None]:
    """What `python -m provision.machine.probe NAME` found before it ended, and why it did not end well."""
    ran = machine.run(
        machine.python, "-m", "provision.machine.probe", name, timeout_seconds=timeout_seconds, cwd=machine.root
    )
    found: dict[str, Any] = {}
    for line in ran.text.splitlines():  # whatever a driver prints besides is no JSON object
        try:
            answer = json.loads(line) if line.startswith("{") else {}
        except json.JSONDecodeError:
            answer = {}
        found |= answer
    return found, None if ran.good else _why(ran)


def _why(ran: Ran) -> str:
    """The last line of a traceback says more than its first."""
    lines = [line.strip() for line in ran.error_text.splitlines() if line.strip()]
    return f"failed: {lines[-1][:200]}" if lines and ran.code > 0 and not ran.timed_out else ran.why_not


def collect_cuda(machine: Machine) -> Part:
    """What the driver library says: cuInit, devices, versions."""
    found, wrong = run_probe(machine, "cuda", DRIVER_SECONDS)
    return _part("cuda", CUDA_KEYS, found, wrong)


def collect_visible(machine: Machine) -> Part:
    """CUDA_VISIBLE_DEVICES; not set is no mystery, so no reason is given for null."""
    return Part({"cuda.visible_devices": machine.env("CUDA_VISIBLE_DEVICES")})


def collect_nvml(machine: Machine) -> Part:
    """What the management library says; the names of all GPUs where the driver library gave none."""
    found, wrong = run_probe(machine, "nvml", DRIVER_SECONDS)
    if "missing" in found:
        wrong = f"failed: {found['missing']}"
    return _part("cuda", (*NVML_KEYS, "gpu_names"), found, wrong)


def collect_torch_files(machine: Machine) -> Part:
    """Which torch is installed, from its files: nothing is imported."""
    folder = next(
        (f"{entry}/torch" for entry in machine.python_path if machine.exists(f"{entry}/torch/version.py")), None
    )
    if folder is None:
        return Part({"torch.is_installed": False}, {"torch.version": "absent", "torch.cuda": "absent"})
    text = (machine.read(f"{folder}/version.py") or b"").decode(errors="replace")
    version = _assigned(text, "__version__")
    cuda, hip = _assigned(text, "cuda"), _assigned(text, "hip")
    values = {
        "torch.is_installed": True,
        "torch.version": version,
        "torch.cuda": cuda or "absent",
        "torch.is_cpu_build": cuda is None and hip is None,
    }
    return Part(values)


def _assigned(text: str, name: str) -> str | None:
    """The text that a line `name = '...'` or `name: Optional[str] = '...'` assigns."""
    found = re.search(rf"(?m)^{name}\s*(?::[^=]*)?=\s*['\"]([^'\"]+)['\"]", text)
    return found[1] if found else None


def collect_torch(machine: Machine, capability: str | None) -> Part:
    """What torch can do here: its architectures, and a kernel compared with the CPU and timed. In a child."""
    found, wrong = run_probe(machine, "kernel", KERNEL_SECONDS)
    part = _part("torch", RUN_KEYS, found, wrong)
    if wrong is not None and found.get("kernel") is None and found:  # it got as far as the kernel and died there
        part = Part({**part.values, "torch.kernel": "failed", "torch.kernel_error": wrong}, part.unknown)
    covers = arch_covers(found["arch_list"], capability) if found.get("arch_list") and capability else None
    return Part({**part.values, "torch.has_kernels_for_gpu": covers}, part.unknown)


def arch_covers(arch_list: Iterable[str], capability: str) -> bool | None:
    """Whether code for one of these architectures runs on a GPU of `capability`; None where that is no capability.

    sm_XY runs on the same major version and the same or a newer minor one, sm_XYa on exactly that, sm_XYf on the
    family; compute_XY is compiled for any newer GPU. Source: the CUDA C++ programming guide, "Compute capability".
    """
    parsed = re.fullmatch(r"(\d+)\.(\d+)", capability)
    if parsed is None:
        return None
    has = (int(parsed[1]), int(parsed[2]))
    return any(_runs_on(arch, has) for arch in arch_list)


def _runs_on(arch: str, has: tuple[int, int]) -> bool:
    found = re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", arch.strip())
    if found is None:
        return False
    built = (int(found[2]), int(found[3]))
    if found[4] == "a":
        return built == has
    return built <= has if found[1] == "compute" and not found[4] else built[0] == has[0] and built[1] <= has[1]


def _part(half: str, keys: tuple[str, ...], found: dict[str, Any], wrong: str | None) -> Part:
    values = {f"{half}.{key}": found[key] for key in keys if found.get(key) is not None}
    unknown = {f"{half}.{key}": wrong for key in keys if found.get(key) is None} if wrong else {}
    return Part(values, unknown)


DOUBLED = ("torch", "torchvision", "numpy", "PIL", "clip")
"""Packages of the chain that hide each other where two of them stand on the path."""


def collect_python(machine: Machine) -> Part:
    """Which Python this is, and who else has packages called like ours."""
    elsewhere: list[str] = []
    rivals: list[str] = []
    for name in ("bench", "dreamrig", "generator", "provision"):
        homes = [entry for entry in machine.python_path if _has_package(machine, entry, name)]
        others = [entry for entry in homes if machine.realpath(entry) != machine.realpath(machine.root)]
        if not _has_package(machine, machine.root, name) or not others:
            continue
        is_first = others[0] == homes[0]
        (elsewhere if is_first else rivals).append(f"{name} at {PurePath(others[0])}")
    values = {
        "python.version": machine.python_version,
        "python.packages_elsewhere": elsewhere,
        "python.package_rivals": rivals,
        "python.environment": _environment(machine),
        "python.torchvision": _torchvision(machine),
        "python.doubled": [name for name in DOUBLED if len(_homes(machine, name)) > 1],
    }
    return Part(values)


def _environment(machine: Machine) -> str:
    """What kind of environment this Python is: venv, conda or system."""
    home = PurePath(machine.python).parent.parent
    if machine.exists(f"{home}/pyvenv.cfg"):
        return "venv"
    return "conda" if machine.exists(f"{home}/conda-meta") else "system"


def _torchvision(machine: Machine) -> str:
    """The version of torchvision that Python would take, from its files; absent where there is none."""
    files = (f"{entry}/torchvision/version.py" for entry in machine.python_path)
    found = next((path for path in files if machine.exists(path)), None)
    text = (machine.read(found) or b"").decode(errors="replace") if found else ""
    return _assigned(text, "__version__") or "absent"


def _homes(machine: Machine, name: str) -> set[str]:
    """The folders on the path that answer `import name`, each once."""
    return {machine.realpath(entry) for entry in machine.python_path if _has_package(machine, entry, name)}


def _has_package(machine: Machine, entry: str, name: str) -> bool:
    """Whether `entry` answers `import name`; a folder without __init__.py never wins over one with it."""
    folder = entry or "."
    return machine.exists(f"{folder}/{name}/__init__.py") or machine.exists(f"{folder}/{name}.py")


def collect_extras(machine: Machine) -> Part:
    """What no check needs and a diagnosis may: do names resolve, does Docker know the GPU."""
    values: dict[str, Any] = {}
    if machine.which("getent"):
        ran = machine.run("getent", "ahosts", "github.com", timeout_seconds=4)
        values["linux.resolves_names"] = ran.good
    if machine.which("docker"):
        ran = machine.run("docker", "info", "--format", "{{json .Runtimes}} {{json .CDISpecDirs}}", timeout_seconds=6)
        values["cuda.docker_has_nvidia"] = "nvidia" in ran.text if ran.good else None
    return Part(values)
