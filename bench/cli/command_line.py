"""What the subcommands of `dreamrig bench` share: how their words are parsed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dreamrig.errors import EXIT_GOOD


def parse_and_run(name: str, body: Callable[..., int], args: list[str]) -> int:
    """Let typer parse `args` by the signature of `body`, run it, and return its exit code.

    name: of the subcommand, e.g. "run". The body's docstring is the text of --help.
    """
    import typer

    # Plain help: the boxed one cuts long flags off at 80 columns.
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(body)
    code: Any = app(args, prog_name=f"dreamrig bench {name}", standalone_mode=False)
    return code or EXIT_GOOD
