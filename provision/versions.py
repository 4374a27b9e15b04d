"""Comparing dotted versions."""

import re

VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,8}", re.ASCII)


def version_tuple(text: str) -> tuple[int, ...]:
    """The numbers at the start without zeros at the end: "552.86" -> (552, 86), "12.0+cu" -> (12,); () without any."""
    found = VERSION.match(text)
    numbers = [int(part) for part in found.group().split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def compare_less(version: str, other: str) -> bool | None:
    """Whether `version` is older than `other`, "12.0" being "12.0.0"; None where one of them begins with no number."""
    if VERSION.match(version) is None or VERSION.match(other) is None:
        return None
    return version_tuple(version) < version_tuple(other)


def is_less(version: str, other: str) -> bool:
    """Whether `version` is older than `other`; what has no number is older than nothing."""
    return bool(compare_less(version, other))
