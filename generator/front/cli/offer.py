"""Networks that a run lacks: on a terminal the person is asked whether to fetch them now, and the run goes on.

With --yes, of commands that have it, they are fetched without a question. Elsewhere, and with --json or --quiet,
nothing is asked: loading them tells what is missing and the command for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dreamrig import console
from dreamrig.words import duration, memory, plural, rate
from generator.models.names import published_networks
from generator.work.door import GeneratorDoor
from generator.work.plan import Plan

if TYPE_CHECKING:
    from pathlib import Path

    from generator.weights.door import WeightsDoor
    from generator.weights.registry import Entry


def offer_missing(plans: Iterable[Plan], values: Mapping[str, Any], door: GeneratorDoor) -> float:
    """Ask whether to fetch what these plans lack, and fetch it; returns the seconds that took, 0 where nobody asked.

    MissingWeightsError on a no, and where a network is to be had by import alone. The errors of a fetch.
    """
    wanted = dict.fromkeys(name for one in plans for name in published_networks(one.to_config({})))
    is_sure = bool(values.get("yes"))
    if not wanted or (not is_sure and (values["as_json"] or values["quiet"])):
        return 0.0
    from generator.weights import registry

    weights, began_at = door.weights(), door.clock()
    known, base = registry.entries(weights.registry_file), weights.weights_folder()
    names = [name for name in wanted if not registry.is_ready(name, base)] if wanted.keys() <= known.keys() else []
    if not names or not (is_sure or weights.stderr().file.isatty()):
        return 0.0
    if not _ask_and_fetch([known[name] for name in names], weights, base, is_sure=is_sure):
        registry.require_ready(names, base)
    return door.clock() - began_at


def _ask_and_fetch(missing: Sequence[Entry], weights: WeightsDoor, base: Path, *, is_sure: bool) -> bool:
    """Whether all of it is here now."""
    from generator.front.cli.fetching import fetch_one
    from generator.weights.pace import known_pace
    from generator.weights.store import require_fetchable
    from generator.weights.words import render_terms

    for entry in missing:
        require_fetchable(entry, base)
    told = [*map(render_terms, missing), render_total(missing, known_pace(base))]
    print(console.to_printable("\n".join(told)), file=weights.stderr().file, flush=True)
    if not is_sure and not weights.ask("Fetch now under these terms, and draw? [y/N]"):
        return False
    for entry in missing:
        fetch_one(entry, weights, hint="run the same command again: the download goes on where it stopped")
    return True


def render_total(missing: Sequence[Entry], measured: float | None) -> str:
    """How much there is to fetch, and how long that takes. measured: MiB a second, None = nothing is known."""
    from generator.weights.pace import ASSUMED_MIB_PER_SECOND

    pace, mib = measured or ASSUMED_MIB_PER_SECOND, sum(entry.approximate_mib for entry in missing)
    how = "as the last download came" if measured else "assumed: nothing was measured here yet"
    them = f"{plural(len(missing), 'network')} not here yet, about {memory(mib)} to fetch"
    return f"{them}: {duration(mib / pace)} at {rate(pace)} ({how})"
