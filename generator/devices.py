"""The device a run is on: choosing it, naming it, bringing tensors there, what it has left."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from time import perf_counter

import psutil
import torch

from dreamrig.errors import NotReadyError, UsageError
from dreamrig.words import MIB

CPUINFO = Path("/proc/cpuinfo")
CGROUP = Path("/sys/fs/cgroup")
PROCESS = Path("/proc/self")
SHARE_FOR_RUNS = 0.9
"""Of a device's memory; the rest is for what is never away: contexts, a desktop, the system."""


def resolve_device(name: str) -> torch.device:
    """auto, cpu, cuda, cuda:NUMBER or mps -> the device; what is asked for and missing raises NotReadyError."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (number and not (kind == "cuda" and number.isdecimal())):
        raise UsageError(f"There is no device {name!r}.", hint="use auto, cpu, cuda, cuda:1 or mps")
    if kind == "cuda":
        _require_cuda(int(number or 0))
    if kind == "mps" and not torch.backends.mps.is_available():
        raise NotReadyError("PyTorch sees no Apple GPU.", hint="use --device cpu")
    device = torch.device(name)
    prepare_determinism(device)
    return device


def _require_cuda(number: int) -> None:
    """NotReadyError where there is no card of that number; in the words of the maker whose PyTorch this is."""
    if not torch.cuda.is_available():
        if torch.version.hip is not None:
            raise NotReadyError("PyTorch sees no AMD GPU.", hint="use --device cpu, or check the driver: rocminfo")
        raise NotReadyError("PyTorch sees no CUDA device.", hint="use --device cpu, or check the driver: nvidia-smi")
    count = torch.cuda.device_count()
    if number >= count:
        there = "is one, cuda:0" if count == 1 else f"are {count}, cuda:0 to cuda:{count - 1}"
        raise NotReadyError(f"There is no device cuda:{number}; there {there}.", hint=f"use --device cuda:{count - 1}")


def prepare_determinism(device: torch.device) -> None:
    """Give cuBLAS the fixed workspace that repeatable products need; it is read at the first product, so come early."""
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def describe(device: torch.device) -> str:
    """For people, e.g. "cpu (Intel Xeon)" or "cuda:0 (Tesla T4)"."""
    if device.type == "cuda":
        maker = "" if torch.version.hip is None else ", ROCm"
        return f"cuda:{device.index or 0} ({torch.cuda.get_device_name(device)}{maker})"
    if device.type == "mps":
        return f"mps (Apple GPU of {_processor()})"
    return f"{device.type} ({_processor()})"


def cuda_uuid(device: torch.device) -> str | None:
    """The card's UUID as torch tells it; None on a CPU and on a torch that does not."""
    if device.type != "cuda":
        return None
    uuid = getattr(torch.cuda.get_device_properties(device), "uuid", None)
    return None if uuid is None else str(uuid)


def versions() -> Mapping[str, str]:
    """What decides the bytes besides the config."""
    return {"python": platform.python_version(), "torch": torch.__version__, "platform": platform.platform()}


def synchronising_clock(device: torch.device) -> Callable[[], float]:
    """perf_counter that waits for the device first, for timing a GPU honestly; it slows a run a little."""
    if device.type != "cuda":
        return perf_counter

    def clock() -> float:
        torch.cuda.synchronize(device)
        return perf_counter()

    return clock


class Lead:
    """Keeps the host one step ahead of the device, and no more.

    Then the device never stands still for the host, and the times between steps are honest as they are: each waits for
    the step before it to be done.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._before: torch.cuda.Event | None = None

    def asked_for_a_step(self) -> None:
        """All of a step is asked for: wait until the one before it is done."""
        if self.device.type != "cuda":
            return
        asked = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch ships it untyped
        asked.record(torch.cuda.current_stream(self.device))
        if self._before is not None:
            self._before.synchronize()
        self._before = asked


def to_like(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A tensor in the type and on the device of another, whose arithmetic it may then join.

    From the host it is cast first: not every device has float64.
    """
    return to_device(tensor.to(like.dtype), like.device)


def to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor on a device; from the host through pinned memory, so that nothing has to wait for the copy."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


@lru_cache(maxsize=256)
def _constant(
    make: Callable[..., torch.Tensor], arguments: tuple[object, ...], device: torch.device, dtype: torch.dtype
) -> torch.Tensor:
    return to_device(make(*arguments).to(dtype), device)


def constant(make: Callable[..., torch.Tensor], *arguments: object, like: torch.Tensor) -> torch.Tensor:
    """make(*arguments), which is always the same, in the type and on the device of `like`; sent there once.

    Shared by all callers: never write to it.
    """
    return _constant(make, arguments, like.device, like.dtype)


def forget_peak_memory(device: torch.device, process: Path = PROCESS) -> bool:
    """Let peak_memory_mib count anew, from what is held now; False where the system has no way to.

    Linux: "5" resets the high-water mark of the process (proc_pid_clear_refs(5)); the mark of getrusage would stay.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return True
    try:
        (process / "clear_refs").write_text("5")
    except OSError:
        return False
    return True


def peak_memory_mib(device: torch.device, process: Path = PROCESS) -> float | None:
    """Highest so far: of the allocator on CUDA, of the process elsewhere; None where it cannot be told."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / MIB
    try:
        (kib,) = re.findall(rb"^VmHWM:\s+(\d+) kB$", (process / "status").read_bytes(), re.MULTILINE)
        return int(kib) / 1024
    except (OSError, ValueError):
        return _most_resident_mib()


def _most_resident_mib() -> float | None:
    """The process's high-water mark where there is no /proc."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest / MIB if sys.platform == "darwin" else highest / 1024


def release_memory(device: torch.device) -> None:
    """Give back to the device what is kept of it for later, by torch; on a CPU by glibc."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    elif sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


def available_memory_mib(device: torch.device, group: Path = CGROUP) -> float:
    """What a run may still take: free device memory on CUDA, else what machine and container have left."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return (torch.cuda.mem_get_info(device)[0] + unused) / MIB
    machine = psutil.virtual_memory().available / MIB
    container = _container_available_mib(group)
    return machine if container is None else min(machine, container)


def whole_memory_mib(device: torch.device, group: Path = CGROUP) -> float:
    """What a run could take if nobody else were on the device, the loaded networks beside it; a part is left to others.

    Never less than what it may take now.
    """
    if device.type == "cuda":
        total, own = torch.cuda.mem_get_info(device)[1] / MIB, torch.cuda.memory_allocated(device) / MIB
    else:
        total, own = _total_mib(group), psutil.Process().memory_info().rss / MIB
    return max(SHARE_FOR_RUNS * total - own, available_memory_mib(device, group))


def _total_mib(group: Path) -> float:
    """Of the machine, or what its container may use."""
    machine = psutil.virtual_memory().total / MIB
    try:
        return min(machine, int((group / "memory.max").read_text()) / MIB)
    except (OSError, ValueError):
        return machine


def _container_available_mib(group: Path) -> float | None:
    """What the container's limit leaves; None without a limit."""
    try:
        return (int((group / "memory.max").read_text()) - int((group / "memory.current").read_text())) / MIB
    except (OSError, ValueError):
        return None


def _processor() -> str:
    try:
        lines = CPUINFO.read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
