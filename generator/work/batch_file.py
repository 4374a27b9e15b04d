"""Files that ask for many pictures: a prompt a line, a TOML table each, a CSV, JSON lines, a grid. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dreamrig.documents import DocumentError, parse_toml
from dreamrig.errors import UsageError
from generator.wishes.braces import MOST_PICTURES, expand
from generator.work.batch_tables import rows_of_csv, rows_of_grid, rows_of_jsonl
from generator.work.settings_file import LARGEST_FILE_BYTES, check_values

COMMENT = "#"
OTHER_WISHES = ("image_prompts", "noise_prompts")
"""What a picture can be drawn from without a text."""


@dataclass(frozen=True)
class WantedPicture:
    """One picture of a batch: its prompt, and the settings that are its own."""

    prompt: str
    settings: dict[str, Any] = field(default_factory=dict)


def read_batch(path: Path) -> list[WantedPicture]:
    """The pictures of a file; UsageError, with the place, for what cannot be meant.

    A text file has a prompt a line; empty lines and lines that begin with # are passed over. A .toml file has settings
    for all at its top, and a [[picture]] with a prompt and its own settings for each, or a [grid] whose lists are
    combined. A .csv has a column for each setting, a .jsonl an object a line.
    """
    text = _read(path)
    kind = path.suffix.lower()
    if kind == ".toml":
        wanted = _from_toml(text, path)
    elif kind in (".csv", ".jsonl"):
        rows = rows_of_csv(text, str(path)) if kind == ".csv" else rows_of_jsonl(text, str(path))
        wanted = [each for where, row in rows for each in _from_row(where, row, {})]
    else:
        wanted = _from_lines(text)
    if not wanted:
        raise UsageError(f"{path} names no picture.", hint="write one prompt a line")
    if len(wanted) > MOST_PICTURES:
        raise UsageError(f"{path} names {len(wanted)} pictures.", hint=f"use at most {MOST_PICTURES} at a time")
    return wanted


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
        if len(data) > LARGEST_FILE_BYTES:
            raise UsageError(f"{path} is too large for a batch.", hint="split it")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.", hint="give a file with a prompt a line") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text.", hint="save it as UTF-8") from error


def _from_lines(text: str) -> list[WantedPicture]:
    lines = (line.strip() for line in text.splitlines())
    return [WantedPicture(prompt) for line in lines if line and not line.startswith(COMMENT) for prompt in expand(line)]


def _from_toml(text: str, path: Path) -> list[WantedPicture]:
    try:
        document = parse_toml(text)
    except DocumentError as error:
        raise UsageError(error.about(str(path)), hint=f"correct it: {path}") from error
    pictures, grid = document.pop("picture", []), document.pop("grid", None)
    if not isinstance(pictures, list) or not all(isinstance(picture, dict) for picture in pictures):
        raise UsageError(f"{path}: picture is no list of tables.", hint='write [[picture]] and below it prompt = "…"')
    common = check_values(document, str(path))
    wanted = []
    for number, picture in enumerate(pictures, 1):
        wanted += _from_row(f"picture {number} of {path}", picture, common)
    rows = [] if grid is None else rows_of_grid(grid, str(path))
    return wanted + [each for where, row in rows for each in _from_row(where, row, common)]


def _from_row(where: str, row: dict[str, Any], common: dict[str, Any]) -> list[WantedPicture]:
    """The pictures of one row of a table."""
    settings = {**common, **check_values(row, where)}
    prompt = settings.pop("prompt", "")
    if not isinstance(prompt, str) or not (prompt.strip() or any(settings.get(name) for name in OTHER_WISHES)):
        raise UsageError(f"{where[:1].upper()}{where[1:]} has no prompt.", hint="give it one")
    return [WantedPicture(each, settings) for each in expand(prompt)]
