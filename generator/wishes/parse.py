"""What to draw, as a config says it: texts, pictures, random directions, masks, scenes. Does not import torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from dreamrig.errors import UsageError
from generator.wishes import prompts
from generator.wishes.prompts import Prompt

KEPT = 64
"""Texts that are remembered as read: a run asks for the same ones again and again."""


@dataclass(frozen=True)
class Wishes:
    """What to move towards, parsed."""

    texts: tuple[Prompt, ...]
    pictures: tuple[Prompt, ...]
    """Their text is a path."""
    noises: tuple[Prompt, ...]
    """Their text is a seed."""
    masks: Mapping[str, str]
    """Name -> path of the regions that a prompt names."""
    scenes: int


@lru_cache(maxsize=KEPT)
def parse_wishes(prompt: str, image_prompts: str, noise_prompts: str, regions: str) -> Wishes:
    """The config fields of these names; UsageError for what cannot be meant."""
    masks = prompts.parse_masks(regions)
    pictures, noises = prompts.parse_pictures(image_prompts, masks), prompts.parse_noise(noise_prompts)
    needs_text = prompt.strip() or not (pictures or noises)
    texts = prompts.parse(prompt, masks) if needs_text else ()
    named = {aim.region for aim in (*texts, *pictures)}
    return Wishes(texts, pictures, noises, {n: p for n, p in masks.items() if n in named}, _scenes(texts, pictures))


def _scenes(texts: tuple[Prompt, ...], pictures: tuple[Prompt, ...]) -> int:
    """How many scenes there are; a list without `^` holds in all of them."""
    counts = {count_scenes(texts), count_scenes(pictures)} - {1}
    if len(counts) > 1:
        raise UsageError(
            f"The story has {count_scenes(texts)} scenes in words and {count_scenes(pictures)} in pictures.",
            hint="use as many of both, or only one for all scenes",
        )
    return max(counts, default=1)


def count_scenes(found: tuple[Prompt, ...]) -> int:
    """1 for an empty list."""
    return max((aim.scene for aim in found), default=0) + 1


@lru_cache(maxsize=KEPT)
def parse_weights(text: str) -> tuple[float, ...]:
    """`1, 0.5` -> (1.0, 0.5), () for ""; UsageError unless all are finite, none below 0 and one above."""
    if not text.strip():
        return ()
    try:
        weights = tuple(float(field) for field in text.split(","))
    except ValueError:
        weights = ()
    if not weights or not all(0 <= weight < math.inf for weight in weights) or not any(weights):
        raise UsageError(f"guide_weights is {text!r}.", hint='write a number for each guide, e.g. "1, 0.5"')
    return weights
