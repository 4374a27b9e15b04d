"""One `bench run` after its command line is understood: load, measure, describe. What it needs of torch comes late."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from bench.measure.blocks import BUDGETS, PhaseProgress, Sitting, TimeBudget, steady_part
from bench.measure.measured import Measurement, MeasureWishes, describe, peak_memory
from bench.measure.telemetry import CpuGauge, Sampler
from bench.result.result import BenchResult
from bench.workloads import Workload
from dreamrig.errors import NotReadyError
from generator import stats

if TYPE_CHECKING:
    from bench.measure.steps import EngineSteps
    from bench.measure.telemetry import Gauge

CEILING_TURNS = 3


@dataclass(frozen=True)
class ResultPair:
    """Two results measured in turn, block by block."""

    first: BenchResult
    second: BenchResult


class Session:
    """Measures one workload, or two in turn, in this process."""

    def __init__(
        self,
        wishes: MeasureWishes,
        *,
        watch: Callable[[PhaseProgress], None],
        say: Callable[[str], None],
        should_stop: Callable[[], bool],
        clock: Callable[[], float] = perf_counter,
        budget: TimeBudget | None = None,
    ) -> None:
        """watch: a display.   say: one line of talk.   should_stop: whether somebody wants to end now."""
        self.wishes, self.say, self.clock = wishes, say, clock
        self.sitting = Sitting(budget or BUDGETS[wishes.effort], clock, watch, should_stop)
        self.import_seconds: float | None = None
        self.sampler: Sampler | None = None
        self.on_loaded: Callable[[EngineSteps], None] = lambda _: None

    # ---- load

    def load(self, workload: Workload) -> Measurement:
        """The workload's networks on the device; with random weights where the real ones are not here."""
        self._import_torch()
        before = self.clock()
        try:
            steps = self._load(workload, random_weights=self.wishes.random_weights)
        except NotReadyError as error:
            if self.wishes.random_weights or "CUDA" in error.message or workload.networks[0] == "starter":
                raise
            self.say(f"{error.message.rstrip('.')}: measuring with random weights, which are as fast.")
            before = self.clock()
            steps = self._load(workload, random_weights=True)
        return Measurement(steps=steps, load_seconds=self.clock() - before)

    def _import_torch(self) -> None:
        if "torch" in sys.modules or self.import_seconds is not None:
            return
        before = self.clock()
        import bench.measure.steps  # noqa: F401 - it is this import that is timed

        self.import_seconds = self.clock() - before

    def _load(self, workload: Workload, *, random_weights: bool) -> EngineSteps:
        from bench.measure.steps import EngineSteps

        wishes = self.wishes
        return EngineSteps.load(workload, device=wishes.device, threads=wishes.threads, random_weights=random_weights)

    # ---- measure

    def run(self, workload: Workload, after_block: Callable[[], float] | None = None) -> BenchResult:
        """Measure one workload. after_block: something else to be measured in turn with it; returns its seconds."""
        with ExitStack() as stack:
            measured = self.load(workload)
            stack.callback(measured.steps.close)
            self.on_loaded(measured.steps)
            gauge = self._open_gauge(measured.steps, stack)
            self._warm(measured)
            measured.memory = peak_memory(measured.steps)  # before anything else is tried on the device
            with self._sample(gauge):
                between = self._ceilings_between(measured) if after_block is None else (lambda _: None)
                measured.blocks = self.sitting.measure(measured.steps, measured.count, after_block, between)
            measured.steps.require_finite()
            self._leave_out_heating(measured)
            if after_block is None:
                self._draw_picture(measured)
            return self._describe(measured, gauge, None if after_block is None else str(uuid.uuid4()))

    def run_pair(self, first: Workload, second: Workload) -> ResultPair:
        """Measure two workloads in turn. Peak memory and energy cannot be told apart, so neither has any."""
        with ExitStack() as stack:
            both = [self.load(first), self.load(second)]
            for measured in both:
                stack.callback(measured.steps.close)
            self.on_loaded(both[0].steps)
            gauge = self._open_gauge(both[0].steps, stack)
            for measured, name in zip(both, names_of(first, second), strict=True):
                self._warm(measured, name)
            counts = (both[0].count, both[1].count)
            with self._sample(gauge):
                both[0].blocks, both[1].blocks = self.sitting.measure_pairs(both[0].steps, both[1].steps, counts)
            for measured in both:
                measured.steps.require_finite()
            self._leave_out_heating(*both)
            session = str(uuid.uuid4())
            return ResultPair(*(self._describe(measured, gauge, session) for measured in both))

    def _warm(self, measured: Measurement, name: str = "") -> None:
        measured.first_step_seconds = self.sitting.time_first(measured.steps, name)
        measured.steps.count_work()  # before the warm-up, which gets over it
        measured.warmup, measured.count = self.sitting.warm_up(measured.steps, name)

    def _ceilings_between(self, measured: Measurement) -> Callable[[float], None]:
        """Something to call between blocks that measures the device's limits in turn with them."""
        from bench.measure.products import CeilingTurns

        steps = measured.steps
        turns = CeilingTurns(steps.device, seconds_each=self.sitting.budget.ceiling, turns=CEILING_TURNS)

        def between(share: float) -> None:
            if not turns.due(share) or self.sitting.should_stop():
                return
            assert self.sampler is not None
            with self.sampler.aside():
                steps.take_turn(turns)
                measured.ceilings = steps.ceilings(turns)

        return between

    def _leave_out_heating(self, *measured: Measurement) -> None:
        """A thorough measurement counts from where on its pace shows no trend; two in turn from where neither does."""
        if self.wishes.effort != "thorough":
            return
        every = [one.blocks for one in measured]
        for one, beside in zip(measured, reversed(every), strict=True):
            if one.warmup is not None:
                one.blocks, one.warmup = steady_part(one.blocks, one.warmup, beside)

    def _draw_picture(self, measured: Measurement) -> None:
        """A whole picture on the clock, where that takes no longer than its budget; a result can do without."""
        if self.sitting.should_stop():
            return
        median = stats.median([block.seconds / block.steps for block in measured.blocks])
        expected = median * measured.steps.config.steps
        if expected <= self.sitting.budget.picture:
            self.sitting.watch(PhaseProgress(phase="one picture", seconds=0.0, most_seconds=expected))
            measured.picture = measured.steps.picture(self.clock)

    def _open_gauge(self, steps: EngineSteps, stack: ExitStack) -> Gauge | None:
        from generator.devices import cuda_uuid
        from provision.machine.nvml import open_gauge

        if steps.device.type != "cuda":
            return CpuGauge()
        return stack.enter_context(open_gauge(cuda_uuid(steps.device), steps.device.index or 0))

    def _sample(self, gauge: Gauge | None) -> Sampler:
        self.sampler = Sampler(gauge, self.clock)
        return self.sampler

    def _describe(self, measured: Measurement, gauge: Gauge | None, session: str | None) -> BenchResult:
        assert self.sampler is not None
        return describe(
            measured,
            self.wishes,
            self.sampler,
            gauge,
            import_seconds=self.import_seconds,
            session=session,
            ended_early=self.sitting.ended_early,
        )


def names_of(first: Workload, second: Workload) -> tuple[str, str]:
    """What to call two workloads side by side: their names, with profiles where those tell them apart."""
    if first.name != second.name:
        return first.name, second.name
    if first.profile != second.profile:
        return f"{first.name} {first.profile}", f"{second.name} {second.profile}"
    return f"{first.name} (A)", f"{second.name} (B)"
