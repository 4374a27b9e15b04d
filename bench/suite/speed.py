"""The suite `speed`: every figure of the table of goals, measured where this machine can. torch is imported late."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.suite import doors
from bench.suite.figures import Measured, SpeedFigure, SpeedGoal
from bench.suite.picture import PictureTimes, draw_picture
from dreamrig.errors import NotReadyError
from generator.stats import Interval, median_interval

if TYPE_CHECKING:
    from bench.measure.peer.cases import PeerCase, ProcessMemory
    from bench.measure.peer.turns import StepPair
    from bench.measure.time_to_loss import LossRace

SMALL, MIDDLE, LARGE = (128, 8), (256, 16), (480, 64)
"""Side and cutouts."""
NO_CUDA = "there is no CUDA device"
NEEDS_THOROUGH = "it takes long; --thorough measures it"


class CannotMeasureError(Exception):
    """Carries the reason."""


@dataclass(frozen=True, kw_only=True)
class SuiteDoor:
    """What the suite takes from outside; tests bring their own."""

    pairs: Callable[[PeerCase, int], Iterable[StepPair]] = doors.peer_pairs
    starter_pairs: Callable[[int], Iterable[StepPair]] = doors.starter_pairs
    memory: Callable[[str, PeerCase], ProcessMemory] = doors.process_memory
    picture: Callable[[int], PictureTimes] = draw_picture
    races: Callable[[int, int, int], Sequence[LossRace]] = doors.races
    """(prompts, seeds, flat steps) -> one for each prompt and seed."""
    has_cuda: Callable[[], bool] = doors.has_cuda
    has_bfloat16_units: Callable[[], bool] = doors.has_bfloat16_units
    ceiling_share: Callable[[], float] = doors.ceiling_share
    together: Callable[[str, int], tuple[int, Sequence[StepPair]]] = doors.together_pairs
    """(device, pairs) -> how many pictures in a step, and seconds per picture: in such a step, and of a step alone."""


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    thorough: bool
    pairs: int
    starter_pairs: int
    repeats: int
    """Processes."""
    prompts: int
    seeds: int
    flat_steps: int


USUAL = Extent(thorough=False, pairs=3, starter_pairs=12, repeats=1, prompts=1, seeds=1, flat_steps=120)
THOROUGH = Extent(thorough=True, pairs=7, starter_pairs=40, repeats=3, prompts=8, seeds=3, flat_steps=500)

Measure = Callable[[SuiteDoor, Extent], Measured]


def measure_speed(
    extent: Extent, door: SuiteDoor | None = None, say: Callable[[str], None] = lambda _: None
) -> Iterator[SpeedFigure]:
    """Row by row. say: told what is being measured."""
    for goal, measure in TABLE:
        say(f"measuring: {goal.about}")
        try:
            yield SpeedFigure(goal=goal, reached=measure(door or SuiteDoor(), extent))
        except CannotMeasureError as reason:
            yield SpeedFigure(goal=goal, why_not=str(reason))
        except NotReadyError as error:
            yield SpeedFigure(goal=goal, why_not=f"{error.message.rstrip('.')} ({error.hint})")


# ---- one row each


def _against_peer(size: tuple[int, int], *, only_thorough: bool = False) -> Measure:
    """A step of ours and of the peer's loop on one thread of the processor."""

    def measure(door: SuiteDoor, extent: Extent) -> Measured:
        from bench.measure.peer.cases import PeerCase

        if only_thorough and not extent.thorough:
            raise CannotMeasureError(NEEDS_THOROUGH)
        return of_pairs(door.pairs(PeerCase(*size), extent.pairs))

    return measure


def _in_bfloat16(door: SuiteDoor, extent: Extent) -> Measured:
    from bench.measure.peer.cases import PeerCase

    if not door.has_bfloat16_units():
        raise CannotMeasureError("this processor has neither AVX512-BF16 nor AMX")
    return of_pairs(door.pairs(PeerCase(*MIDDLE, precision="bf16"), extent.pairs))


def _starter(door: SuiteDoor, extent: Extent) -> Measured:
    return of_pairs(door.starter_pairs(extent.starter_pairs))


def _on_cuda(precision: str) -> Measure:
    def measure(door: SuiteDoor, extent: Extent) -> Measured:
        from bench.measure.peer.cases import PeerCase

        if not door.has_cuda():
            raise CannotMeasureError(NO_CUDA)
        case = PeerCase(*LARGE, precision=precision, device="cuda", deterministic=False)
        return of_pairs(door.pairs(case, 5 * extent.pairs))

    return measure


def _ceiling(door: SuiteDoor, extent: Extent) -> Measured:
    if not door.has_cuda():
        raise CannotMeasureError(NO_CUDA)
    return Measured(value=door.ceiling_share())


def _time_to_loss(door: SuiteDoor, extent: Extent) -> Measured:
    from bench.measure.time_to_loss import WAYS

    way = next(iter(WAYS))
    races = door.races(extent.prompts, extent.seeds, extent.flat_steps)
    ratios = [ratio for one in races if (ratio := one.ratio(way)) is not None]
    if 2 * len(ratios) <= len(races):
        raise CannotMeasureError(f"only {len(ratios)} of {len(races)} runs came to that loss in as many steps")
    firsts = [ratio for one in races if (ratio := one.ratio_to_first(way)) is not None]
    return _median(
        ratios,
        races=len(races),
        flat_steps=extent.flat_steps,
        stages=str(WAYS[way]["stages"]),
        ratio_to_first_time=statistics.median(firsts),
    )


def _several_prompts(device: str) -> Measure:
    """Pictures an hour: several in a step against one by one."""

    def measure(door: SuiteDoor, extent: Extent) -> Measured:
        if device == "cuda" and not door.has_cuda():
            raise CannotMeasureError(NO_CUDA)
        pictures, pairs = door.together(device, extent.pairs)
        return _median([pair.ratio for pair in pairs], pictures_in_a_step=pictures)

    return measure


def _memory(size: tuple[int, int], *, only_thorough: bool = False) -> Measure:
    def measure(door: SuiteDoor, extent: Extent) -> Measured:
        from bench.measure.peer.cases import PeerCase

        if only_thorough and not extent.thorough:
            raise CannotMeasureError(NEEDS_THOROUGH)
        case = PeerCase(*size)
        own, theirs = ([door.memory(who, case) for _ in range(extent.repeats)] for who in ("own", "peer"))
        ratios = [ours.peak_mib / other.peak_mib for ours, other in zip(own, theirs, strict=True)]
        steps = [statistics.median(one.steps_mib for one in found) for found in (own, theirs)]
        return _median(
            ratios,
            own_mib=statistics.median(one.peak_mib for one in own),
            peer_mib=statistics.median(one.peak_mib for one in theirs),
            ratio_of_steps_alone=steps[0] / steps[1],
        )

    return measure


def _first_preview(door: SuiteDoor, extent: Extent) -> Measured:
    found = [door.picture(SMALL[0]).first_preview_seconds for _ in range(1 + extent.repeats)]
    seconds = [one for one in found[1:] if one is not None]  # the first one warms the disk
    if not seconds:
        raise CannotMeasureError("the run showed no preview")
    return _median(seconds)


def _picture(side: int) -> Measure:
    def measure(door: SuiteDoor, extent: Extent) -> Measured:
        return _median([door.picture(side).processor_seconds for _ in range(extent.repeats)])

    return measure


def of_pairs(pairs: Iterable[StepPair]) -> Measured:
    """Median of the ratios with its interval; beside it the medians of the seconds."""
    from bench.measure.peer.turns import ratio_of

    found = list(pairs)
    own = statistics.median(pair.own_seconds for pair in found)
    theirs = statistics.median(pair.reference_seconds for pair in found)
    details = {"pairs": len(found), "own_step_seconds": own, "peer_step_seconds": theirs}
    return _with(statistics.median(pair.ratio for pair in found), ratio_of(found), **details)


def _median(values: Sequence[float], **details: float | str) -> Measured:
    return _with(statistics.median(values), median_interval(values), measurements=len(values), **details)


def _with(value: float, interval: Interval | None, **details: float | str) -> Measured:
    reached = Measured(value=value, details=details)
    return reached if interval is None else replace(reached, low=interval.low, high=interval.high)


PEER = "the loop of nerdyrodent's script with its networks and kornia"
TABLE: tuple[tuple[SpeedGoal, Measure], ...] = (
    (
        SpeedGoal(name="cpu-step-128", about=f"a step in fp32 at 128 px, 8 cutouts, against {PEER}", unit="x"),
        _against_peer(SMALL),
    ),
    (
        SpeedGoal(name="cpu-step-256", about="the same at 256 px, 16 cutouts", unit="x", goal=1.5),
        _against_peer(MIDDLE),
    ),
    (
        SpeedGoal(name="cpu-step-480", about="the same at 480 px, 64 cutouts", unit="x", goal=1.6),
        _against_peer(LARGE, only_thorough=True),
    ),
    (
        SpeedGoal(name="cpu-bf16-256", about="ours in bfloat16 against the peer, 256 px", unit="x", goal=2.5),
        _in_bfloat16,
    ),
    (
        SpeedGoal(
            name="starter-128", about="a step of starter-128 against the plain loop, same networks", unit="x", goal=2.0
        ),
        _starter,
    ),
    (
        SpeedGoal(name="cuda-shipped", about="on CUDA as shipped against the peer's defaults", unit="x", goal=2.0),
        _on_cuda("mixed"),
    ),
    (
        SpeedGoal(name="cuda-strict", about="on CUDA in strict fp32 against the peer made strict", unit="x", goal=1.3),
        _on_cuda("fp32"),
    ),
    (
        SpeedGoal(
            name="ceiling-share", about="share of the device's measured products, as shipped", unit="share", goal=0.5
        ),
        _ceiling,
    ),
    (
        SpeedGoal(
            name="time-to-loss",
            about="coarse to fine: seconds to the loss at which the flat schedule ends, as a share of all of its",
            unit="share",
            goal=0.2,
            at_least=False,
        ),
        _time_to_loss,
    ),
    (
        SpeedGoal(
            name="pictures-an-hour", about="on CUDA as many pictures in a step as fit, against one by one", unit="x",
            goal=3.0,
        ),
        _several_prompts("cuda"),
    ),
    (
        SpeedGoal(name="pictures-an-hour-cpu", about="starter-128 on the processor, four in a step", unit="x"),
        _several_prompts("cpu"),
    ),
    (
        SpeedGoal(
            name="memory-256", about="peak of the process at 256 px, 16 cutouts, of the peer's", unit="share",
            at_least=False,
        ),
        _memory(MIDDLE),
    ),
    (
        SpeedGoal(
            name="memory-480", about="the same at 480 px, 64 cutouts", unit="share", goal=0.6, at_least=False
        ),
        _memory(LARGE, only_thorough=True),
    ),
    (
        SpeedGoal(
            name="first-preview", about="generate, starter, warm disk: to the first preview", unit="s", goal=1.2,
            at_least=False,
        ),
        _first_preview,
    ),
    (
        SpeedGoal(name="picture-128", about="a picture of 128 px on one free core", unit="s", goal=2.5, at_least=False),
        _picture(128),
    ),
    (
        SpeedGoal(name="picture-256", about="a picture of 256 px on one free core", unit="s", goal=5.0, at_least=False),
        _picture(256),
    ),
)  # fmt: skip
