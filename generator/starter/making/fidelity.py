"""How well codes show what is meant: `python -m generator.starter.making.fidelity`.

Peak signal to noise in decibels at 256 pixels, each starter over the same pictures. *laid out*: what the start lays out
for test prompts, after encoder, codebook and decoder. *unquantised*: the same without the codebook. *painted*: scenes
of the starter's own world as its painter paints them, after the codes, against their real renders.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator

import torch
from torch import Tensor

from generator.models.codebook import rows_of
from generator.models.composing import paint
from generator.models.likes import NAME, SECOND
from generator.models.staged import StagedStart
from generator.models.starter import load_starter
from generator.models.tiny.vqgan import FACTOR, TinyVQGAN
from generator.starter.lexicon import lexicon
from generator.starter.making.library.typed import held_out
from generator.starter.making.pool import scene_at
from generator.starter.making.render import render
from generator.starter.making.train_vqgan import to_images
from generator.starter.world import Scene, spots

SIDE, SEED = 256, 90_210
"""Pixels of a side; scenes of a seed that no stage draws from."""


def decibels(shown: Tensor, picture: Tensor) -> float:
    """Of values in [0, 1]."""
    return float(-10 * (shown.clamp(0, 1) - picture).square().mean().log10())


@torch.no_grad()
def shown_by(vqgan: TinyVQGAN, picture: Tensor) -> tuple[float, float]:
    """Decibels of one picture (3, H, W) after its codes, and unquantised."""
    latent = vqgan.encode(picture[None])
    return decibels(_by_codes(vqgan, latent), picture), decibels(vqgan.decode(latent)[0], picture)


def _by_codes(vqgan: TinyVQGAN, latent: Tensor) -> Tensor:
    return vqgan.decode(rows_of(vqgan.nearest(latent), vqgan.codebook))[0]


@torch.no_grad()
def painted_by(start: StagedStart, scene: Scene) -> float:
    """Decibels of a scene that is painted and shown by its codes, against its render."""
    latent = paint(start.painter, scene, spots(scene), SIDE // FACTOR, SIDE // FACTOR)
    return decibels(_by_codes(start.vqgan, latent), to_images(render(scene, SIDE)[None].copy())[0])


def laid_out(start: StagedStart, count: int) -> Iterator[Tensor]:
    """What the start lays out for `count` test prompts, each with a seed of its own."""
    known = lexicon()
    for seed, typed in enumerate(held_out("test", known, {thing.number for thing in known.things}, count)):
        yield start.stage(typed.text, seed, SIDE // FACTOR, SIDE // FACTOR).picture


def load_start(name: str) -> StagedStart:
    """The start of a starter that lays things out."""
    start = load_starter(name=name).start
    assert isinstance(start, StagedStart)
    return start


def in_words(values: list[float]) -> str:
    """Median and quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.1f} dB ({low:.1f} to {high:.1f})"


def main() -> None:
    """Both starters, over the same pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args()
    starts = {name: load_start(name) for name in (SECOND, NAME)}
    pictures = list(laid_out(starts[SECOND], options.count))
    scenes = [scene_at(SEED, number) for number in range(options.count)]
    for name, start in starts.items():
        codes, unquantised = map(list, zip(*(shown_by(start.vqgan, one) for one in pictures), strict=True))
        print(f"{name}: laid out {in_words(codes)}, unquantised {in_words(unquantised)}")
        print(f"{name}: painted {in_words([painted_by(start, scene) for scene in scenes])}", flush=True)


if __name__ == "__main__":
    main()
