"""Pictures on the way: which steps leave one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from generator.events import Finished, Preview, Reason, Step
from generator.runs.folder import new_run
from generator.sinks.frames import FramesSink, frames_of


@pytest.mark.parametrize(("reason", "last"), [("done", ["000005"]), ("interrupted", [])])
def test_every_second_step_leaves_a_frame_and_so_does_the_end_of_a_run_that_is_done(
    tmp_path: Path, reason: Reason, last: list[str]
) -> None:
    run = new_run(prompt="sea", seed=1, steps=5, base=tmp_path)
    sink, image = FramesSink(run, 2, durable=False), lambda: torch.zeros(3, 8, 8)
    sink(Preview(1, image))
    for index in range(5):
        sink(Step(index, lambda: 0.5, 0.1, image, None))
    sink(Finished(5, image, reason, 1.0))
    assert [path.stem for path in frames_of(run)] == ["000000", "000002", "000004", *last]
