"""What a card may be expected to do that nobody measured here: from how cards compare on other networks.

Datasheets do not carry over from card to card, measured ratios do. The table is one page of public measurements (facts
of expected.json, with source and licence) of image generation in half precision; the ratio of two cards is the
geometric mean over its rows, and the error beside it the spread over rows, never below LEAST_FACTOR either way. Nothing
is expected in full precision, of which the table has none, nor of the starter, whose pace on a GPU launches decide.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dreamrig.documents import read_object

FILE = Path(__file__).parent / "expected.json"
LEAST_FACTOR = 1.5
"""Error either way that is allowed at least (95 %): other networks, other programs."""
NORMAL_95 = 1.960
HALF = ("mixed", "fp16", "bf16")
"""Precisions, as a config names them, that the table speaks of."""

Row = Mapping[str, float | None]


@dataclass(frozen=True)
class Expected:
    """How many times as fast one card is as another, and how far that may be off either way."""

    ratio: float
    factor: float
    rows: int
    """Rows of the table that have both cards."""


@functools.cache
def _table() -> tuple[Mapping[str, str], tuple[Row, ...], str]:
    """Key of a datasheet -> card of the table; the rows; the source in words."""
    document = read_object(FILE)
    cards = {key: card for card, keys in document["cards"].items() for key in keys}
    source = document["source"]
    words = f"{source['repository']}, {source['path']} at {source['commit'][:10]}, {source['licence']}"
    return cards, tuple(row["steps_per_second"] for row in document["rows"]), words


def source_words() -> str:
    """Where the table comes from."""
    return _table()[2]


def expected_ratio(target: str, own: str) -> Expected | None:
    """The target's pace over one's own; keys of datasheets. None where the table lacks one, or both are one card."""
    cards, rows, _ = _table()
    one, other = cards.get(target), cards.get(own)
    if one is None or other is None or one == other:
        return None
    return ratio_over(rows, one, other)


def ratio_over(rows: Sequence[Row], target: str, own: str) -> Expected | None:
    """The same over some rows; names of the table's cards. None for fewer than three rows that have both."""
    logs = []
    for row in rows:
        above, below = row[target], row[own]
        if above and below:
            logs.append(math.log(above / below))
    if len(logs) < 3:
        return None
    error = NORMAL_95 * statistics.stdev(logs) * math.sqrt(1 + 1 / len(logs))
    return Expected(math.exp(statistics.fmean(logs)), max(LEAST_FACTOR, math.exp(error)), len(logs))
