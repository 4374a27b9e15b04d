"""Train the library of things: an embedding of every drawing, and the decoder that draws it.

The embeddings come from an encoder that is trained beside the decoder and then dropped: every drawing gains from what
the others taught, where a free table would learn each one alone (3,100 drawings in minutes instead of hours).
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from generator.models.tiny.layers import ConvBlock, zero
from generator.models.tiny.things import GRID, SIDE, ThingDecoder, ThingLibrary
from generator.starter.making.library.drawings import Drawings
from generator.starter.making.loop import Schedule, channels_last, train
from generator.starter.making.processor import autocast
from generator.starter.making.train_vqgan import picture_loss

BATCH = 32
_NOISE = 0.02
"""Added to the embeddings, in their own deviations: the bytes that ship are no finer."""


class ThingEncoder(nn.Module):
    """Drawing -> embedding. A scaffold of the training: what ships are the embeddings it ended with."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.linear = nn.Conv2d(4, width, SIDE // GRID, SIDE // GRID)
        self.layers = nn.Sequential(
            nn.Conv2d(4, 32, 4, 4),
            ConvBlock(32),
            nn.Conv2d(32, 96, 2, 2),
            ConvBlock(96),
            ConvBlock(96),
            nn.Conv2d(96, 192, 2, 2),
            ConvBlock(192),
            ConvBlock(192),
            nn.SiLU(),
            nn.Conv2d(192, width, 1),
        )
        zero(self.layers[-1])

    def forward(self, drawings: Tensor) -> Tensor:
        """(B, 4, 96, 96) -> (B, width, 6, 6)."""
        embedded: Tensor = self.linear(drawings) + self.layers(drawings)
        return embedded


class ThingTrainer(nn.Module):
    """Encoder and decoder, and the spread of the embedding's dimensions."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.encoder, self.decoder = ThingEncoder(width), ThingDecoder(width)


def train_things(drawings: Drawings, folder: Path, schedule: Schedule, *, seed: int, width: int = 64) -> ThingTrainer:
    """Encoder and decoder, trained until each drawing is known by heart."""
    torch.manual_seed(seed)
    model = ThingTrainer(width)
    _start_from_pca(model, to_drawings(drawings.pictures[::3]))
    channels_last(model)

    def step(index: int, rng: np.random.Generator) -> dict[str, Tensor]:
        images = to_drawings(drawings.pictures[rng.choice(len(drawings), BATCH, replace=False)])
        with autocast():
            embedded = model.encoder(images)
        embedded = embedded.float()
        spread = embedded.detach().std((0, 2, 3), keepdim=True)
        noise = torch.from_numpy(rng.standard_normal(embedded.shape, dtype=np.float32))
        with autocast():
            drawn = model.decoder(embedded + _NOISE * spread * noise)
        drawn = drawn.float()
        mse = F.mse_loss(drawn.detach().clamp(0, 1), images)
        return {"loss": picture_loss(drawn, images), "psnr": -10 * mse.log10()}

    trained = train("things", model, step, schedule, folder, seed=seed)
    assert isinstance(trained, ThingTrainer)
    return trained


def to_drawings(pictures: np.ndarray) -> Tensor:
    """(N, S, S, 4) bytes -> (N, 4, S, S) in [0, 1], channels last in memory."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(255)


def _start_from_pca(model: ThingTrainer, images: Tensor) -> None:
    """Make the linear paths the lightly whitened principal components of the drawings' patches."""
    patch = SIDE // GRID
    patches = F.unfold(images, patch, stride=patch).movedim(1, -1).flatten(0, 1)
    mean = patches.mean(0)
    values, vectors = torch.linalg.eigh((patches - mean).T @ (patches - mean) / len(patches))
    width = model.decoder.linear.in_channels
    basis, scale = vectors.flip(1)[:, :width], values.flip(0)[:width].clamp(min=1e-6).pow(-0.3)
    into, out = model.encoder.linear, model.decoder.linear
    assert into.bias is not None
    assert out.bias is not None
    with torch.no_grad():
        into.weight.copy_((basis * scale).T.view_as(into.weight))
        into.bias.copy_(-(mean @ (basis * scale)))
        out.weight.copy_((basis / scale).T.view_as(out.weight))
        out.bias.copy_(mean.view(4, -1).mean(1))


@torch.no_grad()
def to_library(trained: ThingTrainer, drawings: Drawings) -> ThingLibrary:
    """What ships: the embeddings as bytes, and the decoder."""
    width = trained.decoder.linear.in_channels
    library = ThingLibrary(len(drawings), width)
    library.decoder.load_state_dict(trained.decoder.state_dict())
    parts = [trained.encoder(to_drawings(drawings.pictures[at : at + 100])) for at in range(0, len(drawings), 100)]
    embedded = torch.cat(parts)
    # The largest thousandth is cut off, so that a few outliers do not coarsen all the others.
    scale = embedded.abs().movedim(1, 0).flatten(1).quantile(0.9995, 1) / 127
    library.scale.copy_(scale.half().float())
    library.codes.copy_((embedded / library.scale[:, None, None]).round().clamp(-127, 127))
    return library.eval()
