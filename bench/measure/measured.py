"""What one measurement was asked to be, what it took, and the result that it makes. torch is imported late."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.measure.telemetry import Sampler
from bench.result.result import (
    BenchResult,
    Block,
    Effort,
    Energy,
    Memory,
    Picture,
    Timing,
    Warmup,
    Weights,
    WorkloadUsed,
)
from dreamrig.words import MIB

if TYPE_CHECKING:
    from bench.measure.steps import EngineSteps
    from bench.measure.telemetry import Gauge


@dataclass(frozen=True, kw_only=True)
class MeasureWishes:
    """How to measure."""

    effort: Effort = "default"
    device: str = "auto"
    threads: int = 0
    random_weights: bool = False
    place: str | None = None
    """None = found out."""
    note: str | None = None


@dataclass(kw_only=True)
class Measurement:
    """What the clock said of one workload."""

    steps: EngineSteps
    load_seconds: float
    first_step_seconds: float = 0.0
    warmup: Warmup | None = None
    count: int = 1
    """Steps per block."""
    blocks: tuple[Block, ...] = ()
    picture: Picture | None = None
    ceilings: dict[str, Any] | None = None
    memory: Memory = field(default_factory=Memory)


def describe(
    measured: Measurement,
    wishes: MeasureWishes,
    sampler: Sampler,
    gauge: Gauge | None,
    *,
    import_seconds: float | None = None,
    session: str | None = None,
    ended_early: bool = False,
) -> BenchResult:
    """Everything about one measurement as a value, without a name of the machine or its user.

    session: of results that were measured in turn, whose energy cannot be told apart.
    """
    from bench.measure import environment
    from provision.machine.nvml import NvmlGauge

    steps = measured.steps
    host, place = environment.describe_host()
    device = environment.describe_device(steps.device, gauge if isinstance(gauge, NvmlGauge) else None)
    alone = session is None
    done = sum(block.steps for block in measured.blocks)
    result = BenchResult(
        id=str(uuid.uuid4()),
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        place=environment.require_place(wishes.place) if wishes.place else place,
        effort=wishes.effort,
        workload=used(steps),
        tool=environment.describe_tool(),
        device=device,
        host=host,
        software=environment.describe_software(steps.threads, steps.flags()),
        timing=Timing(
            blocks=measured.blocks,
            first_step_seconds=measured.first_step_seconds,
            import_seconds=import_seconds,
            load_seconds=measured.load_seconds,
            warmup=measured.warmup,
            picture=measured.picture,
            ended_early=ended_early,
        ),
        memory=measured.memory,
        telemetry=sampler.telemetry(),
        energy=sampler.energy(done) if alone else Energy(),
        work=steps.work,
        ceilings=measured.ceilings,
        session=session,
        note=wishes.note,
    )
    return environment.without_names(result)


def used(steps: EngineSteps) -> WorkloadUsed:
    """The workload as a result tells it."""
    workload, models = steps.workload, steps.models
    is_random = steps.config.random_weights
    return WorkloadUsed(
        name=workload.name,
        version=workload.version,
        hash=workload.hash,
        profile=workload.profile,
        params=workload.params,
        batch=workload.batch,
        step_files=workload.step_files,
        weights=Weights(name=models.name, sha256="" if is_random else models.sha256, random=is_random),
    )


def peak_memory(steps: EngineSteps) -> Memory:
    """Highest so far, of the allocator on a GPU and of the process."""
    import torch

    from generator.devices import peak_memory_mib

    process = peak_memory_mib(torch.device("cpu"))
    if steps.device.type != "cuda":
        return Memory(peak_process_mib=process)
    return Memory(
        peak_allocated_mib=torch.cuda.max_memory_allocated(steps.device) / MIB,
        peak_reserved_mib=torch.cuda.max_memory_reserved(steps.device) / MIB,
        peak_process_mib=process,
    )
