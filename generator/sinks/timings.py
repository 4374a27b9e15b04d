"""Collects a run's times into a TimingReport, and keeps it as timings.json."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

from generator.events import Event, Preview, Started, Step
from generator.runs.folder import TIMINGS, write_json
from generator.sinks.report import TimingReport

if TYPE_CHECKING:
    from generator.config import GenerateConfig
    from generator.engine.flops import FlopCount

Clock = Callable[[], float]


@dataclass
class Stopwatch:
    """Seconds per name, summed; the engine's `phases` where a run is profiled."""

    clock: Clock
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time what runs inside, also where it fails."""
        before = self.clock()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + self.clock() - before


class TimingsSink:
    """Watches a run; `report` can be asked for at any time."""

    def __init__(self, clock: Clock, began_at: float, start_seconds: float | None = None) -> None:
        """began_at: what `clock` said when the command began.   start_seconds: how long its process took to begin."""
        self.clock, self.began_at, self.start_seconds = clock, began_at, start_seconds
        self.started: Started | None = None
        self.steps: list[Step] = []
        self.first_preview_seconds: float | None = None

    def __call__(self, event: Event) -> None:
        """Remember what the report needs."""
        if isinstance(event, Started):
            self.started = event
        elif isinstance(event, Step):
            # Without its picture, which would keep a tensor of every step alive.
            self.steps.append(replace(event, image=_gone, loss=_gone))
        elif isinstance(event, Preview) and self.first_preview_seconds is None:
            self.first_preview_seconds = self.clock() - self.began_at

    def report(
        self,
        *,
        saving_seconds: float = 0.0,
        phase_seconds: Mapping[str, float] | None = None,
        threads: int | None = None,
        peak_memory_of: Literal["run", "process"] = "process",
        batch_size: int = 1,
        flops: FlopCount | None = None,
        flops_method: str = "",
    ) -> TimingReport:
        """Everything so far. Only after Started."""
        assert self.started is not None
        config, seconds = self.started.config, [step.seconds for step in self.steps]
        return TimingReport(
            workload=config.workload_id(),
            same_step=_same_step(config, self.started.device),
            width=config.width,
            height=config.height,
            cutouts=config.cutouts,
            steps=config.steps,
            first_step=self.started.first_step,
            first_step_seconds=seconds[0] if seconds else None,
            steady_step_seconds=tuple(seconds[1:]),
            start_seconds=self.start_seconds,
            import_seconds=self.started.import_seconds,
            load_seconds=self.started.load_seconds,
            first_preview_seconds=self.first_preview_seconds,
            saving_seconds=saving_seconds,
            total_seconds=self.clock() - self.began_at,
            peak_memory_mib=self.steps[-1].peak_memory if self.steps else None,
            peak_memory_of=peak_memory_of,
            batch_size=batch_size,
            device=self.started.device,
            threads=threads,
            versions=dict(self.started.versions),
            phase_seconds=phase_seconds,
            precision=config.precision,
            flops_per_step=flops.flops or None if flops else None,
            least_flops_per_step=flops.least_flops or None if flops else None,
            flops_method=flops_method,
        )


def _same_step(config: GenerateConfig, device: str) -> tuple[str, ...]:
    """Repeating itself costs a processor nothing, so that its step is that of both kinds of runs."""
    if not device.startswith("cpu"):
        return (config.step_id(),)
    return tuple(replace(config, deterministic=either).step_id() for either in (True, False))


def _gone() -> NoReturn:
    raise RuntimeError("a past step's picture and loss are not kept")


def save_report(report: TimingReport, folder: Path) -> None:
    """timings.json in a run folder; NotReadyError where it cannot be written."""
    write_json(folder / TIMINGS, report.to_dict())
