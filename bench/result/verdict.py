"""What can be said about one result in words, from what it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.result.result import BenchResult, Telemetry
from bench.result.trust import is_unknown_work, why_impossible
from dreamrig.words import NOISY_SPREAD, duration, pace, percent
from generator import stats
from generator.stats import Interval

IMPOSSIBLE, UNKNOWN, FEW = "impossible", "unknown work", "few blocks"
DRIFT = 0.03
"""Of the pace, from the first third of the blocks to the last, where that is certain."""
CLOCK_DROP = 0.05
"""Of a GPU's clock, from the first quarter of the blocks to the last: throttled. A processor's reading jitters more."""
CPU_CLOCK_DROP = 0.10
BUSY_SHARE = 0.15
"""Of the processor's capacity, used by other programs."""
SHORT = 5
"""Blocks, below which nothing should be concluded."""
SLOWDOWN_SHARE = 0.05
"""Of the samples that tell of a slowdown by heat or by the power supply."""
THERMAL_BITS = 0x08 | 0x20 | 0x40 | 0x80
"""NVML: hardware slowdown, software thermal, hardware thermal, power brake. 0x04, the power limit at work, is usual."""


@dataclass(frozen=True)
class Caveat:
    """A word to stand beside the figure, and why."""

    word: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What everybody wants to know of a result; seconds, MiB and joules."""

    steps_per_second: float
    step_seconds: float
    """Median over the blocks."""
    interval: Interval | None
    """95 %, of the median step_seconds: over blocks, or over the medians of sessions."""
    spread: float | None
    outliers: int
    picture_seconds: float
    picture_is_measured: bool
    """Else it is steps times the median."""
    picture_steps: int
    joules_per_picture: float | None
    verdicts: tuple[Caveat, ...]


def summarise(result: BenchResult) -> Summary:
    """Everything derived from a result."""
    seconds, picture = result.samples, result.timing.picture
    median = stats.median(seconds)
    steps = int(result.workload.params.get("steps") or 1)
    energy = result.energy
    joules = energy.joules / energy.steps * steps if energy.joules is not None and energy.steps else None
    return Summary(
        steps_per_second=1 / median,
        step_seconds=median,
        interval=stats.median_interval(seconds, are_sessions=result.has_sessions),
        spread=stats.spread(result.step_seconds),
        outliers=stats.outliers(result.step_seconds),
        picture_seconds=steps * median if picture is None else picture.seconds,
        picture_is_measured=picture is not None,
        picture_steps=steps if picture is None else picture.steps,
        joules_per_picture=joules,
        verdicts=tuple(judge(result)),
    )


def judge(result: BenchResult) -> list[Caveat]:
    """The words for a result, none for a clean one."""
    found = [
        _impossible(result),
        _unknown(result),
        _noisy(result.step_seconds),
        *map(two_speeds, result.session_step_seconds),
        *map(drifting, result.session_step_seconds),
        throttled(result.telemetry, result.device.kind),
        power_limited(result),
        _busy(result.telemetry),
    ]
    warmup = result.timing.warmup
    if warmup is not None and not warmup.is_settled:
        found.append(Caveat("unsettled", f"the pace still changed after {warmup.seconds:.0f} s of warm-up"))
    if result.timing.ended_early:
        measured = sum(block.seconds for block in result.timing.blocks)
        found.append(Caveat("ended early", f"somebody ended it after {duration(measured)} of blocks"))
    found.append(_few_blocks(result))
    return list({verdict.word: verdict for verdict in reversed(found) if verdict is not None}.values())[::-1]


def _impossible(result: BenchResult) -> Caveat | None:
    why = why_impossible(result)
    return None if why is None else Caveat(IMPOSSIBLE, why)


def _unknown(result: BenchResult) -> Caveat | None:
    if not is_unknown_work(result):
        return None
    return Caveat(
        UNKNOWN, f"its workload {result.workload.hash} is none of this version, so that nothing checks its pace"
    )


def why_refused(summary: Summary) -> Caveat | None:
    """Why a result stands beside no other: it cannot be what it says, or nothing can check it; None where it may."""
    return next((verdict for verdict in summary.verdicts if verdict.word in (IMPOSSIBLE, UNKNOWN)), None)


def _noisy(seconds: Sequence[float]) -> Caveat | None:
    spread = stats.spread(seconds)
    if spread is None or spread <= NOISY_SPREAD:
        return None
    return Caveat("noisy", f"the middle half of the blocks spreads over {spread:.0%} of their median")


def two_speeds(seconds: Sequence[float]) -> Caveat | None:
    """Whether the blocks alone show two speeds: WSL often has no gauge that would tell why."""
    found = stats.two_speeds(seconds)
    if found is None:
        return None
    paces = f"{pace(1 / found.fast)} and at {pace(1 / found.slow)}"
    return Caveat("two speeds", f"blocks went at {paces}, {percent(found.slow_share)} of them at the slower")


def drifting(seconds: Sequence[float]) -> Caveat | None:
    """Whether the blocks alone show that the last third was certainly slower, or faster, than the first."""
    ratio = stats.trend(seconds)
    if ratio is None or abs(ratio - 1) < DRIFT:
        return None
    change = f"{percent(abs(ratio - 1))} {'slower' if ratio > 1 else 'faster'}"
    return Caveat("drifting", f"the last third of the blocks was {change} than the first")


def throttled(telemetry: Telemetry | None, kind: str) -> Caveat | None:
    """Whether the device slowed itself down: by its own word, or by a clock that fell. None also where unknown."""
    if telemetry is None:
        return None
    reasons = known(telemetry, "throttle_reasons")
    slowed = sum(bool(int(reason) & THERMAL_BITS) for reason in reasons)
    if reasons and slowed / len(reasons) > SLOWDOWN_SHARE:
        return Caveat("throttled", f"heat or power slowed the device in {slowed / len(reasons):.0%} of the samples")
    field, allowed = ("sm_clock_mhz", CLOCK_DROP) if kind == "cuda" else ("cpu_clock_mhz", CPU_CLOCK_DROP)
    drop = clock_drop(known(telemetry, field))
    if drop is not None and drop > allowed:
        return Caveat("throttled", f"the clock fell by {drop:.0%} from the first quarter to the last")
    return None


def clock_drop(clock: Sequence[float]) -> float | None:
    """By what part the median of the last quarter lies below that of the first; None for fewer than 8 samples."""
    quarter = len(clock) // 4
    if quarter < 2 or not stats.median(clock[:quarter]):
        return None
    return 1 - stats.median(clock[-quarter:]) / stats.median(clock[:quarter])


def power_limited(result: BenchResult) -> Caveat | None:
    """Whether somebody set the power limit below the card's own."""
    limit, usual = result.device.power_limit_watts, result.device.default_power_limit_watts
    if limit is None or usual is None or limit >= 0.98 * usual:
        return None
    return Caveat("power-limited", f"the power limit is {limit:.0f} W, the card's own is {usual:.0f} W")


def _few_blocks(result: BenchResult) -> Caveat | None:
    """Of one process: medians of several know nothing of each other. Where two speeds show, the interval holds both."""
    count = len(result.timing.blocks)
    if count < SHORT:
        return Caveat("short", f"only {count} blocks were measured")
    if result.has_sessions or count >= stats.MANY or stats.two_speeds(result.step_seconds) is not None:
        return None
    unseen = "a machine that keeps to one of two speeds for long may not have shown the other"
    return Caveat(FEW, f"{count} of {stats.MANY}: {unseen}, and the interval would be too narrow")


def _busy(telemetry: Telemetry | None) -> Caveat | None:
    others = known(telemetry, "other_cpu_share") if telemetry else []
    if not others or stats.median(others) <= BUSY_SHARE:
        return None
    return Caveat("busy", f"other programs used {stats.median(others):.0%} of the processor")


def known(telemetry: Telemetry, field: str) -> list[float]:
    """The values of a column that could be read."""
    return [value for value in telemetry.samples.get(field, ()) if value is not None]
