"""Bounds of GPUs for the work of a result: see provision.cards.limits, whose words they use."""

from __future__ import annotations

from bench.result.pins import least_flops
from bench.result.result import BenchResult
from bench.result.verdict import summarise
from provision.cards.datasheets import PRECISIONS, Datasheet
from provision.cards.limits import Bound, make_bound


def allowed_precision(profile: str, sheet: Datasheet) -> str:
    """The precision that is fastest on a GPU among those a profile allows; strict is fp32 everywhere."""
    if profile == "strict":
        return "fp32"
    return max(PRECISIONS, key=sheet.peak_tflops)


def bound_for(result: BenchResult, sheet: Datasheet) -> Bound | None:
    """The bound of a GPU for the work of a result; None for a workload that this version does not know."""
    least = least_flops(result.workload.hash)
    if least is None:
        return None
    precision = allowed_precision(result.workload.profile, sheet)
    return make_bound(sheet, precision, least)


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
