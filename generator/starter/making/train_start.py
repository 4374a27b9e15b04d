"""Train the predicted start: the composer (caption -> scene slots) and the painter (scene slots -> latent grid)."""

import random
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from generator.models.tiny.start import Composer, ScenePainter
from generator.models.tiny.vqgan import TinyVQGAN
from generator.starter import words
from generator.starter.making.captions import Caption, caption, noisy
from generator.starter.making.loop import Schedule, channels_last, token_batch, train
from generator.starter.making.pool import Pool, scene_at
from generator.starter.making.processor import autocast
from generator.starter.making.render import render
from generator.starter.making.train_vqgan import to_images
from generator.starter.world import PART_SLOTS, SLOT_SIZES, SLOTS, Scene, draw_scene, replace, spots


def train_composer(folder: Path, schedule: Schedule, *, seed: int, batch: int = 192) -> Composer:
    """The composer, on captions of fresh scenes (nothing is rendered)."""
    torch.manual_seed(seed)
    model = Composer(words.TOKEN_COUNT, words.CONTEXT, SLOT_SIZES)

    def step(index: int, rng: np.random.Generator) -> dict[str, Tensor]:
        tokens, slots = caption_batch(random.Random(f"{seed}/composer/{index}"), batch)
        with autocast():
            logits = model(tokens, slots[:, :-1]).float()
        parts = [F.cross_entropy(model.slot_logits(logits[:, i], i), slots[:, i]) for i in range(len(SLOT_SIZES))]
        return {"loss": torch.stack(parts).mean(), "object": parts[list(SLOTS).index("object_1")].detach()}

    trained = train("composer", model, step, schedule, folder, seed=seed)
    assert isinstance(trained, Composer)
    return trained


def caption_batch(rng: random.Random, count: int) -> tuple[Tensor, Tensor]:
    """Tokens (count, CONTEXT) and slots (count, n) of fresh scenes; some captions carry a foreign word."""
    scenes = [draw_scene(rng) for _ in range(count)]
    captions = [caption(scene, rng) for scene in scenes]
    tokens = token_batch(noisy(one.text, rng) for one in captions)
    named = [in_named_order(scene, one) for scene, one in zip(scenes, captions, strict=True)]
    return tokens, torch.tensor([scene.indices() for scene in named])


def in_named_order(scene: Scene, one: Caption) -> Scene:
    """The same picture's scene with the object named first in the first place: what is whose is then in the order."""
    if not one.swapped:
        return scene
    parts = ("object", "colour", "size", "x", "y")
    return replace(scene, **{f"{part}_{to}": scene[f"{part}_{of}"] for part in parts for of, to in ((1, 2), (2, 1))})


PALENESS = {"pastel": 3.0, "sketch": 4.0}
"""Weight of a style's errors: its colours are pale, so that a lost one costs little by itself."""


def train_painter(
    pool: Pool, vqgan: TinyVQGAN, folder: Path, schedule: Schedule, *, seed: int, batch: int = 48
) -> ScenePainter:
    """The painter, on the latents of the pool's pictures."""
    torch.manual_seed(seed)
    latents = pool_latents(pool, vqgan, folder)
    places = torch.tensor([spots(pool.scene(index)) for index in range(len(pool))])
    spread = latents[:2000].float().std((0, 2, 3))
    style, paleness = list(SLOTS).index("style"), torch.tensor([PALENESS.get(name, 1.0) for name in SLOTS["style"]])
    model = channels_last(ScenePainter(SLOT_SIZES, PART_SLOTS, vqgan.codebook.shape[1]))
    model.set_scale(latents[:2000].float().mean((0, 2, 3)), spread)

    def step(index: int, rng: np.random.Generator) -> dict[str, Tensor]:
        chosen = torch.from_numpy(rng.integers(0, len(pool), batch))
        slots = torch.from_numpy(pool.scenes[chosen.numpy()].astype(np.int64))
        wanted = latents[chosen].float()
        with autocast():
            painted = model(slots, places[chosen], wanted.shape[2], wanted.shape[3]).float()
        # In latent units: the PCA order makes the first, widest dimensions the ones that show most in the picture.
        # Nearly quadratic, because objects are outliers to begin with and must not be taken for noise.
        error = F.smooth_l1_loss(painted, wanted, beta=2 * float(spread.mean()), reduction="none").mean(1)
        on_object = near_objects(places[chosen], *wanted.shape[2:])
        weight = (1 + 3 * on_object) * paleness[slots[:, style]].view(-1, 1, 1)
        mean_error = error.detach().mean()
        return {
            "loss": (error * weight).mean() / spread.mean(),
            "error": mean_error,
            "object_error": (error.detach() * on_object).sum() / on_object.sum(),
        }

    trained = train("painter", model, step, schedule, folder, seed=seed)
    assert isinstance(trained, ScenePainter)
    return trained


GRIDS = {16: 5000, 32: 4000, 48: 900}
"""Rows and columns of the latent grids the painter is taught, and how many pictures of each."""
_CELLS_IN_BATCH = 48 * 16 * 16


def refine_painter(
    painter: ScenePainter, vqgan: TinyVQGAN, folder: Path, schedule: Schedule, *, seed: int
) -> ScenePainter:
    """The painter taught several grids: one that has seen 16x16 cells only garbles stars and checks in finer ones.

    It goes on from a painter of one grid; parts that are not there are far away from now on (world.FAR).
    """
    torch.manual_seed(seed)
    shown = {cells: open_grid(folder, vqgan, seed, cells, count) for cells, count in GRIDS.items()}
    spread = float(painter.spread.mean())
    style, paleness = list(SLOTS).index("style"), torch.tensor([PALENESS.get(name, 1.0) for name in SLOTS["style"]])
    model = channels_last(painter)

    def step(index: int, rng: np.random.Generator) -> dict[str, Tensor]:
        cells = (16, 32, 32, 48)[index % 4]
        latents, scenes, places = shown[cells]
        chosen = torch.from_numpy(rng.integers(0, len(scenes), _CELLS_IN_BATCH // cells**2))
        slots, wanted = scenes[chosen], latents[chosen].float()
        with autocast():
            painted = model(slots, places[chosen], cells, cells).float()
        error = F.smooth_l1_loss(painted, wanted, beta=2 * spread, reduction="none").mean(1)
        weight = (1 + 3 * near_objects(places[chosen], cells, cells)) * paleness[slots[:, style]].view(-1, 1, 1)
        weight = weight * (1 + detail(wanted) / spread).clamp(max=6)
        return {"loss": (error * weight).mean() / spread, f"error{cells}": error.detach().mean()}

    trained = train("painter", model, step, schedule, folder, seed=seed)
    assert isinstance(trained, ScenePainter)
    return trained


def detail(latents: Tensor) -> Tensor:
    """How much every cell differs from those round it, (B, C, h, w) -> (B, h, w): stars are a cell each, and few."""
    return (latents - F.avg_pool2d(latents, 5, 1, 2, count_include_pad=False)).abs().mean(1)


@torch.no_grad()
def open_grid(folder: Path, vqgan: TinyVQGAN, seed: int, cells: int, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Latents (N, C, cells, cells) fp16, slots (N, n) and places (N, 5, 3) of pictures of 8 * cells pixels."""
    path = folder / f"grid-{cells}.pt"
    scenes = [scene_at(seed + cells, index) for index in range(count)]
    if not path.exists():
        parts = []
        for start in range(0, count, 20):
            pictures = np.stack([render(scene, 8 * cells) for scene in scenes[start : start + 20]])
            with autocast():
                parts.append(vqgan.encode(to_images(pictures)).half())
        torch.save(torch.cat(parts), path)
        print(f"rendered {count} pictures of {8 * cells} px", flush=True)
    slots, places = torch.tensor([s.indices() for s in scenes]), torch.tensor([spots(s) for s in scenes])
    return torch.load(path, weights_only=True), slots, places


def near_objects(places: Tensor, rows: int, columns: int) -> Tensor:
    """1 where a cell lies within 1.2 radii of an object, else 0: (B, rows, columns). places as from `spots`."""
    y, x = torch.meshgrid((torch.arange(rows) + 0.5) / rows, (torch.arange(columns) + 0.5) / columns, indexing="ij")
    centres = places[:, 3:, :, None, None]
    distance = ((x - centres[:, :, 0]).square() + (y - centres[:, :, 1]).square()).sqrt()
    return (distance < 1.2 * centres[:, :, 2]).any(1).float()


@torch.no_grad()
def pool_latents(pool: Pool, vqgan: TinyVQGAN, folder: Path) -> Tensor:
    """The latents of the pool's pictures before quantisation, (N, C, h, w) fp16, kept in `folder`."""
    path = folder / "latents.pt"
    if path.exists():
        kept: Tensor = torch.load(path, weights_only=True)
        return kept
    parts = []
    for start in range(0, len(pool), 100):
        with autocast():
            parts.append(vqgan.encode(to_images(pool.pictures[start : start + 100])).half())
    latents = torch.cat(parts)
    torch.save(latents, path)
    return latents
