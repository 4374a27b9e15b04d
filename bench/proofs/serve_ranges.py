"""Whether promised times hold, `python -m bench.proofs.serve_ranges --pictures 40`: one picture after another.

Starts `dreamrig serve` with the starter in a data folder of its own, asks for pictures of two kinds in turn, as friends
do who have nobody before them, and prints one JSON document: how many promises held, of the first ten and of the
later ones, how far apart their two ends are, and what promises from the 10th to the 90th percentile of the same known
pictures would have held.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from bench.proofs.serve_load import WISHES, draw, owner_of, served
from generator.serve.line.estimate import FEWEST, hit_rate, percentile

SHAPES = ("square", "wide")
FIRST = 10
Promise = tuple[float, float, float]


def told(home: Path) -> list[tuple[int, float | None, float | None, float]]:
    """(pixels, low, high, came out) of every picture, the first one first."""
    (database,) = home.rglob("serve.db")
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return connection.execute(
            "SELECT json_extract(config, '$.width') * json_extract(config, '$.height'), promised_low, promised_high,"
            " (ended_at - made_at) / 1000.0 FROM job WHERE state = 'done' ORDER BY id"
        ).fetchall()


def percentiles_of_known(rows: Sequence[tuple[int, Any, Any, float]]) -> list[Promise]:
    """What the 10th to the 90th percentile would have promised."""
    known: dict[int, list[float]] = {}
    promises = []
    for pixels, _, _, seconds in rows:
        before = known.setdefault(pixels, [])
        if len(before) >= FEWEST:
            promises.append((percentile(before, 0.1), percentile(before, 0.9), seconds))
        before.append(seconds)
    return promises


def measure(pictures: int) -> dict[str, Any]:
    """A home that is used."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as room:
        home = Path(room) / "home"
        with served(home) as (address, _), owner_of(home, address) as owner:
            for prompt, shape in islice(zip(cycle(WISHES), cycle(SHAPES), strict=False), pictures):
                draw(owner, {"prompt": prompt, "preset": "quick", "shape": shape})
            rows = told(home)
    promises = [(low, high, seconds) for _, low, high, seconds in rows if low is not None and high is not None]
    widths = sorted(high / low for low, high, _ in promises[FIRST:])
    return {
        "pictures": len(rows),
        "promises": len(promises),
        "held_of_the_first_ten": hit_rate(promises[:FIRST]),
        "held_of_the_later_ones": hit_rate(promises[FIRST:]),
        "held": hit_rate(promises),
        "longest_over_shortest": round(widths[len(widths) // 2], 2) if widths else None,
        "held_by_percentiles_10_to_90": hit_rate(percentiles_of_known(rows)),
        "load": os.getloadavg()[0],
    }


def main() -> int:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=40, help="how many are drawn")
    print(json.dumps(measure(parser.parse_args().pictures), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
