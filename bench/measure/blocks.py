"""Blocks of steps on the clock: warm up until the pace settles, then measure. Imports no torch; tests bring toys."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Literal, Protocol

from bench.result.limits import FEWEST_BLOCKS
from bench.result.result import Block, Effort, Warmup
from dreamrig.errors import InterruptedByUser
from generator import stats

SETTLED = 0.02
"""Medians of the last three blocks and of the three before differ by less: warm."""
WINDOW = 3
GOOD_BLOCKS = 5

Phase = Literal["first step", "warming up", "measuring", "one picture"]


@dataclass(frozen=True, kw_only=True)
class TimeBudget:
    """How long to take, in seconds."""

    warmup: float
    """At least."""
    warmup_most: float
    """Then the blocks count although the pace has not settled, and the result says so."""
    measuring: float
    block: float
    """Long enough that the clock and the waiting at its edges do not show."""
    picture: float
    """A picture that would take longer is not drawn."""
    ceiling: float
    """For each limit of the device."""


BUDGETS: Mapping[Effort, TimeBudget] = {
    "quick": TimeBudget(warmup=2.0, warmup_most=8.0, measuring=12.0, block=0.25, picture=5.0, ceiling=0.2),
    "default": TimeBudget(warmup=10.0, warmup_most=60.0, measuring=90.0, block=1.0, picture=60.0, ceiling=1.0),
    "thorough": TimeBudget(warmup=30.0, warmup_most=180.0, measuring=600.0, block=2.0, picture=600.0, ceiling=2.0),
}


class Steps(Protocol):
    """Steps of something, done on demand."""

    def first(self) -> None:
        """Do the very first step."""
        ...

    def prepare(self, count: int) -> None:
        """See to it that `count` steps can follow without anything else between them."""
        ...

    def run(self, count: int) -> None:
        """Do that many steps; they may still be going on in the device afterwards."""
        ...

    def finish(self) -> None:
        """Wait until they are done."""
        ...


@dataclass(frozen=True, kw_only=True)
class PhaseProgress:
    """What a display may show, sent between two blocks."""

    phase: Phase
    seconds: float
    """Spent in this phase."""
    most_seconds: float | None = None
    """What the phase may take."""
    step_seconds: tuple[float, ...] = ()
    """Per block of this phase."""
    name: str = ""
    """Which of two workloads."""


@dataclass
class Sitting:
    """One measurement's clock, listener and wish to end."""

    budget: TimeBudget
    clock: Callable[[], float] = perf_counter
    watch: Callable[[PhaseProgress], None] = field(default=lambda _: None)
    should_stop: Callable[[], bool] = field(default=lambda: False)
    ended_early: bool = False
    """Whether that wish ended the measuring."""

    def time_first(self, steps: Steps, name: str = "") -> float:
        """Seconds of the first step, cold."""
        self.watch(PhaseProgress(phase="first step", seconds=0.0, name=name))
        before = self.clock()
        steps.first()
        steps.finish()
        seconds = self.clock() - before
        self.watch(PhaseProgress(phase="first step", seconds=seconds, name=name))
        return seconds

    def time_block(self, steps: Steps, count: int) -> Block:
        """One block. What prepares it and what listens stay outside."""
        steps.prepare(count)
        steps.finish()
        before = self.clock()
        steps.run(count)
        steps.finish()
        return Block(steps=count, seconds=max(self.clock() - before, 1e-9))

    def warm_up(self, steps: Steps, name: str = "") -> tuple[Warmup, int]:
        """Run blocks until their medians stand still; returns what it took, and how many steps make a block."""
        blocks: list[Block] = []
        count, elapsed = 1, 0.0
        while True:
            block = self.time_block(steps, count)
            blocks.append(block)
            elapsed += block.seconds
            fastest = min(pace_of(blocks[-2 * WINDOW :]))  # whatever disturbs a block makes it longer
            count = max(1, math.ceil(self.budget.block / fastest))
            self.watch(
                PhaseProgress(
                    phase="warming up",
                    seconds=elapsed,
                    most_seconds=self.budget.warmup_most,
                    step_seconds=tuple(pace_of(blocks)),
                    name=name,
                )
            )
            settled = is_settled(pace_of(blocks)) and elapsed >= self.budget.warmup
            if settled or elapsed >= self.budget.warmup_most:
                warmup = Warmup(steps=sum(block.steps for block in blocks), seconds=elapsed, is_settled=settled)
                return warmup, count
            self._end_early(blocks=0)

    def measure(
        self,
        steps: Steps,
        count: int,
        after_block: Callable[[], float] | None = None,
        between: Callable[[float], None] = lambda _: None,
    ) -> tuple[Block, ...]:
        """Blocks of `count` steps until the budget is spent.

        after_block: something measured in turn with the blocks; returns its seconds, which doubles the budget.
        between: told after each block which share of the budget is spent; what it does costs none.
        """
        blocks: list[Block] = []
        elapsed, factor = 0.0, 1 if after_block is None else 2
        while not self.is_enough(elapsed / factor, len(blocks)):
            blocks.append(self.time_block(steps, count))
            elapsed += blocks[-1].seconds + (0.0 if after_block is None else after_block())
            self._tell_measuring(blocks, elapsed, factor)
            if self._end_early(len(blocks)):
                break
            between(elapsed / factor / self.budget.measuring)
        return tuple(blocks)

    def measure_pairs(
        self, first: Steps, second: Steps, counts: tuple[int, int]
    ) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
        """Blocks of two sources in turn, the order turned round from pair to pair (AB BA AB ...)."""
        both: tuple[list[Block], list[Block]] = ([], [])
        elapsed = 0.0
        while not self.is_enough(elapsed / 2, len(both[0])):
            order = (0, 1) if len(both[0]) % 2 == 0 else (1, 0)
            for which in order:
                both[which].append(self.time_block((first, second)[which], counts[which]))
                elapsed += both[which][-1].seconds
            self._tell_measuring(both[0], elapsed, 2)
            if self._end_early(len(both[0])):
                break
        return tuple(both[0]), tuple(both[1])

    def is_enough(self, seconds: float, blocks: int) -> bool:
        """Whether time and number suffice; where a step takes long, few blocks must do, and the result says so.

        A machine with two speeds that it keeps to for long shows both within stats.MANY blocks.
        """
        needs = ((1, stats.MANY), (2, GOOD_BLOCKS), (4, FEWEST_BLOCKS))
        return any(seconds >= factor * self.budget.measuring and blocks >= least for factor, least in needs)

    def _tell_measuring(self, blocks: Sequence[Block], elapsed: float, factor: int) -> None:
        least, paces = factor * self.budget.measuring, tuple(pace_of(blocks))
        most = max(least, min(2 * least, stats.MANY * elapsed / len(blocks)))
        self.watch(PhaseProgress(phase="measuring", seconds=elapsed, most_seconds=most, step_seconds=paces))

    def _end_early(self, blocks: int) -> bool:
        """Whether to end with the blocks there are; InterruptedByUser where those are too few to say anything."""
        if not self.should_stop():
            return False
        if blocks < FEWEST_BLOCKS:
            hint = "take less work: dreamrig bench run starter-128"
            raise InterruptedByUser("Interrupted before enough was measured.", hint=hint)
        self.ended_early = True
        return True


def pace_of(blocks: Sequence[Block]) -> list[float]:
    """Seconds per step of each block."""
    return [block.seconds / block.steps for block in blocks]


def steady_part(
    blocks: Sequence[Block], warmup: Warmup, beside: Sequence[Block] = ()
) -> tuple[tuple[Block, ...], Warmup]:
    """The blocks from where on the pace shows no trend, and the warm-up with what went before; all where none is so.

    A card gets slower for minutes as it gets warm: the medians of a few blocks stand still before that is over.
    beside: blocks measured in turn with them, which must stand still too, so that pairs stay pairs.
    """
    starts = [stats.steady_from(pace_of(one)) for one in (blocks, beside)]
    start = None if None in starts else max(one for one in starts if one is not None)
    if start is None:
        return tuple(blocks), replace(warmup, is_settled=False)
    more = blocks[:start]
    return tuple(blocks[start:]), Warmup(
        steps=warmup.steps + sum(block.steps for block in more),
        seconds=warmup.seconds + sum(block.seconds for block in more),
        is_settled=warmup.is_settled,
    )


def is_settled(step_seconds: Sequence[float]) -> bool:
    """Whether the last three blocks go at the pace of the three before."""
    if len(step_seconds) < 2 * WINDOW:
        return False
    now, before = stats.median(step_seconds[-WINDOW:]), stats.median(step_seconds[-2 * WINDOW : -WINDOW])
    return abs(now - before) <= SETTLED * before
