"""Where a file lies, for people: what opens it here, how Windows names it, and a link that a terminal can follow."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

LINKING_PROGRAMS = ("iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "rio", "Tabby")
LINKING_TERMS = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "foot-extra", "contour")
FIRST_LINKING_VTE = 5000
"""VTE 0.50, of GNOME Terminal and its kin, is the first with links."""
FIRST_LINKING_KONSOLE = 201200


def start(argv: list[str]) -> bool:
    """Run a program that hands a file to its viewer; whether it could be started."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        code = subprocess.run(argv, check=False, **quiet).returncode  # type: ignore[call-overload]  # known keywords
    except OSError:
        return False
    return bool(code == 0 or Path(argv[0]).name == "explorer.exe")  # which answers 1 whatever it did


@dataclass(frozen=True, kw_only=True)
class Viewers:
    """What the system has to open files with. Tests bring their own."""

    which: Callable[[str], str | None] = shutil.which
    start: Callable[[list[str]], bool] = start
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)


def open_file(path: Path, viewers: Viewers) -> bool:
    """Hand a file to the best viewer that can be started; whether there was one."""
    return any(viewers.start(argv) for argv in commands_for(path, viewers))


def windows_path(path: Path, environ: Mapping[str, str]) -> str | None:
    r"""How Windows names a file inside WSL: \\wsl.localhost\NAME\…, or C:\… for one of its own; None elsewhere."""
    name = environ.get("WSL_DISTRO_NAME")
    if not name:
        return None
    parts = path.absolute().parts
    if len(parts) > 3 and parts[1] == "mnt" and len(parts[2]) == 1:
        return f"{parts[2].upper()}:\\" + "\\".join(parts[3:])
    return f"\\\\wsl.localhost\\{name}\\" + "\\".join(parts[1:])


def paths_of(path: Path, environ: Mapping[str, str]) -> list[str]:
    """The file as Linux names it, and inside WSL as Windows does."""
    return [str(path), *([found] if (found := windows_path(path, environ)) else [])]


def commands_for(path: Path, viewers: Viewers) -> list[list[str]]:
    """What can open the file here, the best first."""
    inside_wsl = windows_path(path, viewers.environ)
    path = path.absolute()
    wanted = [["wslview", str(path)], ["explorer.exe", inside_wsl]] if inside_wsl else []
    wanted += [["xdg-open", str(path)], ["open", str(path)]]
    return [[program, *words] for name, *words in wanted if (program := viewers.which(name))]


def has_links(environ: Mapping[str, str]) -> bool:
    """Whether the terminal knows OSC 8, by what it says in its environment variables; others may show rubbish."""
    if environ.get("TERM", "").startswith(("screen", "tmux", "dumb")) or "TMUX" in environ:
        return False  # an old multiplexer swallows half of it
    return (
        "WT_SESSION" in environ
        or environ.get("TERM_PROGRAM") in LINKING_PROGRAMS
        or environ.get("TERM") in LINKING_TERMS
        or _number(environ, "VTE_VERSION") >= FIRST_LINKING_VTE
        or _number(environ, "KONSOLE_VERSION") >= FIRST_LINKING_KONSOLE
    )


def _number(environ: Mapping[str, str], name: str) -> int:
    text = environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def address_of(path: Path, environ: Mapping[str, str], host: str) -> str:
    """The file: address of a file for the terminal, which may run on Windows.

    host: of this machine, so that a terminal at the other end of ssh opens no file of its own.
    """
    path, name = path.absolute(), environ.get("WSL_DISTRO_NAME")
    if name:
        return f"file://wsl.localhost/{quote(name)}{quote(os.fsencode(path))}"
    return f"file://{'' if environ.get('TERM_PROGRAM') == 'vscode' else host}{quote(os.fsencode(path))}"


def linked(path: Path, environ: Mapping[str, str], host: str | None = None) -> str:
    """The path as text for a terminal: where that knows links, one that can be clicked.

    https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda
    """
    if not has_links(environ):
        return str(path)
    address = address_of(path, environ, socket.gethostname() if host is None else host)
    return f"\x1b]8;;{address}\x1b\\{path}\x1b]8;;\x1b\\"
