"""From the names in a config to networks on a device."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.devices import resolve_device
from generator.models import guides, vqgan
from generator.models.aesthetic import load_heads
from generator.models.base import Models
from generator.models.full import load_full
from generator.models.likes import STARTERS
from generator.models.missing import require_here
from generator.models.names import guide_names, looking, require_possible
from generator.models.starter import load_starter

QUICK_HALVES = (7, 0)
"""The compute capability from which on products of half precision have units of their own."""
MODELS = (*STARTERS, *vqgan.ARCHITECTURES)
"""What --model takes."""


def load_models(config: GenerateConfig) -> Models:
    """The networks of a run; UsageError for names nobody knows, NotReadyError that names all that is not here yet."""
    require_known("model", config.model, MODELS)
    for name in guide_names(config):
        require_known("guide", name, guides.ARCHITECTURES)
    require_possible(config)
    device = resolve_device(config.device)
    require_here(config)
    models = _load(config, device)
    if config.aesthetic:
        models = replace(models, aesthetic=load_heads(looking(config), device))
    if config.style.strip() or config.content.strip():
        from generator.models.perceptual import load_vgg19  # torchvision: only where somebody asks for it

        models = replace(models, perceptual=load_vgg19(device))
    return models


def _load(config: GenerateConfig, device: torch.device) -> Models:
    """What paints and what looks, with what the device likes best."""
    if config.model in STARTERS:
        return _with_device_defaults(load_starter(device, name=config.model), config.model, device)
    return _with_device_defaults(load_full(config, device), config.model, device)


def device_defaults(config: GenerateConfig) -> dict[str, Any]:
    """What the device of a config likes best, in fields a user may have left alone; to be known before loading.

    The values stand in a picture's recipe like any others, so that repeating it means the same on every device.
    """
    return _liked_by(resolve_device(config.device), config.model)


def _liked_by(device: torch.device, model: str) -> dict[str, Any]:
    """On CUDA the fastest kernels, repeatable or not; and half precision where it is quick: from Volta on.

    The starter's networks are small, and were trained and judged in fp32.
    """
    if device.type != "cuda":
        return {}
    has_quick_halves = torch.version.hip is None and torch.cuda.get_device_capability(device) >= QUICK_HALVES
    precision = {"precision": "mixed"} if has_quick_halves and model not in STARTERS else {}
    return {"deterministic": False, **precision}


def _with_device_defaults(models: Models, model: str, device: torch.device) -> Models:
    return replace(models, defaults={**models.defaults, **_liked_by(device, model)})


def require_known(kind: str, name: str, known: Iterable[str]) -> None:
    """Raise UsageError, naming those that there are and the nearest, for a name nobody knows."""
    names = list(known)
    if name in names:
        return
    by_plain = {candidate.lower(): candidate for candidate in names}
    near = difflib.get_close_matches(name.lower(), by_plain, n=2, cutoff=0.5)
    ask = f"did you mean {' or '.join(by_plain[plain] for plain in near)}? " if near else ""
    raise UsageError(f"There is no {kind} {name!r}.", hint=f"{ask}there are: {', '.join(names)}")
