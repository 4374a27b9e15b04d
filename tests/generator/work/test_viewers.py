"""A program that is asked to open a file: did it take it?"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from generator.work.viewers import has_links, start


def program(folder: Path, name: str, code: int) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.skipif(os.name == "nt", reason="the programs are shell scripts")
@pytest.mark.parametrize(
    ("name", "code", "took_it"),
    [("viewer", 0, True), ("viewer", 1, False), ("viewer", 3, False), ("explorer.exe", 1, True)],
)
def test_a_viewer_took_the_file_where_it_ends_well(tmp_path: Path, name: str, code: int, took_it: bool) -> None:
    assert start([program(tmp_path, name, code)]) is took_it


def test_what_cannot_be_started_took_nothing(tmp_path: Path) -> None:
    assert not start([str(tmp_path / "nowhere")])


@pytest.mark.parametrize(
    ("version", "knows_links"),
    [
        ("5000", True),
        ("4999", False),
        ("", False),
        ("5.2", False),
        ("\u0665\u0660\u0660\u0660", False),  # digits, but not of ASCII
        ("9" * 9, True),
        ("9" * 10, False),
    ],
)
def test_a_version_that_is_no_plain_number_promises_no_links(version: str, knows_links: bool) -> None:
    assert has_links({"TERM": "xterm-256color", "VTE_VERSION": version}) is knows_links
