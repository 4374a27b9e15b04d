"""Which published networks a config draws with, by name. Importing this module does not import torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dreamrig.errors import UsageError
from generator.config import GenerateConfig
from generator.models.clip_sizes import BY_OPENAI
from generator.models.likes import STARTERS
from generator.models.siglip_sizes import ARCHITECTURES

GUIDE = "ViT-B/32"
"""The CLIP of a full-size run that names none."""
TOKENIZER = "gemma-tokenizer"
"""What SigLIP 2 reads texts with, a published file like the weights."""

HEADS: Mapping[str, str] = {"ViT-L/14": "aesthetic-vit-l-14", "ViT-B/32": "aesthetic-vit-b-32"}
"""The CLIPs that LAION's aesthetic predictor has a published head for, and its name."""


def guide_names(config: GenerateConfig) -> tuple[str, ...]:
    """The CLIPs that a config names."""
    return tuple(name.strip() for name in config.guides.split(",") if name.strip())


def looking(config: GenerateConfig) -> tuple[str, ...]:
    """The published CLIPs that guide a run; none with a starter, which has its own."""
    return () if config.model in STARTERS else guide_names(config) or (GUIDE,)


def require_possible(config: GenerateConfig) -> None:
    """UsageError for networks that do not go together, to be told before any of them is fetched or loaded."""
    if config.backend == "reference":
        for name in guide_names(config):
            if name not in BY_OPENAI:
                raise UsageError(f"openai-clip has no network for {name}.", hint="use --backend own")
        if config.precision == "bf16":
            raise UsageError("The reference networks compute in fp32 or mixed, not in bf16.", hint="use --backend own")
    if config.aesthetic:
        require_head(looking(config))
    if config.model in STARTERS:
        for flag, value, usual in (("guides", config.guides, ""), ("backend", config.backend, "own")):
            if value.strip() != usual:
                message = f"The starter has networks of its own, and no other {flag}."
                raise UsageError(message, hint=f"leave --{flag} away")


def require_head(guides: Iterable[str]) -> None:
    """UsageError where the aesthetic predictor has no head for any of these guides."""
    if not any(guide in HEADS for guide in guides):
        raise UsageError(
            "The aesthetic predictor has no head for these guides.",
            hint=f"use a full-size --model with --guides {' or '.join(HEADS)}",
        )


def published_networks(config: GenerateConfig) -> tuple[str, ...]:
    """The published files a run loads, the VQGAN first, a tokenizer last; none for a starter or random weights."""
    if config.random_weights or config.model in STARTERS:
        return ()
    guides = looking(config)
    heads = [HEADS[guide] for guide in guides if guide in HEADS] if config.aesthetic else []
    return (config.model, *guides, *tokenizers_of(guides), *heads)


def tokenizers_of(guides: Iterable[str]) -> tuple[str, ...]:
    """The published tokenizers that these guides read texts with; CLIP's comes with dreamrig."""
    return (TOKENIZER,) if any(name in ARCHITECTURES for name in guides) else ()
