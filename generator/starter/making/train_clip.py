"""Train the starter's CLIP: contrastive with known matches, attribute heads, free adversarial training, fooling images.

"Free" (Shafahi et al. 2019, arXiv 1904.12843): each batch is replayed, and the gradient that updates the weights also
moves the perturbation, so robustness costs no extra pass. Robust encoders have gradients that draw shapes (Santurkar
et al. 2019, arXiv 1906.09453). Fooling images are what gradient ascent paints from grey with the current
weights, each going on where it was left, as the samples of an energy-based model do (Du and Mordatch 2019, arXiv
1903.08689); they stand in the batch as pictures that no caption describes.
"""

import random
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from generator.models.tiny.clip import TinyCLIP
from generator.models.tiny.vqgan import TinyVQGAN
from generator.starter import words
from generator.starter.making.captions import Caption, caption, noisy
from generator.starter.making.loop import Schedule, channels_last, token_batch, train
from generator.starter.making.pool import Pool, shrink
from generator.starter.making.processor import autocast
from generator.starter.making.train_vqgan import to_images
from generator.starter.world import SLOT_SIZES, SLOTS

BATCH, REPLAYS, FOOLING, FOOLING_KEPT = 128, 3, 32, 512
PAINT_STEP = 5.0
"""Length of one step of a fooling picture's latent, in deviations of the codebook, over all its 6144 numbers."""
LATENT = (24, 16, 16)
MAX_EPSILON, STEP_EPSILON = 2.5, 1.2
_SIZE = 64


class ClipTrainer(nn.Module):
    """The network and what must survive an interruption: the running perturbation and the fooling images."""

    perturbation: Tensor
    fooling: Tensor
    fooling_latents: Tensor
    fooling_scenes: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.clip = TinyCLIP(words.TOKEN_COUNT, words.CONTEXT, SLOT_SIZES)
        self.register_buffer("perturbation", torch.zeros(BATCH, 3, _SIZE, _SIZE))
        self.register_buffer("fooling", torch.zeros(FOOLING_KEPT, 3, _SIZE, _SIZE, dtype=torch.uint8))
        self.register_buffer("fooling_latents", torch.zeros(FOOLING_KEPT, *LATENT))
        self.register_buffer("fooling_scenes", torch.full((FOOLING_KEPT,), -1))


def train_clip(
    pool: Pool, vqgan_ready: int, vqgan_folder: Path, folder: Path, schedule: Schedule, *, seed: int
) -> TinyCLIP:
    """The trained CLIP; from step `vqgan_ready` on it also sees VQGAN reconstructions and fooling images."""
    from generator.starter.making.train import load_vqgan

    torch.manual_seed(seed)
    model = channels_last(ClipTrainer())
    views = _Views(pool, folder)
    kept: list[TinyVQGAN] = []

    def step(index: int, rng: np.random.Generator) -> dict[str, Tensor]:
        batch_rng = np.random.default_rng((seed, index // REPLAYS, 1))
        if index >= vqgan_ready and not kept:
            kept.append(load_vqgan(vqgan_folder))
            views.add_reconstructions(kept[0], folder)
        if index >= vqgan_ready and (index - vqgan_ready) % 45 == 0:
            _refresh_fooling(model, kept[0], pool, np.random.default_rng((seed, index, 2)))
        return _clip_step(model, views, pool, batch_rng, index)

    trained = train("clip", model, step, schedule, folder, seed=seed)
    assert isinstance(trained, ClipTrainer)
    return trained.clip


def _clip_step(
    model: ClipTrainer, views: "_Views", pool: Pool, rng: np.random.Generator, index: int
) -> dict[str, Tensor]:
    chosen = rng.integers(0, len(pool), BATCH)
    fooling = _pick_fooling(model, rng)
    if len(fooling):
        chosen[: len(fooling)] = model.fooling_scenes[fooling].numpy()
    images, whole = views.draw(chosen, rng)
    captions = caption_some(pool, chosen, random.Random(int(rng.integers(1 << 62))))
    tokens = token_batch(one.text for one in captions)
    if index % REPLAYS == 0:
        model.perturbation.zero_()
    attacked = (images + model.perturbation).detach().requires_grad_()
    extra = model.fooling[fooling].float() / 255
    losses = _losses(model.clip, torch.cat((attacked, extra)), tokens, captions, pool.scenes[chosen], whole)
    _hook_perturbation(model, attacked, rng)
    return losses


def _hook_perturbation(model: ClipTrainer, attacked: Tensor, rng: np.random.Generator) -> None:
    """Move the perturbation by the gradient that the coming backward pass computes anyway."""
    epsilon = torch.from_numpy(rng.random(BATCH).astype(np.float32) * MAX_EPSILON).view(-1, 1, 1, 1)

    def move(gradient: Tensor) -> None:
        moved = model.perturbation + STEP_EPSILON * gradient / gradient.flatten(1).norm(dim=1).clamp(1e-12).view(
            -1, 1, 1, 1
        )
        norm = moved.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        model.perturbation.copy_(moved * (epsilon / norm.clamp(min=1e-6)).clamp(max=1))

    attacked.register_hook(move)  # type: ignore[no-untyped-call]  # torch ships this method untyped


def _losses(
    clip: TinyCLIP,
    images: Tensor,
    tokens: Tensor,
    captions: list[Caption],
    slots: NDArray[np.uint8],
    whole: NDArray[np.bool_],
) -> dict[str, Tensor]:
    with autocast():
        features = clip.features(images.contiguous(memory_format=torch.channels_last))
        seen = clip.project(features).float()
        said = clip.encode_tokens(tokens).float()
        assert clip.attributes is not None
        read = clip.attributes(features[: len(tokens)]).float()
    logits = clip.scale.exp().clamp(max=60) * F.normalize(said, dim=1) @ F.normalize(seen, dim=1).T
    also_true = torch.from_numpy(_matches(captions, slots))
    also_true.fill_diagonal_(False)
    real = logits[:, : len(tokens)].masked_fill(also_true, -1e4)
    target = torch.arange(len(tokens))
    text_loss = F.cross_entropy(torch.cat((real, logits[:, len(tokens) :]), 1), target)
    image_loss = F.cross_entropy(real.T, target)
    attribute_loss = _attribute_loss(read, slots, whole)
    correct = (logits[:, : len(tokens)].argmax(1) == target).float().mean()
    contrastive = 0.5 * (text_loss + image_loss)
    return {
        "loss": contrastive + 0.5 * attribute_loss,
        "contrastive": contrastive,
        "attributes": attribute_loss,
        "top1": correct,
    }


def _matches(captions: list[Caption], slots: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(texts, pictures): whether the picture has every slot value the caption states."""
    stated = np.full((len(captions), len(SLOTS)), -1, dtype=np.int64)
    for row, one in enumerate(captions):
        for column, (slot, values) in enumerate(SLOTS.items()):
            if one.stated.get(slot) in values:
                stated[row, column] = values.index(one.stated[slot])
    same: NDArray[np.bool_] = ((stated[:, None] < 0) | (stated[:, None] == slots[None].astype(np.int64))).all(2)
    return same


def _attribute_loss(read: Tensor, slots: NDArray[np.uint8], whole: NDArray[np.bool_]) -> Tensor:
    """Mean cross-entropy of the slots of whole views; places are left to the painter."""
    rows = torch.from_numpy(np.flatnonzero(whole))
    wanted = torch.from_numpy(slots.astype(np.int64))[rows]
    losses, start = [], 0
    for column, (name, size) in enumerate(zip(SLOTS, SLOT_SIZES, strict=True)):
        if name not in ("layout", "horizon"):
            losses.append(F.cross_entropy(read[rows, start : start + size], wanted[:, column]))
        start += size
    return torch.stack(losses).mean()


def caption_some(pool: Pool, chosen: NDArray[np.int64], rng: random.Random) -> list[Caption]:
    """A fresh caption for each chosen picture, a third of them stating everything."""
    captions = []
    for index in chosen:
        one = caption(pool.scene(int(index)), rng, full=rng.random() < 0.33)
        captions.append(Caption(noisy(one.text, rng), one.stated))
    return captions


class _Views:
    """64x64 views of pool pictures: half whole, half crops; blurred, noisy, dimmed, some through the VQGAN."""

    def __init__(self, pool: Pool, folder: Path) -> None:
        self.pool = pool
        path = folder / "small.npy"
        if not path.exists():
            parts = [shrink(pool.pictures[at : at + 1000], 2) for at in range(0, len(pool), 1000)]
            np.save(path, np.concatenate(parts))
        self.small = np.load(path)
        self.rebuilt: NDArray[np.uint8] | None = None

    def add_reconstructions(self, vqgan: TinyVQGAN, folder: Path, count: int = 12_000) -> None:
        """Make the first `count` pictures also available as the VQGAN draws them."""
        path = folder / "rebuilt.npy"
        if not path.exists():
            parts = [shrink(rebuild(vqgan, self.pool.pictures[at : at + 100]), 2) for at in range(0, count, 100)]
            np.save(path, np.concatenate(parts))
        self.rebuilt = np.load(path)

    def draw(self, chosen: NDArray[np.int64], rng: np.random.Generator) -> tuple[Tensor, NDArray[np.bool_]]:
        """(N, 3, 64, 64) views and which of them show the whole picture."""
        whole = rng.random(len(chosen)) < 0.5
        pictures = self.small[chosen]
        if self.rebuilt is not None:
            inside = (chosen < len(self.rebuilt)) & (rng.random(len(chosen)) < 0.8)
            pictures[inside] = self.rebuilt[chosen[inside]]
        images = to_images(pictures)
        for row in np.flatnonzero(~whole):
            images[row] = _crop(self.pool.pictures[chosen[row]], rng)
        return _disturb(images, rng), whole


def rebuild(vqgan: TinyVQGAN, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The pictures through encode, quantise and decode."""
    with torch.no_grad(), autocast():
        codes = vqgan.nearest(vqgan.encode(to_images(pictures)).float())
        decoded = vqgan.decode(F.embedding(codes, vqgan.codebook).movedim(-1, 1)).float()
    rounded: NDArray[np.uint8] = (decoded.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
    return rounded


def _crop(picture: NDArray[np.uint8], rng: np.random.Generator) -> Tensor:
    side = int(picture.shape[0] * rng.uniform(0.5, 0.95))
    y, x = rng.integers(0, picture.shape[0] - side + 1, 2)
    part = to_images(np.ascontiguousarray(picture[None, y : y + side, x : x + side]))
    cropped: Tensor = F.interpolate(part, (_SIZE, _SIZE), mode="bilinear", antialias=True)[0]
    return cropped


def _disturb(images: Tensor, rng: np.random.Generator) -> Tensor:
    count = len(images)
    numbers = torch.from_numpy(rng.random((3, count)).astype(np.float32)).view(3, count, 1, 1, 1)
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    images = torch.where(numbers[0] < 0.2, blurred, images)
    images = (images - 0.5) * (0.8 + 0.4 * numbers[1]) + 0.5 + 0.1 * (numbers[2] - 0.5)
    noise = torch.from_numpy(rng.standard_normal(images.shape, dtype=np.float32))
    return images + noise * 0.05 * (numbers[0] > 0.5)


# ---------------------------------------------------------------- fooling images


def _pick_fooling(model: ClipTrainer, rng: np.random.Generator) -> Tensor:
    kept = (model.fooling_scenes >= 0).nonzero()[:, 0]
    if not len(kept):
        return kept
    return kept[torch.from_numpy(rng.choice(len(kept), FOOLING, replace=False))]


def _refresh_fooling(model: ClipTrainer, vqgan: TinyVQGAN, pool: Pool, rng: np.random.Generator) -> None:
    """Paint on 32 fooling pictures of the pool with the current weights; a third of them begin anew from grey."""
    slots = _some_slots(model, rng)
    fresh = (model.fooling_scenes[slots] < 0) | torch.from_numpy(rng.random(len(slots)) < 0.33)
    model.fooling_scenes[slots[fresh]] = torch.from_numpy(rng.integers(0, len(pool), int(fresh.sum())))
    with torch.no_grad():
        model.fooling_latents[slots[fresh]] = near_grey(vqgan, int(fresh.sum()), rng)
    captions = caption_some(pool, model.fooling_scenes[slots].numpy(), random.Random(int(rng.integers(1 << 62))))
    latent, painted = paint_on(model.clip, vqgan, [one.text for one in captions], model.fooling_latents[slots], rng)
    model.fooling_latents[slots] = latent
    model.fooling[slots] = (painted.clamp(0, 1) * 255).byte()


def _some_slots(model: ClipTrainer, rng: np.random.Generator, count: int = 32) -> Tensor:
    """The first empty slots while there are any, then any."""
    empty = (model.fooling_scenes < 0).nonzero()[:, 0]
    if len(empty) >= count:
        return empty[:count]
    return torch.from_numpy(rng.choice(FOOLING_KEPT, count, replace=False))


def near_grey(vqgan: TinyVQGAN, count: int, rng: np.random.Generator) -> Tensor:
    """Latents of grey pictures with a little noise: (count, C, 16, 16)."""
    grey = vqgan.encode(torch.full((1, 3, 128, 128), 0.5)).expand(count, -1, -1, -1)
    noise = torch.from_numpy(rng.standard_normal(grey.shape, dtype=np.float32))
    return grey + 0.15 * noise * vqgan.codebook.std(0)[None, :, None, None]


def paint_on(
    clip: TinyCLIP, vqgan: TinyVQGAN, texts: list[str], latent: Tensor, rng: np.random.Generator, steps: int = 10
) -> tuple[Tensor, Tensor]:
    """The latents and their (N, 3, 64, 64) pictures after some steps up the gradient of each one's text.

    Every picture moves as far as every other (its gradient has the length of the step), the way pictures are drawn with
    robust encoders; Adam, which moves every number alike, covers them with noise.
    """
    with torch.no_grad():
        target = F.normalize(clip.encode_tokens(torch.tensor([words.tokens(text) for text in texts])), dim=1)
    spread = vqgan.codebook.std(0)[None, :, None, None]
    latent = latent.clone().requires_grad_()
    for _ in range(steps):
        with autocast():
            small = F.avg_pool2d(_decode_straight(vqgan, latent), 2)
            seen = clip.encode_image(_shifted(small, rng).clamp(0, 1))
        similarity = (F.normalize(seen.float(), dim=1) * target).sum()
        (gradient,) = torch.autograd.grad(similarity, latent)
        with torch.no_grad():
            scaled = gradient * spread
            length = scaled.flatten(1).norm(dim=1).clamp(min=1e-12).view(-1, 1, 1, 1)
            latent += PAINT_STEP * spread * scaled / length
    with torch.no_grad(), autocast():
        return latent.detach(), F.avg_pool2d(_decode_straight(vqgan, latent), 2).float()


def _decode_straight(vqgan: TinyVQGAN, latent: Tensor) -> Tensor:
    """Decode the nearest codes; the gradient passes straight through to the latent."""
    quantised = F.embedding(vqgan.nearest(latent), vqgan.codebook).movedim(-1, 1)
    return vqgan.decode(latent + (quantised - latent).detach())


def _shifted(images: Tensor, rng: np.random.Generator) -> Tensor:
    across, down = (int(value) for value in rng.integers(0, 9, 2))
    padded = F.pad(images, (4, 4, 4, 4), mode="replicate")
    return padded[..., down : down + images.shape[2], across : across + images.shape[3]]
