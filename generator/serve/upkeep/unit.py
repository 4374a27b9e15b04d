"""The systemd user unit that keeps a server up: its text, and where it lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from generator.serve.settings import STOP_SECONDS_AT_MOST

UNIT = "dreamrig-serve.service"
NOT_MENDED_BY_A_START = (2, 4)
"""Exit codes after which another start ends the same: wrong settings, a home that is held or damaged."""


def unit_folder(environ: Mapping[str, str], home: Path) -> Path:
    """Where systemd looks for this user's own units."""
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "systemd" / "user"


def unit_text(command: Sequence[str], working_directory: Path, environ: Mapping[str, str]) -> str:
    """The unit. command: of the server.   environ: variables that it needs and a service would not have."""
    program, *words = command
    lines = [
        "[Unit]",
        "Description=dreamrig serve: a page where friends ask for pictures",
        "StartLimitIntervalSec=600",
        "StartLimitBurst=5",
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart={quoted(program)} {' '.join(quoted(word).replace('$', '$$') for word in words)}",
        f"WorkingDirectory={str(working_directory).replace('%', '%%')}",
        *(f"Environment={quoted(f'{name}={value}')}" for name, value in sorted(environ.items())),
        "Restart=on-failure",
        "RestartSec=5",
        f"RestartPreventExitStatus={' '.join(map(str, NOT_MENDED_BY_A_START))}",
        "# The parent passes the signal on; the worker keeps its picture and leaves.",
        "KillMode=mixed",
        f"TimeoutStopSec={STOP_SECONDS_AT_MOST}",
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "\n".join(lines) + "\n"


def quoted(word: str) -> str:
    """A word as systemd reads it back: quotes, backslashes and its own % signs are text.

    Variables are put into the arguments of a program alone: there, and nowhere else, a $ is written twice.
    """
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"'
