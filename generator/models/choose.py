"""From the names in a config to networks on a device."""

from __future__ import annotations

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.devices import resolve_device
from generator.models.base import Models
from generator.models.starter import NAME, load_starter


def load_models(config: GenerateConfig) -> Models:
    """The networks of a run; UsageError for a model nobody knows, NotReadyError for one that is not here yet."""
    if config.model != NAME:
        raise UsageError(
            f"There is no model {config.model!r}.", hint="the model that comes with dreamrig: --model starter"
        )
    return load_starter(resolve_device(config.device))
