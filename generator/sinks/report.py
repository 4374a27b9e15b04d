"""How a run spent its time, as a value; its text and its JSON are made from it.

Importing this module imports neither torch nor rich.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from dreamrig import words
from dreamrig.words import NOISY_SPREAD, duration, known_range, memory, pace, percent
from provision.cards.datasheets import Datasheet, colab_datasheets, datasheet, find_datasheet
from provision.cards.expected import Expectation, expect
from provision.cards.limits import FREE, Bound, make_bound
from provision.cards.measured import MeasuredCard

if TYPE_CHECKING:
    from rich.table import Table

    from generator.engine.flops import FlopCount
    from generator.stats import Interval

SCHEMA = 1


FASTEST = {"mixed": "fp16", "bf16": "bf16"}
"""Precision of a config -> the fastest that its arithmetic may use; what is not named uses none but its own."""


@dataclass(frozen=True, kw_only=True)
class TimingReport:
    """What was measured in one run. Unknown is None; everything else is derived on reading."""

    workload: str
    """GenerateConfig.workload_id(): only runs with the same one may be compared."""
    same_step: tuple[str, ...] = ()
    """GenerateConfig.step_id() of the runs whose step is the same work; empty = not known."""
    width: int
    height: int
    cutouts: int
    steps: int
    """As planned."""
    first_step: int = 0
    """Above 0 where the run was resumed; the times are those of this part only."""
    first_step_seconds: float | None = None
    steady_step_seconds: tuple[float, ...] = ()
    """All steps but the first."""
    start_seconds: float | None = None
    """Of the process, before the command could read a clock: Python's own start. None = not known, and in no total."""
    import_seconds: float | None = None
    load_seconds: float | None = None
    first_preview_seconds: float | None = None
    """To the first picture, from where total_seconds counts."""
    saving_seconds: float = 0.0
    total_seconds: float = 0.0
    """From the start of the process, or of the command where that is not known, to the saved picture; leaving Python
    comes after that."""
    peak_memory_mib: float | None = None
    """Of the device's allocator on CUDA, of the process elsewhere; the loaded networks are in it."""
    peak_memory_of: Literal["run", "process"] = "process"
    """process: the system could not be made to count anew, so that earlier runs of the process may be in it; or others
    were drawn together with it."""
    batch_size: int = 1
    """Pictures that were drawn in the same steps at first; the seconds of a step are those of all of them."""
    device: str = ""
    threads: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    phase_seconds: Mapping[str, float] | None = None
    """Summed over all steps; None without --profile."""
    precision: str = "fp32"
    flops_per_step: float | None = None
    """With direct convolutions, the way FLOPs are commonly counted."""
    least_flops_per_step: float | None = None
    """With the thriftiest convolutions known: what no library can go below."""
    flops_method: str = ""
    """"counted" or "estimated", see generator.engine.flops."""

    def with_flops(self, count: FlopCount, method: str) -> TimingReport:
        """The report with another count of a step's arithmetic."""
        least = count.least_flops
        return replace(self, flops_per_step=count.flops, least_flops_per_step=least, flops_method=method)

    @property
    def steps_done(self) -> int:
        """Steps completed in this part of the run."""
        return len(self.steady_step_seconds) + (self.first_step_seconds is not None)

    @property
    def median_step_seconds(self) -> float | None:
        """Median of the steady steps; of the first where there is no other."""
        if self.steady_step_seconds:
            return statistics.median(self.steady_step_seconds)
        return self.first_step_seconds

    @property
    def steps_per_second(self) -> float | None:
        """it/s at the median step."""
        median = self.median_step_seconds
        return 1 / median if median else None

    @property
    def step_quartiles(self) -> tuple[float, float] | None:
        """First and third quartile of the steady steps' seconds; None for fewer than four of them."""
        if len(self.steady_step_seconds) < 4:
            return None
        low, _, high = statistics.quantiles(self.steady_step_seconds, n=4, method="inclusive")
        return low, high

    @property
    def interval(self) -> Interval | None:
        """95 % interval of the median of the steady steps' seconds; None for fewer than three, or below a tick."""
        from generator.stats import median_interval  # numpy comes with it

        is_timed = min(self.steady_step_seconds, default=0.0) > 0
        return median_interval(self.steady_step_seconds) if is_timed else None

    @property
    def spread(self) -> float | None:
        """Interquartile range of the steady steps over their median; above 0.1 the machine was not quiet."""
        median = self.median_step_seconds
        if self.step_quartiles is None or not median:
            return None
        return (self.step_quartiles[1] - self.step_quartiles[0]) / median

    @property
    def stepping_seconds(self) -> float:
        """All steps together."""
        return (self.first_step_seconds or 0.0) + sum(self.steady_step_seconds)

    def phase_shares(self) -> dict[str, float] | None:
        """Phase -> share of stepping and saving, with what no phase covers as "other"; None without --profile."""
        whole = self.stepping_seconds + self.saving_seconds
        if self.phase_seconds is None or not whole:
            return None
        seconds = {**self.phase_seconds, "saving": self.saving_seconds}
        other = max(0.0, whole - sum(seconds.values()))
        return {name: value / whole for name, value in {**seconds, "other": other}.items()}

    def colab_bounds(self) -> dict[str, float]:
        """GPU -> the most it/s its datasheet arithmetic allows for this step; empty where the step was not counted."""
        if not self.least_flops_per_step:
            return {}
        return {sheet.name: self.bound(sheet).most_steps_per_second for sheet in colab_datasheets()}

    def bound(self, sheet: Datasheet) -> Bound:
        """The bound of a GPU for this step, which must have been counted."""
        assert self.least_flops_per_step is not None
        return make_bound(sheet, self.fastest_precision, self.least_flops_per_step)

    def expected(self, bound: Bound) -> Expectation | None:
        """What a GPU may be expected to do on this step; None where nothing can be said: see provision.cards.expected.

        From the run's own pace only where the machine was quiet, and the card is not that very one.
        """
        own, pace_here = find_datasheet(self.device), self.steps_per_second
        if own is not None and own.key == bound.sheet.key:
            return None
        quiet = self.spread is not None and self.spread <= NOISY_SPREAD
        beside = (own, pace_here) if own is not None and pace_here is not None and quiet else None
        return expect(bound.sheet, self.precision, self.flops_per_step, bound.most_steps_per_second, beside)

    def beside(self, cards: Iterable[MeasuredCard]) -> MeasuredCard | None:
        """Of Colab's GPUs that were measured on the work of this step the free one, else the fastest; None for none."""
        own = find_datasheet(self.device)
        fitting = [card for card in cards if card.step in self.same_step and card.precision == self.precision]
        others = [card for card in fitting if own is None or own.key != card.key]
        return max(others, key=lambda card: (card.key == FREE, card.steps_per_second), default=None)

    @property
    def fastest_precision(self) -> str:
        """The one that a GPU's fastest unit may use for this run."""
        return FASTEST.get(self.precision, "fp32")

    def peak_tflops(self, sheet: Datasheet) -> float:
        """TFLOP/s that the sheet allows in this run's precision."""
        return sheet.peak_tflops(self.fastest_precision)

    def to_dict(self) -> dict[str, Any]:
        """Measured and derived values, ready for JSON."""
        return {
            "schema": SCHEMA,
            **vars(self),
            "steady_step_seconds": list(self.steady_step_seconds),
            "versions": dict(self.versions),
            "steps_done": self.steps_done,
            "median_step_seconds": self.median_step_seconds,
            "steps_per_second": self.steps_per_second,
            "step_quartiles_seconds": self.step_quartiles,
            "interval_seconds": None if self.interval is None else vars(self.interval),
            "spread": self.spread,
            "phase_shares": self.phase_shares(),
            "colab": {
                "kind": "upper bound from datasheet arithmetic; not a measurement",
                "bounds_steps_per_second": self.colab_bounds(),
                "peak_tflops": {sheet.name: self.peak_tflops(sheet) for sheet in colab_datasheets()},
                "sources": {sheet.name: sheet.fp32_tflops.source for sheet in colab_datasheets()},
            },
        }


def describe_claim(report: TimingReport, cards: Iterable[MeasuredCard] = ()) -> str | None:
    """One line that places the run against Colab, from the best evidence; None without a count or a pace.

    In the words of `bench`: what was measured of its GPUs, else what the free one is expected to do, else its bound.

    cards: those that were measured.
    """
    median, interval = report.median_step_seconds, report.interval
    if not median:
        return None
    measured = report.beside(cards)
    if measured is not None:
        return measured.describe(_beside(measured, interval))
    if not report.least_flops_per_step:
        return None
    bound, slowest = report.bound(datasheet(FREE)), interval.high if interval else median
    expected = report.expected(bound)
    return bound.describe(slowest) if expected is None else expected.describe(1 / median, bound.at_least(slowest))


def _beside(card: MeasuredCard, interval: Interval | None) -> str:
    """How the run compares with a card; interval: of its steps, of one session as a run is."""
    if interval is None:
        return "too few steps to tell"
    from generator import stats

    own = interval.inverse()
    its = stats.Interval(card.low, card.steps_per_second, card.high)
    ratio = stats.with_chance(stats.ratio_of(own, its), stats.RUN_TO_RUN)
    return words.ratio(ratio.low, ratio.median, ratio.high, "this rig", f"that {card.sheet.name}")


def report_rows(report: TimingReport, cards: Iterable[MeasuredCard] = ()) -> list[tuple[str, str]]:
    """(label, text) for every line of the report, top to bottom. cards: of Colab, as they were measured."""
    rows = [
        *([("start", f"{_seconds(report.start_seconds)}, Python's own")] if report.start_seconds is not None else []),
        ("import", _seconds(report.import_seconds)),
        ("load", _seconds(report.load_seconds)),
        ("first step", _seconds(report.first_step_seconds)),
        ("steady steps", _steady(report)),
        ("saving", _seconds(report.saving_seconds)),
        ("first preview", _since_start(report.first_preview_seconds, report)),
        ("picture", f"{_since_start(report.total_seconds, report)}, {_not_counted(report)}; {_part(report)}"),
        ("peak memory", _peak(report)),
        ("device", report.device + (f", {report.threads} threads" if report.threads else "")),
        ("versions", ", ".join(f"{name} {version}" for name, version in report.versions.items())),
    ]
    shares = report.phase_shares()
    if shares is not None:
        rows.append(("where it goes", ", ".join(f"{name} {percent(share)}" for name, share in shares.items())))
    claim = describe_claim(report, cards)
    if claim is not None:
        rows.append(("against Colab", claim))
    return rows


def _steady(report: TimingReport) -> str:
    """ "4.31 it/s (95 % interval 4.20 to 4.40), 232 ms a step, spread 5%"."""
    rate, median = report.steps_per_second, report.median_step_seconds
    if rate is None or median is None or not report.steady_step_seconds:
        return "none"
    interval, spread = report.interval, report.spread
    text = pace(rate)
    if interval is not None:
        low, high = 1 / interval.high, 1 / interval.low
        text = f"{pace(rate, low, high)} (95 % interval {known_range(low, high)})"
    text += f", {duration(median)} a step"
    if spread is None:
        return text
    noisy = ": noisy, the machine was busy" if spread > NOISY_SPREAD else ""
    return f"{text}, spread {percent(spread)}{noisy}"


def _peak(report: TimingReport) -> str:
    if report.peak_memory_mib is None:
        return "unknown"
    of = "" if report.peak_memory_of == "run" else " (of the whole process so far)"
    return f"{memory(report.peak_memory_mib)}{of}"


def _seconds(value: float | None) -> str:
    return "unknown" if value is None else duration(value)


def _since_start(value: float | None, report: TimingReport) -> str:
    since = "the command" if report.start_seconds is None else "the start of the process"
    return "none" if value is None else f"{_seconds(value)} from {since}"


def _not_counted(report: TimingReport) -> str:
    also = "" if report.start_seconds is not None else "Python's own start and "
    return f"{also}leaving Python not counted"


def _part(report: TimingReport) -> str:
    text = f"{report.steps_done} steps at {report.width}x{report.height}"
    text += f", {report.batch_size} pictures in a step" if report.batch_size > 1 else ""
    return text + (f", resumed at step {report.first_step}" if report.first_step else "")


def render_table(rows: Sequence[tuple[str, str]]) -> Table:
    """The rows as a table for a rich console."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in rows:
        table.add_row(Text(label, style="bold"), Text(text))
    return table
