"""A table name -> command, and how one of it is imported: the front door's, and those of commands with subcommands."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from dreamrig.errors import NotReadyError

OURS = ("dreamrig", "bench", "generator", "provision")


@dataclass(frozen=True)
class Command:
    """Where a command lives: `attribute` of `module` is a function from the words after the command to an exit code."""

    module: str
    attribute: str
    help: str


def load(command: Command) -> Callable[[list[str]], int]:
    """Import the command's function; NotReadyError where a package it needs is missing or broken."""
    try:
        module = importlib.import_module(command.module)
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        if not package or package in OURS:
            raise  # our own fault, not the machine's
        raise NotReadyError(
            f"The Python package {package} cannot be imported: {error}.",
            hint="use ./rig, or repair the installation: rm -rf .venv && ./rig --version",
        ) from error
    return cast("Callable[[list[str]], int]", getattr(module, command.attribute))


def help_rows(commands: Mapping[str, Command]) -> list[str]:
    """A line a command: its name, and in a column what it is for."""
    width = max(map(len, commands))
    return [f"  {name:<{width}}  {command.help}" for name, command in commands.items()]
