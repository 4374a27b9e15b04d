"""A command's words, parsed by typer for a list of parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dreamrig.errors import EXIT_GOOD
from generator.cli import flags

if TYPE_CHECKING:
    import inspect

Values = Mapping[str, Any]
"""Parameter -> what the command line says, its default where that says nothing."""


def call(name: str, body: Callable[[Values], int], parameters: list[inspect.Parameter], args: list[str]) -> int:
    """Let typer parse `args` for these parameters, and run `body` with the values."""
    import typer

    from generator.cli.groups import GroupedCommand

    # Plain help: the boxed one cuts long flags off at 80 columns.
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command(cls=GroupedCommand)(flags.make_command(body, parameters))
    return app(args, prog_name=f"dreamrig {name}", standalone_mode=False) or EXIT_GOOD
