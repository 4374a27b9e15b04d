"""What docs/full-size.md says about large pictures in windows is what a run's own prediction says."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from bench.proofs.memory import CASES, STARTER, Case, window_rows
from generator.engine.memory import predict_memory_mib
from generator.models.choose import load_models

PAGE = Path(__file__).parents[3] / "docs" / "full-size.md"


def test_the_page_has_the_table_that_the_command_prints() -> None:
    assert "\n".join(window_rows()) in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", [one for one in CASES if one.model == STARTER and one.side == 1024], ids=str)
def test_the_page_has_the_predictions_for_the_starter(case: Case) -> None:
    config = case.to_config()
    predicted = predict_memory_mib(config, load_models(config))
    assert f"| starter | 1024x1024 | {case.tile or 'none'} | {predicted:,.0f} |" in PAGE.read_text(encoding="utf-8")


def test_in_windows_the_memory_hardly_grows_with_the_picture() -> None:
    cells = [[float(cell.replace(",", "")) for cell in row.split("|")[2:-1]] for row in list(window_rows())[2:]]
    for smaller, larger in itertools.pairwise(cells):
        at_once, windows = (larger[0] / smaller[0], larger[1] / smaller[1])
        assert at_once > 1.6
        assert windows < 1.25
