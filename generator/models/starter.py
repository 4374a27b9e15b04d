"""The embedded default: our own small VQGAN, CLIPs and start predictor behind the engine's protocols."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from dreamrig.errors import UsageError
from generator.models.base import Models, StartModel
from generator.models.composing import ComposedStart
from generator.models.likes import DEFAULTS, FIRST, FIRST_DEFAULTS, NAME
from generator.models.staged import StagedStart
from generator.models.tiny.clip import LayoutCLIP, TinyCLIP
from generator.models.tiny.start import Composer, ScenePainter
from generator.models.tiny.things import ThingLibrary
from generator.models.tiny.vqgan import CODES, FACTOR, TinyVQGAN
from generator.starter import shipped as weights
from generator.starter import words
from generator.starter.lexicon import from_table
from generator.starter.reading import unknown_words
from generator.starter.world import PART_SLOTS, SLOT_SIZES

AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)


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


STAGE_MIB = 14.0
"""What drawing the things leaves behind in the allocator."""


def load_starter(device: torch.device | str = "cpu", folder: Path = weights.STARTER_FOLDER, name: str = NAME) -> Models:
    """A starter on a device, its files checked; MissingWeightsError when one is missing or damaged."""
    manifest = weights.read_manifest(folder)
    files = weights.files_of(name, manifest)

    def load(network: AnyNetwork, file: str) -> AnyNetwork:
        network.load_state_dict(weights.load_checked(file, manifest, folder))
        network.to(device).eval().requires_grad_(False)
        return network

    former = name == FIRST
    vqgan = load(TinyVQGAN(codes=CODES), weights.PICTURES) if name == NAME else load(TinyVQGAN(), "vqgan.safetensors")
    clip = load(TinyCLIP(words.TOKEN_COUNT, words.CONTEXT), "clip.safetensors")
    layout = load(LayoutCLIP(words.TOKEN_COUNT, words.CONTEXT), "layout.safetensors")
    composer = load(Composer(words.TOKEN_COUNT, words.CONTEXT, SLOT_SIZES), "composer.safetensors")
    painter = ScenePainter(SLOT_SIZES, PART_SLOTS, vqgan.codebook.shape[1])
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
        memory_mib=memory_mib if former else staged_memory_mib,
    )


def memory_mib(width: int, height: int, cutouts: int) -> float:
    """MiB that a CPU holds for one step on top of the weights.

    Alive are 7 MiB per 128x128 pixels of what the decoder keeps, and 1.4 MiB per cutout; the rest are the holes that
    the allocator leaves beside them, fitted to the table of docs/memory.md.
    """
    return 23.0 + 1.65 * 7.0 * width * height / 128**2 + 1.35 * 1.4 * cutouts


def staged_memory_mib(width: int, height: int, cutouts: int) -> float:
    """The same with the library of things, whose drawings are made before the first step: 14 MiB more.

    Measured 68, 116, 119 and 139 MiB at 128 px with 8 and 32 cutouts and at 256 px with 16 and 32, predicted 66, 114,
    121 and 154: `python -m bench.proofs.memory --case '{"side": 256, "cutouts": 32, "model": "starter"}'`.
    """
    return STAGE_MIB + memory_mib(width, height, cutouts)
