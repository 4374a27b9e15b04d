"""A picture laid over the growing one every few steps: the guide paints on, and the overlay keeps coming through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from generator.config import GenerateConfig
from generator.engine.latents import Latent
from generator.engine.windows import Windows, encoded
from generator.models.base import ImageModel
from generator.pictures.opening import open_picture

Decode = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Overlay:
    """What is laid over, and when."""

    colours: Tensor
    """(1, 3, H, W) float32 in [0, 1]."""
    cover: Tensor
    """(1, 1, H, W) float32, 0 = what was there stays, 1 = it is hidden."""
    every: int
    until: int

    def is_due(self, step: int) -> bool:
        """Whether it is laid over before this step. Nothing but the step decides, so a resumed run does the same."""
        return step < self.until and (step % self.every == 0 if self.every else step == 0)

    @torch.no_grad()
    def lay(self, latent: Latent, image: ImageModel, decode: Decode, windows: Windows | None = None) -> None:
        """Move the latent to the encoding of the picture below the overlay; cells without any overlay stay.

        windows: in which it is encoded; None = all at once.
        """
        now = latent.compose().detach()
        below = decode(now)
        covered = below + self.cover * (self.colours - below)
        laid = encoded(image, covered, windows)
        touched = functional.max_pool2d(self.cover, image.factor) > 0
        latent.move_to(torch.where(touched, laid, now))


def load_overlay(config: GenerateConfig, device: torch.device) -> Overlay | None:
    """The overlay of a run, resized to the picture; None where none is asked for. UsageError for no such picture."""
    if not config.overlay.strip():
        return None
    size = (config.width, config.height)
    opened = open_picture(config.overlay, "RGBA").resize(size, Image.Resampling.LANCZOS)
    pixels = torch.from_numpy(np.asarray(opened, dtype=np.float32) / 255).permute(2, 0, 1)[None].to(device)
    until = config.overlay_until or -(-config.steps // 2)
    return Overlay(pixels[:, :3], config.overlay_alpha * pixels[:, 3:], config.overlay_every, until)
