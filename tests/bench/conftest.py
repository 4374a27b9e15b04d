"""Results made up for tests: a card that needs 100 ms for a step, give or take a little."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.result.result import (
    BenchResult,
    Block,
    Device,
    Energy,
    Host,
    Memory,
    Picture,
    Software,
    Telemetry,
    Timing,
    Tool,
    Warmup,
    Weights,
    Work,
    WorkloadUsed,
)
from bench.workloads import WORKLOADS

SAMPLES = 8
STRICT_FLAGS = {"precision": "fp32", "tf32_matmul": False, "tf32_convolutions": False}


def noisy_seconds(median: float = 0.1, spread: float = 0.01, count: int = 48, seed: int = 0) -> list[float]:
    """Seconds per step, log-normal around a median."""
    return [float(x) for x in median * np.exp(spread * np.random.default_rng(seed).standard_normal(count))]


def make_blocks(step_seconds: Sequence[float], steps: int = 10) -> tuple[Block, ...]:
    return tuple(Block(steps=steps, seconds=seconds * steps) for seconds in step_seconds)


def build_result(
    *,
    step_seconds: Sequence[float] | None = None,
    device: str = "NVIDIA GeForce RTX 3090",
    workload: str = "starter-128",
    profile: str = "strict",
    random: bool = False,
    number: int = 1,
    **changes: Any,
) -> BenchResult:
    used, seconds = WORKLOADS[workload].with_profile(profile), noisy_seconds() if step_seconds is None else step_seconds
    columns = {
        "sm_clock_mhz": (1800.0,) * SAMPLES,
        "power_watts": (300.0,) * SAMPLES,
        "temperature_celsius": (60.0,) * SAMPLES,
    }
    result = BenchResult(
        id=str(uuid.UUID(int=number)),
        created="2026-11-20T10:00:00Z",
        place="linux",
        effort="quick",
        workload=WorkloadUsed(
            name=used.name,
            version=used.version,
            hash=used.hash,
            profile=used.profile,
            params=dict(used.params),
            batch=used.batch,
            step_files=used.step_files,
            weights=Weights(name="starter", sha256="" if random else "ab" * 32, random=random),
        ),
        tool=Tool(version="0.1.0", commit="0" * 40, is_dirty=False),
        device=Device(kind="cuda", name=device, memory_mib=24576.0, driver="580.1", power_limit_watts=350.0),
        host=Host(os="Ubuntu 24.04", kernel="6.8", cpu="A CPU", cpu_threads=16, memory_mib=65536.0),
        software=Software(python="3.12.3", torch="2.13.0", threads=8, flags=STRICT_FLAGS),
        timing=Timing(
            blocks=make_blocks(seconds),
            first_step_seconds=1.5,
            import_seconds=2.0,
            load_seconds=0.5,
            warmup=Warmup(steps=20, seconds=2.0, is_settled=True),
            picture=Picture(steps=30, seconds=3.4 if step_seconds is None else 34 * float(np.median(seconds))),
        ),
        memory=Memory(peak_allocated_mib=900.0, peak_reserved_mib=1000.0, peak_process_mib=2000.0),
        telemetry=Telemetry(
            source="nvml",
            interval_seconds=0.2,
            seconds=tuple(0.2 * index for index in range(SAMPLES)),
            samples=columns,
            missing={"fan_percent": "not supported"},
        ),
        energy=Energy(joules=12000.0, steps=400, source="counter"),
    )
    return replace(result, **changes)


@pytest.fixture
def make_result() -> Callable[..., BenchResult]:
    """A result; its fields, its step seconds, device, workload and number by keyword."""
    return build_result


@pytest.fixture
def make_seconds() -> Callable[..., list[float]]:
    return noisy_seconds


@pytest.fixture
def work() -> Work:
    """Arithmetic and traffic of a step, as it was counted."""
    return Work(flops_per_step=2e12, least_flops_per_step=1e12, flops_by_precision={"fp32": 2e12}, bytes_per_step=4e10)


@pytest.fixture
def ceilings() -> dict[str, Any]:
    """What a card's own products reached."""
    return {
        "schema": "bench-ceilings/1",
        "device": "NVIDIA GeForce RTX 3090",
        "kind": "cuda",
        "threads": None,
        "torch": "2.13.0",
        "matmul_tflops": {"fp32": 26.0},
        "copy_gb_per_second": 840.0,
        "seconds": 1.0,
    }
