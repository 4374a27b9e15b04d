"""Who watches one picture being drawn, and whom the terminal is asked for."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from dreamrig.settings import Sources
from generator.front.cli.draw import Presentation, Terminal
from generator.work.door import GeneratorDoor


class Telltale(io.StringIO):
    """A terminal that says when somebody wants to speak with it."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise AssertionError("asked")


def terminal(shown: Presentation) -> Terminal:
    # The console is told what it would ask its file for.
    environ = {"TERM": "xterm-256color"}
    screen = Console(file=Telltale(), force_terminal=True, width=80, height=24, _environ=environ)
    return Terminal(shown, GeneratorDoor(stderr=lambda: screen, environ=environ), Sources(environ={}))


@pytest.mark.parametrize(
    "shown",
    [
        Presentation(command="generate", quiet=True),
        Presentation(command="generate", as_json=True),
        Presentation(command="generate", preview=False),
        Presentation(command="generate", graphics="blocks"),
        Presentation(command="generate", graphics="sixel"),
    ],
)
def test_the_terminal_is_not_asked_where_it_should_be_left_alone(shown: Presentation) -> None:
    assert terminal(shown).watchers()


def test_else_it_is_asked() -> None:
    with pytest.raises(AssertionError, match="asked"):
        terminal(Presentation(command="generate")).watchers()
