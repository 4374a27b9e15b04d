"""What a run minimises: the distance to the prompts, and two terms that keep the picture calm."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from generator.engine.latents import replace_grad


def spherical(cutouts: Tensor, prompts: Tensor) -> Tensor:
    """Half the squared angle between image cutouts and prompts; 0 = same direction.

    cutouts: (N, D)   prompts: (P, D), neither need be normalised   returns: (N, P), radians squared

    This is 2 arcsin(|u - v| / 2)^2 for unit vectors u, v, written with the arctangent of |u - v| and |u + v|:
    the same value, but the gradient stays finite where u = v and where u = -v.
    """
    u = functional.normalize(cutouts, dim=-1)[:, None]  # (N, 1, D)
    v = functional.normalize(prompts, dim=-1)[None]  # (1, P, D)
    angle = 2 * torch.atan2(torch.linalg.vector_norm(u - v, dim=-1), torch.linalg.vector_norm(u + v, dim=-1))
    return angle.square() / 2


def prompt_loss(distances: Tensor, weights: Tensor, stops: Tensor) -> Tensor:
    """Sum over prompts of |weight| * mean over cutouts of sign(weight) * distance.

    distances: (N, P)   weights: (P,), below 0 = away from it   returns: scalar

    Cutouts whose signed distance is already below the prompt's stop (P,) keep their value but give no gradient.
    """
    signed = weights.sign() * distances
    held = replace_grad(signed, torch.maximum(signed, stops))
    return (held.mean(dim=0) * weights.abs()).sum()


def pull_to_start(latent: Tensor, start: Tensor, deviation: Tensor) -> Tensor:
    """Mean squared distance to the start, in codebook standard deviations; 1.0 = one apart everywhere.

    latent, start: (1, C, h, w)   deviation: (1, C, 1, 1), above 0   returns: scalar
    """
    return ((latent - start) / deviation).square().mean()


def boundary_tv(image: Tensor, factor: int) -> Tensor:
    """Mean absolute jump between neighbouring pixels of two code blocks, both directions added.

    image: (B, 3, H, W)   factor: pixels per code   returns: scalar; 0 for a picture of one block

    Only these jumps count, so detail inside a block is not smoothed away.
    """
    across = image[..., factor::factor] - image[..., factor - 1 : -1 : factor]
    down = image[..., factor::factor, :] - image[..., factor - 1 : -1 : factor, :]
    return sum((jumps.abs().mean() for jumps in (across, down) if jumps.numel()), image.new_zeros(()))
