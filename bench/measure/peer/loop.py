"""The peer's own loop: VQGAN+CLIP as the programs of 2021 walk it, operator by operator.

Written anew from the description of the algorithm (part 2 of the notes on nerdyrodent/VQGAN-CLIP at 592d555 and on
Crowson's notebook), with no line of theirs: distances to all codes and a one-hot product with the codebook, a
Python loop over cutouts, kornia's augmentations, torch.optim's Adam, the clamp of the latent after each step.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from bench.measure.peer.cutters import CropCutter, Cutter, PooledCutter, kornia_augmentations
from generator.config import GenerateConfig
from generator.engine import schedules
from generator.engine.aims import START, gather
from generator.engine.arithmetic import step_mode
from generator.engine.augment.chance import Chance
from generator.engine.latents import clamp_with_grad, replace_grad
from generator.engine.losses import pull_to_start
from generator.models.base import GuideModel, Models
from generator.models.codebook import codebook_deviation, codebook_range
from generator.wishes.parse import parse_weights


def one_hot_quantise(latent: Tensor, codebook: Tensor) -> Tensor:
    """(1, C, h, w) -> the nearest rows of the codebook (K, C) in its place; the gradient passes straight through."""
    cells = latent.movedim(1, 3)
    distances = cells.pow(2).sum(dim=-1, keepdim=True) + codebook.pow(2).sum(dim=1) - 2 * cells @ codebook.T
    chosen = functional.one_hot(distances.argmin(-1), len(codebook)).to(codebook.dtype) @ codebook
    quantised: Tensor = replace_grad(chosen, cells).movedim(3, 1)
    return quantised


def squared_angles(cut: Tensor, prompts: Tensor) -> Tensor:
    """Embeddings (N, D), (P, D) -> half the squared angles (N, P), by the arcsine of half the chord."""
    between = functional.normalize(cut[:, None], dim=2) - functional.normalize(prompts[None], dim=2)
    angles: Tensor = between.norm(dim=2).div(2).arcsin()
    return angles.pow(2).mul(2)


@dataclass
class PeerLoop:
    """A picture on its way by the peer's loop; `step` takes one and gives its loss."""

    config: GenerateConfig
    models: Models
    """With the guides that count."""
    cut: Cutter
    start: Tensor
    done: int = 0
    latent: Tensor = field(init=False)

    def __post_init__(self) -> None:
        """The trained tensor, the prompts' embeddings and the optimiser."""
        config, codebook = self.config, self.models.image.codebook
        self.low, self.high = codebook_range(codebook)
        self.deviation = codebook_deviation(codebook)
        self.latent = torch.zeros_like(self.start) if config.per_dimension_steps else self.start.clone()
        self.latent.requires_grad_()
        prompts = config.wishes().texts
        with torch.no_grad():
            texts = [prompt.text for prompt in prompts]
            self.targets = [guide.encode_text(texts).float() for guide in self.models.guides]
        device = codebook.device
        self.weights = torch.tensor([prompt.weight for prompt in prompts], device=device)
        self.stops = torch.tensor([prompt.stop for prompt in prompts], device=device)
        self.optimiser = torch.optim.Adam([self.latent], lr=config.step_size)

    @classmethod
    def begin(cls, config: GenerateConfig, models: Models, cut: Cutter | None = None) -> PeerLoop:
        """Where a run of ours with this config begins. cut: None = what the config's cut_method asks for."""
        models = models.with_guides_that_count(parse_weights(config.guide_weights))
        chance = Chance(config.seed, models.image.codebook.device)
        with torch.no_grad():
            kept, _ = gather(config, models, config.wishes(), chance.draws)
        return cls(config, models, cut or cutter_of(config, chance), kept[START])

    def step(self) -> Tensor:
        """One step; its loss, a scalar on the device, is of the picture before it."""
        with step_mode(self.config, self.latent.device):
            self.optimiser.param_groups[0]["lr"] = self._step_size()
            self.optimiser.zero_grad(set_to_none=True)
            loss = self.loss()
            loss.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
            self.optimiser.step()
            if not self.config.per_dimension_steps:
                with torch.no_grad():
                    self.latent.copy_(self.latent.maximum(self.low).minimum(self.high))
            self.done += 1
            return loss.detach()

    def _step_size(self) -> float:
        return self.config.step_size * schedules.step_factor(self.config, self.done)

    def composed(self) -> Tensor:
        """The latent that the trained numbers stand for, (1, C, h, w)."""
        if not self.config.per_dimension_steps:
            return self.latent
        return clamp_with_grad(self.start + self.deviation * self.latent, self.low, self.high)

    def loss(self) -> Tensor:
        """Of the picture as it stands."""
        image, latent = self.models.image, self.composed()
        picture = clamp_with_grad(image.decode(one_hot_quantise(latent, image.codebook)), 0, 1)
        total = torch.zeros((), device=latent.device)
        for guide, share, targets in zip(self.models.guides, self.models.guide_weights, self.targets, strict=True):
            total = total + share * self._guided(picture, guide, targets)
        if self.config.pull:
            total = total + self.config.pull * pull_to_start(latent, self.start, self.deviation)
        return total

    def _guided(self, picture: Tensor, guide: GuideModel, targets: Tensor) -> Tensor:
        """Prompt by prompt, as they do."""
        seen = guide.encode_image(self.cut(picture, guide.size)).float()
        total = torch.zeros((), device=picture.device)
        for target, weight, stop in zip(targets, self.weights, self.stops, strict=True):
            signed = squared_angles(seen, target[None]) * weight.sign()
            total = total + weight.abs() * replace_grad(signed, torch.maximum(signed, stop)).mean()
        return total


def cutter_of(config: GenerateConfig, chance: Chance) -> Cutter:
    """Pooled cutouts with kornia's augmentations, or crops without any."""
    if config.cut_method == "pooling":
        augmentations = kornia_augmentations() if config.augmentations else ()
        return PooledCutter(config.cutouts, augmentations, config.cut_noise)
    return CropCutter(config, chance.draws)
