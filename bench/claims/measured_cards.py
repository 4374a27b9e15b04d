"""The results on Colab's GPUs that speak for them, as the short list that `generate` reads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from bench.claims.claims import is_on, worth
from bench.compare.compare import shows_same_speed
from bench.compare.machines import doubts
from bench.result.pins import AS_SHIPPED
from bench.result.result import BenchResult
from bench.result.verdict import summarise, why_refused
from bench.workloads import Workload, find_by_hash
from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from provision.cards.datasheets import Datasheet, colab_datasheets
from provision.cards.measured import MeasuredCard


def measured_cards(evidence: Sequence[BenchResult]) -> list[MeasuredCard]:
    """The best result for each work and each GPU of Colab, of those on which nothing casts a doubt."""
    return [card for sheet in colab_datasheets() for card in _of(sheet, evidence)]


def _of(sheet: Datasheet, evidence: Sequence[BenchResult]) -> Iterator[MeasuredCard]:
    good = [result for result in evidence if is_on(result, sheet) and _is_trusted(result, evidence)]
    for _, same in groupby(sorted(good, key=_work), key=_work):
        card = _card(sheet, max(same, key=worth))
        if card is not None:
            yield card


def _work(result: BenchResult) -> tuple[str, str]:
    return result.workload.hash, str(result.software.flags.get("precision"))


def _is_trusted(result: BenchResult, evidence: Iterable[BenchResult]) -> bool:
    """Random weights only where something shows that they are as fast as real ones."""
    summary = summarise(result)
    if why_refused(summary) is not None or doubts(summary):
        return False
    return not result.workload.weights.random or shows_same_speed(result.workload.hash, list(evidence))


def _card(sheet: Datasheet, result: BenchResult) -> MeasuredCard | None:
    """None for what wrote files at each step, which no picture does, and where no interval is known."""
    workload, summary = find_by_hash(result.workload.hash), summarise(result)
    if workload is None or workload.step_files or summary.interval is None:
        return None
    config, reach = _config(workload, result), summary.interval.inverse()
    return (
        None
        if config is None
        else MeasuredCard(
            key=sheet.key,
            step=config.step_id(),
            precision=config.precision,
            steps_per_second=reach.median,
            low=reach.low,
            high=reach.high,
            place=result.place,
        )
    )


def _config(workload: Workload, result: BenchResult) -> GenerateConfig | None:
    """What ran, in the precision that it tells; None where it tells none, or what nothing can be."""
    flags = result.software.flags
    told = {name: flags[name] for name in AS_SHIPPED if flags.get(name) is not None}
    with contextlib.suppress(UsageError):
        return workload.config(**told) if "precision" in told else None
    return None
