"""The folder of a board: what is written there is listed, so that the next board takes away what no longer belongs."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from dreamrig import paths

LIST = ".dreamrig-board"
"""A line for each file that a board made: SHA-256, two spaces, name; sha256sum reads it."""
LINE = re.compile(r"([0-9a-f]{64})  ((?:results/)?[^/\\]+\.(?:html|json))")
"""A name beside the pages or in the folder of raw files: a list from a stranger reaches nothing else."""


class BoardFolder:
    """Writes files of one board, and removes those of the former one."""

    def __init__(self, out: Path) -> None:
        self.out = paths.ensure_folder(out)
        self._former = _read(out / LIST)
        self._made: dict[str, str] = {}

    def write(self, name: str, data: bytes) -> None:
        """One file of the board. name: relative to its folder."""
        paths.ensure_folder((self.out / name).parent)
        paths.write_atomic(self.out / name, data)
        self._made[name] = hashlib.sha256(data).hexdigest()

    def finish(self) -> None:
        """Remove what a former board made and this one did not, unless somebody changed it since; write the list."""
        for name, digest in self._former.items():
            file = self.out / name
            if name not in self._made and _digest(file) == digest:
                file.unlink()
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(self._made.items()))
        paths.write_atomic(self.out / LIST, lines.encode())


def _read(file: Path) -> dict[str, str]:
    """Name -> SHA-256 of what the former board made."""
    if not file.is_file():
        return {}
    found = map(LINE.fullmatch, file.read_text(encoding="utf-8", errors="replace").splitlines())
    return {match[2]: match[1] for match in found if match}


def _digest(file: Path) -> str | None:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() and not file.is_symlink() else None
