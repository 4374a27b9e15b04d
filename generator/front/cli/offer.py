"""Networks that a run lacks: on a terminal the person is asked whether to fetch them now, and the run goes on.

What enlarges the picture is offered with them. With --yes, of commands that have it, they are fetched without a
question. Elsewhere, and with --json or --quiet, nothing is asked: all that is missing is told with the command for it,
here where the picture is to be enlarged, and else when the networks are loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from dreamrig import console
from dreamrig.words import duration, memory, plural, rate
from generator.models.missing import Look, lacks, looks_of, together
from generator.models.names import published_networks
from generator.weights import registry
from generator.work.door import GeneratorDoor
from generator.work.plan import Plan

if TYPE_CHECKING:
    from pathlib import Path

    from generator.weights.door import WeightsDoor
    from generator.weights.registry import Entry


@dataclass(frozen=True)
class EnlargingNeeds:
    """What enlarging a picture needs besides what draws it."""

    network: str | None = None
    """The published network; None = there is none to be fetched."""
    packages: tuple[Look, ...] = ()


def offer_missing(
    plans: Iterable[Plan], values: Mapping[str, Any], door: GeneratorDoor, enlarging: EnlargingNeeds | None = None
) -> float:
    """Ask whether to fetch what these plans lack, and fetch it; returns the seconds that took, 0 where nobody asked.

    MissingWeightsError on a no, and where a network is to be had by import alone; NotReadyError that names all that is
    missing where something among it cannot be fetched here. The errors of a fetch.
    """
    enlarging, configs = enlarging or EnlargingNeeds(), [one.to_config({}) for one in plans]
    wanted = [name for config in configs for name in published_networks(config)]
    wanted += [] if enlarging.network is None else [enlarging.network]
    if not wanted:
        return 0.0
    weights, began_at, is_sure = door.weights(), door.clock(), bool(values.get("yes"))
    missing, base = _missing(wanted, weights), weights.weights_folder()
    may_ask = is_sure or (not (values["as_json"] or values["quiet"]) and weights.stderr().file.isatty())
    if not missing or not (may_ask or enlarging.packages):  # loading tells, but not of what is needed after drawing
        return 0.0
    networks: Look = partial(registry.require_ready, [entry.name for entry in missing], base)
    looks = dict.fromkeys([*(look for config in configs for look in looks_of(config)), *enlarging.packages])
    if (others := lacks(looks)) or not may_ask:
        raise together([*lacks([networks]), *others])
    if not _ask_and_fetch(missing, weights, base, is_sure=is_sure):
        networks()
    return door.clock() - began_at


def _missing(wanted: Iterable[str], weights: WeightsDoor) -> list[Entry]:
    """Those that are not here, each once; none where the registry does not know all of them, which loading tells."""
    known, base = registry.entries(weights.registry_file), weights.weights_folder()
    names = dict.fromkeys(wanted)
    return [known[name] for name in names if not registry.is_ready(name, base)] if names.keys() <= known.keys() else []


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
    from generator.weights.words import most_mib, up_to

    pace, mib = measured or ASSUMED_MIB_PER_SECOND, sum(entry.approximate_mib for entry in missing)
    larger = up_to(mib, sum(map(most_mib, missing)))
    how = "as the last download came" if measured else "assumed: nothing was measured here yet"
    them = f"{plural(len(missing), 'network')} not here yet, about {memory(mib)} to fetch{larger}"
    return f"{them}: {duration(mib / pace)} at {rate(pace)} ({how})"
