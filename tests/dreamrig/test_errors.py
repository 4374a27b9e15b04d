"""Errors carry a code, for programs that have words of their own."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import get_args

import pytest

from dreamrig.cli import to_rig_error
from dreamrig.errors import (
    Code,
    FailedError,
    InterruptedByUser,
    MissingWeightsError,
    NotReadyError,
    RigError,
    UsageError,
    code_of,
)
from dreamrig.paths import explain_write_failure

ADVICE = (
    "CUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be "
    "incorrect.\nFor debugging consider passing CUDA_LAUNCH_BLOCKING=1\nCompile with `TORCH_USE_CUDA_DSA` to enable "
    "device-side assertions."
)


class OutOfMemoryError(RuntimeError):
    """By name torch's."""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), "bad_request"),
        (NotReadyError("x"), "not_ready"),
        (MissingWeightsError("x"), "weights_missing"),
        (FailedError("x"), "failed"),
        (FailedError("x", code="not_finite"), "not_finite"),
        (InterruptedByUser("x"), "interrupted"),
        (KeyboardInterrupt(), "interrupted"),
        (MemoryError(), "out_of_memory"),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), "out_of_memory"),
        (
            RuntimeError(f"CUDA error: out of memory\n{ADVICE}"),
            "out_of_memory",
        ),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "out_of_memory"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
            "out_of_memory",
        ),
        (RuntimeError(f"CUDA error: an illegal memory access was encountered\n{ADVICE}"), "device_lost"),
        (RuntimeError("CUDA error: unspecified launch failure"), "device_lost"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk_full"),
        (explain_write_failure(Path("/x"), OSError(errno.ENOSPC, "")), "disk_full"),
        (explain_write_failure(Path("/x"), OSError(errno.EACCES, "")), "not_ready"),
        (OSError(errno.EACCES, "Permission denied"), "bug"),
        (RuntimeError("shape mismatch"), "bug"),
        (ValueError("CUDA error: said by somebody else"), "bug"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{type(value).__name__}-{str(value)[:30]}",
)
def test_every_exception_has_a_code(error: BaseException, code: Code) -> None:
    """The texts of CUDA are those of torch 2.6 to 2.13, as people report them."""
    assert code_of(error) == code
    assert code in get_args(Code)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, ""), "disk_full"),
        (MemoryError(), "out_of_memory"),
        (KeyError("slip"), "bug"),
        (RuntimeError("CUDA error: unspecified launch failure"), "device_lost"),
    ],
    ids=["disk", "memory", "slip", "device"],
)
def test_the_code_stays_when_an_error_becomes_a_sentence(error: BaseException, code: Code) -> None:
    assert to_rig_error(error).code == code


def test_a_document_for_programs_is_what_it_was() -> None:
    """PowerShell's doctor writes the same three keys."""
    assert RigError("x", hint="y", code="bug").to_dict() == {"message": "x", "hint": "y", "exit_code": 1}
