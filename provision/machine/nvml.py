"""The NVIDIA management library as a gauge: every field may be missing, and in WSL many are.

The `api` is the module pynvml, or in tests something that answers as it does.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dreamrig.words import MIB

CLOCK_SM, CLOCK_MEMORY, TEMPERATURE_GPU = 1, 2, 0
"""NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU."""

READERS: Mapping[str, Callable[[Any, Any], float]] = {
    "sm_clock_mhz": lambda api, card: api.nvmlDeviceGetClockInfo(card, CLOCK_SM),
    "memory_clock_mhz": lambda api, card: api.nvmlDeviceGetClockInfo(card, CLOCK_MEMORY),
    "power_watts": lambda api, card: api.nvmlDeviceGetPowerUsage(card) / 1000,
    "temperature_celsius": lambda api, card: api.nvmlDeviceGetTemperature(card, TEMPERATURE_GPU),
    "memory_used_mib": lambda api, card: api.nvmlDeviceGetMemoryInfo(card).used / MIB,
    "utilisation_percent": lambda api, card: api.nvmlDeviceGetUtilizationRates(card).gpu,
    "throttle_reasons": lambda api, card: api.nvmlDeviceGetCurrentClocksThrottleReasons(card),
}
FACTS: Mapping[str, Callable[[Any, Any], Any]] = {
    "driver": lambda api, _: _text(api.nvmlSystemGetDriverVersion()),
    "cuda_driver": lambda api, _: _cuda(api.nvmlSystemGetCudaDriverVersion()),
    "uuid_hash": lambda api, card: _hash(_text(api.nvmlDeviceGetUUID(card))),
    "memory_mib": lambda api, card: api.nvmlDeviceGetMemoryInfo(card).total / MIB,
    "pci_generation": lambda api, card: api.nvmlDeviceGetCurrPcieLinkGeneration(card),
    "power_limit_watts": lambda api, card: api.nvmlDeviceGetPowerManagementLimit(card) / 1000,
    "default_power_limit_watts": lambda api, card: api.nvmlDeviceGetPowerManagementDefaultLimit(card) / 1000,
    "count": lambda api, _: api.nvmlDeviceGetCount(),
}


class NvmlGauge:
    """What one card says about itself. A field that failed once is not asked again."""

    source = "nvml"

    def __init__(self, api: Any, card: Any) -> None:
        self._api, self._card = api, card
        self.missing: dict[str, str] = {}
        """Field -> why it cannot be read."""

    def read(self) -> dict[str, float]:
        """One sample of every field that can be read."""
        found = {name: self._try(name, reader) for name, reader in READERS.items() if name not in self.missing}
        return {name: float(value) for name, value in found.items() if value is not None}

    def joules(self) -> float | None:
        """The card's energy counter (Volta and newer); None where there is none."""
        millijoules = self._try("energy", lambda api, card: api.nvmlDeviceGetTotalEnergyConsumption(card))
        return None if millijoules is None else float(millijoules) / 1000

    def facts(self) -> dict[str, Any]:
        """The Device fields of bench.result.result that NVML knows."""
        found = {name: self._try(name, reader) for name, reader in FACTS.items()}
        return {name: value for name, value in found.items() if value is not None}

    def _try(self, name: str, reader: Callable[[Any, Any], Any]) -> Any:
        """What a reader says; None, with the reason noted, where it fails: the bindings raise errors of many kinds."""
        try:
            return reader(self._api, self._card)
        except Exception as error:  # noqa: BLE001 - a gauge that cannot be read must not end a measurement
            self.missing[name] = str(error)[:200] or type(error).__name__
            return None


@contextmanager
def open_gauge(uuid: str | None, index: int = 0, api: Any = None) -> Iterator[NvmlGauge | None]:
    """The gauge of a card, by its UUID as torch tells it, else by its index; None where NVML does not answer.

    api: pynvml where None.
    """
    gauge = None
    try:
        api = api or importlib.import_module("pynvml")
        api.nvmlInit()
        gauge = NvmlGauge(api, _card(api, uuid, index))
    except Exception:  # noqa: BLE001 - no library, no driver, no card, no permission: all mean "no gauge"
        gauge = None
    try:
        yield gauge
    finally:
        if gauge is not None:
            api.nvmlShutdown()


def _card(api: Any, uuid: str | None, index: int) -> Any:
    if uuid:
        with contextlib.suppress(Exception):  # a part of a card (MIG) has a UUID of another kind
            return api.nvmlDeviceGetHandleByUUID(uuid if uuid.startswith("GPU-") else f"GPU-{uuid}")
    return api.nvmlDeviceGetHandleByIndex(index)


def _text(found: str | bytes) -> str:
    return found.decode() if isinstance(found, bytes) else found


def _cuda(version: int) -> str:
    """12080 -> "12.8"."""
    return f"{version // 1000}.{version % 1000 // 10}"


def _hash(uuid: str) -> str:
    return hashlib.sha256(uuid.encode()).hexdigest()[:16]
