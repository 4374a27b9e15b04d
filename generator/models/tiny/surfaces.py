"""A drawing in a material: its light and shade in the material's colours, its outline as it was."""

from __future__ import annotations

import torch
from torch import Tensor

from generator.models.tiny.collage import RGB, luma
from generator.starter.materials import MATERIALS, Material

_DARKEST, _BRIGHTEST = 0.05, 0.95
"""Quantiles of a drawing's own brightness that take the material's shade and its glint."""


def in_material(drawing: Tensor, name: str, colour: str = "") -> Tensor:
    """The drawing (4, h, w), colours times alpha, made of a material; of one of the starter's colours where given."""
    material = MATERIALS[name]
    alpha = drawing[3:]
    bright = _own_range(luma(drawing[:3] / alpha.clamp(min=1e-3)), alpha)
    bright = (bright + _grain(material, bright)).clamp(0, 1)
    shade, usual, glint = (drawing.new_tensor(tone)[:, None, None] for tone in _tones(material, colour))
    rising, over = (bright * 2).clamp(max=1), (bright * 2 - 1).clamp(min=0)
    painted = shade + (usual - shade) * rising + (glint - usual) * over
    # The rims of what is clear are seen best: shade and glint hold more than what lies between.
    body = alpha * (1 - material.clear * (1 - (2 * bright - 1).abs()))
    return torch.cat((painted.clamp(0, 1) * body, body))


def _tones(material: Material, colour: str) -> tuple[tuple[float, ...], ...]:
    tones = (material.shade, material.usual, material.glint)
    if not colour:
        return tones
    return tuple(
        tuple(0.35 * own + 0.65 * given * share for own, given in zip(tone, RGB[colour], strict=True))
        for tone, share in zip(tones, (0.5, 1.0, 1.3), strict=True)
    )


def _own_range(bright: Tensor, alpha: Tensor) -> Tensor:
    """Brightness (1, h, w) stretched to 0 to 1; of something of one brightness it is the middle."""
    inside = bright[alpha > 0.8]
    if not inside.numel():
        return torch.full_like(bright, 0.5)
    low, high = inside.quantile(_DARKEST), inside.quantile(_BRIGHTEST)
    middle = inside.median()
    spread = (high - low).clamp(min=0.3)
    return (0.5 + 0.9 * (bright - middle) / spread).clamp(0, 1)


def _grain(material: Material, like: Tensor) -> Tensor:
    """What a surface adds to the brightness (1, h, w); the same for the same size, and never by chance."""
    rows = torch.linspace(0, 1, like.shape[1], device=like.device)[:, None]
    columns = torch.linspace(0, 1, like.shape[2], device=like.device)[None, :]
    if material.grain == "rings":
        bent = rows + 0.05 * torch.sin(5 * columns) + 0.02 * torch.sin(17 * columns + 9 * rows)
        return (0.16 * torch.sin(42 * bent))[None]
    if material.grain == "specks":
        wild = (
            torch.sin(57 * rows + 23 * columns) * torch.sin(41 * columns - 31 * rows) * torch.sin(19 * (rows + columns))
        )
        return (0.26 * wild)[None]
    return torch.zeros_like(like)
