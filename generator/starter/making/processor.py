"""Which arithmetic trains fastest on this processor."""

import functools
from pathlib import Path

import torch


@functools.cache
def trains_in_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself: without, it is eight times slower than float32, not faster."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        flags = []
    fast = "avx512_bf16" in flags or "amx_bf16" in flags
    print(f"trains in {'bfloat16 autocast' if fast else 'float32'}: {'' if fast else 'no '}avx512_bf16", flush=True)
    return fast


def autocast() -> torch.autocast:
    """bfloat16 where that is the faster one, else nothing."""
    return torch.autocast("cpu", torch.bfloat16, enabled=trains_in_bfloat16())
