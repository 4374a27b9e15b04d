"""What checks of other machines' ways into WSL share: how .wslconfig sets its network, and what to change there."""

from __future__ import annotations

from provision.doctor.check import FactReader, Finding, FixStep, unknown
from provision.doctor.steps import SHUTDOWN_WSL, edit_wslconfig

MODE = "wsl.wslconfig_networking_mode"


def is_wsl_1(facts: FactReader) -> bool:
    """Whether this Linux has Windows' own network, and no machine of its own."""
    return bool(facts.get("linux.wsl_version") == 1)


def unasked(facts: FactReader, *paths: str) -> Finding | None:
    """SKIP for the first of these facts that is not known; None where all of them are."""
    return next((unknown(facts, path) for path in paths if facts.get(path) is None), None)


def changed(what: str) -> tuple[FixStep, ...]:
    """The steps that change .wslconfig, which counts once WSL has ended."""
    return edit_wslconfig(what), SHUTDOWN_WSL
