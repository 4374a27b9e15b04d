"""The model: the logarithm of a pace is that of the program plus that of the card. Least squares, and its errors.

Errors are those of networks that the fit has not seen: every row of one network is held out, and the ratio of each two
cards on it compared with what the rest says.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bench.proofs.expected.facts import PublicPace, flops_of
from generator.stats import NORMAL_95, student

REFERENCE = "v100-sxm2"
"""The card that every source has: paces are relative to it."""
LEAST_FACTOR = 1.5
"""Error either way that is allowed at least (95 %): other networks, other programs."""

Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class Fit:
    """Natural logarithms."""

    cards: Mapping[str, float]
    """Pace over that of REFERENCE."""
    rows: Mapping[Row, float]
    """Pace of each program on REFERENCE, also where nobody measured it there."""


def fit(found: Sequence[PublicPace]) -> Fit:
    """The model of some cells, which must hang together by the cards that their rows share."""
    rows, cards = sorted({cell.row for cell in found}), sorted({cell.card for cell in found})
    unknowns = np.zeros((len(found) + 1, len(rows) + len(cards)))
    logs = np.zeros(len(found) + 1)
    for index, cell in enumerate(found):
        unknowns[index, rows.index(cell.row)] = unknowns[index, len(rows) + cards.index(cell.card)] = 1
        logs[index] = math.log(cell.value)
    unknowns[-1, len(rows) + cards.index(REFERENCE)] = 1
    solved = [float(value) for value in np.linalg.lstsq(unknowns, logs, rcond=None)[0]]
    return Fit(
        cards=dict(zip(cards, solved[len(rows) :], strict=True)), rows=dict(zip(rows, solved[: len(rows)], strict=True))
    )


def errors_of_unseen_networks(found: Sequence[PublicPace]) -> list[float]:
    """Logarithm of measured over predicted, for each two cards of each row whose network the fit has not seen."""
    return [error for network in sorted({cell.network for cell in found}) for error in _errors(found, network)]


def _errors(found: Sequence[PublicPace], network: str) -> Iterator[float]:
    seen = fit([cell for cell in found if cell.network != network]).cards
    rows: dict[Row, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for cell in found:
        if cell.network == network and cell.card in seen:
            rows[cell.row][cell.card].append(math.log(cell.value))
    for paces in rows.values():
        middle = {card: statistics.fmean(logs) for card, logs in paces.items()}
        for one, other in combinations(sorted(middle), 2):
            yield middle[one] - middle[other] - (seen[one] - seen[other])


def errors_of_single_cells(found: Sequence[PublicPace]) -> list[float]:
    """Logarithm of measured over predicted, each cell from all others; cells whose row has no other are left out."""
    errors = []
    for index, cell in enumerate(found):
        rest = [*found[:index], *found[index + 1 :]]
        if any(other.row == cell.row for other in rest):
            model = fit(rest)
            errors.append(math.log(cell.value) - model.rows[cell.row] - model.cards[cell.card])
    return errors


def ratio_factor(found: Sequence[PublicPace]) -> float:
    """How far the ratio of two cards may be off either way (95 %) on a network that nobody measured."""
    errors = np.abs(errors_of_unseen_networks(found))
    spread = NORMAL_95 * math.sqrt(float(np.mean(errors**2)))
    return max(LEAST_FACTOR, math.exp(spread), math.exp(float(np.quantile(errors, 0.95))))


@dataclass(frozen=True)
class Rate:
    """What convolution nets make of a card, by direct count of their arithmetic."""

    tflops: Mapping[str, float]
    """Network -> TFLOP/s on REFERENCE, over its programs."""

    @property
    def middle(self) -> float:
        """Geometric mean over the networks."""
        return math.exp(statistics.fmean(map(math.log, self.tflops.values())))

    @property
    def factor(self) -> float:
        """How far another network may be off either way (95 %): Student's, since there are few."""
        logs = [math.log(value) for value in self.tflops.values()]
        spread = statistics.stdev(logs) * math.sqrt(1 + 1 / len(logs))
        return math.exp(student(len(logs) - 1) * spread)


def rate_of(model: Fit) -> Rate:
    """From the paces of the programs whose arithmetic is known."""
    logs: dict[str, list[float]] = defaultdict(list)
    for (_, network, work, _), log_pace in model.rows.items():
        flops = flops_of(network, work)
        if flops is not None:
            logs[network].append(log_pace + math.log(flops / 1e12))
    return Rate({network: math.exp(statistics.fmean(values)) for network, values in sorted(logs.items())})
