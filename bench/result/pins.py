"""What makes two workloads the same work: their pinned values, and the number made from them. Imports no torch."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dreamrig.documents import read_object

AS_SHIPPED = ("precision", "deterministic")
"""What as-shipped leaves to dreamrig, which may choose by device."""
HASH_CHARACTERS = 16
LEAST_WORK_FILE = Path(__file__).parent / "least_work.json"


def pins_of(*, version: int, profile: str, params: Mapping[str, Any], batch: int, step_files: bool) -> dict[str, Any]:
    """Everything that changes the work, ready for JSON."""
    pinned = dict(params)
    if profile == "strict":
        pinned["tf32"] = False
    else:
        pinned |= dict.fromkeys((*AS_SHIPPED, "tf32"), "as-shipped")
    return {"version": version, "params": pinned, "batch": batch, "step_files": step_files}


def hash_of(pins: Mapping[str, Any]) -> str:
    """Shortened sha256 over the pins; equal on every machine."""
    text = json.dumps(pins, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_CHARACTERS]


@functools.cache
def _work() -> Mapping[str, Mapping[str, Any]]:
    rows = read_object(LEAST_WORK_FILE)["workloads"]
    return {hash_: row for row in rows for hash_ in row["hashes"]}


def least_flops(workload_hash: str) -> float | None:
    """The FLOPs that a step of a workload needs at least; None for a workload of another version.

    Counted here once and kept with the code: a file that told its own would move every bound.
    """
    return _kept(workload_hash, "least_flops")


def name_of(workload_hash: str) -> str | None:
    """The name of a workload by the number of its work; None as before."""
    row = _work().get(workload_hash)
    return None if row is None else str(row["name"])


def known_names() -> frozenset[str]:
    """The names of all workloads of this version."""
    return frozenset(str(row["name"]) for row in _work().values())


def step_flops(workload_hash: str) -> float | None:
    """The FLOPs of a step of a workload, convolutions counted as if done directly; None as before."""
    return _kept(workload_hash, "flops")


def _kept(workload_hash: str, field: str) -> float | None:
    row = _work().get(workload_hash)
    return None if row is None else float(row[field])
