"""The embedded default: our own small VQGAN, CLIPs and start predictor behind the engine's protocols."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from dreamrig.errors import UsageError
from generator.config import STARTS, GenerateConfig
from generator.models.base import Models, StartModel
from generator.models.composing import ComposedStart
from generator.models.staged import StagedStart
from generator.models.tiny.clip import LayoutCLIP, TinyCLIP
from generator.models.tiny.start import Composer, Painter
from generator.models.tiny.things import ThingLibrary
from generator.models.tiny.vqgan import FACTOR, TinyVQGAN
from generator.starter import shipped as weights
from generator.starter import words
from generator.starter.lexicon import from_table
from generator.starter.reading import unknown_words
from generator.starter.world import PART_SLOTS, SLOT_SIZES

NAME, FIRST = "starter", "starter/first"
"""The starter, and the one before it: what was drawn with that is repeated with that."""
AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)

PAINTED_OVER: dict[str, Any] = {
    "steps": 60,
    "step_size": 0.18,
    "shared_moment": True,
    "offset_levels": 2,
    "cut_min_fraction": 0.8,
    "boundary_tv": 1.0,
}
"""When the prompt has to be seen in somebody's picture: large steps along the gradient, seen nearly whole."""

FROM_SCRATCH: dict[str, Any] = {
    **PAINTED_OVER,
    "pull": 0.0,
    "guide_weights": "0, 1",
    "cut_min_fraction": 0.95,
    "whole_every": 2,
    "boundary_tv": 0.3,
}
"""When nothing is there to keep, the CLIP that keeps place lays out the picture; it has to see it where it is.

On the tune prompts the judge reads less when the other CLIP, which would have things anywhere, has a say as well.
"""

FIRST_DEFAULTS: dict[str, Any] = {
    "steps": 30,
    "step_size": 0.02,
    "per_dimension_steps": True,
    "pull": 0.3,
    "step_schedule": "cosine",
    "cutouts": 8,
    "cut_min_fraction": 0.6,
    "whole_every": 4,
    "cut_noise": 0.02,
    "boundary_tv": 0.0,
    "start=picture": PAINTED_OVER,
    **{f"start={start}": FROM_SCRATCH for start in STARTS if start != "predicted"},
    **{f"start={start}, moving": {**PAINTED_OVER, "pull": 0.0} for start in STARTS if start != "predicted"},
}
"""From a predicted start: few small steps and a pull back.

On the tune prompts of evaluate.py the judge reads as much after these steps as off the start, and less after larger
ones, which smear suns and outlines.
"""
SIDE = 256
"""Side of a picture: things of less than 60 pixels are mush, at 96 they are clear."""
_JUDGED_AT = {"width": GenerateConfig.width, "height": GenerateConfig.height}
DEFAULTS: dict[str, Any] = {
    **FIRST_DEFAULTS,
    "width": SIDE,
    "height": SIDE,
    "steps": 24,
    "step_size": 0.01,
    **{key: {**_JUDGED_AT, **liked} for key, liked in FIRST_DEFAULTS.items() if key.startswith("start=")},
}
"""As before, but larger and softer where the start holds things, whose names CLIP does not know: twice the step wears
down eyes and rims. Where CLIP paints alone it stays at the size it was taught.
"""


class StarterImage:
    """The tiny VQGAN as an ImageModel."""

    factor = FACTOR

    def __init__(self, network: TinyVQGAN) -> None:
        self._network = network
        self.codebook: Tensor = network.codebook

    def decode(self, latent: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, 3, 8h, 8w), not clamped."""
        return self._network.decode(latent)

    def encode(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, C, H/8, W/8), not quantised."""
        return self._network.encode(image)


class StarterGuide:
    """One of the tiny CLIPs as a GuideModel."""

    def __init__(self, network: TinyCLIP | LayoutCLIP, *, former: bool = False) -> None:
        """former: whether it reads as the first starter did, which had synonyms that the library has drawings of."""
        self._network, self._former = network, former
        self.size, self.width = network.size, network.width

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """Texts -> (P, width); UsageError for one with more words than the model reads."""
        for text in texts:
            _require_readable(text)
        device = self._network.text.position.device
        tokens = [words.tokens(text, former=self._former) for text in texts]
        return self._network.encode_tokens(torch.tensor(tokens, device=device))

    def encode_image(self, cutouts: Tensor) -> Tensor:
        """(N, 3, 64, 64) in [0, 1] -> (N, width)."""
        return self._network.encode_image(cutouts)

    def unknown_words(self, text: str) -> dict[str, list[str]]:
        """Words that name nothing the starter draws -> what is near to each, in meaning or else in spelling."""
        return words.unknown_words(text) if self._former else unknown_words(text)


def _require_readable(text: str) -> None:
    most, count = words.CONTEXT - 1, len(words.split_words(text))
    if count > most:
        raise UsageError(
            f"The prompt has {count} words; the starter reads {most}.",
            hint='say less, or split it: "a castle | at night"',
        )


def load_starter(device: torch.device | str = "cpu", folder: Path = weights.STARTER_FOLDER, name: str = NAME) -> Models:
    """A starter on a device, its files checked; MissingWeightsError when one is missing or damaged."""
    manifest = weights.read_manifest(folder)
    files = weights.files_of(name, manifest)

    def load(network: AnyNetwork, file: str) -> AnyNetwork:
        network.load_state_dict(weights.load_checked(file, manifest, folder))
        network.to(device).eval().requires_grad_(False)
        return network

    former = name == FIRST
    vqgan = load(TinyVQGAN(), "vqgan.safetensors")
    clip = load(TinyCLIP(words.TOKEN_COUNT, words.CONTEXT), "clip.safetensors")
    layout = load(LayoutCLIP(words.TOKEN_COUNT, words.CONTEXT), "layout.safetensors")
    composer = load(Composer(words.TOKEN_COUNT, words.CONTEXT, SLOT_SIZES), "composer.safetensors")
    painter = Painter(SLOT_SIZES, PART_SLOTS, vqgan.codebook.shape[1])
    start: StartModel
    if former:
        start = ComposedStart(composer, load(painter, "painter.safetensors"), vqgan)
    else:
        known = from_table(weights.read_table(manifest, folder))
        library = load(ThingLibrary(len(known.artists)), weights.THINGS)
        start = StagedStart(composer, load(painter, weights.PAINTER), vqgan, library, known)
    return Models(
        image=StarterImage(vqgan),
        guides=(StarterGuide(clip, former=former), StarterGuide(layout, former=former)),
        guide_weights=(1.0, 0.0),
        start=start,
        name=name,
        sha256=weights.digest_of(manifest, files),
        defaults=FIRST_DEFAULTS if former else DEFAULTS,
        memory_mib=memory_mib,
    )


def memory_mib(width: int, height: int, cutouts: int) -> float:
    """MiB that a CPU holds for one step on top of the weights.

    Alive are 7 MiB per 128x128 pixels of what the decoder keeps, and 1.4 MiB per cutout; the rest are the holes that
    the allocator leaves beside them, fitted to the table of docs/memory.md.
    """
    return 23.0 + 1.65 * 7.0 * width * height / 128**2 + 1.35 * 1.4 * cutouts
