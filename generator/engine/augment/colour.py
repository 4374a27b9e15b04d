"""Colours of cutouts (N, 3, S, S), changed by one factor (N,) each. Values and clamps as in kornia 0.5.4."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from generator.devices import constant, to_like

EPSILON = 1e-6
"""Added to the value before it divides, so that black has saturation 0."""


def brighten(images: Tensor, factors: Tensor) -> Tensor:
    """Factor - 1 added, clamped to [0, 1]."""
    return (images + _each(factors - 1, images)).clamp(0, 1)


def contrast(images: Tensor, factors: Tensor) -> Tensor:
    """Times the factor, clamped to [0, 1]: about black, not about the mean."""
    return (images * _each(factors, images)).clamp(0, 1)


def saturate(images: Tensor, factors: Tensor) -> Tensor:
    """HSV saturation times the factor, at most 1; hue and value stay."""
    value, spread = _value_and_spread(images)
    saturation = (_each(factors, images) * spread / (value + EPSILON)).clamp(0, 1)
    return value - (value - images) * (value * saturation / _not_zero(spread))


def turn_hue(images: Tensor, radians: Tensor) -> Tensor:
    """HSV hue turned; saturation and value stay.

    A channel is value * (1 - saturation * k), where k goes from 1 to 0 over 60 degrees of hue and back, 120 degrees
    apart for red, green and blue.
    """
    value, spread = _value_and_spread(images)
    sextants = _hue_sextants(images, value, spread) + _each(radians * (3 / math.pi), images)
    first = constant(_first_sextants, like=images)
    place = (first + sextants).remainder(6)
    return value - value * spread / (value + EPSILON) * torch.minimum(place, 4 - place).clamp(0, 1)


def _first_sextants() -> Tensor:
    """Where red, green and blue stand on the circle, (1, 3, 1, 1)."""
    return torch.tensor([5.0, 3.0, 1.0]).view(1, 3, 1, 1)


def _hue_sextants(images: Tensor, value: Tensor, spread: Tensor) -> Tensor:
    """Hue in units of 60 degrees, (N, 1, S, S); of equally large channels the first counts."""
    red, green, blue = images.chunk(3, dim=1)
    spread = _not_zero(spread)
    of_red = (green - blue) / spread
    of_green = 2 + (blue - red) / spread
    of_blue = 4 + (red - green) / spread
    return torch.where(red == value, of_red, torch.where(green == value, of_green, of_blue))


def _value_and_spread(images: Tensor) -> tuple[Tensor, Tensor]:
    """Largest channel, and largest minus smallest, (N, 1, S, S); of equal ones the first gets the gradient."""
    red, green, blue = images.chunk(3, dim=1)
    high, low = torch.where(red >= green, red, green), torch.where(red <= green, red, green)
    high, low = torch.where(high >= blue, high, blue), torch.where(low <= blue, low, blue)
    return high, high - low


def _not_zero(spread: Tensor) -> Tensor:
    return torch.where(spread == 0, torch.ones_like(spread), spread)


def sharpen(images: Tensor, factors: Tensor) -> Tensor:
    """From softened (factor 0) to as it is (1) and beyond; the outermost pixels stay.

    Softened is the mean over 3 x 3 pixels with the middle one counted five times, clamped to [0, 1]; beyond factor 1
    the result is clamped too.
    """
    inner = images[..., 1:-1, 1:-1]
    rows = images[..., :-2, :] + images[..., 1:-1, :] + images[..., 2:, :]
    around = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    softened = ((around + 4 * inner) / 13).clamp(0, 1)
    factors = _each(factors, images)
    mixed = softened + (inner - softened) * factors
    left_out = torch.ones_like(images[:1, :1], dtype=torch.bool)
    left_out[..., 1:-1, 1:-1] = False
    whole = torch.where(left_out, images, functional.pad(mixed, (1, 1, 1, 1)))
    return torch.where(factors > 1, whole.clamp(0, 1), whole)


def _each(factors: Tensor, images: Tensor) -> Tensor:
    """(N,) -> (N, 1, 1, 1) where the images are and in their type."""
    return to_like(factors, images).view(-1, 1, 1, 1)
