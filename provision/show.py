"""Puts lines on standard output: with rich's styles on a terminal, plain in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from dreamrig import console

Line = tuple[tuple[str, str], ...]
"""Pieces of text and their style."""


def print_lines(lines: Iterable[Line]) -> None:
    """Print on standard output: with rich's styles on a terminal, plain otherwise."""
    if not sys.stdout.isatty():
        print("\n".join(printable("".join(text for text, _ in line).rstrip()) for line in lines))
        return
    from rich.text import Text

    out = console.stdout_console()
    for line in lines:
        text = Text(no_wrap=True, overflow="ignore")
        for piece, style in line:
            text.append(printable(piece), style=style or None)
        text.rstrip()
        out.print(text, soft_wrap=True)


def printable(text: str) -> str:
    """What a program said must neither drive the terminal nor break an old code page."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return console.to_printable(text).encode(encoding, errors="backslashreplace").decode(encoding)
