"""Every check, in fixing order: the first one that is broken is the one to mend first."""

from __future__ import annotations

from provision.doctor.check import Check
from provision.doctor.checks import colab, cuda, gpu, identity, python, storage, virtualization, windows, wsl, wsl_gpu

CHECKS: tuple[Check, ...] = (
    wsl.windows_half,
    *virtualization.CHECKS,
    *windows.CHECKS,
    *wsl.CHECKS,
    windows.windows_build,
    *gpu.WINDOWS_CHECKS,
    *wsl_gpu.CHECKS,
    *gpu.CHECKS,
    *cuda.CHECKS,
    *identity.CHECKS,
    *storage.CHECKS,
    *python.CHECKS,
    *colab.CHECKS,
)
"""Places decide which of them run; needs point to earlier ones only."""

SECTIONS: tuple[tuple[str, tuple[Check, ...]], ...] = (
    ("Windows", (wsl.windows_half, *virtualization.CHECKS, *windows.CHECKS)),
    ("WSL", (*wsl.CHECKS, windows.windows_build, *gpu.WINDOWS_CHECKS, *wsl_gpu.CHECKS)),
    ("CUDA", gpu.CHECKS),
    ("PyTorch", (*cuda.CHECKS, *identity.CHECKS)),
    ("This machine", (*storage.CHECKS, *python.CHECKS, *colab.CHECKS)),
)
"""The same checks under headings."""
