"""What the card says about itself while a worker lives: memory that anybody holds on it, and its heat.

By NVML, as the index of CUDA and that of NVML may differ: by the card's UUID. What NVML does not tell is None; on a
processor, and where there is no NVML, nothing is told at all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from generator.crew.protocol import Gauged
from generator.devices import cuda_uuid
from provision.machine.nvml import NvmlGauge, open_gauge

if TYPE_CHECKING:
    import torch

SECONDS = 10.0


def watch(tell: Callable[[Gauged], None], device: torch.device, seconds: float = SECONDS) -> None:
    """Tell what the card says, now and every so often, from a thread of its own, for as long as the process lives."""
    if device.type == "cuda":
        threading.Thread(target=_tell_for_ever, args=(tell, device, seconds), daemon=True).start()


def _tell_for_ever(tell: Callable[[Gauged], None], device: torch.device, seconds: float) -> None:
    pause = threading.Event()
    with open_gauge(cuda_uuid(device), device.index or 0) as gauge:
        if gauge is None:
            return
        tell(look(gauge))
        while not pause.wait(seconds):
            tell(look(gauge))


def look(gauge: NvmlGauge) -> Gauged:
    """One reading."""
    now = gauge.read()
    total = gauge.facts().get("memory_mib")
    return Gauged(
        used_mib=_rounded(now.get("memory_used_mib")),
        total_mib=_rounded(total),
        celsius=now.get("temperature_celsius"),
    )


def _rounded(mib: float | None) -> float | None:
    return None if mib is None else round(float(mib))
