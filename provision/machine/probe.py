"""Asks the GPU driver and torch, in a process of its own: `python -m provision.machine.probe cuda` (nvml, torch …).

A driver that crashes or hangs takes this process along and nothing else. The answer is one JSON object per line on
standard output; what was found before a crash stands there already.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import statistics
import sys
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any

from dreamrig.words import MIB

if TYPE_CHECKING:
    import torch

MAJOR, MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*"""
CHECKED_SIZE, TIMED_SIZE, ROUNDS = 256, 4096, 5
TOLERANCE = 1e-3
"""Relative; fp32 rounding of a product over 256 terms stays two orders of magnitude below."""

Answer = dict[str, Any]


def cuda() -> Iterator[Answer]:
    """The driver library: cuInit and what it lists. Keys as in the cuda half of the facts."""
    try:
        library = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError as error:
        yield {"library_error": str(error)}
        return
    yield {"library_error": "absent", "driver_cuda": _driver_cuda(library)}
    code = library.cuInit(0)
    yield {"init_code": code}
    if code == 0:
        yield _devices(library)


def _driver_cuda(library: ctypes.CDLL) -> str | None:
    version = ctypes.c_int()
    if library.cuDriverGetVersion(ctypes.byref(version)) != 0:
        return None
    return f"{version.value // 1000}.{version.value % 1000 // 10}"


def _devices(library: ctypes.CDLL) -> Answer:
    count = ctypes.c_int()
    library.cuDeviceGetCount(ctypes.byref(count))
    found = [_device(library, index) for index in range(count.value)]
    first = found[0] if found else {}
    return {"device_count": count.value, "gpu_names": [device["gpu_name"] for device in found], **first}


def _device(library: ctypes.CDLL, index: int) -> Answer:
    device, major, minor, memory = ctypes.c_int(), ctypes.c_int(), ctypes.c_int(), ctypes.c_size_t()
    name = ctypes.create_string_buffer(128)
    library.cuDeviceGet(ctypes.byref(device), index)
    library.cuDeviceGetName(name, len(name), device)
    library.cuDeviceGetAttribute(ctypes.byref(major), MAJOR, device)
    library.cuDeviceGetAttribute(ctypes.byref(minor), MINOR, device)
    library.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    text = name.value.decode(errors="replace")
    return {"gpu_name": text, "capability": f"{major.value}.{minor.value}", "memory_mib": memory.value // MIB}


def nvml() -> Iterator[Answer]:
    """NVIDIA's management library, through nvidia-ml-py."""
    try:
        import pynvml  # type: ignore[import-untyped]  # has no types
    except ImportError as error:
        yield {"missing": str(error)}
        return
    try:
        pynvml.nvmlInit()
        yield {"nvml_code": 0, "driver": _text(pynvml.nvmlSystemGetDriverVersion())}
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        yield {"gpu_names": [_text(pynvml.nvmlDeviceGetName(handle)) for handle in handles]}
        if len(handles) == 1:  # with several, the driver library may count them in another order
            yield _power(pynvml, handles[0])
    except pynvml.NVMLError as error:
        yield {"nvml_code": error.value, "nvml_error": str(error)}


def _power(pynvml: Any, handle: Any) -> Answer:
    """The power limit in force and the card's own, in watts; not told where the driver does not know them."""
    found: Answer = {}
    with contextlib.suppress(pynvml.NVMLError):  # under WSL much is not supported, which says nothing about the GPU
        found["power_limit_watts"] = round(pynvml.nvmlDeviceGetPowerManagementLimit(handle) / 1000)
        found["power_default_watts"] = round(pynvml.nvmlDeviceGetPowerManagementDefaultLimit(handle) / 1000)
    return found


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value  # older nvidia-ml-py returns bytes


def torch_build() -> Iterator[Answer]:
    """What torch was built for, and whether it sees a GPU."""
    import torch

    yield {"version": torch.__version__, "cuda": torch.version.cuda or "absent", "arch_list": _arch_list(torch)}
    yield {"cuda_available": torch.cuda.is_available()}


def _arch_list(torch_module: Any) -> list[str]:
    """Also where no GPU can be used, in which case torch.cuda.get_arch_list() is empty."""
    flags = getattr(getattr(torch_module, "_C", None), "_cuda_getArchFlags", lambda: None)()
    return str(flags).split() if flags else list(torch_module.cuda.get_arch_list())


def kernel() -> Iterator[Answer]:
    """torch_build(), then a product and an elementwise kernel on the GPU, compared with the CPU, and timed."""
    yield from torch_build()
    import torch

    try:
        device = torch.device("cuda", torch.cuda.current_device())
        yield {"kernel": "right" if _computes(device) else "wrong"}
        milliseconds = _time_product(device)
    except (RuntimeError, AssertionError) as error:
        yield {"kernel": "failed", "kernel_error": str(error).strip()}
        return
    yield {"kernel_milliseconds": milliseconds, "kernel_tflops": 2 * TIMED_SIZE**3 / milliseconds / 1e9}


def _computes(device: torch.device) -> bool:
    import torch

    generator = torch.Generator().manual_seed(1)
    left, right = (torch.randn(CHECKED_SIZE, CHECKED_SIZE, generator=generator) for _ in range(2))
    pairs = (
        ((left.to(device) @ right.to(device)).cpu().double(), left.double() @ right.double()),
        (torch.sin(left.to(device)).mul(right.to(device)).add(1).cpu().double(), torch.sin(left.double()) * right + 1),
    )
    return all(bool((got - want).abs().max() <= TOLERANCE * want.abs().max()) for got, want in pairs)


def _time_product(device: torch.device) -> float:
    """Milliseconds of one fp32 product of TIMED_SIZE squares, the median of some rounds."""
    import torch

    left = torch.randn(TIMED_SIZE, TIMED_SIZE, device=device)
    rounds = []
    for _ in range(ROUNDS + 2):  # the first two load the library and wake the clocks up
        torch.cuda.synchronize(device)
        before = perf_counter()
        left @ left
        torch.cuda.synchronize(device)
        rounds.append((perf_counter() - before) * 1000)
    return statistics.median(rounds[2:])


PROBES: dict[str, Callable[[], Iterator[Answer]]] = {"cuda": cuda, "nvml": nvml, "torch": torch_build, "kernel": kernel}


def main(words: list[str]) -> int:
    """Print what the probe of that name finds; 2 where there is none of that name."""
    if len(words) != 1 or words[0] not in PROBES:
        print(f"usage: python -m provision.machine.probe {' | '.join(PROBES)}", file=sys.stderr)
        return 2
    for answer in PROBES[words[0]]():
        print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
