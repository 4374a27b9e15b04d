"""docs/benchmark-expected.md from the model: the words of page.md with their tables."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.proofs.expected import facts, model
from bench.proofs.expected.facts import PRECISIONS, Precision
from bench.proofs.tables import table
from bench.result.pins import least_flops, step_flops
from bench.workloads import WORKLOADS
from dreamrig.words import TERA
from provision.cards.datasheets import datasheet
from provision.cards.expected import LAUNCH_BOUND_FLOPS
from provision.cards.limits import make_bound

WORDS = Path(__file__).parent / "page.md"
GIVEN: Mapping[Precision, str] = {
    "full": "full precision (fp32, no TF32)",
    "half": "half precision (fp16 or mixed)",
}
IN_FULL = ("k80", "p100-pcie", "t4", "v100-sxm2")


def render(made: Mapping[str, Any]) -> str:
    """The page. made: what dreamrig claims from, as in knowledge/expected.json."""
    return WORDS.read_text(encoding="utf-8").format(
        launch_bound=LAUNCH_BOUND_FLOPS / TERA,
        by_sheet=datasheet("t4").peak_tflops("fp16") / datasheet("rtx-3090").peak_tflops("fp16"),
        least_factor=model.LEAST_FACTOR,
        errors=_errors(),
        cards=_cards(made),
        rates=_rates(),
        paces=_paces(made),
        sources=_sources(),
        left_out="\n".join(f"- {item['what']}: {item['why']}" for item in facts.sources()["left_out"]),
        **made["rate"],
    )


def _errors() -> str:
    heads = [
        "", "cells", "networks", "cell held out: median, within 30 %", "network held out: median, within the factor",
        "factor claimed (95 %)",
    ]  # fmt: skip
    return table(heads, map(_errors_row, PRECISIONS))


def _errors_row(precision: Precision) -> list[str]:
    found = facts.cells(precision)
    factor = model.ratio_factor(found)
    cell, network = model.errors_of_single_cells(found), model.errors_of_unseen_networks(found)
    return [
        GIVEN[precision],
        str(len(found)),
        str(len({one.network for one in found})),
        f"x{_middle(cell):.2f}, {_within(cell, 1.3):.0%}",
        f"x{_middle(network):.2f}, {_within(network, factor):.0%}",
        f"x{factor:.2f}",
    ]


def _middle(errors: Sequence[float]) -> float:
    return math.exp(statistics.median(map(abs, errors)))


def _within(errors: Sequence[float], factor: float) -> float:
    return sum(abs(error) <= math.log(factor) for error in errors) / len(errors)


def _cards(made: Mapping[str, Any]) -> str:
    paces = [made["precisions"][precision]["paces"] for precision in PRECISIONS]
    keys = [key for keys in facts.sources()["cards"].values() for key in keys]
    rows = [[datasheet(key).name, *(f"{known[key]:.2f}" if key in known else "–" for known in paces)] for key in keys]
    return table(["", "full precision", "half precision"], rows)


def _rates() -> str:
    rate = model.rate_of(model.fit(facts.cells("full")))
    return table(["network", "TFLOP/s of a V100"], [[name, f"{tflops:.1f}"] for name, tflops in rate.tflops.items()])


def _paces(made: Mapping[str, Any]) -> str:
    names = [name for name, used in WORKLOADS.items() if (step_flops(used.hash) or 0.0) > LAUNCH_BOUND_FLOPS]
    heads = ["", *(datasheet(key).name for key in IN_FULL)]
    return table(heads, [[name, *(_pace(made, WORKLOADS[name].hash, key) for key in IN_FULL)] for name in names])


def _pace(made: Mapping[str, Any], used: str, key: str) -> str:
    rate = made["rate"]["tflops"] * TERA * made["precisions"]["full"]["paces"][key]
    bound = make_bound(datasheet(key), "fp32", least_flops(used) or math.nan).most_steps_per_second
    return f"{rate / (step_flops(used) or math.nan):.2f} ({bound:.2f})"


def _sources() -> str:
    every = [cell.source for precision in PRECISIONS for cell in facts.cells(precision)]
    rows = []
    for key, one in facts.sources()["sources"].items():
        where = f"{one['repository']}, {one['path']} at {one['commit'][:10]}"
        rows.append([where, str(every.count(key)), one["licence"], one["about"]])
    return table(["repository, path at commit", "rows", "licence", "what"], rows)
