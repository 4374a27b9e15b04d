"""What the device does beside the steps: clocks, power, heat, load, sampled by a thread of its own.

Fields on a GPU: those of provision.machine.nvml. On a processor: cpu_clock_mhz, cpu_share, other_cpu_share (of the
whole machine, the second by everybody else), temperature_celsius, memory_used_mib. What cannot be read is left out.
"""

from __future__ import annotations

import importlib
import os
import statistics
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from types import TracebackType
from typing import Any, Protocol, Self

from bench.result.result import Energy, Telemetry
from dreamrig.words import MIB

INTERVAL_SECONDS = 0.2
MOST_SAMPLES = 600
"""What a file keeps of a long run: every n-th."""
SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "acpitz")


class Gauge(Protocol):
    """Something that can be read again and again."""

    @property
    def source(self) -> str:
        """nvml or psutil."""
        ...

    @property
    def missing(self) -> dict[str, str]:
        """Field -> why it cannot be read."""
        ...

    def read(self) -> dict[str, float]:
        """One sample."""
        ...

    def joules(self) -> float | None:
        """An energy counter in joules; None where there is none."""
        ...


class CpuGauge:
    """The processor, by psutil. The shares count from one reading to the next."""

    source = "psutil"

    def __init__(self, api: Any = None) -> None:
        """api: psutil where None."""
        api = api or importlib.import_module("psutil")
        self._api, self._process = api, api.Process()
        self._threads = api.cpu_count() or os.cpu_count() or 1
        self.missing: dict[str, str] = {"energy": "no counter is read for processors"}
        self._process.cpu_percent(None)
        api.cpu_percent(None)

    def read(self) -> dict[str, float]:
        """One sample of every field that can be read."""
        readers: dict[str, Callable[[], float]] = {
            "cpu_clock_mhz": lambda: self._api.cpu_freq().current,
            "cpu_share": lambda: self._api.cpu_percent(None) / 100,
            "temperature_celsius": self._temperature,
            "memory_used_mib": lambda: self._process.memory_info().rss / MIB,
        }
        found: dict[str, float] = {}
        for name, reader in readers.items():
            if name not in self.missing:
                self._note(found, name, reader)
        if "cpu_share" in found:
            own = self._process.cpu_percent(None) / 100 / self._threads
            found["other_cpu_share"] = max(0.0, found["cpu_share"] - own)
        return found

    def joules(self) -> float | None:
        """None: no counter of a processor can be read without special rights."""
        return None

    def _note(self, found: dict[str, float], name: str, reader: Callable[[], float]) -> None:
        try:
            found[name] = float(reader())
        except Exception as error:  # noqa: BLE001 - a gauge that cannot be read must not end a measurement
            self.missing[name] = f"{type(error).__name__}: {error}"[:200]

    def _temperature(self) -> float:
        sensors = self._api.sensors_temperatures()
        name = next(name for name in SENSORS if sensors.get(name))
        return float(max(sensor.current for sensor in sensors[name]))


class Sampler:
    """While open, reads a gauge every INTERVAL_SECONDS. The samples are there at any time, the summary at the end."""

    def __init__(self, gauge: Gauge | None, clock: Callable[[], float] = perf_counter) -> None:
        self._gauge, self._clock = gauge, clock
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._began_at = 0.0
        self._joules: tuple[float | None, float | None] = (None, None)
        self._aside = threading.Event()
        self._aside_joules = self._aside_seconds = 0.0
        self.seconds: list[float] = []
        self.readings: list[dict[str, float]] = []

    def __enter__(self) -> Self:
        self._began_at = self._clock()
        if self._gauge is not None:
            self._joules = (self._gauge.joules(), None)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._gauge is not None:
            self._thread.join()
            self._joules = (self._joules[0], self._gauge.joules())

    def _run(self) -> None:
        while not self._ended.wait(INTERVAL_SECONDS):
            if not self._aside.is_set():
                self.sample()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Inside, something else than the steps is done: no samples, and its energy is not theirs."""
        before, began_at = None if self._gauge is None else self._gauge.joules(), self._clock()
        self._aside.set()
        try:
            yield
        finally:
            self._aside.clear()
            self._aside_seconds += self._clock() - began_at
            after = None if self._gauge is None else self._gauge.joules()
            if before is not None and after is not None:
                self._aside_joules += after - before

    def sample(self) -> None:
        """Read the gauge once."""
        if self._gauge is not None:
            reading = self._gauge.read()
            self.seconds.append(self._clock() - self._began_at)
            self.readings.append(reading)

    def newest(self) -> dict[str, float]:
        """The last sample, empty before the first."""
        return self.readings[-1] if self.readings else {}

    def telemetry(self) -> Telemetry | None:
        """All samples, thinned to MOST_SAMPLES; None without a gauge."""
        if self._gauge is None:
            return None
        every = -(-len(self.readings) // MOST_SAMPLES) or 1
        kept = self.readings[::every]
        fields = sorted({name for reading in kept for name in reading})
        return Telemetry(
            source=self._gauge.source,
            interval_seconds=INTERVAL_SECONDS * every,
            seconds=tuple(round(second, 3) for second in self.seconds[::every]),
            samples={name: tuple(_rounded(reading.get(name)) for reading in kept) for name in fields},
            missing=dict(self._gauge.missing),
        )

    def energy(self, steps: int) -> Energy:
        """Joules over all `steps` that were done meanwhile: by the counter, else by the sampled power."""
        before, after = self._joules
        if before is not None and after is not None and after - before > self._aside_joules:
            return Energy(joules=after - before - self._aside_joules, steps=steps, source="counter")
        sampled = self._sampled_joules()
        return Energy(joules=sampled, steps=steps, source="sampled power") if sampled else Energy()

    def _sampled_joules(self) -> float | None:
        """Mean power times the time from the first sample to the last, stretched to the whole."""
        watts = [reading["power_watts"] for reading in self.readings if "power_watts" in reading]
        if len(watts) < 5:
            return None
        return statistics.fmean(watts) * (self.seconds[-1] + INTERVAL_SECONDS / 2 - self._aside_seconds)


def _rounded(value: float | None) -> float | None:
    """Four decimals at most: no gauge is that good."""
    return None if value is None else round(value, 4)
