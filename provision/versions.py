"""Comparing dotted versions."""

from __future__ import annotations

import re


def version_tuple(text: str) -> tuple[int, ...]:
    """The numbers at the start: "552.86" -> (552, 86), "2.5.1+cu121" -> (2, 5, 1); empty where there are none."""
    found = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def is_less(version: str, other: str) -> bool:
    """Whether `version` is older than `other`; what has no number is older than nothing."""
    parts, others = version_tuple(version), version_tuple(other)
    return bool(parts and others) and parts < others
