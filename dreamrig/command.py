"""How every command of ours reads its words: one maker of typer apps, so that help and errors look alike."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dreamrig.errors import EXIT_GOOD, UsageError
from dreamrig.paths import LONGEST_SHOWN

if TYPE_CHECKING:
    import typer


def make_app(about: str = "") -> "typer.Typer":
    """An app without completion, and with plain help: the boxed one cuts long flags off at 80 columns.

    about: the help of a command with subcommands, which is then a group even with a single one.
    """
    import typer

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    if about:
        app.callback(help=about)(_group)
    return app


def _group() -> None:
    """Nothing happens before the subcommand."""


def run_app(app: "typer.Typer", name: str, args: Sequence[str]) -> int:
    """Let an app parse words and run; returns the exit code. name: of the command, e.g. "bench run"."""
    for word in args:
        _require_word(word)
    return app(list(args), prog_name=f"dreamrig {name}", standalone_mode=False) or EXIT_GOOD


def _require_word(word: str) -> None:
    """UsageError for what no system starts a program with: typer would ask the disk for such a path, and raise."""
    try:
        sound = b"\0" not in os.fsencode(word)
    except UnicodeEncodeError:
        sound = False
    if not sound:
        raise UsageError(
            f"The word {word[:LONGEST_SHOWN]!r} holds what no word can.", hint="type it anew, do not paste it"
        )


def run_group(app: "typer.Typer", name: str, args: Sequence[str]) -> int:
    """The same for a command with subcommands: without a word it shows its help."""
    return run_app(app, name, args or ["--help"])


def run_one(name: str, body: Callable[..., Any], args: Sequence[str], *, cls: Any = None) -> int:
    """Let typer parse words by the signature of `body`, whose docstring is the help, and run it.

    cls: another class of typer's for the command, such as one that groups its flags.
    """
    app = make_app()
    app.command(cls=cls)(body)
    return run_app(app, name, args)
