"""From the names in a config to networks on a device."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.devices import resolve_device
from generator.models import clip, vqgan
from generator.models.base import Models
from generator.models.full import guide_names, load_full
from generator.models.starter import NAME, load_starter

MODELS = (NAME, *vqgan.ARCHITECTURES)
"""What --model takes."""


def load_models(config: GenerateConfig) -> Models:
    """The networks of a run; UsageError for names nobody knows, NotReadyError for weights that are not here yet."""
    require_known("model", config.model, MODELS)
    for name in guide_names(config):
        require_known("guide", name, clip.ARCHITECTURES)
    if config.model != NAME:
        return load_full(config, resolve_device(config.device))
    for flag, value, usual in (("guides", config.guides, ""), ("backend", config.backend, "own")):
        if value.strip() != usual:
            raise UsageError(f"The starter has networks of its own, and no other {flag}.", hint=f"leave --{flag} away")
    return load_starter(resolve_device(config.device))


def require_known(kind: str, name: str, known: Iterable[str]) -> None:
    """Raise UsageError, naming those that there are and the nearest, for a name nobody knows."""
    names = list(known)
    if name in names:
        return
    by_plain = {candidate.lower(): candidate for candidate in names}
    near = difflib.get_close_matches(name.lower(), by_plain, n=2, cutoff=0.5)
    ask = f"did you mean {' or '.join(by_plain[plain] for plain in near)}? " if near else ""
    raise UsageError(f"There is no {kind} {name!r}.", hint=f"{ask}there are: {', '.join(names)}")
