"""Batches as tables: a CSV with a column a setting, JSON lines, a grid of every combination. Imports no torch."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from dreamrig.documents import DocumentError, parse_object
from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.knobs import kinds_of
from generator.wishes.braces import MOST_PICTURES

PROMPT = "prompt"
TRUE, FALSE = ("true", "yes", "1", "on"), ("false", "no", "0", "off")
Row = tuple[str, dict[str, Any]]
"""Where it stands, in words; and what it says, the prompt among it."""


def rows_of_csv(text: str, name: str) -> Iterator[Row]:
    """A row a picture under a header of settings; an empty cell says nothing. UsageError names the row."""
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        header = [cell.strip().replace("-", "_") for cell in next(reader, [])]
        if PROMPT not in header:
            raise UsageError(f"{name} has no column prompt.", hint="name the columns in its first row: prompt,seed,…")
        for cells in reader:
            where = f"line {reader.line_num} of {name}"
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(header):
                raise UsageError(
                    f"{where} has more cells than the header.", hint='put a comma inside of quotes: "a, b"'
                )
            yield (
                where,
                {key: value_of(key, cell, where) for key, cell in zip(header, cells, strict=False) if cell.strip()},
            )
    except csv.Error as error:
        raise UsageError(f"{name} is no CSV: {error}.", hint="save it as CSV with commas and double quotes") from error


def rows_of_jsonl(text: str, name: str) -> Iterator[Row]:
    """An object a line, with a prompt and settings; UsageError names the line."""
    for number, content in enumerate(text.splitlines(), 1):
        if not content.strip():
            continue
        where = f"line {number} of {name}"
        try:
            yield where, dict(parse_object(content.encode()))
        except DocumentError as error:
            raise UsageError(error.about(where), hint='write {"prompt": "…"} on each line') from error


def rows_of_grid(grid: object, name: str) -> Iterator[Row]:
    """Every combination of a table's lists, the first key changing slowest: prompt = […], seed = […], cutouts = […]."""
    if not isinstance(grid, Mapping) or not grid:
        raise UsageError(f"{name}: grid is no table.", hint="write [grid] and below it lists: seed = [1, 2]")
    lists = {key: value if isinstance(value, list) else [value] for key, value in grid.items()}
    count = 1
    for key, values in lists.items():
        if not values:
            raise UsageError(f"{name}: {key} of [grid] is empty.", hint="give it a value")
        count *= len(values)
    if count > MOST_PICTURES:
        raise UsageError(f"{name}: [grid] comes to {count} pictures.", hint=f"use at most {MOST_PICTURES} at a time")
    for combination in itertools.product(*lists.values()):
        yield f"[grid] of {name}", dict(zip(lists, combination, strict=True))


def value_of(key: str, cell: str, where: str) -> Any:
    """A cell as its setting's kind; UsageError where it is none. An unknown setting's stays text: others refuse it."""
    kind = kinds_of(GenerateConfig).get(key, str)
    text = cell.strip()
    if kind is str or key == "seed":  # a seed may be words
        return cell if kind is str else text
    try:
        if kind is bool:
            return {**dict.fromkeys(TRUE, True), **dict.fromkeys(FALSE, False)}[text.lower()]
        return kind(text)
    except (ValueError, KeyError):
        raise UsageError(f"{where}: {key} is {text!r}.", hint=f"write a {kind.__name__}") from None
