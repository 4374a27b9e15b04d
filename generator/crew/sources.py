"""Which code a machine draws with: two checkouts of one version may differ. Loads neither torch nor Ray."""

from __future__ import annotations

import functools
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import dreamrig

ROOT = Path(dreamrig.__file__).parents[1]
PACKAGES = ("dreamrig", "generator")
APART = ("generator/front", "generator/serve", "generator/starter/making")
"""Folders of what no node runs."""
MANIFEST = "generator/starter/weights/manifest.json"
SHOWN = 3
"""Folders that a sentence names."""


@functools.cache
def code_here() -> Mapping[str, str]:
    """Those of this process, as they lay there when it first asked."""
    return code_of(ROOT)


def code_of(root: Path) -> dict[str, str]:
    """Folder -> short hash of its Python files, by name and content; the starter's manifest beside them.

    A line ends the same whether git wrote it for Windows or not.
    """
    hashes: dict[str, hashlib._Hash] = defaultdict(hashlib.sha256)
    for path in _sources(root):
        data = path.read_bytes().replace(b"\r\n", b"\n")
        folder = path.parent.relative_to(root).as_posix()
        hashes[folder].update(f"{path.name} {len(data)}\n".encode() + data)
    return {folder: digest.hexdigest()[:16] for folder, digest in hashes.items()}


def _sources(root: Path) -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            if not path.relative_to(root).as_posix().startswith(tuple(f"{folder}/" for folder in APART)):
                yield path
    if (root / MANIFEST).is_file():
        yield root / MANIFEST


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> str:
    """The folders whose code differs, in words; "" = none does."""
    folders = sorted({folder for folder, _ in one.items() ^ other.items()})
    more = len(folders) - SHOWN
    return ", ".join(folders[:SHOWN]) + (f" and {more} more" if more > 0 else "")
