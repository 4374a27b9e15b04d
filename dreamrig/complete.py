"""`dreamrig complete SHELL`: the commands and flags for a shell's tab key, as a script that asks nobody at that time.

The words are read off the help of each command, which every command has, whichever way it reads its own.
"""

import contextlib
import io
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

from dreamrig.cli import COMMANDS
from dreamrig.command import run_one
from dreamrig.commands import Command, load
from dreamrig.errors import EXIT_GOOD, UsageError
from dreamrig.shells import SHELLS, Table, Words

WIDE = "400"
"""Columns that no row of a help text fills, so that none is broken."""
ROW = re.compile(r"^  ([a-z][a-z-]*)  +\S", re.MULTILINE)
FLAGS = re.compile(r"^  (?:-\w, )?(--\S+(?: / --\S+)?)", re.MULTILINE)
FLAG = re.compile(r"--[a-z][\w-]*")


def complete(args: list[str]) -> int:
    """`dreamrig complete …`; returns the exit code."""
    import typer

    def body(shell: Annotated[str, typer.Argument(metavar="|".join(SHELLS))]) -> int:
        """Print what a shell needs to complete the commands and flags of dreamrig."""
        if shell not in SHELLS:
            raise UsageError(f"There is no completion for {shell!r}.", hint=f"use one of: {', '.join(SHELLS)}")
        print(SHELLS[shell](read_table(COMMANDS)), end="")
        return EXIT_GOOD

    return run_one("complete", body, args)


def read_table(commands: Mapping[str, Command]) -> Table:
    """Every command with its subcommands and flags."""
    top = Words((*commands, "help", "version"), ("--help", "--version"))
    found: dict[str, Words] = {"": top, "help": Words(tuple(commands), ())}
    for name, command in commands.items():
        found.update(_below(name, load(command), ()))
    return found


def _below(name: str, run: Callable[[list[str]], int], under: tuple[str, ...]) -> Iterator[tuple[str, Words]]:
    """The words behind a command, and behind each of its subcommands."""
    words = read_help(_help_of(run, under))
    yield " ".join((name, *under)), words
    for sub in words.commands:
        yield from _below(name, run, (*under, sub))


def _help_of(run: Callable[[list[str]], int], under: tuple[str, ...]) -> str:
    said, before = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = WIDE
    try:
        with contextlib.redirect_stdout(said):
            run([*under, "--help"])
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return said.getvalue()


def read_help(text: str) -> Words:
    """The subcommands and flags that a help text lists, in its order."""
    is_group = "COMMAND [" in text.partition("\n\nexample")[0]
    listed = text.rpartition("\nCommands:\n")[2] if "\nCommands:\n" in text else text
    flags = (flag for row in FLAGS.findall(text) for flag in FLAG.findall(row))
    return Words(tuple(ROW.findall(listed)) if is_group else (), tuple(dict.fromkeys([*flags, "--help"])))
