"""A larger codebook for the starter's VQGAN, and a decoder that has seen its rows; the encoder stays as it was.

The first 2,048 rows were learnt from the starter's own world, before there were things to draw: rims, eyes and the reds
between sun and sea have none. They stay, so that no cell is farther from its row than before; the new ones are the
means (k-means; Lloyd, 1982) of cells that are far from any, seeded where these are (D-squared sampling; Arthur and
Vassilvitskii, 2007). The painter was taught this encoder's latents, and need not be taught anew.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from generator.models.codebook import rows_of
from generator.models.composing import paint
from generator.models.staged import StagedStart
from generator.models.tiny.start import ScenePainter
from generator.models.tiny.vqgan import CODES, FACTOR, TinyVQGAN
from generator.starter.lexicon import lexicon
from generator.starter.making.library.typed import held_out
from generator.starter.making.loop import Schedule, channels_last, train
from generator.starter.making.pool import scene_at
from generator.starter.making.processor import autocast
from generator.starter.making.render import render
from generator.starter.making.train_vqgan import cut, picture_loss, tally, to_images
from generator.starter.world import SLOTS, spots

SIDE, CROP, BATCH = 256, 64, 32
TYPED, RENDERED = 720, 480
"""Pictures of typed prompts, and of the starter's own world."""
CELLS, ROUNDS = 400_000, 6
"""Cells that the rows are the means of, and rounds of Lloyd's algorithm."""
_CHUNK = 8192


def draw_pictures(start: StagedStart, seed: int, typed: int = TYPED, rendered: int = RENDERED) -> NDArray[np.uint8]:
    """(typed + rendered, SIDE, SIDE, 3): what the start lays out for typed prompts, and real renders of its world."""
    known = lexicon()
    prompts = held_out("codes", known, {thing.number for thing in known.things}, typed)
    styles = random.Random(f"{seed}/styles")
    pictures = []
    for number, prompt in enumerate(prompts):
        text = f"{prompt.text}, {styles.choice(SLOTS['style'][1:])}" if number % 4 == 0 else prompt.text
        picture = start.stage(text, number, SIDE // FACTOR, SIDE // FACTOR).picture
        pictures.append((picture * 255).round().byte().permute(1, 2, 0).numpy())
    return np.stack([*pictures, *(render(scene_at(seed, number), SIDE) for number in range(rendered))])


@torch.no_grad()
def cells_of(
    pictures: NDArray[np.uint8], vqgan: TinyVQGAN, painter: ScenePainter, seed: int, count: int = CELLS
) -> Tensor:
    """(count, C): cells of the pictures' latents, and one in five of what the painter paints of its own."""
    latents = [vqgan.encode(to_images(pictures[at : at + 8])) for at in range(0, len(pictures), 8)]
    grid = SIDE // FACTOR
    scenes = [scene_at(seed + 1, number) for number in range(len(pictures) // 4)]
    latents += [paint(painter, scene, spots(scene), grid, grid) for scene in scenes]
    flat = torch.cat([latent.movedim(1, -1).flatten(0, 2) for latent in latents])
    chosen = torch.randperm(len(flat), generator=torch.Generator().manual_seed(seed))[:count]
    return flat[chosen]


@torch.no_grad()
def grow_codebook(codebook: Tensor, cells: Tensor, codes: int, seed: int, rounds: int = ROUNDS) -> Tensor:
    """(codes, C): the given rows, unmoved, and new ones for the `cells` (N, C) that lie far from them."""
    kept = len(codebook)
    far = _nearest(cells, codebook)[1].clamp(min=0)
    chosen = torch.multinomial(far, codes - kept, generator=torch.Generator().manual_seed(seed))
    rows = torch.cat((codebook, cells[chosen]))
    for _ in range(rounds):
        nearest, distance = _nearest(cells, rows)
        print(f"codes: mean squared distance {float(distance.mean()):.5f}", flush=True)
        counts, sums = tally(nearest, cells, rows)
        moves = counts > 0
        moves[:kept] = False
        rows[moves] = sums[moves] / counts[moves, None]
    return rows


def _nearest(cells: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Of each cell its nearest row and the squared distance to it."""
    squared = rows.square().sum(1)
    found = [(squared - 2 * chunk @ rows.T).min(1) for chunk in torch.split(cells, _CHUNK)]
    nearest = torch.cat([one.indices for one in found])
    return nearest, torch.cat([one.values for one in found]) + cells.square().sum(1)


def train_codes(start: StagedStart, folder: Path, schedule: Schedule, *, seed: int) -> TinyVQGAN:
    """The start's VQGAN with CODES rows, its decoder trained on with them."""
    vqgan, painter = start.vqgan, start.painter
    folder.mkdir(parents=True, exist_ok=True)
    pictures = _kept(folder / "pictures.npy", lambda: draw_pictures(start, seed))
    rows = _kept(
        folder / "codebook.npy",
        lambda: grow_codebook(vqgan.codebook, cells_of(pictures, vqgan, painter, seed), CODES, seed).numpy(),
    )
    return train_decoder(pictures, with_codebook(vqgan, torch.from_numpy(rows)), folder, schedule, seed=seed)


def _kept(file: Path, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """The array in a file; made and written first where there is none."""
    if not file.exists():
        part = file.with_suffix(".part.npy")
        np.save(part, make())
        part.replace(file)
    array: NDArray[Any] = np.load(file)
    return array


def with_codebook(vqgan: TinyVQGAN, codebook: Tensor) -> TinyVQGAN:
    """The same networks with other rows."""
    model = TinyVQGAN(codes=len(codebook))
    model.load_state_dict({**vqgan.state_dict(), "codebook": codebook})
    return model


def train_decoder(
    pictures: NDArray[np.uint8], model: TinyVQGAN, folder: Path, schedule: Schedule, *, seed: int
) -> TinyVQGAN:
    """`model` with its decoder trained on, what goes into it quantised as it will be."""
    model = channels_last(model).requires_grad_(True)
    for part in (model.linear_in, model.encoder):
        part.requires_grad_(False)

    def step(index: int, rng: np.random.Generator) -> dict[str, Tensor]:
        images = _crops(pictures, rng)
        with torch.no_grad():
            quantised = rows_of(model.nearest(model.encode(images)), model.codebook)
        with autocast():
            decoded = model.decode(quantised.contiguous(memory_format=torch.channels_last))
        decoded = decoded.float()
        mse = F.mse_loss(decoded.detach().clamp(0, 1), images)
        return {"loss": picture_loss(decoded, images), "psnr": -10 * mse.log10()}

    trained: nn.Module = train("codes", model, step, schedule, folder, seed=seed)
    assert isinstance(trained, TinyVQGAN)
    return trained


def _crops(pictures: NDArray[np.uint8], rng: np.random.Generator) -> Tensor:
    """(BATCH, 3, CROP, CROP) in [0, 1], on the grid of cells as the pictures will be."""
    chosen = rng.integers(0, len(pictures), BATCH)
    corners = rng.integers(0, (SIDE - CROP) // FACTOR + 1, (BATCH, 2)) * FACTOR
    return cut(pictures, chosen, corners, CROP)
