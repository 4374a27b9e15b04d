"""What a card of some size can draw with the published networks, by the prediction that a run itself goes by.

python -m bench.proofs.cards         the tables of docs/full-size.md; nothing is loaded and nothing measured

A card has what its name says, less what desktop and CUDA keep (ELSEWHERE_MIB, an assumption), less the weights. What is
left has to hold the prediction and its margin, as in `generator.engine.memory`. All presets are for ViT-B/32 in half
precision, which is what a card from Volta on is given.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from bench.proofs.memory import models_from_sizes
from dreamrig.words import MIB
from generator.config import LARGEST_SIDE, GenerateConfig
from generator.models.names import guide_names
from generator.presets import PRESETS

CARDS_GIB = (6, 8, 12, 24)
ELSEWHERE_MIB = 1024
"""Assumed, not measured: a desktop of two screens with a browser, and CUDA's own context with its libraries."""
FULL_BYTES, HALF_BYTES = 4, 2
GUIDED_PRESET, GUIDE_CARDS_GIB = "dreamrig", (8, 12, 24)
GUIDES_SHOWN = (
    "ViT-B/32",
    "ViT-B/32-laion2b",
    "ViT-B/16-laion2b",
    "ViT-L/14-laion2b",
    "ViT-H/14-laion2b",
    "SigLIP2-B/32@256px",
    "SigLIP2-B/16",
    "SigLIP2-L/16@256px",
    "SigLIP2-SO400M/14",
    "ViT-B/32, SigLIP2-B/16",
)
"""Those of DataComp, and OpenAI's, are as large as those of LAION."""


@cache
def weights_mib(model: str, guides: tuple[str, ...]) -> float:
    """Of the networks on the card: the VQGAN in float32, the CLIPs in half precision; counted, not measured."""
    import torch
    from torch import nn

    from generator.models import vqgan
    from generator.models.guides import ARCHITECTURES, make, weights_on_card

    def count(network: nn.Module) -> int:
        return sum(one.numel() for one in network.state_dict().values())

    with torch.device("meta"):
        image = count(vqgan.VQGAN(vqgan.ARCHITECTURES[model]))
        looking = sum(weights_on_card(make(ARCHITECTURES[name])) for name in guides)
    return (image * FULL_BYTES + looking * HALF_BYTES) / MIB


def free_mib(card_gib: int, config: GenerateConfig) -> float:
    """What a run may take on such a card."""
    return card_gib * 1024 - ELSEWHERE_MIB - weights_mib(config.model, guide_names(config))


def largest_sides(config: GenerateConfig, card_gib: int) -> tuple[int, int]:
    """The longest side of a square picture: as the preset draws, and with 8 cutouts at a time, decoding twice."""
    from generator.engine.memory import largest_size_that_fits

    models, free = models_from_sizes(config, "cuda"), free_mib(card_gib, config)
    asked = replace(config, width=LARGEST_SIDE, height=LARGEST_SIDE)
    thrifty = replace(asked, cut_batch=8, checkpointed_decoding=True)
    return largest_size_that_fits(free, asked, models), largest_size_that_fits(free, thrifty, models)


def preset_config(name: str) -> GenerateConfig:
    """A preset as a card that is quick with half precision gets it."""
    values = PRESETS[name].values
    return GenerateConfig(prompt="fog", **{**PRESETS[name].values_for(values["model"]), "precision": "mixed"})


def rows() -> Iterator[str]:
    """A Markdown table: a row for each preset, a column for each card."""
    yield "| preset | its own size | " + " | ".join(f"{gib} GB" for gib in CARDS_GIB) + " |"
    yield "|:--|--:|" + "--:|" * len(CARDS_GIB)
    for name in PRESETS:
        config = preset_config(name)
        cells = (largest_sides(config, gib) for gib in CARDS_GIB)
        sides = " | ".join(f"{plain}, {thrifty}" for plain, thrifty in cells)
        yield f"| {name} | {config.width} | {sides} |"


@cache
def look_gflop(name: str) -> float:
    """10^9 FLOPs of a guide for one cutout, forwards; the way back to its pixels is about as much once more."""
    import torch

    from generator.engine.flops import FlopCount, estimate_flops
    from generator.models.guides import ARCHITECTURES, make

    side, count = ARCHITECTURES[name].side, FlopCount()
    with torch.device("meta"), torch.no_grad(), estimate_flops(count):
        make(ARCHITECTURES[name]).prepare().encode_image(torch.empty(1, 3, side, side))
    return count.flops / 1e9


def guide_rows() -> Iterator[str]:
    """A Markdown table: what another guide than ViT-B/32 leaves room for, with a preset otherwise as it comes."""
    from generator.models.guides import ARCHITECTURES

    config = preset_config(GUIDED_PRESET)
    alone = weights_mib(config.model, ())
    yield (
        "| guide | reads | GFLOP a cutout | its weights | " + " | ".join(f"{gib} GB" for gib in GUIDE_CARDS_GIB) + " |"
    )
    yield "|:--|--:|--:|--:|" + "--:|" * len(GUIDE_CARDS_GIB)
    for name in GUIDES_SHOWN:
        guided = replace(config, guides=name)
        weights = weights_mib(config.model, guide_names(guided)) - alone
        reads = " and ".join(f"{ARCHITECTURES[one].side}" for one in guide_names(guided))
        cells = (largest_sides(guided, gib) for gib in GUIDE_CARDS_GIB)
        sides = " | ".join(", ".join(f"{side}" if side else "no" for side in pair) for pair in cells)
        work = sum(look_gflop(one) for one in guide_names(guided))
        yield f"| `{name}` | {reads} px | {work:.0f} | {weights:,.0f} MiB | {sides} |"


def main() -> int:
    """Print the tables."""
    for row in (*rows(), "", *guide_rows()):
        print(row, flush=True)
    config = preset_config("adafruit")
    weights = weights_mib(config.model, guide_names(config))
    print(f"\nweights of {config.model} and {config.guides}: {weights:.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
