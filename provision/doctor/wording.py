"""Sentences with values in them: "WSL {wsl.version} is old." says a fact, "{linux.memory_mib|gib} GiB" one in a form.

A path has a dot; a word without one is a value that whoever asks gives along: "Turn {name} on." The forms are the same
in powershell/DreamRig/Private/Checks/CheckText.ps1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from provision.doctor.check import FactReader

PLACEHOLDER = re.compile(r"\{([a-z0-9_.]+)(?:\|([a-z_]+))?\}")
REASON_LIMIT = 100
"""Characters of a reason in a sentence."""


def _several(problems: list[str]) -> str:
    more = f"; and {len(problems) - 1} more" if len(problems) > 1 else ""
    return problems[0].rstrip(".") + more


def _reason(reason: str) -> str:
    return reason.removeprefix("failed: ").rstrip(".")[:REASON_LIMIT]


FORMS: Mapping[str, Callable[[Any], str]] = {
    "capitals": str.upper,
    "gib": lambda mib: f"{mib / 1024:.1f}",
    "whole_gib": lambda mib: f"{mib / 1024:.0f}",
    "several": _several,
    "listed": "; ".join,
    "reason": _reason,
}
"""Name -> what makes words of a value: capitals; MiB as GiB with and without a digit behind the point; the first of
several sentences and how many more; all of them; why the fact is not known."""


def fill(template: str, facts: FactReader | None = None, values: Mapping[str, str] | None = None) -> str:
    """The template with its values. KeyError for a form or a value that nobody knows."""

    def words(found: re.Match[str]) -> str:
        path, form = found.groups()
        if "." not in path:
            return (values or {})[path]
        if facts is None:
            raise KeyError(path)
        value = facts.reason(path) if form == "reason" else facts.get(path)
        return FORMS[form](value) if form else str(value)

    return PLACEHOLDER.sub(words, template)
