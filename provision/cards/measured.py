"""Colab's GPUs as they were measured, for who reads no results: `bench` looks at those and keeps this short list.

Each row stands for a result that `bench` found trustworthy; `generate` says it before what is expected.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dreamrig import paths
from dreamrig.documents import DocumentError, read_object, write_object
from dreamrig.words import pace
from provision.cards.datasheets import Datasheet, datasheet

SCHEMA = 1
MOST_ROWS = 1000


@dataclass(frozen=True, kw_only=True)
class MeasuredCard:
    """One of Colab's GPUs on the work of a step."""

    key: str
    """Of its datasheet."""
    step: str
    """GenerateConfig.step_id() of what it did."""
    precision: str
    """In which it computed, as a config names it."""
    steps_per_second: float
    low: float
    high: float
    """95 %."""
    place: str

    @property
    def sheet(self) -> Datasheet:
        """Its datasheet."""
        return datasheet(self.key)

    def describe(self, words: str) -> str:
        """One sentence that says what follows for somebody; words: how the two compare."""
        return against(self.sheet, pace(self.steps_per_second, self.low, self.high), self.place, words)


def against(sheet: Datasheet, told: str, place: str, words: str) -> str:
    """The sentence of every claim that was measured. told: the card's pace; words: how the two compare."""
    return f"Against a measured {sheet.name} ({told}, {place}): {words}."


def list_file() -> Path:
    """Where the list lies."""
    return paths.data_folder() / "measured-cards.json"


def read_cards(file: Path | None = None) -> tuple[MeasuredCard, ...]:
    """The list; empty where there is none, and without rows that say nothing."""
    found = _read(file or list_file()).get("cards")
    rows = [row for row in map(_card, found if isinstance(found, list) else []) if row is not None]
    return tuple(rows[:MOST_ROWS])


def made_from(file: Path | None = None) -> str | None:
    """What the writer of the list said that it was made from; None where there is none."""
    told = _read(file or list_file()).get("made_from")
    return told if isinstance(told, str) else None


def write_cards(cards: Iterable[MeasuredCard], made_from: str, file: Path | None = None) -> None:
    """Write the list, whole or not at all. made_from: tells whether it is still current."""
    target = file or list_file()
    paths.ensure_folder(target.parent)
    rows = [asdict(card) for card in cards][:MOST_ROWS]
    write_object(target, {"schema": SCHEMA, "made_from": made_from, "cards": rows}, indent=1)


def _read(file: Path) -> dict[str, Any]:
    try:
        found = read_object(file)
    except (OSError, DocumentError):
        return {}
    return found if found.get("schema") == SCHEMA else {}


def _card(row: Any) -> MeasuredCard | None:
    """A row; None for one that cannot be, such as of a card that this version does not know."""
    try:
        card = MeasuredCard(**row)
        is_good = bool(card.sheet.name) and card.place.isprintable()
        return card if is_good and 0 < card.low <= card.steps_per_second <= card.high else None
    except (TypeError, KeyError, AttributeError):
        return None
