"""Which GPU a name means, and what it must be able to do. From knowledge/gpus.json."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from dreamrig.errors import RigError
from provision.checked_json import Reader, read_json


@functools.cache
def load_gpus() -> Mapping[str, Any]:
    """gpus.json, which is checked by whoever reads it."""
    return Reader(read_json("gpus.json"), "gpus.json").node


def find_gpu(name: str) -> Mapping[str, Any] | None:
    """The entry of the table whose pattern fits a GPU's name; None where none does."""
    try:
        entries = load_gpus().get("gpus", ())
    except RigError:  # a damaged table must not break the chain: the kernel has the last word
        return None
    return next((entry for entry in entries if re.search(entry["pattern"], name, re.IGNORECASE)), None)
