"""Several runs shown as one: one bar with the mean of their losses, one preview with all of their pictures.

Does not import torch before there is a picture to show.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from generator.events import Event, Finished, Preview, Raised, Started, Step
from generator.sinks import Sink

if TYPE_CHECKING:
    from torch import Tensor

Image = Callable[[], "Tensor"]


class Gathered:
    """Sinks that are told of several runs, which go step by step together, as if they were one.

    It has as many steps as the longest of them. A run that ended keeps its place in the picture.
    """

    def __init__(self, sinks: Sequence[Sink], runs: int) -> None:
        self.sinks = sinks
        self.started: dict[int, Started] = {}
        self.steps: dict[int, Step] = {}
        """The newest of each run; of those that ended, too."""
        self.going = set(range(runs))
        self.waited_for: set[int] = set()
        """Runs whose next step is not told yet."""

    def listener(self, number: int) -> Sink:
        """A sink for one of the runs."""
        return partial(self._hear, number)

    def _hear(self, number: int, event: Event) -> None:
        if isinstance(event, Started):
            self.started[number] = event
            self._tell_start()
        elif isinstance(event, Step):
            if not self.steps:  # by now all have started that ever will
                self.going &= self.started.keys()
                self.waited_for = set(self.going)
            self.steps[number] = event
            self.waited_for.discard(number)
            self._tell_step()
        elif isinstance(event, Preview) and number == min(self.going):
            self._tell(Preview(event.index, partial(side_by_side, [step.image for step in self._in_order()])))
        elif isinstance(event, Finished | Raised):
            self._leave(number, event)

    def _tell_start(self) -> None:
        """Of those that started so far."""
        longest = max(self.started.values(), key=lambda started: started.config.steps)
        self._tell(replace(longest, first_step=min(started.first_step for started in self.started.values())))

    def _tell_step(self) -> None:
        """Where all took it."""
        newest = [step for number, step in self.steps.items() if number in self.going]
        if self.waited_for or not newest:
            return
        self.waited_for = set(self.going)
        last = max(newest, key=lambda step: step.index)
        self._tell(replace(last, loss=lambda: statistics.fmean(step.loss() for step in newest), notes=()))

    def _leave(self, number: int, event: Finished | Raised) -> None:
        was_waited_for = number in self.waited_for
        self.going.discard(number)
        self.waited_for.discard(number)
        if not self.going:
            self._tell(event)
        elif was_waited_for:
            self._tell_step()

    def _in_order(self) -> list[Step]:
        return [self.steps[number] for number in sorted(self.steps)]

    def _tell(self, event: Event) -> None:
        for sink in self.sinks:
            sink(event)


def side_by_side(images: Sequence[Image]) -> Tensor:
    """Pictures (3, H, W) of one size in reading order on one, (3, rows * H, columns * W); what is left stays black."""
    import torch

    pictures = [image() for image in images]
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    pictures += [torch.zeros_like(pictures[0])] * (rows * columns - len(pictures))
    lines = [torch.cat(pictures[first : first + columns], dim=2) for first in range(0, len(pictures), columns)]
    return torch.cat(lines, dim=1)
