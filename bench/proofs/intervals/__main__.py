"""Writes docs/benchmark-intervals.md: `python -m bench.proofs.intervals`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.measure.ab import PROGRAM_CHANCE
from bench.measure.blocks import BUDGETS
from bench.proofs.intervals import machines
from bench.proofs.intervals.machines import SLOWER, Series
from bench.proofs.tables import table
from generator import stats
from generator.stats import RUN_TO_RUN, Interval, with_chance

PAGE = Path(__file__).parents[3] / "docs" / "benchmark-intervals.md"
WORDS = Path(__file__).parent / "page.md"
TRIALS, SESSION_TRIALS = 400, 4000
SEED = 11
BLOCKS = (20, 48, 90)
SHARES, SPELLS = (0.2, 0.45), (2, 4, 8)
BETWEEN = (0.01, 0.02, 0.03)
SESSIONS = (3, 5, 6, 10, 20, 30)
SLOWER_PROGRAM = 1.08
TIME_CONSTANTS = (60, 120, 180)
HEAT_TRIALS = 100
WARMED, THOROUGH, BLOCK_SECONDS = 30.0, 600.0, 2.0
"""Of a thorough measurement: what it warms up for at least, what it measures, one block."""


def render() -> str:
    """The page."""
    return WORDS.read_text(encoding="utf-8").format(
        trials=TRIALS,
        session_trials=SESSION_TRIALS,
        seed=SEED,
        **longest_steps(),
        coverage=table(["blocks", *map(str, BLOCKS)], coverage_rows()),
        different=table(["sessions differ by", *(f"{spread:.0%}" for spread in BETWEEN)], different_rows()),
        widths=table(["sessions each", *map(str, SESSIONS)], width_rows()),
        heat=table(["time constant", *(f"{constant} s" for constant in TIME_CONSTANTS), "no heat"], heat_rows()),
    )


def longest_steps() -> dict[str, float]:
    """Seconds of the longest step of which an effort has blocks enough."""
    return {effort: 2 * budget.measuring / stats.MANY for effort, budget in BUDGETS.items()}


def coverage(series: Series, truth: float) -> float:
    """How often the interval of the median holds the true one."""
    intervals = [stats.median_interval(list(values)) for values in series]
    return float(np.mean([interval is not None and interval.holds(truth) for interval in intervals]))


def coverage_rows() -> Iterator[list[str]]:
    """Kind of machine -> share of trials whose interval holds the truth, for each number of blocks."""
    yield _row("independent", [coverage(machines.independent(_random(), TRIALS, count), 1.0) for count in BLOCKS])
    for correlation in (0.3, 0.5, 0.8):
        shares = [coverage(machines.alike(_random(), TRIALS, count, correlation), 1.0) for count in BLOCKS]
        yield _row(f"neighbours correlate by {correlation}", shares)
    for spell in SPELLS:
        for share in SHARES:
            truth = machines.sticky_median(share)
            series = [machines.sticky(_random(), TRIALS, count, share, spell) for count in BLOCKS]
            name = f"two speeds, {share:.0%} slow, {spell} blocks at a time"
            yield _row(name, [coverage(one, truth) for one in series])
            if spell == SPELLS[-1]:
                yield _row("... where both speeds were seen", [coverage(_both(one), truth) for one in series])
                yield _row("... runs that show one speed alone", [_one_alone(one) for one in series])


def _both(series: Series) -> Series:
    """The trials in which the rarer speed has three blocks at least."""
    slow = (series > SLOWER**0.5).sum(axis=1)
    seen: Series = series[np.minimum(slow, series.shape[1] - slow) >= 3]
    return seen


def _one_alone(series: Series) -> float:
    slow = (series > SLOWER**0.5).mean(axis=1)
    return float(np.mean((slow == 0) | (slow == 1)))


def different_rows() -> Iterator[list[str]]:
    """How often two results of one machine are called different."""
    for count in SESSIONS:
        yield _row(f"{count} sessions each", [_are_different(session_ratios(count, spread)) for spread in BETWEEN])
    apart = [_are_different(_single_ratios(spread)) for spread in BETWEEN]
    yield _row(f"one session each, {RUN_TO_RUN:.0%} allowed for", apart)
    in_turn = [_are_different(_single_ratios(spread, is_paired=True)) for spread in BETWEEN]
    yield _row(f"one session each, in turn, {PROGRAM_CHANCE:.0%} allowed for", in_turn)


def width_rows() -> Iterator[list[str]]:
    """How wide the interval of a ratio is, and how often a slower program is seen, where sessions differ the most."""
    yield _row("width of the ratio's interval, mean", [width(session_ratios(count, BETWEEN[-1])) for count in SESSIONS])
    slower = [session_ratios(count, BETWEEN[-1], SLOWER_PROGRAM) for count in SESSIONS]
    yield _row(f"{SLOWER_PROGRAM - 1:.0%} slower is seen", list(map(_are_different, slower)))


def session_ratios(count: int, between: float, factor: float = 1.0, trials: int = SESSION_TRIALS) -> list[Interval]:
    """Intervals of the ratio of two results of `count` sessions each, the first `factor` times as slow."""
    random = _random()
    one, other = (machines.sessions(random, trials, count, between) for _ in "AB")
    are_sessions = (True, True)
    pairs = zip(factor * one, other, strict=True)
    ratios = [stats.ratio_interval(list(slow), list(fast), are_sessions=are_sessions) for slow, fast in pairs]
    return [ratio for ratio in ratios if ratio is not None]


def width(ratios: list[Interval]) -> float:
    """From end to end, over the middle: the mean."""
    return float(np.mean([(ratio.high - ratio.low) / ratio.median for ratio in ratios]))


def _are_different(ratios: list[Interval]) -> float:
    return float(np.mean([not ratio.holds(1.0) for ratio in ratios]))


def _single_ratios(between: float, *, is_paired: bool = False) -> list[Interval]:
    random = _random()
    one, other = (
        machines.sessions(random, TRIALS, 1, between) * machines.independent(random, TRIALS, 48, 0.01) for _ in "AB"
    )
    judge, chance = (stats.paired_ratio_interval, PROGRAM_CHANCE) if is_paired else (stats.ratio_interval, RUN_TO_RUN)
    ratios = [judge(list(slow), list(fast)) for slow, fast in zip(one, other, strict=True)]
    return [with_chance(ratio, chance) for ratio in ratios if ratio is not None]


def heat_rows() -> Iterator[list[str]]:
    """What a card that heats up is measured as, over its pace when warm."""
    steady = machines.alike(_random(), HEAT_TRIALS, len(_seconds()), 0.5, 0.005)
    found = [*(machines.heating(_random(), HEAT_TRIALS, _seconds(), constant) for constant in TIME_CONSTANTS), steady]
    yield _row("all blocks: too fast by", [1 / float(np.median(series)) - 1 for series in found], 1)
    kept = [[_kept(values) for values in series] for series in found]
    faster = [float(np.median([1 / np.median(values) - 1 for values, _ in one])) for one in kept]
    yield _row("from where no trend is: too fast by", faster, 1)
    left_out = [float(np.median([start for _, start in one])) * BLOCK_SECONDS for one in kept]
    yield ["left out at the beginning (median)", *(f"{seconds:.0f} s" for seconds in left_out)]
    yield _row("no such part: *unsettled*", [float(np.mean([start < 0 for _, start in one])) for one in kept])


def _seconds() -> Series:
    seconds: Series = WARMED + BLOCK_SECONDS * np.arange(int(THOROUGH / BLOCK_SECONDS), dtype=float)
    return seconds


def _kept(values: Series) -> tuple[Series, int]:
    """The blocks that count, and how many are left out; -1 where no part is steady."""
    start = stats.steady_from(list(values))
    return (values, -1) if start is None else (values[start:], start)


def _random() -> np.random.Generator:
    return np.random.default_rng(SEED)


def _row(name: str, shares: list[float], digits: int = 0) -> list[str]:
    return [name, *(f"{share:.{digits + 1}%}" for share in shares)]


def main() -> None:
    """Write the page."""
    PAGE.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
