"""The list of measured cards: written and read back, and nothing that cannot be believed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from provision.cards.measured import MeasuredCard, made_from, read_cards, write_cards

T4 = MeasuredCard(
    key="t4", step="0" * 12, precision="fp32", steps_per_second=1.0, low=0.98, high=1.02, place="colab-hosted"
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "home" / "list.json"
    assert (read_cards(file), made_from(file)) == ((), None)
    write_cards([T4], "these files", file)
    assert (read_cards(file), made_from(file)) == ((T4,), "these files")


@pytest.mark.parametrize(
    "spoiled",
    [
        {"key": "a card of later"},
        {"key": []},
        {"low": 2.0},
        {"low": 0},
        {"high": "fast"},
        {"place": "a\x1b[2J"},
        {"place": 1},
    ],
    ids=str,
)
def test_a_row_that_cannot_be_is_left_out(spoiled: dict[str, object], tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    rows = [{**asdict(T4), **spoiled}, "a row", {"more": 1}, asdict(T4)]
    file.write_text(json.dumps({"schema": 1, "made_from": "x", "cards": rows}))
    assert read_cards(file) == (T4,)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 2, "cards": []}', '{"schema": 1, "cards": 7}'])
def test_a_damaged_list_is_none(text: str, tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    file.write_text(text)
    assert read_cards(file) == ()
    assert made_from(file) is None
