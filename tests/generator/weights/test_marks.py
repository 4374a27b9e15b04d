"""Which of a server's marks promise that the bytes are the same (RFC 9110, 8.8.1)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.weights.door import WeightsDoor
from generator.weights.fetch import fetch
from generator.weights.registry import entries


@pytest.mark.parametrize(
    ("etag", "continues"),
    [('"1"', True), ('W/"1"', False), ("1", False), (None, False)],
)
def test_only_a_strong_mark_is_relied_on(
    etag: str | None,
    continues: bool,
    tmp_path: Path,
    make_registry: Callable[..., Path],
    server: Any,
    served: Any,
    source: Any,
    originals: Any,
) -> None:
    """The file changes under the same address while it is fetched: a part of the old one must not be continued."""
    data = originals.write("vqgan.ckpt").read_bytes()
    first = served(data, drops=[100_000], etag=etag)
    url = server.put("/last.ckpt", first)
    file = make_registry(tiny=("vqgan", [source(url, data, known=False)]))
    entries.cache_clear()
    door = WeightsDoor(sleep=lambda _: None, registry_file=file)
    fetch(entries(file)["tiny"], tmp_path, door, lambda _: None, lambda *_: None, lambda fetched: fetched)
    # a range is only asked for under a promise, which the request names again
    asked = [marks for _, marks in server.conditions]
    assert asked[1:] == ([etag] if continues else [None])
