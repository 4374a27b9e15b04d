"""What a report says, as values: results grouped by work, their charts, tables and sentences. Nothing is drawn here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.claims import claims, roofline
from bench.claims.claims import Claim
from bench.claims.published import Published, load_published
from bench.claims.roofline import Standing
from bench.compare.compare import compare
from bench.compare.cost import Cost, cost_of
from bench.compare.machines import doubts
from bench.report.chart import BarChart, PaceBar, bar_chart
from bench.result import figures
from bench.result.result import BenchResult
from bench.result.verdict import UNKNOWN, Summary, summarise, why_refused
from dreamrig.errors import UsageError
from dreamrig.words import pace, rough
from generator import stats


@dataclass(frozen=True)
class ReportEntry:
    """One result with what is derived from it."""

    result: BenchResult
    summary: Summary
    standing: Standing | None
    ratio: stats.Interval | None
    """it/s over those of the group's reference; None for that one, and for too few blocks."""
    cost: Cost | None
    """Of a picture; None where nobody can tell."""

    @property
    def name(self) -> str:
        """The device, short."""
        return figures.short_device(self.result.device.name)

    @property
    def note(self) -> str:
        """Place, torch, and whether the weights were random."""
        parts = [self.result.place, f"torch {self.result.software.torch}"]
        return ", ".join(parts + (["random weights"] if self.result.workload.weights.random else []))


@dataclass(frozen=True)
class Group:
    """Everything measured on the same work; only that is drawn in one chart."""

    title: str
    about: str
    hash: str
    entries: tuple[ReportEntry, ...]
    """The fastest first."""
    claims: tuple[Claim, ...]
    """About Colab's GPUs, each from the best evidence there is."""
    chart: BarChart
    reference: ReportEntry
    """The one that was named first: the others are compared with it."""
    headline: str | None
    """What follows against Colab for the reference."""


@dataclass(frozen=True)
class Page:
    """A whole report."""

    groups: tuple[Group, ...]
    published: tuple[Published, ...]
    problems: tuple[str, ...]
    """Files that could not be read, one sentence each."""

    @property
    def hero(self) -> tuple[Group, ReportEntry]:
        """What stands on top: the result that was named first."""
        return self.groups[0], self.groups[0].reference


def build_page(
    results: Sequence[BenchResult],
    problems: Iterable[str] = (),
    kwh_price: float | None = None,
    evidence: Sequence[BenchResult] = (),
) -> Page:
    """A page of one result or more; the work of the first stands on top. ValueError for none.

    Impossible ones and those of unknown work are left out and named; UsageError where nothing else is there.

    kwh_price: of one's own electricity, for the cost of a picture.   evidence: further results, which are not drawn
    unless one speaks for a GPU of Colab.
    """
    if not results:
        raise ValueError("a report needs a result")
    whys = [(result, why_refused(summarise(result))) for result in results]
    possible = [result for result, why in whys if why is None]
    refused = [(result, why) for result, why in whys if why is not None]
    if not possible:
        word = "can be checked" if refused[0][1].word == UNKNOWN else "can be what it says"
        raise UsageError(f"No result {word}: {refused[0][1].why}.", hint="see: dreamrig bench validate --strict FILE")
    by_hash: dict[str, dict[str, BenchResult]] = {}
    for result in possible:
        by_hash.setdefault(result.workload.hash, {}).setdefault(result.id, result)  # the same file twice counts once
    groups = tuple(_group(list(found.values()), kwh_price, evidence) for found in by_hash.values())
    told = [f"{one.id[:8]} on {one.device.name}: {why.word}: {why.why}" for one, why in refused]
    return Page(groups, load_published(), (*problems, *told))


def _group(results: list[BenchResult], kwh_price: float | None, evidence: Sequence[BenchResult]) -> Group:
    ordered = sorted(results, key=lambda result: stats.median(result.samples))
    known = [*results, *evidence]
    entries = tuple(_entry(result, results[0], kwh_price, known) for result in ordered)
    made = tuple(claims.claims_for(results[0], known))
    workload = results[0].workload
    bars = [_measured_bar(entry) for entry in entries]
    named = {result.id for result in results}
    bars += [_claim_bar(claim) for claim in made if claim.measured is None or claim.measured.id not in named]
    return Group(
        title=f"{workload.name}, {workload.profile}",
        about=_about(results[0]),
        hash=workload.hash,
        entries=entries,
        claims=made,
        chart=bar_chart(bars),
        reference=next(entry for entry in entries if entry.result is results[0]),
        headline=claims.headline(results[0], known),
    )


def _entry(
    result: BenchResult, first: BenchResult, kwh_price: float | None, evidence: Sequence[BenchResult]
) -> ReportEntry:
    ratio = None if result is first else compare(first, result, evidence).ratio
    return ReportEntry(result, summarise(result), roofline.standing(result), ratio, cost_of(result, kwh_price))


def _about(result: BenchResult) -> str:
    """The work in words, from the values that were pinned."""
    params = result.workload.params
    size = f"{params.get('width')}x{params.get('height')} px, {params.get('cutouts')} cutouts"
    networks = ", ".join(filter(None, (str(params.get("model", "")), str(params.get("guides", "")))))
    files = ", a picture file at every step" if result.workload.step_files else ""
    profile = {
        "strict": "fp32 everywhere, so that all GPUs do the same arithmetic",
        "as-shipped": "as dreamrig itself runs on the device",
    }
    return f"{size}, {networks}, {params.get('steps')} steps a picture{files}; {profile[result.workload.profile]}."


def _measured_bar(entry: ReportEntry) -> PaceBar:
    summary, result = entry.summary, entry.result
    interval = summary.interval.inverse() if summary.interval else None
    return PaceBar(
        label=entry.name,
        note=entry.note,
        value=summary.steps_per_second,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        kind="measured",
        text=figures.known_pace(summary.steps_per_second, summary.interval),
        doubts=doubts(summary),
        tip=f"measured {result.created[:10]}, 95 % interval {figures.pace_range(summary.interval) or 'not known'}",
    )


def _claim_bar(claim: Claim) -> PaceBar:
    if claim.measured is not None:
        return _measured_bar(_entry(claim.measured, claim.measured, None, ()))
    if claim.bound is None:
        return PaceBar(
            label=claim.name,
            note="expected, not measured",
            value=claim.steps_per_second,
            low=claim.low,
            high=claim.high,
            kind="expected",
            text=f"≈ {rough(claim.steps_per_second)} it/s",
            tip=f"expected: {claim.basis}",
            reach=claim.reach.strip(" ()"),
        )
    return PaceBar(
        label=claim.name,
        note="cannot do more" if claim.bound.is_exact else "cannot do more at its listed clock",
        value=claim.steps_per_second,
        low=None,
        high=None,
        kind="bound",
        text=f"≤ {pace(claim.steps_per_second)}",
        tip=f"bound from the datasheet: {claim.basis}",
    )
