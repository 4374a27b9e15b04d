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
from generator.models.clip_sizes import BY_OPENAI
from generator.models.full import load_full
from generator.models.likes import STARTERS
from generator.models.names import GUIDE, guide_names
from generator.models.starter import load_starter

QUICK_HALVES = (7, 0)
"""The compute capability from which on products of half precision have units of their own."""
MODELS = (*STARTERS, *vqgan.ARCHITECTURES)
"""What --model takes."""


def load_models(config: GenerateConfig) -> Models:
    """The networks of a run; UsageError for names nobody knows, NotReadyError for weights that are not here yet."""
    if config.style.strip() or config.content.strip():
        from generator.models.perceptual import load_vgg19  # torchvision: only where somebody asks for it

        perceptual = load_vgg19(resolve_device(config.device))
        return replace(load_models(replace(config, style="", content="")), perceptual=perceptual)
    require_known("model", config.model, MODELS)
    for name in guide_names(config):
        require_known("guide", name, guides.ARCHITECTURES)
        if config.backend == "reference" and name not in BY_OPENAI:
            raise UsageError(f"openai-clip has no network for {name}.", hint="use --backend own")
    device = resolve_device(config.device)
    if (config.backend, config.precision) == ("reference", "bf16"):
        raise UsageError("The reference networks compute in fp32 or mixed, not in bf16.", hint="use --backend own")
    if config.aesthetic:
        heads = load_heads(_looking(config), device)
        return replace(load_models(replace(config, aesthetic=0.0)), aesthetic=heads)
    if config.model not in STARTERS:
        return _with_device_defaults(load_full(config, device), config.model, device)
    for flag, value, usual in (("guides", config.guides, ""), ("backend", config.backend, "own")):
        if value.strip() != usual:
            raise UsageError(f"The starter has networks of its own, and no other {flag}.", hint=f"leave --{flag} away")
    return _with_device_defaults(load_starter(device, name=config.model), config.model, device)


def _looking(config: GenerateConfig) -> tuple[str, ...]:
    """The published CLIPs that guide a run; none with a starter."""
    return () if config.model in STARTERS else guide_names(config) or (GUIDE,)


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
