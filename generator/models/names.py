"""Which published networks a config draws with, by name. Importing this module does not import torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from generator.config import GenerateConfig
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


def published_networks(config: GenerateConfig) -> tuple[str, ...]:
    """The published files a run loads, the VQGAN first, a tokenizer last; none for a starter or random weights."""
    if config.random_weights or config.model in STARTERS:
        return ()
    guides = guide_names(config) or (GUIDE,)
    heads = [HEADS[guide] for guide in guides if guide in HEADS] if config.aesthetic else []
    return (config.model, *guides, *tokenizers_of(guides), *heads)


def tokenizers_of(guides: Iterable[str]) -> tuple[str, ...]:
    """The published tokenizers that these guides read texts with; CLIP's comes with dreamrig."""
    return (TOKENIZER,) if any(name in ARCHITECTURES for name in guides) else ()
