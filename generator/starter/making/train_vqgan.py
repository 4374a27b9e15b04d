"""Train the starter's VQGAN on pool pictures: PCA start, EMA codebook, L1 at three scales plus gradient L1."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from generator.models.tiny.vqgan import FACTOR, TinyVQGAN
from generator.starter.making.loop import Schedule, channels_last, train
from generator.starter.making.pool import Pool
from generator.starter.making.processor import autocast

CROP, BATCH = 64, 32
_DECAY, _COMMITMENT, _DEAD = 0.99, 0.25, 0.02


def train_vqgan(pool: Pool, folder: Path, schedule: Schedule, *, seed: int) -> TinyVQGAN:
    """The trained autoencoder with its codebook."""
    torch.manual_seed(seed)
    model = channels_last(TinyVQGAN())
    first = np.random.default_rng((seed, 0, 0))
    _start_from_pca(model, _crops(pool, first, 512))
    trainer = VqganTrainer(model, _crops(pool, first, 512), seed)

    def step(index: int, rng: np.random.Generator) -> dict[str, Tensor]:
        images = _crops(pool, rng, BATCH)
        with autocast():
            latent = model.encode(images)
        latent = latent.float()
        quantised = trainer.quantise(latent, rng)
        with autocast():
            decoded = model.decode(latent + (quantised - latent).detach())
        decoded = decoded.float()
        picture = picture_loss(decoded, images)
        commitment = F.mse_loss(latent, quantised) / trainer.spread
        mse = F.mse_loss(decoded.detach().clamp(0, 1), images)
        return {"loss": picture + _COMMITMENT * 0.1 * commitment, "psnr": -10 * mse.log10(), "used": trainer.used()}

    train("vqgan", trainer, step, schedule, folder, seed=seed)
    return model


def picture_loss(decoded: Tensor, images: Tensor) -> Tensor:
    """L1 and finite-difference L1 at full, half and quarter size."""
    loss = decoded.new_zeros(())
    for scale in (1, 2, 4):
        a, b = (F.avg_pool2d(t, scale) if scale > 1 else t for t in (decoded, images))
        error = a - b
        loss = loss + error.abs().mean()
        loss = loss + 0.7 * (error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean())
    return loss


def _crops(pool: Pool, rng: np.random.Generator, count: int) -> Tensor:
    """(count, 3, CROP, CROP) in [0, 1]; offsets are any pixel, so that codes do not depend on the grid."""
    chosen = rng.integers(0, len(pool), count)
    corners = rng.integers(0, pool.pictures.shape[1] - CROP + 1, (count, 2))
    aligned = rng.random(count) < 0.75
    corners[aligned] = corners[aligned] // FACTOR * FACTOR
    return cut(pool.pictures, chosen, corners, CROP)


def cut(pictures: NDArray[np.uint8], chosen: NDArray[np.int64], corners: NDArray[np.int64], side: int) -> Tensor:
    """(n, 3, side, side) in [0, 1] of the chosen pictures, whose left upper corners (n, 2) are given as (y, x)."""
    return to_images(
        np.stack([pictures[i, y : y + side, x : x + side] for i, (y, x) in zip(chosen, corners, strict=True)])
    )


def tally(codes: Tensor, cells: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Of each row how many cells (N, C) have its code (N,), and their sum."""
    counts = torch.bincount(codes, minlength=len(rows)).float()
    return counts, torch.zeros_like(rows).index_add_(0, codes, cells)


def to_images(pictures: NDArray[np.uint8]) -> Tensor:
    """(N, H, W, 3) bytes -> (N, 3, H, W) in [0, 1], channels last in memory."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(255)


def _start_from_pca(model: TinyVQGAN, images: Tensor) -> None:
    """Make the linear path the (lightly whitened) PCA of 8x8 patches: 28.7 dB before any training."""
    patches = F.unfold(images - 0.5, FACTOR, stride=FACTOR).movedim(1, -1).flatten(0, 1)
    width = model.codebook.shape[1]
    _, values, vectors = torch.pca_lowrank(patches, q=width, center=False, niter=4)
    spread = (values / len(patches) ** 0.5).clamp(min=1e-4)
    scale = spread.pow(-0.3)
    with torch.no_grad():
        model.linear_in.weight.copy_((vectors * scale).T.view_as(model.linear_in.weight))
        model.linear_out.weight.copy_((vectors / scale).T.view_as(model.linear_out.weight))
        for layer in (model.linear_in, model.linear_out):
            assert layer.bias is not None
            layer.bias.zero_()


class VqganTrainer(nn.Module):
    """The network, and its EMA codebook's counts and sums, which must survive an interruption."""

    counts: Tensor
    sums: Tensor
    spread: Tensor

    def __init__(self, vqgan: TinyVQGAN, images: Tensor, seed: int) -> None:
        super().__init__()
        self.vqgan = vqgan
        with torch.no_grad():
            flat = vqgan.encode(images).movedim(1, -1).flatten(0, 2)
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(len(flat), generator=generator)[: len(vqgan.codebook)]
        vqgan.codebook.copy_(flat[chosen])
        for _ in range(8):
            self._lloyd(flat)
        self.register_buffer("spread", flat.var(0).mean())
        self.register_buffer("counts", torch.ones(len(vqgan.codebook)))
        self.register_buffer("sums", vqgan.codebook.clone())

    def _lloyd(self, flat: Tensor) -> None:
        codes = self.vqgan.nearest(flat.T[None, :, None])[0, 0]
        counts, sums = tally(codes, flat, self.vqgan.codebook)
        full = counts > 0
        self.vqgan.codebook[full] = sums[full] / counts[full, None]

    @torch.no_grad()
    def quantise(self, latent: Tensor, rng: np.random.Generator) -> Tensor:
        """The nearest rows, after moving the codebook towards this batch. (B, C, h, w) -> same."""
        codes = self.vqgan.nearest(latent)
        flat = latent.movedim(1, -1).flatten(0, 2)
        counts, sums = tally(codes.flatten(), flat, self.sums)
        self.counts.lerp_(counts, 1 - _DECAY)
        self.sums.lerp_(sums, 1 - _DECAY)
        dead = (self.counts < _DEAD).nonzero()[:, 0]
        if len(dead):
            fresh = flat[torch.from_numpy(rng.integers(0, len(flat), len(dead)))]
            self.counts[dead], self.sums[dead] = 1.0, fresh
        self.vqgan.codebook.copy_(self.sums / self.counts[:, None].clamp(min=1e-6))
        return F.embedding(codes, self.vqgan.codebook).movedim(-1, 1)

    def used(self) -> Tensor:
        """How many codes carry at least a tenth of the mean load."""
        return (self.counts > 0.1 * self.counts.mean()).sum()
