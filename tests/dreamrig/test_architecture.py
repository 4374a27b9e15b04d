"""docs/architecture.md draws the house that the import contracts keep, and names places that exist."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
DRAWING = re.compile(r"^### (?P<name>[^\n]+)\n```text\n(?P<rooms>.*?)^```$", re.MULTILINE | re.DOTALL)


def contracts() -> dict[str, list[str]]:
    """Name -> layers, from the top, of each contract that is a drawing."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return {one["name"]: one["layers"] for one in found if one["type"] == "layers"}


def drawings() -> dict[str, list[tuple[str, str]]]:
    """Heading -> (rooms, what they hold) a line."""
    page = PAGE.read_text(encoding="utf-8")
    return {drawn["name"]: [split(line) for line in drawn["rooms"].splitlines()] for drawn in DRAWING.finditer(page)}


def split(line: str) -> tuple[str, str]:
    rooms, _, meaning = line.partition("  ")
    return rooms, meaning.strip()


@pytest.mark.parametrize("name", contracts())
def test_the_drawing_is_what_the_contract_keeps(name: str) -> None:
    assert [rooms for rooms, _ in drawings()[name]] == contracts()[name]


def test_nothing_else_is_drawn_and_every_room_says_what_it_holds() -> None:
    assert drawings().keys() == contracts().keys()
    assert [line for drawn in drawings().values() for line in drawn if not line[1]] == []


def test_every_place_that_is_named_exists() -> None:
    page = PAGE.read_text(encoding="utf-8")
    named = {word for word in re.findall(r"`([^`\n]+)`", page) if re.fullmatch(r"[\w./-]*/[\w./-]*", word)}
    flow = {f"generator/{word}" for word in re.findall(r"\b(?:work|front|engine|crew)/(?:[\w/]+\.py)?", page)}
    places = {word if (ROOT / word).exists() else f"generator/{word}" for word in named}
    assert len(named) > 15
    assert [place for place in sorted(places | flow) if not (ROOT / place).exists()] == []


def test_a_public_class_has_a_name_of_its_own() -> None:
    """Who searches for a name finds one class, tests and dialects apart."""
    found: dict[str, list[str]] = {}
    for folder in ("dreamrig", "generator", "provision", "bench", "docs"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found.setdefault(node.name, []).append(str(file.relative_to(ROOT)))
    assert len(found) > 300
    assert {name: files for name, files in found.items() if len(files) > 1} == {}
