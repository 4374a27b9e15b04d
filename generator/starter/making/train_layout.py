"""Train the starter's second CLIP, which keeps place: the plainest picture of a caption is its text tower's aim.

The image tower is no more than the principal components of such pictures' thumbnails, so its gradient cannot be fooled:
whatever lowers the distance makes the picture likelier. What is learnt is the text tower, by regression on the image
tower's embedding of the caption's plainest picture, of which there is one.
"""

import json
import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from generator.models.tiny.clip import LayoutCLIP
from generator.starter import words
from generator.starter.making.captions import caption, noisy
from generator.starter.making.loop import Schedule, token_batch, train
from generator.starter.making.plainest import plainest
from generator.starter.making.pool import shrink
from generator.starter.making.processor import autocast
from generator.starter.making.render import render
from generator.starter.making.train_vqgan import to_images
from generator.starter.world import SIDE, draw_scene

BATCH = 256
LOSS_SCALE = 1 / 8
"""Brings the gradient's length near to what the training loop clips it to."""
MOST_STRONG, MOST_PALE = 0.5, 4.0
_CHUNK = 1000


@dataclass(frozen=True)
class Layouts:
    """texts (N) and the thumbnails of their plainest pictures (N, 32, 32, 3) uint8."""

    texts: list[str]
    thumbnails: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.texts)


def open_layouts(folder: Path, seed: int, count: int, workers: int = 2) -> Layouts:
    """The captions and thumbnails in `folder`, made first where they are missing or of another seed or number."""
    done, wanted = folder / "layouts.json", {"seed": seed, "count": count, "version": 2}
    if not (done.exists() and json.loads(done.read_text())["made"] == wanted):
        done.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        starts = range(0, count, _CHUNK)
        with ProcessPoolExecutor(workers) as executor:
            counts = [min(_CHUNK, count - start) for start in starts]
            parts = list(executor.map(partial(_chunk, seed), starts, counts))
        np.save(folder / "thumbnails.npy", np.concatenate([thumbnails for _, thumbnails in parts]))
        texts = [text for part, _ in parts for text in part]
        done.write_text(json.dumps({"made": wanted, "texts": texts}))
    return Layouts(json.loads(done.read_text())["texts"], np.load(folder / "thumbnails.npy"))


def _chunk(seed: int, start: int, count: int) -> tuple[list[str], NDArray[np.uint8]]:
    rng = random.Random(f"{seed}/layout/{start}")
    texts, pictures = [], np.empty((count, SIDE, SIDE, 3), dtype=np.uint8)
    for row in range(count):
        scene = draw_scene(rng)
        one = caption(scene, rng, full=rng.random() < 0.33)
        texts.append(one.text)
        pictures[row] = render(plainest(scene, one))
    return texts, thumbnails(pictures)


def thumbnails(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, SIDE, SIDE, 3) -> (N, 32, 32, 3) by averaging."""
    return shrink(pictures, SIDE // LayoutCLIP.SIDE)


def principal_components(pictures: NDArray[np.uint8], count: int) -> tuple[Tensor, Tensor]:
    """The mean (P) and the `count` strongest components (count, P) of thumbnails, P in the order of a (3, 32, 32)."""
    pixels = to_images(pictures).flatten(1)
    mean = pixels.mean(0)
    _, components = torch.linalg.eigh((pixels - mean).T @ (pixels - mean) / len(pixels))
    strongest = components.flip(1)[:, :count].T.contiguous()
    # A component's sign is the solver's whim: the same on every machine, its largest number is above 0.
    largest = strongest.gather(1, strongest.abs().argmax(1, keepdim=True))
    return mean, strongest * largest.sign()


def train_layout(layouts: Layouts, folder: Path, schedule: Schedule, *, seed: int) -> LayoutCLIP:
    """The CLIP that keeps place, trained on captions and thumbnails."""
    torch.manual_seed(seed)
    model = LayoutCLIP(words.TOKEN_COUNT, words.CONTEXT)
    mean, basis = principal_components(layouts.thumbnails[:20_000], len(model.basis))
    model.mean.copy_(mean)
    model.basis.copy_(basis)

    def step(index: int, rng: np.random.Generator) -> dict[str, Tensor]:
        chosen = rng.integers(0, len(layouts), BATCH)
        spelt = random.Random(f"{seed}/layout/{index}")
        tokens = token_batch(noisy(layouts.texts[row], spelt) for row in chosen)
        pictures = to_images(layouts.thumbnails[chosen])
        with torch.no_grad():
            wanted = model.encode_image(pictures)
        with autocast():
            said = model.encode_tokens(tokens).float()
        error = (said - wanted).square().sum(1)
        return {
            "loss": LOSS_SCALE * (error * paleness(pictures)).mean(),
            "left": error.detach().mean() / wanted.var(0).sum(),
            "top1": _top1(said, wanted),
        }

    trained = train("layout", model, step, schedule, folder, seed=seed)
    assert isinstance(trained, LayoutCLIP)
    return trained


def paleness(pictures: Tensor) -> Tensor:
    """Weight of the errors of pictures (N, 3, h, w): more where little contrast makes a lost thing cheap, (N,)."""
    contrast = pictures.var((2, 3)).mean(1)
    return (contrast.mean() / contrast.clamp(min=1e-6)).clamp(MOST_STRONG, MOST_PALE)


def _top1(said: Tensor, wanted: Tensor) -> Tensor:
    """Share of the texts of a batch whose own picture is the nearest in angle."""
    similarity = F.normalize(said.detach(), dim=1) @ F.normalize(wanted, dim=1).T
    return (similarity.argmax(1) == torch.arange(len(said))).float().mean()
