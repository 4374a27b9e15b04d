"""The GPU's driver: on Windows, and what the driver itself says (cuInit, NVML)."""

from __future__ import annotations

from provision.cards.gpus import find_gpu
from provision.doctor.check import (
    FactReader,
    Finding,
    FixStep,
    crashed,
    evidence,
    failed,
    line,
    passed,
    unknown,
    warned,
)
from provision.doctor.rules import named_finding
from provision.doctor.steps import SHUTDOWN_WSL, WINDOWS_DRIVER
from provision.versions import is_less, version_tuple

WINDOWS = "windows-driver"
OLDEST_WSL_DRIVER = "470.76"
"""The first with CUDA in WSL 2 outside the Insider programme: docs.nvidia.com/cuda/wsl-user-guide."""
OLDEST_WSL_CAPABILITY = "6.0"
"""Pascal; the same source."""
NO_DEVICE = 100
CODES = {
    2: "out of memory, which in WSL also four or more GPUs cause",
    3: "not initialised",
    34: "a stub library that serves to link only",
    46: "the device is busy or unavailable",
    NO_DEVICE: "no device",
    101: "invalid device",
    304: "the system call to the driver failed",
    802: "the system is not ready yet",
    803: "the libraries do not fit the driver",
    804: "compatibility libraries that this GPU does not support",
    999: "unknown error",
}
"""CUresult: docs.nvidia.com/cuda/cuda-driver-api."""
NVML_CODES = {
    9: "the driver is not loaded",
    12: "its library was not found",
    17: "the operating system blocks the GPU",
    18: "library and driver have different versions",
}
"""nvmlReturn_t: docs.nvidia.com/deploy/nvml-api."""


def windows_driver(facts: FactReader) -> Finding:
    """What nvidia-smi.exe says."""
    names, driver = facts.get("windows.nvidia_gpus"), facts.get("windows.nvidia_driver")
    proof = evidence(facts, "windows.nvidia_gpus", "windows.nvidia_driver")
    if names is None:
        return unknown(facts, "windows.nvidia_gpus")
    if not names:
        return named_finding(WINDOWS, "no-gpu", facts, proof)
    if driver in (None, "absent"):
        return named_finding(WINDOWS, "no-driver", facts, proof, gpu=names[0])
    entry = find_gpu(names[0]) or {}
    least = max(OLDEST_WSL_DRIVER, entry.get("minimum_driver_windows") or "0", key=version_tuple)
    if is_less(driver, least):
        return named_finding(WINDOWS, "too-old", facts, proof, driver=driver, least=least)
    what = "old-gpu" if is_less(entry.get("capability") or "", OLDEST_WSL_CAPABILITY) else "fine"
    return named_finding(WINDOWS, what, facts, proof, gpu=names[0], driver=driver)


def cuda_init(facts: FactReader) -> Finding:
    """cuInit and cuDeviceGetCount of libcuda, called in a child process."""
    code, count = facts.get("cuda.init_code"), facts.get("cuda.device_count")
    proof = evidence(facts, "cuda.init_code", "cuda.device_count", "cuda.driver_cuda")
    if code == 0 and count:
        return passed(f"CUDA {facts.get('cuda.driver_cuda')} starts and lists {_gpus(facts)}.", *proof)
    if facts.get("cuda.library_error") not in (None, "absent"):
        sentence = f"libcuda cannot be loaded: {facts.get('cuda.library_error')}."
        return failed(sentence, evidence(facts, "cuda.library_error", "linux.libcuda_paths"), *_restart_driver(facts))
    if code is None:
        return _died(facts, "cuda.init_code", "The CUDA driver")
    hidden = facts.get("cuda.visible_devices")
    if hidden is not None and code in (0, NO_DEVICE):
        sentence = f"CUDA_VISIBLE_DEVICES is {hidden!r}, which hides the GPUs."
        unset = FixStep("Unset it, and look for the line that sets it (see ~/.bashrc).", "unset CUDA_VISIBLE_DEVICES")
        return failed(sentence, (*proof, *evidence(facts, "cuda.visible_devices")), unset)
    if code == 0:
        return failed("The CUDA driver starts, but lists no GPU.", proof, *_restart_driver(facts))
    meaning = CODES.get(code, "see the CUDA driver API")
    sentence = f"The CUDA driver does not start: error {code} ({meaning})."
    return failed(sentence, proof, *_restart_driver(facts), general=True)


def _gpus(facts: FactReader) -> str:
    names = facts.get("cuda.gpu_names") or [facts.get("cuda.gpu_name") or "a GPU"]
    return names[0] if len(names) == 1 else f"{len(names)} GPUs, {names[0]} first"


def _restart_driver(facts: FactReader) -> tuple[FixStep, ...]:
    if facts.place == "wsl":
        return SHUTDOWN_WSL, WINDOWS_DRIVER
    if facts.place == "windows":
        return (WINDOWS_DRIVER,)
    return (
        FixStep(
            "Restart the machine; if that does not help, install its driver anew.", "sudo reboot", "linux", True, True
        ),
    )


def _died(facts: FactReader, path: str, who: str) -> Finding:
    """CRASH where a probe was killed by a driver or by its time-out, SKIP where there is another reason."""
    reason = facts.reason(path)
    proof = evidence(facts, path)
    if reason == "timeout":
        return crashed(f"{who} hangs: no answer came in time.", proof, *_restart_driver(facts))
    if "crashed" in reason:
        return crashed(f"{who} {reason.removeprefix('failed: ')}.", proof, *_restart_driver(facts))
    if reason.startswith("failed"):
        return failed(
            f"No answer from {who}: {reason.removeprefix('failed: ').rstrip('.')}.", proof, *_restart_driver(facts)
        )
    return unknown(facts, path)


def nvml(facts: FactReader) -> Finding:
    """NVML, through nvidia-ml-py. Failing alone it costs only figures: CUDA goes without it."""
    code = facts.get("cuda.nvml_code")
    proof = evidence(facts, "cuda.nvml_code")
    if code == 0:
        return passed(f"NVML answers: driver {facts.get('cuda.driver')}.", *proof, *evidence(facts, "cuda.driver"))
    judge = warned if facts.get("cuda.init_code") == 0 else failed
    if code is not None:
        return judge(
            f"NVML fails: error {code} ({NVML_CODES.get(code, 'see the NVML API')}).", proof, *_restart_driver(facts)
        )
    if "pynvml" in facts.reason("cuda.nvml_code"):
        return warned(
            "nvidia-ml-py is not installed.", proof, FixStep("Install it.", "python -m pip install nvidia-ml-py")
        )
    return _died(facts, "cuda.nvml_code", "NVML")


def kernel_died(facts: FactReader, path: str) -> Finding:
    """What to say where the child that runs torch gave no answer about `path`."""
    found = _died(facts, path, "PyTorch on this GPU")
    error = facts.get("torch.kernel_error")
    return Finding(found.verdict, found.sentence, (*found.evidence, line(error)), found.fix) if error else found
