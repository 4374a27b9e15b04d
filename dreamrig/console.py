"""Printing at the edge: the answer goes to standard output, talk to standard error, JSON as exactly one document.

rich is imported by the two console functions only.
"""

import functools
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from dreamrig.errors import RigError
from dreamrig.plain import to_plain

if TYPE_CHECKING:
    from rich.console import Console

SCHEMA = 1


@functools.cache
def stdout_console() -> "Console":
    """The rich console for the answer. It follows `sys.stdout`, NO_COLOR and whether that is a terminal."""
    from rich.console import Console

    return Console(highlight=False)


@functools.cache
def stderr_console() -> "Console":
    """The rich console for talk: progress, notes, warnings. One object, so that a progress bar owns the terminal."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def print_json(command: str | None, data: Any, ok: bool = True, errors: Sequence[RigError] = ()) -> None:
    """Print the one document of `--json` on standard output.

    data: JSON values, or paths, dataclasses and sets of them; a number that is not finite becomes null, which is how
    the tool writes "not known".
    """
    document = {
        "schema": SCHEMA,
        "command": command,
        "ok": ok,
        "data": to_plain(data),
        "errors": [error.to_dict() for error in errors],
    }
    print(render_json(document, getattr(sys.stdout, "encoding", None) or "utf-8"))


def render_json(document: Any, encoding: str) -> str:
    """JSON text that can be written in `encoding`: as it reads, or all in ASCII where it could not be written."""
    import json

    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:  # an old code page, or bytes of an argument that are no text
        return json.dumps(document, ensure_ascii=True, allow_nan=False, indent=2)
    return text


def print_error(error: RigError) -> None:
    """`error:` and `hint:` on standard error, without rich."""
    if sys.stderr is None:  # closed by the caller; print() would take standard output instead
        return
    print(_paint("error:", "1;31", sys.stderr), to_printable(error.message), file=sys.stderr)
    if error.hint:
        print(_paint("hint:", "1;36", sys.stderr), to_printable(error.hint), file=sys.stderr)


def print_note(text: str) -> None:
    """One line of talk on standard error, without rich."""
    if sys.stderr is not None:
        print(to_printable(text), file=sys.stderr)


def to_printable(text: str) -> str:
    """`text` with control characters shown as escapes: a quoted prompt must not drive the terminal."""
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)


def _paint(text: str, code: str, stream: TextIO) -> str:
    """`text` in an ANSI colour where `stream` is a terminal that wants colour."""
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb" or not stream.isatty()
    return text if plain else f"\x1b[{code}m{text}\x1b[0m"
