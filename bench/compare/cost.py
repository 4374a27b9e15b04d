"""What a picture costs: Colab's units from a dated table, or one's own electricity."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.result.result import BenchResult
from bench.result.verdict import summarise
from dreamrig.documents import read_object
from dreamrig.errors import UsageError

PRICES_FILE = Path(__file__).parent / "prices.json"
JOULES_PER_KWH = 3.6e6
SECONDS_PER_HOUR = 3600.0
MOST_A_KWH = 1e6


@dataclass(frozen=True)
class Cost:
    """The price of one picture, and what it was made from."""

    per_picture: float
    currency: str
    """USD, or "own" for the currency of --kwh-price."""
    basis: str


def require_price(kwh_price: float | None) -> float | None:
    """A price of a kWh that somebody gave, or None; UsageError for one that is no price."""
    if kwh_price is not None and not 0 < kwh_price < MOST_A_KWH:
        raise UsageError(f"--kwh-price is {kwh_price:g}.", hint="use the price of a kWh, e.g. --kwh-price 0.30")
    return kwh_price


@functools.cache
def load_prices(path: Path = PRICES_FILE) -> Mapping[str, Any]:
    """The table that comes with dreamrig."""
    return read_object(path)


def cost_of(result: BenchResult, kwh_price: float | None, prices: Mapping[str, Any] | None = None) -> Cost | None:
    """The cost of a picture where the result was measured; None where nobody can tell.

    kwh_price: of one's own electricity, in any currency.
    """
    if result.place == "colab-hosted":
        return _colab_cost(result, prices or load_prices())
    return None if kwh_price is None else _own_cost(result, kwh_price)


def _colab_cost(result: BenchResult, prices: Mapping[str, Any]) -> Cost | None:
    usd_per_unit = prices["usd_per_unit"]["value"]
    seconds = summarise(result).picture_seconds
    told = (result.price or {}).get("units_per_hour")
    if isinstance(told, int | float) and not isinstance(told, bool) and 0 < told < 1e6:
        return Cost(told * usd_per_unit * seconds / SECONDS_PER_HOUR, "USD", f"{told:g} units an hour, seen there")
    for row in prices["units_per_hour"]:
        if re.search(row["match"], result.device.name):
            basis = f"{row['value']:g} units an hour as of {row['date']}, {usd_per_unit:.4g} USD a unit"
            return Cost(row["value"] * usd_per_unit * seconds / SECONDS_PER_HOUR, "USD", basis)
    return None


def _own_cost(result: BenchResult, kwh_price: float) -> Cost | None:
    """Energy of the device alone where it was measured; the rest of the computer is not in it."""
    joules = summarise(result).joules_per_picture
    if joules is None:
        return None
    basis = f"{joules:,.0f} J of the device by {result.energy.source}, at {kwh_price:g} a kWh"
    return Cost(joules / JOULES_PER_KWH * kwh_price, "own", basis)


def cost_words(cost: Cost) -> str:
    """ "0.0123 USD a picture (1.84 units an hour ...)"."""
    currency = " USD" if cost.currency == "USD" else ""
    return f"{cost.per_picture:.3g}{currency} a picture ({cost.basis})"
