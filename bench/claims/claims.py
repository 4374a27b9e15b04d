"""What may be said of a result against Colab's GPUs, from the best evidence there is: measured, expected, bound.

Every claim is made here, for the page, the card and the terminal. A GPU that was measured on the same work has no bound
any more, and one that is only bounded is never called slower than it was shown to be. What is expected, and what a
datasheet lets follow, is said in the words of provision.cards, which `generate` uses too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.claims import bounds
from bench.compare.compare import compare, find_obstacle
from bench.result.figures import known_pace
from bench.result.pins import step_flops
from bench.result.result import BenchResult
from bench.result.verdict import FEW, summarise, why_refused
from dreamrig.words import pace, rough
from provision.cards.datasheets import Datasheet, colab_datasheets, find_datasheet
from provision.cards.expected import expect, width_of
from provision.cards.limits import FREE, WORTH_SAYING, Bound
from provision.cards.measured import against

Kind = Literal["measured", "expected", "bound"]
MEANING: dict[Kind, str] = {
    "measured": "measured, with the 95 % interval of the median",
    "expected": "expected, not measured: from other people's networks, with its error",
    "bound": "bound: what a GPU of Colab cannot exceed, by its datasheet",
}


@dataclass(frozen=True)
class Claim:
    """What is known of one of Colab's GPUs on the work of a result."""

    kind: Kind
    name: str
    steps_per_second: float
    low: float | None
    """Of the 95 % interval; None for a bound."""
    high: float | None
    sentence: str
    """What follows for the result, and no more."""
    basis: str
    bound: Bound | None = None
    measured: BenchResult | None = None

    @property
    def figure(self) -> str:
        """ "4.31 it/s", "about 1.1 it/s", "at most 5.43 it/s"."""
        if self.kind == "expected":
            return f"about {rough(self.steps_per_second)} it/s"
        return f"{'at most ' if self.kind == 'bound' else ''}{pace(self.steps_per_second, self.low, self.high)}"

    @property
    def reach(self) -> str:
        """ " (0.31 to 3.8)" of what is expected, "" of the rest."""
        return (
            f" ({rough(self.low)} to {rough(self.high)})" if self.kind == "expected" and self.low and self.high else ""
        )


def claims_for(result: BenchResult, evidence: Iterable[BenchResult] = ()) -> list[Claim]:
    """One claim for each of Colab's GPUs of which something is known, the slowest first.

    evidence: other results; those of the same work on one of these GPUs count, impossible ones do not.
    """
    fitting = [other for other in evidence if other.workload.hash == result.workload.hash and other.id != result.id]
    if why_refused(summarise(result)) is not None:
        return []
    possible = [other for other in fitting if why_refused(summarise(other)) is None]
    found = [_best(result, sheet, possible) for sheet in colab_datasheets()]
    return sorted((claim for claim in found if claim is not None), key=lambda claim: claim.steps_per_second)


def _best(result: BenchResult, sheet: Datasheet, evidence: Sequence[BenchResult]) -> Claim | None:
    own = find_datasheet(result.device.name)
    if own is not None and own.key == sheet.key:  # the result itself is what was measured
        return None
    measured = [other for other in evidence if is_on(other, sheet)]
    if measured:
        best = max(measured, key=lambda other: (find_obstacle(other, result, evidence) is None, *worth(other)))
        return _measured(result, sheet, best, evidence)
    bound = bounds.bound_for(result, sheet)
    if bound is None:
        return None
    return _expected(result, bound, own) or _bound(result, bound)


def is_on(result: BenchResult, sheet: Datasheet) -> bool:
    """Whether that card measured it."""
    found = find_datasheet(result.device.name)
    return found is not None and found.key == sheet.key


def worth(result: BenchResult) -> tuple[bool, bool, int]:
    """Which of several measurements that may be compared speaks for a GPU: one on Colab, a clean one, the longest."""
    return result.place == "colab-hosted", not summarise(result).verdicts, len(result.timing.blocks)


def _measured(result: BenchResult, sheet: Datasheet, other: BenchResult, evidence: Sequence[BenchResult]) -> Claim:
    summary = summarise(other)
    interval = summary.interval.inverse() if summary.interval else None
    words = compare(other, result, evidence).words
    told = known_pace(summary.steps_per_second, summary.interval)
    return Claim(
        kind="measured",
        name=sheet.name,
        steps_per_second=summary.steps_per_second,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        sentence=against(sheet, told, other.place, words),
        basis=f"measured {other.created[:10]}, {other.place}, result {other.id[:8]}",
        measured=other,
    )


def _expected(result: BenchResult, bound: Bound, own: Datasheet | None) -> Claim | None:
    """What the card may be expected to do; None where nothing can be said: see provision.cards.expected.

    From one's own pace only where nothing disturbed it, and only where it was computed as that card would do it.
    """
    summary, precision = summarise(result), precision_there(result.workload.profile)
    is_alike = width_of(str(result.software.flags.get("precision"))) == width_of(precision)
    is_quiet = {verdict.word for verdict in summary.verdicts} <= {FEW}
    is_clean = own is not None and is_alike and is_quiet and summary.interval is not None
    found = expect(
        bound.sheet,
        precision,
        step_flops(result.workload.hash),
        bound.most_steps_per_second,
        (own, summary.steps_per_second) if own is not None and is_clean else None,
    )
    if found is None:
        return None
    certain = bound.at_least(bounds.slowest_step_seconds(result))
    return Claim(
        kind="expected",
        name=found.sheet.name,
        steps_per_second=found.steps_per_second,
        low=found.low,
        high=found.high,
        sentence=found.describe(summary.steps_per_second, certain),
        basis=found.basis,
    )


def precision_there(profile: str) -> str:
    """What a GPU of Colab computes a profile in, as a config names it: as-shipped mixed, see generator.models.choose.

    The two oldest, without tensor cores, stay at fp32 then; the tables in half precision say nothing of those.
    """
    return "fp32" if profile == "strict" else "mixed"


def _bound(result: BenchResult, bound: Bound) -> Claim:
    return Claim(
        kind="bound",
        name=bound.sheet.name,
        steps_per_second=bound.most_steps_per_second,
        low=None,
        high=None,
        sentence=bounds.describe_bound(result, bound),
        basis=bound.basis,
        bound=bound,
    )


def headline(result: BenchResult, evidence: Iterable[BenchResult] = ()) -> str | None:
    """The one sentence against Colab: of its free GPU as measured, else the strongest that follows from bounds."""
    claims = claims_for(result, evidence)
    for kind in ("measured", "expected"):
        of_kind = [claim for claim in claims if claim.kind == kind]
        if of_kind:
            return next((claim for claim in of_kind if _is_free(claim)), of_kind[-1]).sentence
    return _strongest_bound(result, [claim for claim in claims if claim.bound is not None])


def _is_free(claim: Claim) -> bool:
    return claim.name == next(sheet.name for sheet in colab_datasheets() if sheet.key == FREE)


def _strongest_bound(result: BenchResult, claims: Sequence[Claim]) -> str | None:
    sure = [
        claim
        for claim in claims
        if claim.bound and claim.bound.is_exact and bounds.sure_factor(result, claim.bound) >= WORTH_SAYING
    ]
    free = [claim for claim in claims if _is_free(claim)]
    if sure and free and sure[-1].steps_per_second >= free[0].steps_per_second:
        return sure[-1].sentence
    return free[0].sentence if free else None
