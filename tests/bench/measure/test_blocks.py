"""Warm-up, blocks and pairs with a clock that only the steps move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import pytest

from bench.measure.blocks import BUDGETS, PhaseProgress, Sitting, TimeBudget, is_settled, pace_of, steady_part
from bench.result.result import Block, Warmup
from dreamrig.errors import InterruptedByUser

BUDGET = TimeBudget(warmup=2.0, warmup_most=8.0, measuring=12.0, block=0.25, picture=5.0, ceiling=0.2)


class Clock:
    """Seconds that pass when a step says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class ToySteps:
    """Each step takes the next of some seconds; they pass when the device is waited for, as on a GPU."""

    def __init__(self, clock: Clock, seconds: Iterable[float], log: list[str], name: str = "") -> None:
        self.clock, self.log, self.name = clock, log, name
        self._seconds: Iterator[float] = iter(seconds)
        self.last = 0.0
        self._waiting = 0.0

    def first(self) -> None:
        self.run(1)

    def prepare(self, count: int) -> None:
        self.log.append(f"{self.name}prepare {count}")
        self.clock.now += 0.5  # must not count

    def run(self, count: int) -> None:
        self.log.append(f"{self.name}run {count}")
        for _ in range(count):
            self.last = next(self._seconds, self.last)
            self._waiting += self.last

    def finish(self) -> None:
        self.log.append(f"{self.name}finish")
        self.clock.now += self._waiting
        self._waiting = 0.0


def make(
    seconds: Iterable[float], budget: TimeBudget = BUDGET
) -> tuple[Sitting, ToySteps, list[PhaseProgress], list[str]]:
    clock, log, seen = Clock(), [], []  # type: ignore[var-annotated]
    return Sitting(budget, clock, seen.append), ToySteps(clock, seconds, log), seen, log


def test_the_device_is_waited_for_at_the_edges_of_a_block_only() -> None:
    sitting, steps, _, log = make([0.1])
    block = sitting.time_block(steps, 7)
    assert log == ["prepare 7", "finish", "run 7", "finish"]
    assert block.seconds == pytest.approx(0.7)


def test_a_steady_pace_is_warm_after_the_least_time() -> None:
    sitting, steps, _, _ = make([0.01])
    warmup, count = sitting.warm_up(steps)
    assert warmup.is_settled
    assert BUDGET.warmup <= warmup.seconds < BUDGET.warmup + 0.3
    assert count == 25


def test_a_pace_that_still_changes_is_waited_for() -> None:
    """Steps that halve slowly, then stand: the warm-up ends only after they stand."""
    falling = [0.2 * 0.97**index for index in range(60)]
    sitting, steps, _, _ = make(falling)
    warmup, count = sitting.warm_up(steps)
    assert warmup.is_settled
    assert warmup.steps > 60
    assert count == pytest.approx(0.25 / falling[-1], abs=1.5)


def test_a_pace_that_never_settles_is_measured_all_the_same_and_said() -> None:
    sitting, steps, _, _ = make([0.02 * (1 + index % 7) for index in range(5000)])
    warmup, _ = sitting.warm_up(steps)
    assert not warmup.is_settled
    assert warmup.seconds >= BUDGET.warmup_most


@pytest.mark.parametrize(
    ("step", "blocks"),
    [(0.01, 48), (0.26, 48), (0.5, 48), (1.1, 22), (2.0, 12), (6.0, 5), (20.0, 3), (300.0, 3)],
)
def test_time_and_number_of_blocks_suit_the_step(step: float, blocks: int) -> None:
    """12 s and 48 blocks; in twice the time what there are then, five at least; of very slow steps three."""
    sitting, steps, seen, _ = make([step])
    _, count = sitting.warm_up(steps)
    found = sitting.measure(steps, count)
    assert len(found) == blocks
    assert pace_of(found) == pytest.approx([step] * blocks)
    assert [len(progress.step_seconds) for progress in seen if progress.phase == "measuring"] == [*range(1, blocks + 1)]


@pytest.mark.parametrize(("step", "seconds"), [(0.01, 12.0), (0.375, 18.0), (2.0, 24.0)])
def test_a_display_is_told_how_long_it_will_take(step: float, seconds: float) -> None:
    """What 48 blocks need, between the usual time and twice that."""
    sitting, steps, seen, _ = make([step])
    _, count = sitting.warm_up(steps)
    sitting.measure(steps, count)
    told = [progress.most_seconds for progress in seen if progress.phase == "measuring"]
    assert told == pytest.approx([seconds] * len(told))


def test_pairs_take_turns_at_being_first() -> None:
    clock, log = Clock(), []  # type: ignore[var-annotated]
    one, other = ToySteps(clock, [0.5], log, "A "), ToySteps(clock, [0.7], log, "B ")
    first, second = Sitting(BUDGET, clock).measure_pairs(one, other, (1, 2))
    order = [line[0] for line in log if "run" in line]
    assert order[:8] == list("ABBAABBA")
    assert len(first) == len(second) >= 10
    assert sum(block.seconds for block in (*first, *second)) >= 2 * BUDGET.measuring
    assert pace_of(second) == pytest.approx([0.7] * len(second))


def test_what_is_measured_beside_gets_its_share_of_the_time() -> None:
    sitting, steps, _, _ = make([0.25])
    blocks = sitting.measure(steps, 1, after_block=lambda: 0.75)
    assert len(blocks) == 48


def test_what_is_done_between_blocks_costs_no_time_of_theirs() -> None:
    sitting, steps, _, _ = make([0.25])
    shares: list[float] = []

    def between(share: float) -> None:
        shares.append(share)
        steps.clock.now += 3.0

    blocks = sitting.measure(steps, 1, between=between)
    assert len(blocks) == 48
    assert shares == pytest.approx([(index + 1) / 48 for index in range(48)])


def test_what_heats_up_counts_from_where_its_pace_stands() -> None:
    """Thirty blocks that get slower, then as many that stand: what went before belongs to the warm-up."""
    noise = [1 + 0.001 * ((index * 7) % 5 - 2) for index in range(60)]
    rising = [0.1 * min(1.0, 0.85 + 0.005 * index) * noise[index] for index in range(60)]
    blocks = [Block(steps=2, seconds=2 * seconds) for seconds in rising]
    kept, warmup = steady_part(blocks, Warmup(steps=5, seconds=1.0, is_settled=True))
    left_out = len(blocks) - len(kept)
    assert 12 <= left_out <= 30
    assert warmup == Warmup(
        steps=5 + 2 * left_out, seconds=1.0 + sum(block.seconds for block in blocks[:left_out]), is_settled=True
    )
    never = [Block(steps=1, seconds=0.1 * 1.02**index * noise[index]) for index in range(60)]
    assert steady_part(never, warmup) == (tuple(never), replace(warmup, is_settled=False))


def test_of_two_in_turn_the_later_to_stand_decides_for_both() -> None:
    noise = [1 + 0.001 * ((index * 7) % 5 - 2) for index in range(60)]
    heating = [Block(steps=1, seconds=0.1 * min(1.0, 0.85 + 0.005 * at) * noise[at]) for at in range(60)]
    steady = [Block(steps=1, seconds=0.2 * noise[at]) for at in range(60)]
    never = [Block(steps=1, seconds=0.1 * 1.02**at * noise[at]) for at in range(60)]
    warmup = Warmup(steps=5, seconds=1.0, is_settled=True)
    kept, other = steady_part(heating, warmup, steady)[0], steady_part(steady, warmup, heating)[0]
    assert len(kept) == len(other) <= 48
    assert other == tuple(steady[-len(other) :])
    assert steady_part(steady, warmup, never) == (tuple(steady), replace(warmup, is_settled=False))


def _stopping_after(blocks: int) -> Callable[[Sitting], None]:
    def arrange(sitting: Sitting) -> None:
        asked = iter(range(10_000))
        sitting.should_stop = lambda: next(asked) >= blocks - 1

    return arrange


def test_an_early_end_keeps_what_is_enough_and_refuses_what_is_not() -> None:
    sitting, steps, _, _ = make([0.1])
    _stopping_after(4)(sitting)
    assert not sitting.ended_early
    assert len(sitting.measure(steps, 1)) == 4
    assert sitting.ended_early
    _stopping_after(2)(sitting)
    with pytest.raises(InterruptedByUser):
        sitting.measure(steps, 1)
    with pytest.raises(InterruptedByUser):
        sitting.warm_up(steps)


def test_settled_compares_medians_so_that_one_outlier_does_not_matter() -> None:
    assert is_settled([1.0, 1.0, 1.0, 1.0, 9.0, 1.0])
    assert not is_settled([1.1, 1.1, 1.1, 1.0, 1.0, 1.0])
    assert not is_settled([1.0] * 5)


def test_efforts_grow() -> None:
    quick, default, thorough = (BUDGETS[name] for name in ("quick", "default", "thorough"))
    for name in vars(quick):
        assert getattr(quick, name) < getattr(default, name) < getattr(thorough, name)
    assert quick.warmup_most + quick.measuring + quick.picture <= 30
    assert replace(quick) == quick
