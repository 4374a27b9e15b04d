"""The folder of a board: what is written there is listed, so that the next board replaces and takes away only that."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path

from dreamrig import paths
from dreamrig.errors import UsageError

LIST = ".dreamrig-board"
"""A line for each file that a board made: SHA-256, two spaces, name; sha256sum reads it."""
LINE = re.compile(r"([0-9a-f]{64})  ((?:results/)?[^/\\]+\.(?:html|json))")
"""A name beside the pages or in the folder of raw files: a list from a stranger reaches nothing else."""

Digests = Mapping[str, Collection[str]]
"""Name -> SHA-256 of what a board made of it, several where a board was ended while it was written."""


class BoardFolder:
    """Writes files of one board, and removes those of the former one."""

    def __init__(self, out: Path) -> None:
        self.out = paths.ensure_folder(out)
        self._former = _read(out / LIST)
        self._wanted: dict[str, bytes] = {}

    def add(self, name: str, data: bytes) -> None:
        """One file of the board. name: relative to its folder. UsageError where something else lies there."""
        digest = _digest(self.out / name)
        there = digest is not None or (self.out / name).exists() or (self.out / name).is_symlink()
        if there and digest not in (_sha256(data), *self._former.get(name, ())):
            hint = f"use another folder, e.g. --out {self.out / 'board'}, or move that file away"
            raise UsageError(f"{self.out / name} is there, and no board made it.", hint=hint)
        self._wanted[name] = data

    def finish(self) -> None:
        """Write what was added; remove what a former board made and this one does not, unless somebody changed it."""
        made = {name: (_sha256(data),) for name, data in self._wanted.items()}
        self._list({name: {*self._former.get(name, ()), *made.get(name, ())} for name in {*self._former, *made}})
        for name, data in self._wanted.items():
            paths.ensure_folder((self.out / name).parent)
            paths.write_atomic(self.out / name, data)
        for name, digests in self._former.items():
            if name not in made and _digest(self.out / name) in digests:
                (self.out / name).unlink()
        self._list(made)

    def _list(self, made: Digests) -> None:
        lines = (f"{digest}  {name}\n" for name in sorted(made) for digest in sorted(made[name]))
        paths.write_atomic(self.out / LIST, "".join(lines).encode())


def _read(file: Path) -> Digests:
    """What the former board made."""
    found: dict[str, set[str]] = defaultdict(set)
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
    for match in filter(None, map(LINE.fullmatch, lines)):
        found[match[2]].add(match[1])
    return dict(found)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _digest(file: Path) -> str | None:
    """None where no file lies."""
    return _sha256(file.read_bytes()) if file.is_file() and not file.is_symlink() else None
