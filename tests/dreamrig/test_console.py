"""Printing: one JSON document that any reader can read."""

import io
import json
import math
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamrig import console
from dreamrig.errors import UsageError


@dataclass
class Point:
    x: float
    places: tuple[Path, ...]


def test_document_in_plain_json(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_json("bench", {"point": Point(math.nan, (Path("/a"),)), 1: {"b", "a"}, "inf": math.inf})
    assert json.loads(capsys.readouterr().out) == {
        "schema": 1,
        "command": "bench",
        "ok": True,
        "data": {"point": {"x": None, "places": ["/a"]}, "1": ["a", "b"], "inf": None},
        "errors": [],
    }


def test_document_with_errors(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_json("x", None, ok=False, errors=[UsageError("Wrong.", hint="right")])
    document = json.loads(capsys.readouterr().out)
    assert document["errors"] == [{"message": "Wrong.", "hint": "right", "exit_code": 2}]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
@given(text=st.text())
def test_any_text_can_be_written_in_any_encoding_and_read_back(encoding: str, text: str) -> None:
    rendered = console.render_json({"text": text}, encoding)
    assert json.loads(rendered.encode(encoding).decode(encoding)) == {"text": text}


def test_bytes_that_are_no_text_do_not_break_the_document() -> None:
    rendered = console.render_json({"text": b"\xff".decode("utf-8", "surrogateescape")}, "utf-8")
    assert json.loads(rendered.encode()) == {"text": "\udcff"}


def test_readable_where_the_terminal_can_show_it() -> None:
    assert "закат 🌅" in console.render_json({"text": "закат 🌅"}, "utf-8")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)],
)
def test_colour_only_where_it_is_wanted(
    variables: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    console.print_error(UsageError("Wrong.", hint="right"))
    assert ("\x1b[" in screen.getvalue()) is coloured
    assert "Wrong.\n" in screen.getvalue()


def test_consoles_follow_the_streams(capsys: pytest.CaptureFixture[str]) -> None:
    console.stdout_console().print("answer")
    console.stderr_console().print("talk")
    assert capsys.readouterr() == ("answer\n", "talk\n")
    assert console.stderr_console() is console.stderr_console()
