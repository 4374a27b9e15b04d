"""What a GPU cannot do better than, from its datasheet and the arithmetic of a step: bounds, never measurements.

A step needs its least FLOPs (the thriftiest convolutions known, see generator.engine.flops), and no unit of the GPU
does more than its peak at the highest clock. Memory is left out: how much of the traffic a cache can save is not known
exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bench.result import figures
from bench.result.result import BenchResult
from bench.result.verdict import summarise
from provision.cards.datasheets import PRECISIONS, TERA, Datasheet, colab_datasheets

FREE = "t4"
"""Key of the GPU that Colab gives for free."""
WORTH_SAYING = 1.05


@dataclass(frozen=True)
class Bound:
    """The least time that a GPU can need for a step."""

    sheet: Datasheet
    precision: str
    """Of the fastest unit that the workload allows."""
    least_step_seconds: float

    @property
    def most_steps_per_second(self) -> float:
        """it/s that it cannot exceed."""
        return 1 / self.least_step_seconds

    @property
    def is_exact(self) -> bool:
        """Whether the card can never clock above what the bound was made from."""
        return self.sheet.boost_is_limit

    @property
    def basis(self) -> str:
        """What it was made from, in words."""
        peak, figure = self.sheet.peak_tflops(self.precision), self.sheet.fp32_tflops
        doubt = f" ({figure.doubt})" if figure.doubt else ""
        return f"{peak:.3g} TFLOP/s in {self.precision}; {figure.source}{doubt}"


def allowed_precision(profile: str, sheet: Datasheet) -> str:
    """The precision that is fastest on a GPU among those a profile allows; strict is fp32 everywhere."""
    if profile == "strict":
        return "fp32"
    return max(PRECISIONS, key=sheet.peak_tflops)


def bound_for(result: BenchResult, sheet: Datasheet) -> Bound | None:
    """The bound of a GPU for the work of a result; None where that was not counted."""
    least = result.work.least_flops_per_step
    if not least:
        return None
    precision = allowed_precision(result.workload.profile, sheet)
    return Bound(sheet, precision, least / (sheet.peak_tflops(precision) * TERA))


def bounds_for(result: BenchResult, sheets: Iterable[Datasheet] | None = None) -> list[Bound]:
    """Bounds of several GPUs (Colab's where None), the loosest last; none where the work was not counted."""
    chosen = colab_datasheets() if sheets is None else sheets
    found = [bound for sheet in chosen if (bound := bound_for(result, sheet)) is not None]
    return sorted(found, key=lambda bound: bound.most_steps_per_second)


def sure_factor(result: BenchResult, bound: Bound) -> float:
    """How many times as fast as that GPU the result is at least, by the slow end of its 95 % interval."""
    summary = summarise(result)
    slowest = summary.step_seconds if summary.interval is None else summary.interval.high
    return bound.least_step_seconds / slowest


def describe_bound(result: BenchResult, bound: Bound) -> str:
    """One sentence that says what follows from a bound, and no more."""
    factor, pace = sure_factor(result, bound), bound.most_steps_per_second
    name = bound.sheet.name
    if factor >= WORTH_SAYING and bound.is_exact:
        peak = f"even at its datasheet peak it does no more than {figures.pace(pace)}"
        return f"At least {_rounded_down(factor)}x as fast as any {name}: {peak}."
    return (
        f"No {name} does more than {figures.pace(pace)} here; whether it is slower than this rig, a bound cannot tell."
    )


def _rounded_down(factor: float) -> str:
    """ "1.08", "1.9", "14.2": one digit after the point, two where one would leave nothing to say."""
    digits = 100 if factor < 1.2 else 10
    return f"{math.floor(factor * digits) / digits:g}"


def headline(result: BenchResult) -> str | None:
    """The strongest claim against Colab that follows, else what the bound of its free GPU says; None if not counted."""
    bounds = bounds_for(result)
    sure = [bound for bound in bounds if bound.is_exact and sure_factor(result, bound) >= WORTH_SAYING]
    free = [bound for bound in bounds if bound.sheet.key == FREE]
    best = sure[-1:] if sure and free and sure[-1].most_steps_per_second >= free[0].most_steps_per_second else free
    return describe_bound(result, best[0]) if best else None


def impossible_by(result: BenchResult, sheet: Datasheet | None) -> float | None:
    """How many times faster than its own GPU's bound a result claims to be; None where it does not, or nobody knows.

    GeForce cards clock above their datasheet, by up to a fifth with overclocking, so they get that much allowance.
    """
    bound = bound_for(result, sheet) if sheet is not None else None
    if bound is None:
        return None
    factor = bound.least_step_seconds / summarise(result).step_seconds
    allowance = 1.0 if bound.is_exact else 1.25
    return factor if factor > allowance else None
