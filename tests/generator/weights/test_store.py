"""How a published model stands on this machine, from what lies in its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.weights.registry import entries
from generator.weights.store import folder_of, status

ENTRY = next(entry for entry in entries().values() if not entry.is_import_only)


@pytest.mark.parametrize(
    ("files", "state", "part_bytes", "original_bytes"),
    [
        ({}, "absent", 0, 0),
        ({"original-1.part": 5}, "part", 5, 0),
        ({"original-1.part": 5, "original-2.part": 9}, "part", 9, 0),
        ({"original.ckpt": 7}, "part", 0, 7),
        ({"original-1.part": 0}, "absent", 0, 0),
    ],
)
def test_what_is_there_of_a_model(
    tmp_path: Path, files: dict[str, int], state: str, part_bytes: int, original_bytes: int
) -> None:
    folder = folder_of(ENTRY.name, tmp_path)
    folder.mkdir(parents=True)
    for name, size in files.items():
        (folder / name).write_bytes(b"x" * size)
    found = status(ENTRY, tmp_path)
    assert (found.state, found.part_bytes, found.original_bytes) == (state, part_bytes, original_bytes)
    assert found.installed is None
