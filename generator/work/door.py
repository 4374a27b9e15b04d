"""What the generator's commands take from outside: networks, clock, terminal, settings. Tests bring their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from dreamrig import console
from dreamrig.settings import Sources, load_sources
from dreamrig.started import process_seconds
from generator.work.viewers import Viewers

if TYPE_CHECKING:
    from rich.console import Console

    from generator.config import GenerateConfig
    from generator.models.base import Models
    from generator.weights.door import WeightsDoor

    Settle = Callable[[Mapping[str, Any]], GenerateConfig]


def load_configured(config: GenerateConfig) -> Models:
    """The networks that a config names, on its device; NotReadyError where one of them is missing."""
    from generator.models.choose import load_models

    return load_models(config)


def liked_by_device(config: GenerateConfig) -> Mapping[str, Any]:
    """What the device of a config likes best, in fields that were left alone."""
    from generator.models.choose import device_defaults

    return device_defaults(config)


def usual_weights() -> WeightsDoor:
    """What fetching networks takes from outside; its client for the network is imported when somebody fetches."""
    from generator.weights.door import WeightsDoor

    return WeightsDoor()


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What passed before the networks were there; seconds, None = not measured."""

    began_at: float
    """What the clock said when the command began."""
    import_seconds: float | None = None
    load_seconds: float | None = None
    start_seconds: float | None = None
    """Before the command could read a clock: the system's and Python's own start. began_at lies so much earlier."""


@dataclass(frozen=True, kw_only=True)
class GeneratorDoor:
    """One place for everything that is not the command line itself."""

    load_models: Callable[[GenerateConfig], Models] = load_configured
    device_defaults: Callable[[GenerateConfig], Mapping[str, Any]] = liked_by_device
    weights: Callable[[], WeightsDoor] = usual_weights
    """For networks that are fetched before a picture is drawn with them."""
    clock: Callable[[], float] = perf_counter
    """Seconds."""
    stderr: Callable[[], Console] = console.stderr_console
    sources: Callable[[], Sources] = load_sources
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """What tells about the terminal."""
    viewers: Viewers = field(default_factory=Viewers)
    """What shows a picture outside of the terminal."""
    start_seconds: float | None = None
    """What had passed since the process was started when the door was made; None where it is not the command's own."""

    @classmethod
    def of_command(cls) -> GeneratorDoor:
        """The door of a command that its process was started for, made at its very beginning."""
        return cls(start_seconds=process_seconds())

    def began_at(self) -> float:
        """What the clock said when the command began. To be asked for at once."""
        return self.clock() - (self.start_seconds or 0.0)

    def load(self, settle: Settle, began_at: float) -> tuple[Models, Beginning]:
        """The networks of what is to be run, and how long importing and loading took.

        settle: from the defaults of a device to the config, as Plan.to_config has it
        """
        before_import = self.clock()
        from generator.work import execute  # noqa: F401 - torch, and all that comes with it

        before_load = self.clock()
        models = self.load_models(settle(self.device_defaults(settle({}))))
        seconds = {"import_seconds": before_load - before_import, "load_seconds": self.clock() - before_load}
        return models, Beginning(began_at=began_at, start_seconds=self.start_seconds, **seconds)
