"""Steps of a workload, one after the other for as long as somebody counts. Imports torch.

A source of steps does `run(count)` and `finish()`; only between the two clocks of a block is anything waited for.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch

from bench.measure.notebook_files import NotebookFiles
from bench.result.result import Picture, Work
from bench.workloads import Workload
from dreamrig.errors import FailedError
from generator.config import GenerateConfig
from generator.engine.arithmetic import Arithmetic
from generator.engine.loop import generate
from generator.events import Event, Finished, Preview, Step
from generator.models.base import Models
from generator.work.plan import Plan

if TYPE_CHECKING:
    from bench.measure.products import CeilingTurns

LEAST_RUN = 500
"""Steps of a run in which blocks are timed; a new one is begun between two blocks."""
LARGEST_RUN = 1_000_000


class EngineSteps:
    """The engine's own loop on a workload, as `dreamrig generate` runs it, without previews and checkpoints."""

    def __init__(self, workload: Workload, models: Models, config: GenerateConfig) -> None:
        """config: of one picture, with device, threads and weights chosen."""
        self.workload, self.models, self.config = workload, models, config
        self.device = models.image.codebook.device
        self.work = Work()
        self._events: Iterator[Event] | None = None
        self._loss: Callable[[], float] = float
        self._left = 0
        self._files: NotebookFiles | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def load(cls, workload: Workload, **changes: Any) -> EngineSteps:
        """Load the workload's networks. changes: device, threads, random_weights."""
        from generator.models.choose import load_models

        config = workload.config(**changes)
        if workload.profile == "as-shipped":
            config = _with_shipped(config)
        models = load_models(config)
        return cls(workload, models, config)

    @property
    def threads(self) -> int:
        """Threads of torch on the processor during a step."""
        return self.config.threads or torch.get_num_threads()

    def first(self) -> None:
        """The first step of all."""
        self._begin(LEAST_RUN)
        self._step()

    def prepare(self, count: int) -> None:
        """See to it that `count` steps can follow in a row; begins a new run, and warms it by a step, where not."""
        if self._left < count + 1:
            self._begin(max(LEAST_RUN, 4 * count))
            self._step()
            self.finish()

    def run(self, count: int) -> None:
        """Do steps without waiting for the device."""
        for _ in range(count):
            self._step()

    def finish(self) -> None:
        """Wait until all that was asked for is done."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()

    def picture(self, clock: Callable[[], float] = perf_counter) -> Picture:
        """Time a whole picture: start, steps with their previews, last decode, PNG."""
        self._close()
        with tempfile.TemporaryDirectory(prefix="dreamrig-bench-") as name:
            keep = _PictureKeeper(Path(name), self.config)
            files = NotebookFiles(Path(name), self.config) if self.workload.step_files else None
            self.finish()
            before = clock()
            for event in generate(self.config, self.models):
                keep(event)
                if files is not None and isinstance(event, Step):
                    files(event.index, event.image())
            self.finish()
            return Picture(steps=self.config.steps, seconds=clock() - before)

    def flags(self) -> dict[str, Any]:
        """What torch may do during a step of this workload."""
        arithmetic = Arithmetic.of(self.config, self.device)
        return {
            "precision": self.config.precision,
            "tf32_matmul": arithmetic.tf32,
            "tf32_convolutions": arithmetic.tf32,
            "cudnn_benchmark": arithmetic.autotuned,
            "deterministic": arithmetic.deterministic,
        }

    def count_work(self) -> Work:
        """Arithmetic and traffic of a step, operator by operator; does one step of the run for it, slowly."""
        from bench.measure.flops import count_operators

        self.prepare(1)
        with count_operators() as count:
            self._step()
        self.finish()
        self.work = count.work()
        return self.work

    def take_turn(self, turns: CeilingTurns) -> None:
        """What the device can do at most, with as many threads as the steps have."""
        with Arithmetic(threads=self.threads).applied():
            turns.take()

    def ceilings(self, turns: CeilingTurns) -> dict[str, Any] | None:
        """The outcome of the turns; None where none was taken."""
        with Arithmetic(threads=self.threads).applied():
            found = turns.ceilings()
        return None if found is None else found.to_dict()

    def close(self) -> None:
        """Let go of the run and its files."""
        self._close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _begin(self, steps: int) -> None:
        self._close()
        self._left = min(steps, LARGEST_RUN)
        config = replace(self.config, steps=self._left, preview_every=0, checkpoint_every=0)
        self._events = generate(config, self.models)
        next(self._events)  # Started
        self._files = self._make_files(config)

    def _make_files(self, config: GenerateConfig) -> NotebookFiles | None:
        if not self.workload.step_files:
            return None
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="dreamrig-bench-")
        return NotebookFiles(Path(self._folder.name), config)

    def _step(self) -> None:
        assert self._events is not None
        event = next(self._events)
        if not isinstance(event, Step):
            raise FailedError(f"The engine sent {type(event).__name__} where a step was due.")
        if self._files is not None:
            self._files(event.index, event.image())
        self._loss = event.loss
        self._left -= 1

    def _close(self) -> None:
        events, self._events, self._left = self._events, None, 0
        if isinstance(events, Iterator) and hasattr(events, "close"):
            events.close()

    def require_finite(self) -> None:
        """FailedError where the steps computed nonsense: a rate of NaNs is no result."""
        if not math.isfinite(self._loss()):
            raise FailedError("The workload's loss is not a finite number.", hint="try another device: --device cpu")


class _PictureKeeper:
    """Looks at previews and writes the last picture, as a run does."""

    def __init__(self, folder: Path, config: GenerateConfig) -> None:
        self.folder, self.config = folder, config

    def __call__(self, event: Event) -> None:
        """Write previews and the picture as PNG files."""
        if isinstance(event, Preview | Finished):
            from PIL import Image

            picture = event.image()
            pixels = (picture.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
            Image.fromarray(pixels).save(self.folder / "picture.png")


def _with_shipped(config: GenerateConfig) -> GenerateConfig:
    """The config as dreamrig itself would choose it on this device, in the fields that a workload leaves open."""
    from bench.result.pins import AS_SHIPPED
    from generator.models.choose import device_defaults

    shipped = Plan(prompt=config.prompt, given={"model": config.model}).to_config(device_defaults(config))
    return replace(config, **{name: getattr(shipped, name) for name in AS_SHIPPED})
