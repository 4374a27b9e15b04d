"""The facts: cells.csv, a public measurement a row, and sources.json, where each stands and what the cards are."""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dreamrig.documents import read_object

FOLDER = Path(__file__).parent
Precision = Literal["full", "half"]
PRECISIONS: tuple[Precision, ...] = ("full", "half")
TRAINING_PASSES = 3.0
"""Forward, and backward to what comes in and to the weights: so many times the arithmetic of forward alone."""


@dataclass(frozen=True)
class PublicPace:
    """What somebody measured: one network on one card."""

    precision: Precision
    """full: fp32 without TF32.   half: fp16 or mixed."""
    source: str
    """Key of sources.json."""
    network: str
    work: str
    """training or inference."""
    batch: str
    """Per card; "" = as many as its memory holds."""
    card: str
    """Key of `cards` in sources.json."""
    value: float
    """Of the unit."""
    unit: str

    @property
    def row(self) -> tuple[str, str, str, str]:
        """What is the same program and the same work: only the card differs."""
        return self.source, self.network, self.work, self.batch


@functools.cache
def cells(precision: Precision) -> tuple[PublicPace, ...]:
    """All that were measured in a precision."""
    with (FOLDER / "cells.csv").open(encoding="utf-8", newline="") as file:
        found = [PublicPace(**{**row, "value": float(row["value"])}) for row in csv.DictReader(file)]  # type: ignore[arg-type]  # one is a number
    return tuple(cell for cell in found if cell.precision == precision)


@functools.cache
def sources() -> Mapping[str, Any]:
    """The content of sources.json."""
    return read_object(FOLDER / "sources.json")


def flops_of(network: str, work: str) -> float | None:
    """Arithmetic of one image, convolutions counted as if done directly; None where the variant is not known."""
    known = sources()["networks"]["giga_multiply_adds"].get(network)
    if known is None:
        return None
    return 2e9 * float(known["value"]) * (TRAINING_PASSES if work == "training" else 1.0)
