"""From PyTorch to a kernel that computes the right number: CUDA version, architectures, kernel; a build that fits."""

from __future__ import annotations

from provision.cards.gpus import find_gpu
from provision.cards.wheels import choose_wheel
from provision.doctor.check import (
    FactReader,
    Finding,
    FixStep,
    evidence,
    failed,
    line,
    passed,
    unknown,
)
from provision.doctor.checks.gpu import kernel_died
from provision.doctor.rules import holds
from provision.doctor.steps import WINDOWS_DRIVER
from provision.versions import version_tuple


def install_torch(facts: FactReader) -> tuple[FixStep, ...]:
    """Steps that bring a build of torch that fits."""
    build = "cuda" if holds("has-gpu", facts) else "cpu"
    if facts.place == "colab":
        return (FixStep("Runtime > Disconnect and delete runtime: a fresh one has PyTorch for CUDA.", None, "colab"),)
    by_hand = fitting_torch(facts, "Or by hand:") if holds("has-gpu", facts) else CPU_TORCH
    return FixStep(
        "In a checkout, ./rig fetches the build that fits.", f"rm -rf .venv && DREAMRIG_TORCH={build} ./rig doctor"
    ), by_hand


CPU_TORCH = FixStep(
    "Or by hand.", "python -m pip install --force-reinstall torch --index-url https://download.pytorch.org/whl/cpu"
)


def fitting_torch(facts: FactReader, lead: str) -> FixStep:
    """The step that installs the build for this GPU, driver and Python, with torchvision where that is there."""
    entry = find_gpu(facts.get("cuda.gpu_name") or "") or {}
    capability = facts.get("cuda.capability") or entry.get("capability")
    wheel = choose_wheel(capability, facts.get("cuda.driver_cuda"), facts.get("python.version"))
    if wheel is None:
        return FixStep("No build of PyTorch serves this GPU with this driver: dreamrig draws on the CPU.")
    packages = ("torch", "torchvision") if facts.get("python.torchvision") not in (None, "absent") else ("torch",)
    return FixStep(f"{lead} {wheel.sentence(capability)}", wheel.command(packages))


def torch_cuda(facts: FactReader) -> Finding:
    """Same major version, or a newer driver: docs.nvidia.com/deploy/cuda-compatibility."""
    built, driver = facts.get("torch.cuda"), facts.get("cuda.driver_cuda")
    proof = evidence(facts, "torch.cuda", "cuda.driver_cuda", "cuda.driver")
    if driver is None or built in (None, "absent"):
        return unknown(facts, "cuda.driver_cuda" if driver is None else "torch.cuda")
    if version_tuple(driver)[:1] >= version_tuple(built)[:1]:
        return passed(f"The driver runs CUDA {driver}, PyTorch was built with {built}.", *proof)
    sentence = f"The driver runs CUDA up to {driver}, but PyTorch was built with {built}."
    newer = (
        WINDOWS_DRIVER
        if facts.place in ("windows", "wsl")
        else FixStep("Install a newer NVIDIA driver.", None, "linux")
    )
    return failed(sentence, proof, newer, fitting_torch(facts, "Or another build of PyTorch:"))


def torch_arch(facts: FactReader) -> Finding:
    """The list of architectures against the capability. The first check that imports torch, in a child process."""
    covers, archs = facts.get("torch.has_kernels_for_gpu"), facts.get("torch.arch_list")
    capability = facts.get("cuda.capability")
    proof = evidence(facts, "torch.arch_list", "cuda.capability")
    if archs is None:
        return kernel_died(facts, "torch.arch_list")
    if covers is None:
        return unknown(facts, "cuda.capability")
    arch = f"sm_{(capability or '').replace('.', '')}"
    if covers:
        return passed(f"PyTorch has kernels for {arch}.", *proof)
    known = ", ".join(archs)
    return failed(f"PyTorch has no kernels for {arch}, only for {known}.", proof, *_arch_steps(facts))


def _arch_steps(facts: FactReader) -> tuple[FixStep, ...]:
    """A newer build for a newer GPU, an older one for an older."""
    return (fitting_torch(facts, "Install a PyTorch that supports this GPU:"),)


def gpu_kernel(facts: FactReader) -> Finding:
    """A product and an elementwise kernel, compared with the CPU; then a large product, timed."""
    state, speed = facts.get("torch.kernel"), facts.get("torch.kernel_tflops")
    proof = evidence(facts, "torch.kernel", "torch.kernel_milliseconds", "torch.kernel_tflops")
    if state is None:
        return kernel_died(facts, "torch.kernel")
    if state == "right":
        timed = f": {speed:.1f} TFLOP/s in fp32" if speed is not None else ""
        return passed(f"The GPU computes what the CPU computes{timed}.", *proof)
    if state == "wrong":
        sentence = "The GPU computes wrong numbers: overclocked, overheated, or broken."
        return failed(
            sentence,
            proof,
            FixStep("Take overclocking back, look at the temperature, and run this again."),
            WINDOWS_DRIVER,
        )
    error = facts.get("torch.kernel_error") or "no message"
    if "crashed" in error or error == "timeout":
        return kernel_died(facts, "torch.kernel_milliseconds")
    first = error.splitlines()[0]
    return failed(
        f"No kernel runs on the GPU: {first.rstrip('.')}.", (*proof, line(first)), *_kernel_steps(facts), general=True
    )


def _kernel_steps(facts: FactReader) -> tuple[FixStep, ...]:
    look = FixStep("Ask what the message means.", 'dreamrig diagnose "the message above"')
    return (look, *install_torch(facts)[:1])
