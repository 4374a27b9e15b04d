"""A command's words, parsed by typer for a list of parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dreamrig.command import run_one
from generator.front.cli import flags

if TYPE_CHECKING:
    import inspect

Values = Mapping[str, Any]
"""Parameter -> what the command line says, its default where that says nothing."""


def call(name: str, body: Callable[[Values], int], parameters: list[inspect.Parameter], args: list[str]) -> int:
    """Let typer parse `args` for these parameters, and run `body` with the values."""
    from generator.front.cli.groups import GroupedCommand

    return run_one(name, flags.make_command(body, parameters), args, cls=GroupedCommand)
