"""Where a step stands under the roof of its device: arithmetic peak or memory, whichever is lower.

Williams, Waterman and Patterson, Roofline: An Insightful Visual Performance Model, CACM 52 (2009). Intensity is FLOPs
(convolutions counted as if done directly) over the bytes of operators that keep nothing in caches, so that a point may
lie above its roof where a library saves arithmetic or a cache saves traffic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.measure.ceilings import Ceilings, parse_ceilings
from bench.result.figures import short_device
from bench.result.pins import step_flops
from bench.result.result import BenchResult
from bench.result.verdict import summarise
from dreamrig.words import GIGA, TERA, percent
from provision.cards.datasheets import Datasheet, find_datasheet

LAUNCH_BOUND_SHARE = 0.1
"""Of the roof above it: a GPU that does less is waiting for its host."""
DISTURBING = ("impossible", "noisy", "busy", "throttled", "unsettled", "drifting", "two speeds")


@dataclass(frozen=True)
class Roof:
    """One upper limit: flat at the peak, sloping where memory is slower."""

    label: str
    peak_tflops: float
    bandwidth_gb_per_second: float | None
    is_measured: bool

    def at(self, intensity: float) -> float:
        """TFLOP/s attainable at an intensity of FLOP per byte."""
        if self.bandwidth_gb_per_second is None:
            return self.peak_tflops
        return min(self.peak_tflops, intensity * self.bandwidth_gb_per_second * GIGA / TERA)

    @property
    def ridge(self) -> float | None:
        """FLOP per byte from which on arithmetic is the limit."""
        if self.bandwidth_gb_per_second is None:
            return None
        return self.peak_tflops * TERA / (self.bandwidth_gb_per_second * GIGA)


@dataclass(frozen=True)
class Standing:
    """One result under its roofs."""

    label: str
    tflops: float
    """What it did, per second."""
    intensity: float | None
    """FLOP per byte; None where the traffic was not counted."""
    roofs: tuple[Roof, ...]
    flops_by_precision: Mapping[str, float]
    disturbance: str = ""
    """The verdict that makes a share of the device's best say nothing; "" for a result without one."""
    is_cuda: bool = False

    @property
    def measured_roof(self) -> Roof | None:
        """The roof that was measured on the device itself."""
        return next((roof for roof in self.roofs if roof.is_measured), None)

    @property
    def share(self) -> float | None:
        """Part of what the device can do, by its own measured products; None where those were not measured."""
        roof = self.measured_roof
        return None if roof is None or self.disturbance else self.tflops / roof.peak_tflops

    @property
    def limit(self) -> str | None:
        """What is nearest: arithmetic or memory, by the measured roof above this step, or launches; None = unknown.

        A GPU that stays far below both waits for the next kernel: small work is launch-bound.
        """
        roof = self.measured_roof
        if roof is None or roof.ridge is None or self.intensity is None:
            return None
        if self.is_cuda and self.tflops < LAUNCH_BOUND_SHARE * roof.at(self.intensity):
            return "launches"
        return "arithmetic" if self.intensity >= roof.ridge else "memory"


def standing(result: BenchResult) -> Standing | None:
    """A result's place under its roofs; None where its arithmetic was not counted.

    Of known work it is what is kept with the code: a file that told more would come out above any roof.
    """
    work, flops = result.work, step_flops(result.workload.hash) or result.work.flops_per_step
    if not work.flops_per_step or not flops:
        return None
    by_precision = _as_executed(result)
    ceilings, sheet = parse_ceilings(result.ceilings), find_datasheet(result.device.name)
    roofs = [roof for roof in (measured_roof(ceilings, by_precision), sheet_roof(sheet, by_precision)) if roof]
    return Standing(
        label=short_device(result.device.name),
        tflops=flops / summarise(result).step_seconds / TERA,
        intensity=flops / work.bytes_per_step if work.bytes_per_step else None,
        roofs=tuple(roofs),
        flops_by_precision=by_precision,
        disturbance=next((verdict.word for verdict in summarise(result).verdicts if verdict.word in DISTURBING), ""),
        is_cuda=result.device.kind == "cuda",
    )


def _as_executed(result: BenchResult) -> dict[str, float]:
    """FLOPs by the unit that did them: fp32 numbers may be multiplied in TF32 where the result says so."""
    work = result.work
    found = dict(work.flops_by_precision or {"fp32": work.flops_per_step or 0.0})
    flags = result.software.flags
    if result.device.kind == "cuda" and flags.get("tf32_convolutions") and flags.get("tf32_matmul"):
        found["tf32"] = found.get("tf32", 0.0) + found.pop("fp32", 0.0)
    return found


def measured_roof(ceilings: Ceilings | None, by_precision: Mapping[str, float]) -> Roof | None:
    """The roof of a mix of precisions, from what was measured; None where something is missing."""
    if ceilings is None:
        return None
    known = ceilings.matmul_tflops  # the few FLOPs in a precision that was not measured count as fp32
    peak = _mixed_peak({name: known.get(name, known.get("fp32", 0.0)) for name in by_precision}, by_precision)
    return None if peak is None else Roof("measured here", peak, ceilings.copy_gb_per_second, is_measured=True)


def sheet_roof(sheet: Datasheet | None, by_precision: Mapping[str, float]) -> Roof | None:
    """The roof of a mix of precisions, from the maker's figures; None for a device without a sheet."""
    if sheet is None:
        return None
    peak = _mixed_peak({name: sheet.peak_tflops(name) for name in by_precision}, by_precision)
    bandwidth = sheet.bandwidth_gb_per_second
    return (
        None
        if peak is None
        else Roof(f"datasheet {sheet.name}", peak, bandwidth.value if bandwidth else None, is_measured=False)
    )


def _mixed_peak(peaks: Mapping[str, float], by_precision: Mapping[str, float]) -> float | None:
    """TFLOP/s of work that is done part in one precision, part in another, each at its peak."""
    if not by_precision or not all(peaks[name] > 0 for name in by_precision):
        return None
    seconds = sum(flops / peaks[name] for name, flops in by_precision.items())
    return sum(by_precision.values()) / seconds if seconds else None


def describe(place: Standing) -> str:
    """One line: how much of the device a step uses."""
    roof = place.measured_roof
    if roof is None:
        return f"{place.tflops:.3g} TFLOP/s; what this device can do was not measured (dreamrig bench ceiling)"
    if place.share is None:
        return f"{place.tflops:.3g} TFLOP/s; what part of its best that is, a {place.disturbance} result does not tell"
    text = (
        f"{place.tflops:.3g} TFLOP/s, {percent(place.share)} of the {roof.peak_tflops:.3g} that its own products reach"
    )
    if place.limit == "launches":
        return f"{text}; launch-bound: the device waits for calls of its host, so a faster card is hardly faster here"
    return text + (f"; {place.limit} is the nearer limit" if place.limit else "")
