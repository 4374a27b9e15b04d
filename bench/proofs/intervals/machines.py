"""Machines that are made up, whose true pace is known: series of block times, [trials, blocks], median or end 1."""

from __future__ import annotations

import math
import statistics

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]
SLOWER = 1.1
"""The second speed of a machine that has two."""
FLICKER = 0.005
"""Standard deviation of its blocks in logarithms."""
HEAT = 0.15
"""How much slower a card is when it is warm."""


def independent(random: np.random.Generator, trials: int, count: int, spread: float = 0.3) -> Series:
    """Log-normal blocks that know nothing of each other."""
    return np.exp(spread * random.standard_normal((trials, count)))


def alike(random: np.random.Generator, trials: int, count: int, correlation: float, spread: float = 0.1) -> Series:
    """Log-normal blocks whose neighbours correlate: a first-order series."""
    noise = random.standard_normal((trials, count))
    for index in range(1, count):
        noise[:, index] *= math.sqrt(1 - correlation**2)
        noise[:, index] += correlation * noise[:, index - 1]
    return np.exp(spread * noise)


def sticky(random: np.random.Generator, trials: int, count: int, slow_share: float, spell: float) -> Series:
    """A machine that is a tenth slower for `spell` blocks at a time, now and then: a Markov chain of two states."""
    slow = random.random(trials) < slow_share
    found = np.empty((trials, count))
    for index in range(count):
        found[:, index] = np.where(slow, SLOWER, 1.0) * np.exp(FLICKER * random.standard_normal(trials))
        leave = np.where(slow, 1 / spell, slow_share / (1 - slow_share) / spell)
        slow = slow ^ (random.random(trials) < leave)
    return found


def sticky_median(slow_share: float) -> float:
    """Its true median: that of its fast blocks, at the share that makes half of all."""
    return math.exp(FLICKER * statistics.NormalDist().inv_cdf(0.5 / (1 - slow_share)))


def heating(
    random: np.random.Generator, trials: int, seconds: NDArray[np.float64], time_constant: float, spread: float = 0.005
) -> Series:
    """A card that gets warm under load: slower by HEAT in the end, over its time constant. seconds: of each block."""
    slower = (1 + HEAT * (1 - np.exp(-seconds / time_constant))) / (1 + HEAT)
    return slower * alike(random, trials, len(seconds), 0.5, spread)


def sessions(random: np.random.Generator, trials: int, count: int, between: float) -> Series:
    """Medians of fresh processes of one machine, which differ by chance."""
    return np.exp(between * random.standard_normal((trials, count)))
