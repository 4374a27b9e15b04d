"""All that a run lacks on this machine, told at once. Importing this module does not import torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from dreamrig.errors import MissingWeightsError, NotReadyError
from generator.config import GenerateConfig
from generator.models.names import published_networks
from generator.weights import registry

Look = Callable[[], object]
"""Raises NotReadyError where one thing is not here."""
_RUN = "run: "


def require_here(config: GenerateConfig, base: Path | None = None) -> None:
    """Raise NotReadyError that names everything a config draws with and that is not here.

    base: the folder of weights, None = this machine's.
    """
    lacking = lacks([partial(registry.require_ready, published_networks(config), base), *looks_of(config)])
    if lacking:
        raise together(lacking)


def looks_of(config: GenerateConfig) -> list[Look]:
    """For what a config draws with besides the networks of the registry: packages, and weights of another's."""
    looks: list[Look] = []
    if config.backend == "reference":
        from generator.models.reference import require_packages

        looks.append(require_packages)
    if config.style.strip() or config.content.strip():
        from generator.models.perceptual import import_vgg19, require_weights  # torchvision: only where it is asked for

        looks += [import_vgg19, require_weights]
    return looks


def lacks(looks: Iterable[Look]) -> list[NotReadyError]:
    """What each of them says that finds something missing."""
    found = []
    for look in looks:
        try:
            look()
        except NotReadyError as error:
            found.append(error)
    return found


def together(errors: Sequence[NotReadyError]) -> NotReadyError:
    """One error that says what all of these say, and what to run, one after the other."""
    if len(errors) == 1:
        return errors[0]
    only_weights = all(isinstance(error, MissingWeightsError) for error in errors)
    steps = [error.hint.removeprefix(_RUN) for error in errors]
    kind = MissingWeightsError if only_weights else NotReadyError
    return kind(" ".join(error.message for error in errors), hint=_RUN + "; then: ".join(steps))
