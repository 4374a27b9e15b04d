"""Gauges with a fake library behind them: complete, full of holes, and absent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bench.measure.telemetry import INTERVAL_SECONDS, MOST_SAMPLES, CpuGauge, Sampler
from provision.machine.nvml import NvmlGauge, open_gauge


class NVMLError(Exception):
    """As pynvml raises it."""


class FakeNvml:
    """The functions of pynvml that are used; those in `broken` raise."""

    def __init__(self, *broken: str) -> None:
        self.broken = broken
        self.millijoules = 5_000_000
        self.is_open = False

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("nvml") and name in object.__getattribute__(self, "broken"):
            raise NVMLError("Not Supported")
        return object.__getattribute__(self, name)

    def nvmlInit(self) -> None:
        self.is_open = True

    def nvmlShutdown(self) -> None:
        self.is_open = False

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:
        assert uuid.startswith("GPU-")
        return "by uuid"

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:
        return f"by index {index}"

    def nvmlDeviceGetClockInfo(self, card: str, which: int) -> int:
        return {1: 1800, 2: 9750}[which]

    def nvmlDeviceGetPowerUsage(self, card: str) -> int:
        return 312_000

    def nvmlDeviceGetTemperature(self, card: str, which: int) -> int:
        return 61

    def nvmlDeviceGetMemoryInfo(self, card: str) -> Any:
        return SimpleNamespace(used=2**30, total=24 * 2**30)

    def nvmlDeviceGetUtilizationRates(self, card: str) -> Any:
        return SimpleNamespace(gpu=97)

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, card: str) -> int:
        return 0x04

    def nvmlDeviceGetTotalEnergyConsumption(self, card: str) -> int:
        self.millijoules += 1_500_000
        return self.millijoules

    def nvmlSystemGetDriverVersion(self) -> bytes:
        return b"580.12"

    def nvmlSystemGetCudaDriverVersion(self) -> int:
        return 12080

    def nvmlDeviceGetUUID(self, card: str) -> str:
        return "GPU-1234"

    def nvmlDeviceGetCurrPcieLinkGeneration(self, card: str) -> int:
        return 4

    def nvmlDeviceGetPowerManagementLimit(self, card: str) -> int:
        return 200_000

    def nvmlDeviceGetPowerManagementDefaultLimit(self, card: str) -> int:
        return 350_000

    def nvmlDeviceGetCount(self) -> int:
        return 1


FUNCTIONS = [name for name in vars(FakeNvml) if name.startswith(("nvmlDeviceGet", "nvmlSystem"))]
OPTIONAL = [name for name in FUNCTIONS if "Handle" not in name]


def test_every_field_of_a_card_is_read_in_its_unit() -> None:
    gauge = NvmlGauge(FakeNvml(), "card")
    assert gauge.read() == {
        "sm_clock_mhz": 1800,
        "memory_clock_mhz": 9750,
        "power_watts": 312.0,
        "temperature_celsius": 61,
        "memory_used_mib": 1024,
        "utilisation_percent": 97,
        "throttle_reasons": 4,
    }
    facts = gauge.facts()
    assert facts["cuda_driver"] == "12.8"
    assert facts["driver"] == "580.12"
    assert (facts["power_limit_watts"], facts["default_power_limit_watts"]) == (200, 350)
    assert "1234" not in facts["uuid_hash"]
    assert gauge.missing == {}


@pytest.mark.parametrize("broken", OPTIONAL)
def test_a_field_that_is_not_supported_costs_only_itself(broken: str) -> None:
    whole, gauge = NvmlGauge(FakeNvml(), "card"), NvmlGauge(FakeNvml(broken), "card")
    read, facts, joules = gauge.read(), gauge.facts(), gauge.joules()
    lost = len(whole.read()) - len(read) + len(whole.facts()) - len(facts) + (joules is None)
    assert 1 <= lost <= 2
    assert list(gauge.missing.values()) == ["Not Supported"] * len(gauge.missing)
    assert None not in read.values()


def test_a_field_that_failed_is_not_asked_again() -> None:
    api = FakeNvml("nvmlDeviceGetPowerUsage")
    gauge = NvmlGauge(api, "card")
    gauge.read()
    api.broken = ()
    assert "power_watts" not in gauge.read()


def test_a_library_that_answers_nothing_gives_no_gauge() -> None:
    for broken in ("nvmlInit", "nvmlDeviceGetHandleByIndex"):
        with open_gauge(None, api=FakeNvml(broken)) as gauge:
            assert gauge is None


def test_the_card_is_found_by_its_uuid_else_by_its_index() -> None:
    api = FakeNvml()
    with open_gauge("1234", 3, api) as gauge:
        assert gauge is not None
        assert gauge._card == "by uuid"
        assert api.is_open
    assert not api.is_open
    with open_gauge("1234", 3, FakeNvml("nvmlDeviceGetHandleByUUID")) as gauge:
        assert gauge is not None
        assert gauge._card == "by index 3"


class Ticking:
    """A clock that moves by one interval each time it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += INTERVAL_SECONDS
        return self.now


def sample(gauge: Any, count: int) -> Sampler:
    """A sampler that was read `count` times by hand, as its thread would."""
    sampler = Sampler(gauge, Ticking())
    with sampler:
        sampler._ended.set()
        sampler._thread.join()
        for _ in range(count):
            sampler.sample()
    return sampler


def test_energy_comes_from_the_counter() -> None:
    energy = sample(NvmlGauge(FakeNvml(), "card"), 10).energy(steps=50)
    assert (energy.joules, energy.steps, energy.source) == (1500.0, 50, "counter")


def test_what_is_done_aside_is_none_of_the_steps_energy() -> None:
    """The counter moves on by 1500 J whenever it is read: at both ends, and at both ends of what is aside."""
    sampler = Sampler(NvmlGauge(FakeNvml(), "card"), Ticking())
    with sampler:
        sampler._ended.set()
        sampler._thread.join()
        with sampler.aside():
            assert sampler._aside.is_set()
        assert not sampler._aside.is_set()
    assert sampler.energy(steps=50).joules == 3000.0


def test_without_a_counter_energy_is_power_times_time() -> None:
    api = FakeNvml("nvmlDeviceGetTotalEnergyConsumption")
    energy = sample(NvmlGauge(api, "card"), 50).energy(steps=50)
    assert energy.source == "sampled power"
    assert energy.joules == pytest.approx(312 * 50 * INTERVAL_SECONDS, rel=0.03)


def test_without_power_energy_is_not_known() -> None:
    api = FakeNvml("nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetPowerUsage")
    energy = sample(NvmlGauge(api, "card"), 50).energy(steps=50)
    assert (energy.joules, energy.steps, energy.source) == (None, None, None)


def test_a_long_run_keeps_a_thinned_record() -> None:
    telemetry = sample(NvmlGauge(FakeNvml("nvmlDeviceGetTemperature"), "card"), 3 * MOST_SAMPLES).telemetry()
    assert telemetry is not None
    assert len(telemetry.seconds) == MOST_SAMPLES
    assert telemetry.interval_seconds == pytest.approx(3 * INTERVAL_SECONDS)
    assert all(len(column) == MOST_SAMPLES for column in telemetry.samples.values())
    assert "temperature_celsius" not in telemetry.samples
    assert telemetry.missing["temperature_celsius"] == "Not Supported"


def test_the_thread_samples_by_itself_and_ends() -> None:
    sampler = Sampler(NvmlGauge(FakeNvml(), "card"))
    with sampler:
        sampler._thread.join(timeout=3 * INTERVAL_SECONDS)
    assert sampler.readings
    assert not sampler._thread.is_alive()
    assert sampler.newest()["sm_clock_mhz"] == 1800


def test_no_gauge_means_no_telemetry() -> None:
    with Sampler(None) as sampler:
        pass
    assert sampler.telemetry() is None
    assert sampler.energy(10).joules is None


class FakePsutil:
    """A machine of four threads, 80 % busy, a quarter of it with us."""

    def __init__(self, *, has_sensors: bool) -> None:
        self.has_sensors = has_sensors

    def Process(self) -> Any:
        memory = SimpleNamespace(rss=300 * 2**20)
        return SimpleNamespace(cpu_percent=lambda _: 100.0, memory_info=lambda: memory)

    def cpu_count(self) -> int:
        return 4

    def cpu_percent(self, interval: None) -> float:
        return 80.0

    def cpu_freq(self) -> Any:
        return SimpleNamespace(current=3400.0) if self.has_sensors else None

    def sensors_temperatures(self) -> Any:
        return {"coretemp": [SimpleNamespace(current=50.0), SimpleNamespace(current=70.0)]} if self.has_sensors else {}


def test_a_processor_tells_what_others_use_of_it() -> None:
    gauge = CpuGauge(FakePsutil(has_sensors=True))
    reading = gauge.read()
    assert reading["other_cpu_share"] == pytest.approx(0.8 - 0.25)
    assert (reading["cpu_clock_mhz"], reading["temperature_celsius"]) == (3400, 70)


def test_a_processor_without_sensors_has_fewer_fields() -> None:
    gauge = CpuGauge(FakePsutil(has_sensors=False))
    assert set(gauge.read()) == {"cpu_share", "other_cpu_share", "memory_used_mib"}
    assert set(gauge.missing) >= {"cpu_clock_mhz", "temperature_celsius"}
    assert set(gauge.read()) == {"cpu_share", "other_cpu_share", "memory_used_mib"}
