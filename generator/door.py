"""What the generator's commands take from outside: networks, clock, terminal, settings. Tests bring their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

from dreamrig import console
from dreamrig.errors import UsageError
from dreamrig.settings import Sources, load_sources

if TYPE_CHECKING:
    from rich.console import Console

    from generator.models.base import Models


def load_named(name: str, device_name: str) -> Models:
    """The networks called `name` on the device called `device_name`; NotReadyError where one of them is missing."""
    if name != "starter":
        raise UsageError(f"There is no model {name!r}.", hint="the model that comes with dreamrig: --model starter")
    from generator.devices import resolve_device
    from generator.models.starter import load_starter

    return load_starter(resolve_device(device_name))


@dataclass(frozen=True, kw_only=True)
class Door:
    """One place for everything that is not the command line itself."""

    load_models: Callable[[str, str], Models] = load_named
    clock: Callable[[], float] = perf_counter
    """Seconds."""
    stderr: Callable[[], Console] = console.stderr_console
    sources: Callable[[], Sources] = load_sources
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """What tells about the terminal."""
