"""The scene of a text in the starter's own words: the composer draws its slots, the painter its latent grid."""

from __future__ import annotations

import torch
from torch import Tensor

from generator.models.base import StartPlan
from generator.models.tiny.start import Composer, ScenePainter
from generator.models.tiny.vqgan import TinyVQGAN
from generator.starter import words
from generator.starter.world import SLOTS, Scene, hides_object, spots

PLACES = frozenset(("light_x", "light_y", "horizon", "layout", "x_1", "y_1", "size_1", "x_2", "y_2", "size_2"))
"""Slots that say where, not what."""
_PLACE_TEMPERATURE, _CONTENT_TEMPERATURE = 0.9, 0.25
_DRAWS = 8
"""How often a scene is drawn anew when an object has the colour of what is behind it; who asks for that gets it."""


def compose(composer: Composer, text: str, generator: torch.Generator, *, former: bool = False) -> Scene:
    """Draw one scene for a text, slot after slot.

    Where things lie is left to chance. What there is keeps to the usual where the text does not say (a sunset has its
    sun), and slips of what the text does say stay out.
    """
    memory, mask = composer.text(torch.tensor([words.tokens(text, former=former)], device=composer.begin.device))
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


def paint(painter: ScenePainter, scene: Scene, places: list[list[float]], rows: int, columns: int) -> Tensor:
    """Latent (1, C, rows, columns) of a scene, not quantised; places as from world.spots."""
    device = painter.mean.device
    slots = torch.tensor([scene.indices()], device=device)
    latent: Tensor = painter(slots, torch.tensor([places], device=device), rows, columns)
    return latent


class ComposedStart:
    """Text -> scene slots (the composer, sampled) -> latent grid (the painter) -> codes: the first starter's."""

    def __init__(self, composer: Composer, painter: ScenePainter, vqgan: TinyVQGAN) -> None:
        self._composer, self._painter, self._vqgan = composer, painter, vqgan

    def predict(self, text: str, seed: int, rows: int, columns: int) -> StartPlan:
        """The plan of one seed; drawn on the CPU, so that a seed means the same scene on every device."""
        with torch.no_grad():
            scene = compose(self._composer, text, torch.Generator().manual_seed(seed), former=True)
            latent = paint(self._painter, scene, spots(scene, absent=0.0), rows, columns)
            return StartPlan(self._vqgan.nearest(latent)[0], scene.plan())
