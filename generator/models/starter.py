"""The embedded default: our own small VQGAN, CLIPs and start predictor behind the engine's protocols."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dreamrig.errors import UsageError
from generator.config import STARTS
from generator.models.base import Models, StartPlan
from generator.models.tiny import FACTOR, Composer, LayoutCLIP, Painter, TinyCLIP, TinyVQGAN
from generator.starter import shipped as weights
from generator.starter import words
from generator.starter.world import PART_SLOTS, SLOT_SIZES, SLOTS, Scene, hides_object, spots

NAME = "starter"

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

DEFAULTS: dict[str, Any] = {
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

    def __init__(self, network: TinyCLIP | LayoutCLIP) -> None:
        self._network = network
        self.size, self.width = network.size, network.width

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """Texts -> (P, width); UsageError for one with more words than the model reads."""
        for text in texts:
            _require_readable(text)
        device = self._network.text.position.device
        return self._network.encode_tokens(torch.tensor([words.tokens(text) for text in texts], device=device))

    def encode_image(self, cutouts: Tensor) -> Tensor:
        """(N, 3, 64, 64) in [0, 1] -> (N, width)."""
        return self._network.encode_image(cutouts)

    def unknown_words(self, text: str) -> dict[str, list[str]]:
        """Unknown word -> known words near to it in spelling."""
        return words.unknown_words(text)


class StarterStart:
    """Text -> scene slots (the composer, sampled) -> latent grid (the painter) -> codes."""

    def __init__(self, composer: Composer, painter: Painter, vqgan: TinyVQGAN) -> None:
        self._composer, self._painter, self._vqgan = composer, painter, vqgan

    def predict(self, text: str, seed: int, rows: int, columns: int) -> StartPlan:
        """The plan of one seed; drawn on the CPU, so that a seed means the same scene on every device."""
        with torch.no_grad():
            scene = compose(self._composer, text, torch.Generator().manual_seed(seed))
            latent = paint(self._painter, [scene], rows, columns)
            return StartPlan(self._vqgan.nearest(latent)[0], scene.plan())


def _require_readable(text: str) -> None:
    most, count = words.CONTEXT - 1, len(words.split_words(text))
    if count > most:
        raise UsageError(
            f"The prompt has {count} words; the starter reads {most}.",
            hint='say less, or split it: "a castle | at night"',
        )


PLACES = frozenset(("light_x", "light_y", "horizon", "layout", "x_1", "y_1", "size_1", "x_2", "y_2", "size_2"))
"""Slots that say where, not what."""
_PLACE_TEMPERATURE, _CONTENT_TEMPERATURE = 0.9, 0.25
_DRAWS = 8
"""How often a scene is drawn anew when an object has the colour of what is behind it; who asks for that gets it."""


def compose(composer: Composer, text: str, generator: torch.Generator) -> Scene:
    """Draw one scene for a text, slot after slot.

    Where things lie is left to chance. What there is keeps to the usual where the text does not say (a sunset has its
    sun), and slips of what the text does say stay out.
    """
    memory, mask = composer.text(torch.tensor([words.tokens(text)], device=composer.begin.device))
    for _ in range(_DRAWS):
        scene = _draw_slots(composer, memory, mask, generator)
        if not hides_object(scene):
            break
    return scene


def _draw_slots(composer: Composer, memory: Tensor, mask: Tensor, generator: torch.Generator) -> Scene:
    device = composer.begin.device
    slots = torch.zeros(1, 0, dtype=torch.int64, device=device)
    for slot, name in enumerate(SLOTS):
        temperature = _PLACE_TEMPERATURE if name in PLACES else _CONTENT_TEMPERATURE
        logits = composer.continue_from(memory, mask, slots)[0, -1]
        chances = (composer.slot_logits(logits, slot).cpu() / temperature).softmax(0)
        drawn = torch.multinomial(chances, 1, generator=generator)
        slots = torch.cat((slots, drawn[None].to(device)), 1)
    return Scene.from_indices(slots[0].tolist())


def paint(painter: Painter, scenes: list[Scene], rows: int, columns: int) -> Tensor:
    """Latents (N, C, rows, columns) of scenes, not quantised."""
    device = painter.mean.device
    slots = torch.tensor([scene.indices() for scene in scenes], device=device)
    places = torch.tensor([spots(scene) for scene in scenes], device=device)
    latent: Tensor = painter(slots, places, rows, columns)
    return latent


def networks() -> dict[str, torch.nn.Module]:
    """The five networks with fresh weights, by the name of their file."""
    vqgan = TinyVQGAN()
    return {
        "vqgan.safetensors": vqgan,
        "clip.safetensors": TinyCLIP(words.TOKEN_COUNT, words.CONTEXT),
        "layout.safetensors": LayoutCLIP(words.TOKEN_COUNT, words.CONTEXT),
        "composer.safetensors": Composer(words.TOKEN_COUNT, words.CONTEXT, SLOT_SIZES),
        "painter.safetensors": Painter(SLOT_SIZES, PART_SLOTS, vqgan.codebook.shape[1]),
    }


def load_starter(device: torch.device | str = "cpu", folder: Path = weights.STARTER_FOLDER) -> Models:
    """The starter on a device, its files checked; NotReadyError when one is missing or damaged."""
    manifest = weights.read_manifest(folder)
    loaded = networks()
    for name, network in loaded.items():
        network.load_state_dict(weights.load_checked(name, manifest, folder))
        network.to(device).eval().requires_grad_(False)
    vqgan, clip, layout, composer, painter = loaded.values()
    assert isinstance(vqgan, TinyVQGAN)
    assert isinstance(clip, TinyCLIP)
    assert isinstance(layout, LayoutCLIP)
    assert isinstance(composer, Composer)
    assert isinstance(painter, Painter)
    return Models(
        image=StarterImage(vqgan),
        guides=(StarterGuide(clip), StarterGuide(layout)),
        guide_weights=(1.0, 0.0),
        start=StarterStart(composer, painter, vqgan),
        name=NAME,
        sha256=weights.digest_of(manifest),
        defaults=DEFAULTS,
        memory_mib=memory_mib,
    )


def memory_mib(width: int, height: int, cutouts: int) -> float:
    """MiB that a CPU holds for one step on top of the weights.

    Alive are 7 MiB per 128x128 pixels of what the decoder keeps, and 1.4 MiB per cutout; the rest are the holes that
    the allocator leaves beside them, fitted to the table of docs/memory.md.
    """
    return 23.0 + 1.65 * 7.0 * width * height / 128**2 + 1.35 * 1.4 * cutouts
