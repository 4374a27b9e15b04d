"""One run from its first to its last event: engine, sinks, folder, and what happens when it ends early.

Importing this module imports torch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from dreamrig.errors import InterruptedByUser, NotReadyError, RigError
from generator.config import GenerateConfig
from generator.devices import forget_peak_memory
from generator.engine import loop as engine
from generator.engine.flops import COUNTED, ESTIMATED, FlopCount, count_flops, estimate_flops
from generator.engine.pixel_art import is_pixel_art
from generator.engine.together import Due
from generator.events import Event, Finished, Started, Step
from generator.pictures.png import enlarge_sharply, enlarge_smoothly
from generator.runs.folder import PICTURE, PICTURE_LARGE, Run, discard
from generator.sinks import Say, Sink, optional
from generator.sinks.checkpoint import CheckpointSink
from generator.sinks.frames import FramesSink
from generator.sinks.picture import LargePictureSink, PictureSink, preview_sink
from generator.sinks.report import TimingReport
from generator.sinks.timings import Stopwatch, TimingsSink, save_report
from generator.starter.reading import known_words
from generator.state import State
from generator.work.job import Job, silent
from generator.work.report import resume_hint
from generator.work.resume import restart_words
from generator.work.rhythm import BySeconds
from generator.work.stop import Stop, StopButton


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came out of a run that ended well, or was asked to end early."""

    run: Run
    picture: Path
    picture_large: Path | None
    report: TimingReport
    plan_words: str = ""
    unknown_words: Mapping[str, list[str]] = field(default_factory=dict)
    known_words: tuple[str, ...] = ()
    """The prompt's words that the starter understood; of another model nobody knows."""

    @property
    def is_interrupted(self) -> bool:
        """Whether steps are left."""
        return self.run.status == "interrupted"


def execute(job: Job, *, watchers: Sequence[Sink] = (), stop: Stop | None = None, say: Say = silent) -> Outcome:
    """Do the run, to its end or until `stop` is pressed.

    watchers: progress, preview and the like, called before anything is written.   say: is told of what went wrong
    without ending the run.

    On failure and on a second Ctrl-C the folder tells how it ended before the error goes on its way.
    """
    doing = undertake(job, watchers=watchers, stop=stop, say=say)
    while True:
        try:
            next(doing)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome


def undertake(
    job: Job, *, watchers: Sequence[Sink] = (), stop: Stop | None = None, say: Say = silent
) -> Generator[Due, None, Outcome]:
    """The same step by step: what is due is yielded, and taken alone where nobody takes it with others."""
    work = _Work(job, watchers, say)
    try:
        for turn in work.turns(stop or StopButton()):
            if isinstance(turn, Due):
                yield turn
            else:
                work.handle(turn)
        return work.outcome()
    except KeyboardInterrupt:
        kept = work.end_badly("interrupted", None)
        raise InterruptedByUser("Interrupted at once.", hint=resume_hint(job.run) if kept else "") from None
    except NotReadyError as error:
        kept = work.end_badly("failed", error)
        hints = [error.hint, resume_hint(job.run) if kept else ""]
        raise NotReadyError(error.message, hint="; then ".join(filter(None, hints)), code=error.code) from error
    except Exception as error:
        work.end_badly("failed", error)
        raise


class _Work:
    """A job while it is done."""

    def __init__(self, job: Job, watchers: Sequence[Sink], say: Say) -> None:
        self.job, self.watchers, self.say, self.clock = job, watchers, say, job.clock
        self.run = job.run
        self.timings = TimingsSink(job.clock, job.beginning.began_at, job.beginning.start_seconds)
        self.saving = Stopwatch(job.clock)
        self.phases = Stopwatch(job.clock) if job.profile else None
        self.flops = FlopCount()
        self.counts_alone = False
        """Whether the peak memory is that of this run alone."""
        self.started: Started | None = None
        self.finished: Finished | None = None
        self.wants_frame: Callable[[Event], bool] = lambda _: False
        self.checkpoints = CheckpointSink(job.run, self.seconds_so_far)
        self.keepers = self._make_keepers()

    def _make_keepers(self) -> list[Sink]:
        """What writes files. Only the final picture is worth ending a run for."""
        job = self.job
        frames = FramesSink(job.run, job.config.frames_every) if job.config.frames_every else None
        if frames is not None:
            self.wants_frame = frames.wants
        enlarge = job.upscale or (enlarge_sharply if is_pixel_art(job.config) else enlarge_smoothly)
        return [
            *([optional(frames, self.say, "the film will lack frames")] if frames else []),
            optional(preview_sink(job.run), self.say, "no preview is saved"),
            optional(self.checkpoints, self.say, "until it can be written, an interruption costs more steps"),
            PictureSink(job.run, job.recipe, job.out, job.overwrite),
            optional(LargePictureSink(job.run, job.recipe, enlarge), self.say, "there is no enlarged picture"),
        ]

    def seconds_so_far(self) -> float:
        """Wall seconds of all attempts at this run."""
        return (self.job.run.seconds or 0.0) + self.clock() - self.job.beginning.began_at

    def turns(self, stop: Stop) -> Iterator[Event | Due]:
        """The engine's; the arithmetic of the first step is counted on the way, where it is that of one picture."""
        is_alone = self.job.batch_size == 1
        self.counts_alone = forget_peak_memory(self.job.models.image.codebook.device) and is_alone
        started, turns = self.begin(stop)
        yield started
        stop.arm()
        yield next(turns)  # due; or the end, where no step is left
        with estimate_flops(self.flops) if is_alone else contextlib.nullcontext():
            first = next(turns)
        yield first
        yield from turns

    def begin(self, stop: Stop) -> tuple[Event | Due, Iterator[Event | Due]]:
        """Started, and what follows: from the job's state or, where the engine can make nothing of that, anew."""
        turns = self.generate(self.job.resume, stop)
        try:
            return next(turns), turns
        except torch.OutOfMemoryError:
            raise
        except (KeyError, ValueError, RuntimeError) as error:  # another version's tensors, by name or by shape
            if self.job.resume is None:
                raise
            why = f"The checkpoint does not fit this version of dreamrig ({type(error).__name__})."
            self.say(f"note: {restart_words(why)}")
        turns = self.generate(None, stop)
        return next(turns), turns

    def generate(self, state: State | None, stop: Stop) -> Iterator[Event | Due]:
        """The engine at work on the job."""
        job = self.job
        return engine.turns(
            job.config,
            job.models,
            clock=self.clock,
            resume=state,
            should_stop=stop.is_pressed,
            phases=self.phases,
            pace=BySeconds(job.config, job.rhythm),
            run_id=job.run.id,
            import_seconds=job.beginning.import_seconds,
            load_seconds=job.beginning.load_seconds,
        )

    def handle(self, event: Event) -> None:
        """Show the event, then keep what is worth keeping."""
        if isinstance(event, Started):
            self.started = event
        for sink in self.watchers:
            sink(event)
        self.timings(event)
        if isinstance(event, Started) or (isinstance(event, Step) and not self.wants_frame(event)):
            return
        with self.saving("saving"):
            for sink in self.keepers:
                sink(event)
        if isinstance(event, Finished):
            self.finished = event

    def outcome(self) -> Outcome:
        """Close the run: status, report, timings.json."""
        assert self.started is not None
        assert self.finished is not None
        with self.saving("saving"):
            self._record(status=self.finished.reason, steps_done=self.finished.index, seconds=self.seconds_so_far())
        report = self.report()
        self._tolerate(lambda: save_report(report, self.run.folder), "there is no timings.json")
        large = self.run.folder / PICTURE_LARGE
        return Outcome(
            run=self.run,
            picture=self.job.out or self.run.folder / PICTURE,
            picture_large=large if large.is_file() else None,
            report=report,
            plan_words=self.started.plan_words,
            unknown_words=self.started.unknown_words,
            known_words=known_words(self.job.config.prompt) if self.job.config.model == GenerateConfig.model else (),
        )

    def report(self) -> TimingReport:
        """The timing report; on --profile the arithmetic of a step is counted exactly, after the clock has stopped."""
        report = self.timings.report(
            saving_seconds=self.saving.seconds.get("saving", 0.0),
            phase_seconds=None if self.phases is None else dict(self.phases.seconds),
            threads=self.job.config.threads or torch.get_num_threads(),
            peak_memory_of="run" if self.counts_alone else "process",
            batch_size=self.job.batch_size,
            flops=self.flops,
            flops_method=ESTIMATED,
        )
        if not self.job.profile or not report.steps_done:
            return report
        counted = count_flops(self.job.config, self.job.models)
        return report.with_flops(counted, COUNTED) if counted else report

    def end_badly(self, status: str, error: Exception | None) -> bool:
        """Leave the folder so that history tells the truth; a run that never began leaves none: then False."""
        if self.started is None and self.job.is_new:
            discard(self.run)
            return False
        if self.finished is not None:  # nothing is lost any more
            return True
        message = None if error is None else (error.message if isinstance(error, RigError) else str(error))
        with contextlib.suppress(RigError):  # a full disk: the dead process tells as much
            self.checkpoints.run.record(status=status, error=message, seconds=self.seconds_so_far())
        return True

    def _record(self, **changes: object) -> None:
        def record() -> None:
            self.run = self.checkpoints.run.record(**changes)

        self._tolerate(record, "history will call this run crashed")

    def _tolerate(self, action: Callable[[], None], loss: str) -> None:
        try:
            action()
        except RigError as error:
            self.say(f"warning: {error} The picture is safe; {loss}.")
