"""Bounds of GPUs for the work of a result: see provision.cards.limits, whose words they use."""

from __future__ import annotations

from collections.abc import Iterable

from bench.result.result import BenchResult
from bench.result.verdict import summarise
from provision.cards.datasheets import PRECISIONS, Datasheet, colab_datasheets
from provision.cards.limits import FREE, WORTH_SAYING, Bound, make_bound


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
    return make_bound(sheet, precision, least)


def bounds_for(result: BenchResult, sheets: Iterable[Datasheet] | None = None) -> list[Bound]:
    """Bounds of several GPUs (Colab's where None), the loosest last; none where the work was not counted."""
    chosen = colab_datasheets() if sheets is None else sheets
    found = [bound for sheet in chosen if (bound := bound_for(result, sheet)) is not None]
    return sorted(found, key=lambda bound: bound.most_steps_per_second)


def sure_factor(result: BenchResult, bound: Bound) -> float:
    """How many times as fast as that GPU the result is at least."""
    return bound.sure_factor(slowest_step_seconds(result))


def slowest_step_seconds(result: BenchResult) -> float:
    """The slow end of its 95 % interval."""
    summary = summarise(result)
    return summary.step_seconds if summary.interval is None else summary.interval.high


def describe_bound(result: BenchResult, bound: Bound) -> str:
    """One sentence that says what follows from a bound, and no more."""
    return bound.describe(slowest_step_seconds(result))


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
