"""docs/features.md is current, and each of its rows is true as far as names go: flags, commands, prompts, tests."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from docs.made import features as features_page
from docs.made.features import Feature, read_features
from dreamrig.cli import main
from generator.config import GenerateConfig
from generator.wishes import prompts

REPOSITORY = Path(__file__).parents[3]
# What is asked for without a flag of its own.
NO_FLAG = {"prompt"}
FEATURES = [row for rows in read_features().values() for row in rows]
NAMES = [row.feature for row in FEATURES]


def is_there(row: Feature) -> bool:
    return bool(row.ours)


@cache
def options_of(words: tuple[str, ...]) -> frozenset[str]:
    """The long options that the help of a command names; the command has to be there."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main([*words, "--help"]) == 0, words
    return frozenset(re.findall(r"--[a-z][a-z-]*", out.getvalue()))


@cache
def names_in(path: Path) -> frozenset[str]:
    return frozenset(
        node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)
    )


def test_the_page_is_current() -> None:
    assert features_page.PAGE.read_text(encoding="utf-8") == features_page.render_page(), (
        "run: python -m docs.made.features"
    )


def test_every_row_is_on_the_page_once() -> None:
    lines = features_page.render_page().splitlines()
    assert len(set(NAMES)) == len(NAMES)
    for row in FEATURES:
        found = [
            line
            for line in lines
            if re.match(rf"\| {re.escape(features_page.in_cell(row.feature))}( \(.*\))? \|", line)
        ]
        assert len(found) == 1, row


def test_what_is_not_there_claims_no_proof() -> None:
    assert not [row for row in FEATURES if row.proof and not is_there(row)]


@pytest.mark.parametrize("row", [row for row in FEATURES if row.proof], ids=lambda row: row.feature)
def test_the_proof_is_a_test_that_exists(row: Feature) -> None:
    path, _, name = str(row.proof).partition("::")
    assert name.startswith("test_")
    assert (REPOSITORY / path).is_file(), path
    assert name in names_in(REPOSITORY / path)


@pytest.mark.parametrize("row", [row for row in FEATURES if is_there(row)], ids=lambda row: row.feature)
def test_what_is_named_exists(row: Feature) -> None:
    for one in row.ours:
        if one.startswith('"'):
            assert prompts.parse(one.strip('"'))
        elif one.startswith("--"):
            assert one in options_of(("generate",)), one
        elif one.startswith("./"):
            assert (REPOSITORY / one.split()[0]).is_file(), one
        else:
            program, *words = one.split()
            command = tuple(word for word in words if not word.startswith("--"))
            assert program == "dreamrig"
            assert set(words) - set(command) <= options_of(command), one


def test_every_setting_is_in_a_row() -> None:
    named = {one.removeprefix("--").replace("-", "_") for row in FEATURES for one in row.ours if one.startswith("--")}
    missing = {field.name for field in fields(GenerateConfig)} - named - NO_FLAG
    assert not missing, f"add rows to docs/made/features.json for {sorted(missing)}"
