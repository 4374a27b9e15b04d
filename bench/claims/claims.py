"""What may be said of a result against Colab's GPUs, from the best evidence there is: measured, expected, bound.

Every claim is made here, for the page, the card and the terminal. A GPU that was measured on the same work has no bound
any more, and one that is only bounded is never called slower than it was shown to be. What a datasheet lets follow is
said in the words of provision.cards.limits, which `generate` uses too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.claims import bounds
from bench.claims.expected import HALF, expected_ratio, source_words
from bench.compare.compare import compare
from bench.result.result import BenchResult
from bench.result.verdict import is_impossible, summarise
from dreamrig.words import pace
from provision.cards.datasheets import Datasheet, colab_datasheets, find_datasheet
from provision.cards.limits import FREE, WORTH_SAYING, Bound

STARTER = "starter"
Kind = Literal["measured", "expected", "bound"]
MEANING: dict[Kind, str] = {
    "measured": "measured, with the 95 % interval of the median",
    "expected": "expected, not measured: from how the cards compare on other networks, with its error",
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


def claims_for(result: BenchResult, evidence: Iterable[BenchResult] = ()) -> list[Claim]:
    """One claim for each of Colab's GPUs of which something is known, the slowest first.

    evidence: other results; those of the same work on one of these GPUs count, impossible ones do not.
    """
    fitting = [other for other in evidence if other.workload.hash == result.workload.hash and other.id != result.id]
    possible = [other for other in fitting if not is_impossible(summarise(other))]
    found = [_best(result, sheet, possible) for sheet in colab_datasheets()]
    return sorted((claim for claim in found if claim is not None), key=lambda claim: claim.steps_per_second)


def _best(result: BenchResult, sheet: Datasheet, evidence: Sequence[BenchResult]) -> Claim | None:
    own = find_datasheet(result.device.name)
    if own is not None and own.key == sheet.key:  # the result itself is what was measured
        return None
    measured = [other for other in evidence if _is_on(other, sheet)]
    if measured:
        return _measured(result, sheet, max(measured, key=_worth))
    expected = _expected(result, sheet, own)
    if expected is not None:
        return expected
    bound = bounds.bound_for(result, sheet)
    return None if bound is None else _bound(result, bound)


def _is_on(result: BenchResult, sheet: Datasheet) -> bool:
    found = find_datasheet(result.device.name)
    return found is not None and found.key == sheet.key


def _worth(result: BenchResult) -> tuple[bool, bool, int]:
    """Which of several measurements speaks for a GPU: one on Colab, a clean one, the longest."""
    return result.place == "colab-hosted", not summarise(result).verdicts, len(result.timing.blocks)


def _measured(result: BenchResult, sheet: Datasheet, other: BenchResult) -> Claim:
    summary = summarise(other)
    interval = summary.interval.inverse() if summary.interval else None
    words = compare(other, result).words
    return Claim(
        kind="measured",
        name=sheet.name,
        steps_per_second=summary.steps_per_second,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        sentence=f"Against a measured {sheet.name} ({pace(summary.steps_per_second)}, {other.place}): {words}.",
        basis=f"measured {other.created[:10]}, {other.place}, result {other.id[:8]}",
        measured=other,
    )


def _expected(result: BenchResult, sheet: Datasheet, own: Datasheet | None) -> Claim | None:
    """From one's own pace and how the cards compare on other networks; None where that says nothing.

    Not of a result that something disturbed, nor in full precision, nor of the starter: see bench.claims.expected.
    """
    summary, flags = summarise(result), result.software.flags
    is_light = result.workload.params.get("model") == STARTER
    if own is None or is_light or flags.get("precision") not in HALF or summary.verdicts or summary.interval is None:
        return None
    found = expected_ratio(sheet.key, own.key)
    if found is None:
        return None
    middle = summary.steps_per_second * found.ratio
    low, high = middle / found.factor, middle * found.factor
    return Claim(
        kind="expected",
        name=sheet.name,
        steps_per_second=middle,
        low=low,
        high=high,
        sentence=(
            f"A {sheet.name} is expected, not measured, to do about {middle:.2g} it/s here ({low:.2g} to {high:.2g}): "
            f"this rig is about {1 / found.ratio:.2g}x as fast."
        ),
        basis=f"{found.rows} rows of other networks in half precision, within {found.factor:.2g}x; {source_words()}",
    )


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
    if is_impossible(summarise(result)):
        return None
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
