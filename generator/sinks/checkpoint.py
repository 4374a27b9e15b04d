"""Checkpoints: the newest state of a run, so that a killed run loses at most the steps since."""

from __future__ import annotations

from collections.abc import Callable

from dreamrig.paths import write_atomic
from generator.events import Checkpointed, Event
from generator.runs.folder import CHECKPOINT, Run


class CheckpointSink:
    """Writes each Checkpointed state over the one before, and notes the step in run.json."""

    def __init__(self, run: Run, seconds: Callable[[], float]) -> None:
        """seconds: wall seconds of the run so far, asked at each checkpoint."""
        self.run = run
        self.seconds = seconds
        self.saved_step: int | None = None
        """Steps completed in the last state that is safely on disk; None = none yet."""

    def __call__(self, event: Event) -> None:
        """Write, where this is a checkpoint; NotReadyError where that fails."""
        if not isinstance(event, Checkpointed):
            return
        from generator.state import state_to_bytes  # late: it imports torch

        write_atomic(self.run.folder / CHECKPOINT, state_to_bytes(event.state))
        self.saved_step = event.index
        self.run = self.run.record(steps_done=event.index, seconds=self.seconds())
