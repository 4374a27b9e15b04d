"""Writes provision/knowledge/expected.json and docs/benchmark-expected.md: `python -m bench.proofs.expected`."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import provision
from bench.proofs.expected import facts, model, page
from bench.proofs.expected.facts import PRECISIONS, Precision
from provision.cards.expected import SCHEMA

KNOWLEDGE = Path(provision.__file__).parent / "knowledge" / "expected.json"
PAGE = Path(__file__).parents[3] / "docs" / "benchmark-expected.md"
ABOUT = (
    "How fast cards are beside each other on other people's networks, and what convolution nets make of them: "
    "computed by `python -m bench.proofs.expected` from the public measurements in bench/proofs/expected, "
    "explained in docs/benchmark-expected.md."
)


def knowledge() -> dict[str, Any]:
    """What dreamrig claims from, ready for JSON."""
    fits = {precision: model.fit(facts.cells(precision)) for precision in PRECISIONS}
    rate = model.rate_of(fits["full"])
    return {
        "schema": SCHEMA,
        "about": ABOUT,
        "precisions": {precision: _precision(precision, fits[precision]) for precision in PRECISIONS},
        "rate": {
            "tflops": _digits(rate.middle),
            "factor": _digits(rate.factor),
            "networks": len(rate.tflops),
        },
    }


def _precision(precision: Precision, fitted: model.Fit) -> dict[str, Any]:
    found = facts.cells(precision)
    paces = {
        key: _digits(share * math.exp(fitted.cards[card]))
        for card, keys in facts.sources()["cards"].items()
        if card in fitted.cards
        for key, share in keys.items()
    }
    return {
        "cells": len(found),
        "networks": len({cell.network for cell in found}),
        "factor": _digits(model.ratio_factor(found)),
        "paces": paces,
    }


def _digits(value: float) -> float:
    return float(f"{value:.4g}")


def render_knowledge() -> str:
    """The content of expected.json."""
    return json.dumps(knowledge(), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write both."""
    KNOWLEDGE.write_text(render_knowledge(), encoding="utf-8")
    PAGE.write_text(page.render(knowledge()), encoding="utf-8")


if __name__ == "__main__":
    main()
