"""The GPU and its driver: on Windows, on plain Linux, and what the driver itself says (cuInit, NVML)."""

from __future__ import annotations

from provision.cards.gpus import find_gpu
from provision.doctor.check import (
    Check,
    FactReader,
    Finding,
    Step,
    check,
    crashed,
    evidence,
    failed,
    line,
    passed,
    unknown,
    warned,
)
from provision.doctor.checks.virtualization import ON_WINDOWS
from provision.doctor.steps import SHUTDOWN_WSL, WINDOWS_DRIVER
from provision.versions import is_less, version_tuple

ON_LINUX = ("linux", "colab")
WITH_GPU = ("windows", "wsl", "linux", "colab")
OLDEST_WSL_DRIVER = "470.76"
"""The first with CUDA in WSL 2 outside the Insider programme: docs.nvidia.com/cuda/wsl-user-guide."""
OLDEST_WSL_CAPABILITY = "6.0"
"""Pascal; the same source."""
DRIVER_NEEDS = ("linker-order", "linux-driver", "windows:windows-driver")
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


@check("windows-driver", "Does Windows have an NVIDIA GPU and a recent enough driver?", places=ON_WINDOWS)
def windows_driver(facts: FactReader) -> Finding:
    """What nvidia-smi.exe says."""
    names, driver = facts.get("windows.nvidia_gpus"), facts.get("windows.nvidia_driver")
    proof = evidence(facts, "windows.nvidia_gpus", "windows.nvidia_driver")
    if names is None:
        return unknown(facts, "windows.nvidia_gpus")
    if not names:
        return warned("Windows has no NVIDIA GPU: dreamrig will draw on the CPU.", proof, NO_GPU, stops=True)
    if driver in (None, "absent"):
        return failed(f"Windows has no NVIDIA driver for {names[0]}.", proof, WINDOWS_DRIVER)
    entry = find_gpu(names[0]) or {}
    least = max(OLDEST_WSL_DRIVER, entry.get("minimum_driver_windows") or "0", key=version_tuple)
    if is_less(driver, least):
        sentence = f"The NVIDIA driver {driver} is too old: WSL on this GPU needs {least}."
        return failed(sentence, proof, WINDOWS_DRIVER, SHUTDOWN_WSL)
    if is_less(entry.get("capability") or "", OLDEST_WSL_CAPABILITY):
        sentence = f"{names[0]} is older than Pascal: CUDA in WSL does not support it."
        return warned(sentence, proof, NO_GPU)
    return passed(f"{names[0]}, driver {driver}.", *proof)


NO_GPU = Step("Nothing is broken. For speed, use a PC with an NVIDIA GPU, or Google Colab.")


@check("driver-model", "Is the GPU in the driver model that WSL can use (WDDM)?", ("windows-driver",), ON_WINDOWS)
def driver_model(facts: FactReader) -> Finding:
    """WDDM; a GPU in TCC or MCDM mode does not reach WSL."""
    model = facts.get("windows.nvidia_driver_model")
    proof = evidence(facts, "windows.nvidia_driver_model", "windows.nvidia_gpus")
    if model is None:
        return unknown(facts, "windows.nvidia_driver_model")
    if model == "wddm":
        return passed("The GPU is in WDDM mode.", *proof)
    if model == "mixed":
        return warned("Not every GPU is in WDDM mode; the others do not reach WSL.", proof, *_to_wddm(facts))
    return failed(f"The GPU is in {model.upper()} mode and does not reach WSL.", proof, *_to_wddm(facts))


def _to_wddm(facts: FactReader) -> tuple[Step, ...]:
    is_alone = len(facts.get("windows.nvidia_gpus") or ()) == 1
    index = "0" if is_alone else "N"
    switch = Step(
        "Put it in WDDM mode (some data-centre cards cannot)." if is_alone else "Put that one, N, in WDDM mode.",
        f"nvidia-smi -i {index} -dm 0",
        "windows",
        needs_admin=True,
        needs_restart=True,
        undo=f"nvidia-smi -i {index} -dm 1",
    )
    return (switch,) if is_alone else (LIST_MODELS, switch)


LIST_MODELS = Step(
    "See which GPU is in which mode.",
    "nvidia-smi --query-gpu=index,name,driver_model.current --format=csv",
    "windows",
)


@check("gpu-present", "Is there an NVIDIA GPU in this machine?", places=ON_LINUX)
def gpu_present(facts: FactReader) -> Finding:
    """On the PCI bus, or given away by a loaded driver. Without one nothing is broken: the CPU draws."""
    count, driver = facts.get("linux.nvidia_pci_count"), facts.get("linux.kernel_driver")
    proof = evidence(facts, "linux.nvidia_pci_count", "linux.kernel_driver")
    if count or driver not in (None, "absent"):
        return passed("There is an NVIDIA GPU.", *proof)
    if facts.place == "colab":
        pick = Step("In the menu: Runtime > Change runtime type > T4 GPU, and run the cells again.", None, "colab")
        return warned("This Colab runtime has no GPU: dreamrig will draw on the CPU.", proof, pick, stops=True)
    return warned("No NVIDIA GPU was found: dreamrig will draw on the CPU.", proof, NO_GPU, stops=True)


@check("linux-driver", "Is the NVIDIA kernel driver loaded?", ("gpu-present",), ON_LINUX)
def linux_driver(facts: FactReader) -> Finding:
    """/proc/driver/nvidia/version."""
    driver = facts.get("linux.kernel_driver")
    proof = evidence(facts, "linux.kernel_driver", "linux.is_container")
    if driver is None:
        return unknown(facts, "linux.kernel_driver")
    if driver != "absent":
        return passed(f"The NVIDIA kernel driver is loaded ({driver}).", *proof)
    if facts.get("linux.is_container"):
        return failed(
            "This container was started without the GPU.",
            proof,
            Step("Start it with the GPU.", "docker run --gpus all ...", "linux"),
        )
    return failed("There is an NVIDIA GPU, but its driver is not loaded.", proof, *INSTALL_DRIVER)


INSTALL_DRIVER = (
    Step(
        "Install the driver (Ubuntu; elsewhere with its own tool).", "sudo ubuntu-drivers install", "linux", True, True
    ),
    Step("Restart, and look whether it answers.", "nvidia-smi", "linux"),
)


@check("cuda-init", "Does the CUDA driver start and list a GPU?", DRIVER_NEEDS, WITH_GPU)
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
        unset = Step("Unset it, and look for the line that sets it (see ~/.bashrc).", "unset CUDA_VISIBLE_DEVICES")
        return failed(sentence, (*proof, *evidence(facts, "cuda.visible_devices")), unset)
    if code == 0:
        return failed("The CUDA driver starts, but lists no GPU.", proof, *_restart_driver(facts))
    meaning = CODES.get(code, "see the CUDA driver API")
    sentence = f"The CUDA driver does not start: error {code} ({meaning})."
    return failed(sentence, proof, *_restart_driver(facts), general=True)


def _gpus(facts: FactReader) -> str:
    names = facts.get("cuda.gpu_names") or [facts.get("cuda.gpu_name") or "a GPU"]
    return names[0] if len(names) == 1 else f"{len(names)} GPUs, {names[0]} first"


def _restart_driver(facts: FactReader) -> tuple[Step, ...]:
    if facts.place == "wsl":
        return SHUTDOWN_WSL, WINDOWS_DRIVER
    if facts.place == "windows":
        return (WINDOWS_DRIVER,)
    return (
        Step(
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


@check("nvml", "Does NVIDIA's management library answer?", DRIVER_NEEDS, WITH_GPU)
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
            "nvidia-ml-py is not installed.", proof, Step("Install it.", "python -m pip install nvidia-ml-py")
        )
    return _died(facts, "cuda.nvml_code", "NVML")


def kernel_died(facts: FactReader, path: str) -> Finding:
    """What to say where the child that runs torch gave no answer about `path`."""
    found = _died(facts, path, "PyTorch on this GPU")
    error = facts.get("torch.kernel_error")
    return Finding(found.verdict, found.sentence, (*found.evidence, line(error)), found.fix) if error else found


WINDOWS_CHECKS: tuple[Check, ...] = (windows_driver, driver_model)
CHECKS: tuple[Check, ...] = (gpu_present, linux_driver, cuda_init, nvml)
